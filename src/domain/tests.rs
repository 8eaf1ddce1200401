use super::*;

fn domain(text: &str) -> Domain<'_> {
    Domain::parse(text).unwrap()
}
fn refused(text: &str) -> String {
    Domain::parse(text).unwrap_err().to_string()
}
fn merged(text: &str, child: &str, fragment: Node) -> String {
    let d = domain(text);
    let into = d.child(d.root(), child).unwrap_or(d.root());
    d.apply([Change::Merge { into, fragment: fragment.into() }].iter()).unwrap()
}
fn leaf(name: &str) -> Node {
    Node { name: name.to_owned().into(), ..Node::default() }
}
fn with(name: &str, attribute: &str, value: &str) -> Node {
    Node { attributes: vec![(attribute.to_owned().into(), value.to_owned().into())], ..leaf(name) }
}

#[test]
fn facts_are_read_whatever_the_writing() {
    let d = domain(
        "\u{feff}<?xml version='1.0' encoding=\"UTF-8\"?>\r\n<!-- a --><domain\n type = \"kvm\" >\r\n\
         <name>a&amp;b<!-- c --><![CDATA[<]]></name><memory unit='MiB'>\t512 </memory>\
         <os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type><cmdline> a </cmdline></os>\
         <features><acpi/></features><devices><disk type='file'><target dev='vda'/></disk></devices></domain>\n",
    );
    let f = d.facts();
    assert_eq!(f.name.as_deref(), Some("a&b<"));
    assert_eq!(f.memory, Some(512 << 20));
    assert_eq!(f.domain_type.as_deref(), Some("kvm"));
    assert_eq!(f.os.machine.as_deref(), Some("q35"));
    assert_eq!(f.os.cmdline.as_deref(), Some(" a "));
    assert!(f.features.acpi);
    assert!(f.devices[0].is_virtio());
    assert_eq!(d.apply([].iter()).unwrap(), d.text());
}

#[test]
fn foreign_elements_are_not_libvirts() {
    let d = domain(
        "<domain type='kvm' xmlns:q='urn:q'><q:os/><metadata><os xmlns='urn:x'><launchSecurity/></os>\
         <v:config xmlns:v='urn:virt-sev:config:1'>k</v:config></metadata><q:launchSecurity/></domain>",
    );
    assert!(d.facts().os.element.is_none());
    assert!(d.facts().launch_security.is_none());
    assert!(d.metadata_config().unwrap().starts_with("<v:config xmlns:v="));
}

#[test]
fn a_metadata_element_carries_its_declaration() {
    let d = domain(
        "<domain xmlns:v='urn:virt-sev:config:1'><metadata><v:config a='1'>k</v:config></metadata></domain>",
    );
    assert_eq!(
        d.metadata_config().unwrap(),
        "<v:config xmlns:v=\"urn:virt-sev:config:1\" a='1'>k</v:config>"
    );
}

#[test]
fn what_is_no_domain_is_refused() {
    assert!(refused("<domstatus><domain/></domstatus>").contains("--inactive"));
    assert!(refused("<domainsnapshot/>").contains("snapshot wraps"));
    assert!(refused("<domain xmlns='urn:x'/>").contains("xmlns"));
    assert!(refused("").contains("no element at all"));
    assert!(refused("<network/>").contains("<network>"));
}

#[test]
fn broken_xml_is_refused_with_its_place() {
    for (text, wanted) in [
        ("<domain><a></domain>", "line 1"),
        ("<domain>\n<a", "line 2"),
        ("<domain a='1' a='2'/>", "stands twice"),
        ("<domain a=1/>", "without quotes"),
        ("<domain a='1'b='2'/>", "not an attribute"),
        ("<domain a='<'/>", "'<'"),
        ("<domain/><domain/>", "second root"),
        ("<domain/>x", "outside the root"),
        ("<domain>&x;</domain>", "&x;"),
        ("<domain a='&x;'/>", "&x;"),
        ("<domain><p:a/></domain>", "prefix"),
        ("<domain>", "never closed"),
        ("</domain>", "line 1"),
        ("<domain>\u{1}</domain>", "U+0001"),
        ("<domain>]]></domain>", "]]>"),
        ("<1domain/>", "not an XML name"),
        ("<!DOCTYPE domain [<!ENTITY a 'b'>]><domain>&a;</domain>", "document type declaration"),
        ("<domain><os/><os/></domain>", "/domain/os[2] (line 1, column 14): an element that stands twice"),
        ("<domain>\n <memory unit='x'>1</memory></domain>", "/domain/memory (line 2, column 2): not a size"),
        ("<domain>\n <vcpu current='x'/></domain>", "/domain/vcpu/@current (line 2, column 8): not a number"),
        ("<domain><devices><disk><driver/><driver/></disk></devices></domain>", "driver[2]"),
    ] {
        let said = refused(text);
        assert!(said.contains(wanted), "{text}: {said}");
        assert_eq!(Domain::parse(text).unwrap_err().kind(), Kind::Domain);
    }
}

