//! Templates and requests that are right, wrong, and hostile.

use super::*;
use crate::codes::Kind;
use crate::domain::Node;

fn request() -> Request {
    Request::new("g", 1 << 30, 2)
}

fn template(text: &str) -> Result<Template, crate::Error> {
    Template::parse("own", "/t/own.xml", text)
}

const LEAST: &str = "<domain type='kvm'><name>{name:text}</name><memory unit='KiB'>{memory_kib:uint}</memory>\
                     <os><type>hvm</type></os></domain>";

fn with(inside: &str) -> String {
    LEAST.replace("</domain>", &format!("{inside}</domain>"))
}

#[test]
fn a_template_of_a_user_keeps_namespaces_and_what_nobody_asked_about() {
    let text = with(
        "<metadata><v:config xmlns:v='urn:virt-sev:config:1'><v:key name='security.sev'>true</v:key></v:config>\
         </metadata><devices><emulator>/usr/bin/q</emulator></devices>\
         <q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:arg value='-x'/></q:commandline>",
    );
    let domain = template(&text).unwrap().generate(&request(), None).unwrap();
    assert!(domain.metadata_config().is_some_and(|c| c.contains("security.sev")));
    assert!(domain.text().contains("<q:arg value='-x'/>"), "{}", domain.text());
    assert!(!domain.text().contains("uuid") && !domain.text().contains("<mac"));
}

#[test]
fn an_error_in_a_template_names_the_file_the_place_and_the_slot_and_all_are_told() {
    let text = with(
        "<title>{titel:text}</title><vcpu>{vcpus:word}</vcpu><description>a {name:text}</description>\
         <devices><disk each='dusk'/><emulator>{target:word}</emulator>\
         <disk each='disk'><source file='{file:path}'/></disk></devices><cpu mode='{cpu_mode:word}'/>",
    );
    let e = template(&text).unwrap_err();
    assert_eq!(e.kind(), Kind::File);
    let told: Vec<_> = e.problems().map(|p| p.alone().to_string()).collect();
    let starts = [
        "/t/own.xml, /domain/title: no such slot here: found {titel:text}, wanted {name:text}, {uuid?:text}",
        "/t/own.xml, /domain/vcpu: the slot is of another type: found {vcpus:word}, wanted {vcpus:uint}",
        "/t/own.xml, /domain/description: a slot is not the whole value: found \"a {name:text}\"",
        "/t/own.xml, /domain/devices/disk/@each: no such group: found dusk, wanted disk, seed",
        "/t/own.xml, /domain/devices/emulator: no such slot here: found {target:word}, wanted it inside an element with each='disk'",
        "/t/own.xml, /domain/devices/disk/source/@file: the slot may be empty: found {file:path}, wanted {file?:path}",
        "/t/own.xml, /domain/cpu: one of the slots of a processor goes with the other",
    ];
    assert_eq!(told.len(), starts.len(), "{told:#?}");
    for (said, start) in told.iter().zip(starts) {
        assert!(said.starts_with(start), "{said}\n{start}");
    }
    let e = template("<domain>\n<a></domain>").unwrap_err();
    assert!(e.to_string().starts_with("/t/own.xml, line 2"), "{e}");
    assert_eq!(template("<network/>").unwrap_err().kind(), Kind::File);
    assert!(template("<!DOCTYPE domain [<!ENTITY x SYSTEM '/etc/passwd'>]><domain>&x;</domain>").is_err());
    assert!(template(&LEAST.replace("<domain ", "<domain each='disk' ")).is_err());
    let twice = with("<os/>");
    let e = template(&twice).unwrap().generate(&request(), None).unwrap_err();
    assert_eq!((e.kind(), e.place()), (Kind::File, Some("/t/own.xml")));
}

/// Text beside elements got lost, and two disks in sixty nested groups had no end.
#[test]
fn a_template_loses_no_text_and_has_an_end() {
    for inside in [
        "<description>all {name:text}<b/></description>",
        "<description><b/> all</description>",
        "<description><b/><![CDATA[all]]><b/></description>",
    ] {
        let e = template(&with(inside)).unwrap_err();
        assert!(e.to_string().contains("text beside elements"), "{e}");
    }
    template(&with("<devices><!-- all --> <a/> <?all?> <b/>\n</devices>")).unwrap();
    let nested = "<disk each='disk'>".repeat(60) + &"</disk>".repeat(60);
    let e = template(&with(&format!("<devices>{nested}</devices>"))).unwrap_err();
    assert!(e.problems().any(|p| p.alone().to_string().contains("a group inside itself")), "{e}");
    let e = template(&with("<title>{uuid??:text}</title>")).unwrap_err();
    assert!(e.to_string().contains("no such slot here"), "{e}");
}

