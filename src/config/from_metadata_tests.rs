//! Keys in metadata.

use super::*;

const ELEMENT: &str = "<virtsev:config xmlns:virtsev=\"urn:virt-sev:config:1\">\n  \
    <virtsev:key name=\"security.sev\">true</virtsev:key><!-- c -->\n  \
    <virtsev:key name='security.sev.firmware'><![CDATA[/a]]>&amp;b&#x2e;fd</virtsev:key>\n  \
    <virtsev:key name='security.sev.snp'/>\n</virtsev:config>";

fn check(raw: &RawConfig) {
    assert_eq!(raw.get("security.sev").unwrap().value, "true");
    assert_eq!(raw.get("security.sev").unwrap().place, "metadata");
    assert_eq!(raw.get("security.sev.firmware").unwrap().value, "/a&b.fd");
    assert!(raw.get("security.sev.snp").is_none());
    assert_eq!(raw.entries().count(), 3);
}

#[test]
fn the_element_and_a_whole_domain() {
    check(&from_metadata(ELEMENT, "metadata").unwrap());
    let domain = format!(
        "<?xml version='1.0'?>\n<domain type='kvm'><config>x</config><metadata><o:x xmlns:o='urn:o'><o:key/></o:x>\
         {ELEMENT}</metadata></domain>"
    );
    check(&from_metadata(&domain, "metadata").unwrap());
}

#[test]
fn another_prefix_and_what_virsh_prints() {
    let raw = from_metadata(
        "<config xmlns='urn:virt-sev:config:1'><key name='security.sev'>1</key></config>",
        "metadata",
    );
    assert_eq!(raw.unwrap().get("security.sev").unwrap().value, "1");
    let raw = from_metadata("<config>\n  <key name=\"security.sev\">true</key>\n</config>\n", "metadata");
    assert_eq!(raw.unwrap().get("security.sev").unwrap().value, "true");
}

#[test]
fn a_domain_without_the_element_has_no_keys() {
    for xml in ["", "<domain/>", "<domain><metadata><a:config xmlns:a='urn:a'/></metadata></domain>"] {
        assert!(from_metadata(xml, "metadata").unwrap().is_empty(), "{xml}");
    }
}

#[test]
fn wrong_metadata_is_told() {
    let inside = |body: &str| format!("<c:config xmlns:c='{NAMESPACE}'>{body}</c:config>");
    for (xml, wanted) in [
        (inside("<c:key>true</c:key>"), "a key without a name"),
        (inside("<c:kay name='security.sev'>1</c:kay>"), "not known"),
        (inside("<key name='security.sev'>1</key>"), "not known"),
        (inside("<c:key name='a'>1</c:key><c:key name='a'>1</c:key>"), "twice"),
        (inside("<c:key name='a'><b/></c:key>"), "an element inside a key"),
        (inside("<c:key name='a'>&unknown;</c:key>"), "entity"),
        (inside(&(0..300).map(|n| format!("<c:key name='k{n}'/>")).collect::<String>()), "too many keys"),
        (format!("<d>{0}{0}</d>", inside("")), "twice"),
        ("<a><b></a>".into(), "not XML"),
        ("<a>".into(), "XML"),
    ] {
        let e = from_metadata(&xml, "metadata").unwrap_err().to_string();
        assert!(e.contains(wanted), "{xml}: {e}");
    }
}