#[test]
fn every_limit_is_named() {
    let deep = format!("<domain>{}{}</domain>", "<a>".repeat(300), "</a>".repeat(300));
    assert!(refused(&deep).contains("at most 256 elements inside one another"));
    let many = format!("<domain>{}</domain>", "<a/>".repeat(limits::MAX_ELEMENTS));
    assert!(
        refused(&many).contains("line 1, column 800005:")
            && refused(&many).contains("at most 200000 elements")
    );
    let attributes: String = (0..300).map(|n| format!(" a{n}='1'")).collect();
    assert!(refused(&format!("<domain{attributes}/>")).contains("at most 256 attributes"));
    let declared: String = (0..150).map(|n| format!(" xmlns:p{n}='u'")).collect();
    let twice = format!("<domain{declared}><a{declared}/></domain>");
    assert!(refused(&twice).contains("at most 256 namespace declarations"));
    let names: String = (0..300).map(|n| format!("<a xmlns='u{n}'/>")).collect();
    assert!(refused(&format!("<domain>{names}</domain>")).contains("at most 256 namespaces"));
    let long = format!("<domain>{}</domain>", " ".repeat(limits::MAX_BYTES));
    assert!(refused(&long).contains("bytes"));
}

#[test]
fn new_elements_fit_in() {
    let features = |inner: &str| format!("<domain>\n    <features>{inner}</features>\n</domain>");
    let smm = Node::around("features", with("smm", "state", "off"));
    assert_eq!(
        merged(
            &features("\n        <acpi/> <!-- stays -->\n        <vmcoreinfo/>\n    "),
            "features",
            smm.clone()
        ),
        features("\n        <acpi/> <!-- stays -->\n        <smm state='off'/>\n        <vmcoreinfo/>\n    ")
    );
    assert_eq!(merged(&features("<acpi/>"), "features", smm.clone()), features("<acpi/><smm state='off'/>"));
    assert_eq!(
        merged("<domain>\r\n\t<features />\r\n</domain>", "features", smm.clone()),
        "<domain>\r\n\t<features>\r\n\t\t<smm state='off'/>\r\n\t</features>\r\n</domain>"
    );
    assert_eq!(merged("<domain><features/></domain>", "features", smm.clone()), {
        "<domain><features><smm state='off'/></features></domain>"
    });
    assert_eq!(
        merged(&features("\n        <!-- none -->\n    "), "features", smm.clone()),
        features("\n        <!-- none -->\n        <smm state='off'/>\n    ")
    );
    assert_eq!(
        merged(
            "<domain type=\"kvm\">\n  <name>a</name>\n  <cpu/>\n</domain>",
            "",
            Node::around("domain", smm)
        ),
        "<domain type=\"kvm\">\n  <name>a</name>\n  <features>\n    <smm state=\"off\"/>\n  </features>\n  <cpu/>\n</domain>"
    );
}

/// Numbers are counted among the brothers nearby, or in a table of all elements: it must make no difference.
#[test]
fn a_path_has_the_same_number_whoever_counted() {
    let text = format!("<domain><devices>{}<input/></devices></domain>", "<disk/><rng/>".repeat(100));
    let numbered = |n: usize| match n {
        200 => "input".to_owned(),
        n => format!("{}[{}]", if n.is_multiple_of(2) { "disk" } else { "rng" }, n / 2 + 1),
    };
    let paths = |d: &Domain<'_>| -> Vec<String> {
        d.children(d.child(d.root(), "devices").unwrap()).map(|c| d.path(c)).collect()
    };
    let wanted: Vec<String> = (0..=200).map(|n| format!("/domain/devices/{}", numbered(n))).collect();
    let asked = domain(&text);
    assert_eq!(paths(&asked), wanted);
    assert!(asked.numbers.get().is_some());
    assert_eq!(paths(&asked), wanted);
    let once = domain(&text);
    let first = once.child(once.child(once.root(), "devices").unwrap(), "disk").unwrap();
    assert_eq!(once.path(first), wanted[0]);
    assert!(once.numbers.get().is_none(), "the first disk's number is found beside it");
}