#[test]
fn the_title_is_the_first_line_of_the_first_comment() {
    let titled = |head: &str| template(&format!("{head}{LEAST}")).unwrap().title().to_owned();
    assert_eq!(titled("<!--\n  One.\n  Two. -->"), "One.");
    assert_eq!(titled("<?xml version='1.0'?>\n<!-- One\u{85}. -->"), "One.");
    assert_eq!(titled(""), "");
}

#[test]
fn an_option_that_a_template_has_no_place_for_or_cannot_do_without_is_told() {
    let plain = template(LEAST).unwrap();
    assert_eq!(plain.takes().count() + plain.needs().count(), 0);
    let asked = Request {
        uuid: Some("00000000-0000-0000-0000-000000000001".into()),
        tpm: true,
        hugepages: Some(Hugepages(Some(2 << 20))),
        disks: vec![Disk::parse("/a.raw").unwrap()],
        ..request()
    };
    let e = plain.generate(&asked, None).unwrap_err();
    let told: Vec<_> = e.problems().map(|p| p.alone().to_string()).collect();
    for option in ["--uuid", "--tpm", "--hugepages", "--hugepages=SIZE", "--disk"] {
        assert!(told.iter().any(|t| t.contains(&format!("found {option}\n"))), "{option}: {told:?}");
    }
    assert_eq!((e.kind(), told.len()), (Kind::Usage, 5));
    let wants = template(
        &with("<devices><disk each='disk+'/></devices>")
            .replace("</os>", "<kernel>{kernel:path}</kernel></os>"),
    );
    let wants = wants.unwrap();
    assert_eq!(wants.needs().collect::<Vec<_>>(), ["--disk", "--kernel"]);
    let e = wants.generate(&request(), None).unwrap_err().to_string();
    assert!(e.contains("needs an option: wanted --disk") && e.contains("wanted --kernel"), "{e}");
}

/// Values are text, whatever stands in them: no element, no attribute, no slot and no comment comes of one.
#[test]
fn no_value_becomes_markup() {
    let hostile = [
        "</name><devices/>",
        "'/><x y='",
        "\"&amp;&#x0;<!--",
        "]]>{name:text}",
        "{uuid:text}",
        "<![CDATA[",
        "é\u{1f600}%s$(x)`",
    ];
    for template in Template::built_in().unwrap() {
        for text in hostile {
            let path = format!("/{text}x").replace(['\n'], "");
            let asked = Request {
                name: text.replace('/', ""),
                kernel: template.takes().any(|o| o == "--kernel").then(|| Kernel {
                    kernel: path.clone(),
                    initrd: Some(path.clone()),
                    cmdline: Some(format!(" {text} ")),
                }),
                disks: vec![Disk { path: path.clone(), format: Format::Raw, creation: None }],
                seed: template
                    .takes()
                    .any(|o| o == "--cloud-init")
                    .then(|| Seed { path: format!("{path}y"), sources: None }),
                networks: vec![Network { kind: "network", name: text.into(), mac: None }],
                ..request()
            };
            let domain = template.generate(&asked, None).unwrap();
            let tame = Request {
                name: "n".into(),
                kernel: asked.kernel.as_ref().map(|_| Kernel {
                    kernel: "/k".into(),
                    initrd: Some("/i".into()),
                    cmdline: Some("c".into()),
                }),
                ..asked.clone()
            };
            let of = |r: &Request| shape(&Node::parse(template.generate(r, None).unwrap().text()).unwrap());
            assert_eq!(of(&asked), of(&tame));
            let name = domain.child(domain.root(), "name").unwrap();
            assert_eq!(domain.element_text(name), asked.name);
            if let Some(kernel) = &asked.kernel {
                assert_eq!(domain.facts().os.kernel.as_deref(), Some(kernel.kernel.as_str()));
                let os = domain.child(domain.root(), "os").unwrap();
                let cmdline = domain.element_text(domain.child(os, "cmdline").unwrap());
                assert_eq!(Some(cmdline), kernel.cmdline);
            }
        }
    }
}