fn with_drivers(d: &Domain<'_>) -> String {
    let devices = d.child(d.root(), "devices").unwrap();
    let fragment = || with("driver", "iommu", "on").into();
    let changes: Vec<_> =
        d.children(devices).map(|parent| Change::Unite { parent, fragment: fragment() }).collect();
    d.apply(changes.iter()).unwrap()
}

/// 4 MB of blanks before the first element were written again with every new one: 4 GB came out.
#[test]
fn a_long_indentation_is_not_copied() {
    let rng = "\n <rng/>".repeat(50);
    for (outer, inner) in [(100_000, 0), (0, 100_000), (100_000, 100_000)] {
        let [outer, inner] = [outer, inner].map(|n| " ".repeat(n));
        let text = format!("<domain>\n{outer}<devices>\n{inner}<rng/>{rng}</devices></domain>");
        let out = with_drivers(&domain(&text));
        assert!(out.len() < text.len() + 51 * 400, "{} bytes of {}", out.len(), text.len());
    }
}

/// For every edited device all children of `<domain>` were looked through, and all white space before the first of them.
#[test]
fn what_stands_before_the_devices_costs_once() {
    let text = format!(
        "<domain>{}<devices>{}</devices></domain>",
        "<seclabel/>".repeat(70_000),
        "\n<b/>".repeat(70_000)
    );
    let begin = std::time::Instant::now();
    assert!(with_drivers(&domain(&text)).contains("\n<b>\n  <driver iommu='on'/>\n</b>"));
    assert!(begin.elapsed().as_secs() < 30, "{:?}", begin.elapsed());
}

#[test]
fn attributes_and_text_are_set_in_place() {
    let text = "<domain>\n  <smm  state = \"on\"\tx='1' ><tseg/></smm>\n</domain>";
    assert_eq!(
        merged(text, "smm", with("smm", "state", "off")),
        "<domain>\n  <smm  state = \"off\"\tx='1' ><tseg/></smm>\n</domain>"
    );
    let d = domain(text);
    let smm = d.child(d.root(), "smm").unwrap();
    let tseg = d.child(smm, "tseg").unwrap();
    let changes = [Change::RemoveAttribute { element: smm, name: "x" }, Change::Remove { element: tseg }];
    assert_eq!(d.apply(changes.iter()).unwrap(), "<domain>\n  <smm  state = \"on\" ></smm>\n</domain>");
    assert_eq!(d.places(&changes[0]), ["/domain/smm/@x"]);
    assert_eq!(d.places(&changes[1]), ["/domain/smm/tseg"]);
    let policy = Node { text: Some("<&'\"é".into()), ..leaf("policy") };
    assert_eq!(
        merged("<domain><policy>1<!-- --></policy></domain>", "policy", policy.clone()),
        "<domain><policy>&lt;&amp;&apos;&quot;&#xe9;</policy></domain>"
    );
    assert_eq!(
        merged("<domain><policy a='1' /></domain>", "policy", policy),
        "<domain><policy a='1'>&lt;&amp;&apos;&quot;&#xe9;</policy></domain>"
    );
}

#[test]
fn odd_but_right_xml_is_read() {
    for text in [
        "<domain type='a>b'><x v=\"'>'\"/></domain >",
        "<domain><!-- <os> --><?pi <os> ?><![CDATA[]]></domain>",
        "<?xml version='1.0'?>\r<domain\r/>\r",
        "<domain xml:space='preserve'><a xmlns=''/></domain>",
        "\u{feff}<domain>\u{10ffff}&#x10ffff;</domain>\n<!-- end -->\n",
    ] {
        let d = domain(text);
        assert_eq!(d.apply([].iter()).unwrap(), text);
        assert!(d.facts().os.element.is_none());
    }
}

/// libvirt 11.3 read each of these as its own; here they were none.
#[test]
fn what_libvirt_takes_for_its_own_is_refused() {
    for (inner, wanted) in [
        ("<features><x:smm state='on'/></features>", "<x:smm>"),
        ("<devices><rng><driver x:iommu='off' iommu='on'/></rng></devices>", "x:iommu"),
        ("<devices><disk><driver xmlns='u' iommu='off'/></disk></devices>", "<driver>"),
        ("<pm xmlns='http://www.w3.org/XML/1998/namespace'/>", "keeps for itself"),
        ("<pm xmlns='http://www.w3.org/2000/xmlns/'/>", "keeps for itself"),
        ("<pm xmlns:xml='u'/>", "xmlns:xml"),
        ("<pm xmlns:xmlns='u'/>", "xmlns:xmlns"),
    ] {
        let said = refused(&format!("<domain xmlns:x='u'>{inner}</domain>"));
        assert!(said.contains(wanted), "{inner}: {said}");
    }
    for inner in [
        "<metadata><x:smm x:a='1'><y xmlns=''><x:z/></y></x:smm></metadata>",
        "<x:commandline a='1'><x:arg x:b='2'/><y/></x:commandline>",
        "<pm xml:lang='en' xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
    ] {
        let text = format!("<domain xmlns:x='u'>{inner}</domain>");
        assert!(Domain::parse(&text).is_ok(), "{inner}");
    }
}

#[test]
fn a_comment_stays_with_what_it_speaks_of() {
    let fragment = || Node::around("domain", Node::around("memoryBacking", leaf("locked")));
    assert_eq!(
        merged(
            "<domain>\n  <memory>1</memory> <!-- of memory -->\n  <!-- of vcpu -->\n  <vcpu>1</vcpu>\n</domain>",
            "",
            fragment()
        ),
        "<domain>\n  <memory>1</memory> <!-- of memory -->\n  <memoryBacking>\n    <locked/>\n  </memoryBacking>\n  <!-- of vcpu -->\n  <vcpu>1</vcpu>\n</domain>"
    );
    // The first child comes before the comment of the one that was first.
    assert_eq!(
        merged("<domain>\n  <!-- of vcpu -->\n  <vcpu>1</vcpu>\n</domain>", "", fragment()),
        "<domain>\n  <memoryBacking>\n    <locked/>\n  </memoryBacking>\n  <!-- of vcpu -->\n  <vcpu>1</vcpu>\n</domain>"
    );
}

#[test]
fn a_change_that_changes_nothing_has_no_place() {
    let d = domain("<domain><smm state='off'/></domain>");
    let change = Change::Merge {
        into: d.root(),
        fragment: Node::around("domain", with("smm", "state", "off")).into(),
    };
    assert!(d.places(&change).is_empty());
    assert!(d.splices([change].iter()).unwrap().is_empty());
}

#[test]
fn an_element_goes_with_its_line() {
    let d = domain("<domain>\n  <a/>\n  <b/><c/>\n</domain>");
    let gone = |name| [Change::Remove { element: d.child(d.root(), name).unwrap() }];
    assert_eq!(d.apply(gone("a").iter()).unwrap(), "<domain>\n  <b/><c/>\n</domain>");
    assert_eq!(d.apply(gone("c").iter()).unwrap(), "<domain>\n  <a/>\n  <b/>\n</domain>");
}

/// libvirt would have read other characters than virt-sev did, or refused what was taken here.
#[test]
fn an_xml_declaration_stands_first_and_names_no_other_encoding() {
    let body = "<domain><name>\u{e9}</name></domain>";
    for good in ["", "<?xml version='1.0'?>", "<?xml version='1.0' encoding='utf-8'?>\n"] {
        Domain::parse(format!("{good}{body}")).unwrap();
        Domain::parse(format!("\u{feff}{good}{body}")).unwrap();
    }
    for bad in [
        "<?xml version='1.0' encoding='ISO-8859-1'?>",
        "<?xml version='1.0' encoding='UTF-16'?>",
        "\n<?xml version='1.0'?>",
        "<?xml version='1.0'?><?xml version='1.0'?>",
        "<?XML version='1.0'?>",
    ] {
        let e = Domain::parse(format!("{bad}{body}")).unwrap_err();
        assert_eq!(e.kind(), Kind::Domain, "{bad}");
    }
    Domain::parse("<domain><?xml version='1.0'?><name>g</name></domain>").unwrap_err();
}

#[test]
fn what_libxml2_wants_side_by_side_stays_so() {
    let reboot = || Node::around("domain", leaf("on_reboot"));
    assert_eq!(
        merged(
            "<domain><devices/><on_crash>a</on_crash><on_poweroff>b</on_poweroff><cpu/></domain>",
            "",
            reboot()
        ),
        "<domain><devices/><on_crash>a</on_crash><on_poweroff>b</on_poweroff><on_reboot/><cpu/></domain>"
    );
    assert_eq!(
        merged("<domain><devices/><on_crash>a</on_crash><cpu/></domain>", "", reboot()),
        "<domain><devices/><on_reboot/><on_crash>a</on_crash><cpu/></domain>"
    );
    assert_eq!(
        merged("<domain><on_crash>a</on_crash><cpu/></domain>", "", reboot()),
        "<domain><on_reboot/><on_crash>a</on_crash><cpu/></domain>"
    );
    assert_eq!(
        merged("<domain><cpu/><devices/></domain>", "", reboot()),
        "<domain><cpu/><on_reboot/><devices/></domain>"
    );
}