/// Names of elements and attributes, without any value.
fn shape(node: &Node) -> String {
    let attributes: Vec<_> = node.attributes.iter().map(|(n, _)| &**n).collect();
    let children: Vec<_> = node.children.iter().map(shape).collect();
    format!("{}[{}]({})", node.name, attributes.join(" "), children.join(" "))
}

#[test]
fn hostile_names_paths_and_networks_are_refused() {
    for name in ["", " ", "a/b", "a\nb", "a\u{0}b", "\u{1b}[31m", "a\u{fffe}"] {
        let e = Template::built_in().unwrap()[0].generate(&Request::new(name, 1 << 30, 1), None);
        assert_eq!(e.unwrap_err().kind(), Kind::Usage, "{name:?}");
    }
    for disk in [
        "a.raw",
        "../a.raw",
        "/a",
        "/a.img",
        "/a.raw,0",
        "/a.raw,10",
        "/a.raw,-1",
        "/a.raw,1GiB,size=2GiB",
        "/a\u{1}.raw",
        "/a.raw,backing=/b.raw",
        "/a.qcow2,backing=b.raw",
        "/a.qcow2,backing=/b",
        "/a.qcow2,backing-format=raw",
        "/dev/sda,1GiB",
        "/a.raw,format=vmdk",
        "/a.raw,fromat=raw",
        "",
    ] {
        assert_eq!(Disk::parse(disk).unwrap_err().kind(), Kind::Usage, "{disk:?}");
    }
    for network in [
        "",
        "network=",
        "bridge=",
        "bridge=a b",
        "bridge=<",
        "a/b",
        "tap=x",
        "user,mac=1",
        "default,mac=01:00:00:00:00:00",
        "default,mac=52:54:00:00:00:0g",
        "default,mac=é2:54:00:00:00:00",
        "n,x=1",
    ] {
        assert_eq!(Network::parse(network).unwrap_err().kind(), Kind::Usage, "{network:?}");
    }
    for seed in ["", "s.iso", "/s.iso,meta-data=m", "/s.iso,userdata=u", "/dev/sda,user-data=u"] {
        assert_eq!(Seed::parse(seed).unwrap_err().kind(), Kind::Usage, "{seed:?}");
    }
    for cpu in ["", "EPYC Milan", "<x>", "é"] {
        assert!(Cpu::parse(cpu).is_err(), "{cpu:?}");
    }
    let twice = ["/b/a.raw", "/b/.//a.raw,format=raw"].map(|d| Disk::parse(d).unwrap()).to_vec();
    assert_eq!(Request { disks: twice, ..request() }.check().len(), 1);
}

/// `--disk PATH,10` was a disk of ten bytes.
#[test]
fn a_size_has_its_unit() {
    let said = |e: crate::error::Error| e.to_string();
    assert_eq!(
        said(Disk::parse("/a.raw,10").unwrap_err()),
        "--disk /a.raw,10: a size without its unit: found \"10\", wanted a unit behind it, such as 10MiB or 10GiB"
    );
    assert_eq!(Disk::parse("/a.raw,10B").unwrap().creation.unwrap().size, Some(10));
    for option in ["--memory", "--hugepages"] {
        assert!(said(super::parse_size(option, " 512 ").unwrap_err()).contains("such as 512MiB"));
        assert_eq!(super::parse_size(option, "512 MiB").unwrap(), 512 << 20);
    }
}

#[test]
fn what_a_disk_says_is_read() {
    let disk = Disk::parse("/a,,b.qcow2,10GiB,backing=/base.img,backing-format=raw").unwrap();
    let creation = Creation { size: Some(10 << 30), backing: Some(("/base.img".into(), Format::Raw)) };
    assert_eq!(disk, Disk { path: "/a,b.qcow2".into(), format: Format::Qcow2, creation: Some(creation) });
    assert_eq!(Disk::parse("/dev/vg/lv").unwrap().format, Format::Raw);
    assert!(Disk::parse("/dev/vg/lv").unwrap().is_device());
    let network = Network::parse("network=user,mac=52:54:00:AB:cd:ef").unwrap();
    assert_eq!((network.kind, network.name.as_str()), ("network", "user"));
}
