//! Profiles, as LXD merges them.

use crate::config::import::{Format, assemble, read};
use crate::config::{RawConfig, from_text};
use crate::finding::Severity;
use crate::{Error, Result};

/// Several sources, one after the other.
fn all(texts: &[&str]) -> Result<RawConfig> {
    let mut parts = Vec::new();
    for (n, text) in texts.iter().enumerate() {
        parts.extend(read(text, &format!("f{n}"), Format::Auto)?);
    }
    assemble(parts)
}

fn shown(raw: &RawConfig) -> String {
    raw.entries().map(|e| format!("{}={};", e.key.replace("security.sev", "s"), e.value)).collect()
}

fn said(e: Error) -> String {
    e.to_string()
}

const INSTANCE: &str =
    "architecture: x86_64\nconfig:\n  security.sev.policy.noks: \"true\"\nprofiles:\n- default\n- sev\n";
const DEFAULT: &str =
    "name: default\nconfig:\n  security.sev: \"false\"\n  limits.cpu: \"2\"\ndescription: x\nused_by: []\n";
const SEV: &str =
    "name: sev\nconfig:\n  security.sev: \"true\"\n  security.sev.policy.noks: \"false\"\nused_by: []\n";

#[test]
fn in_the_order_of_the_instance_wherever_they_stand() {
    let wanted = "s=true;s.policy.noks=true;";
    for texts in [&[INSTANCE, DEFAULT, SEV], &[SEV, DEFAULT, INSTANCE], &[SEV, INSTANCE, DEFAULT]] {
        let raw = all(texts).unwrap();
        assert_eq!(shown(&raw), wanted);
        assert!(raw.notes().is_empty(), "{:?}", raw.notes());
    }
    let stream = format!("{INSTANCE}---\n{SEV}---\n{DEFAULT}");
    assert_eq!(shown(&all(&[&stream]).unwrap()), wanted);
    let other_order = INSTANCE.replace("- default\n- sev\n", "- sev\n- default\n");
    assert_eq!(shown(&all(&[&other_order, DEFAULT, SEV]).unwrap()), "s=false;s.policy.noks=true;");
}

#[test]
fn an_empty_value_of_the_instance_unsets_the_profiles() {
    let instance = "config:\n  security.sev: \"\"\nprofiles: [sev]\n";
    assert!(all(&[instance, SEV]).unwrap().get("security.sev").is_none());
}

#[test]
fn a_later_source_stands_above_the_whole_instance() {
    let flat = "security.sev.policy.noks: no\n";
    assert_eq!(shown(&all(&[INSTANCE, DEFAULT, SEV, flat]).unwrap()), "s=true;s.policy.noks=no;");
    // An instance that comes later stands above what came before, with its profiles.
    assert_eq!(shown(&all(&[flat, INSTANCE, DEFAULT, SEV]).unwrap()), "s.policy.noks=true;s=true;");
}

#[test]
fn a_list_of_all_profiles_is_there_to_be_chosen_from() {
    let list = r#"{"type":"sync","metadata":[
        {"name":"default","config":{},"devices":{},"used_by":[]},
        {"name":"sev","config":{"security.sev":"true"},"used_by":[]},
        {"name":"other","config":{"security.sev.snp":"true"},"used_by":[]}]}"#;
    let raw = all(&[INSTANCE, list]).unwrap();
    assert_eq!(shown(&raw), "s=true;s.policy.noks=true;");
    assert!(raw.notes().is_empty(), "{:?}", raw.notes());
    let e = said(all(&[list]).unwrap_err());
    assert!(e.contains("profiles, and no instance") && e.contains("found 3 profiles"), "{e}");
    let one = r#"[{"name":"sev","config":{"security.sev":"true"},"used_by":[]}]"#;
    assert_eq!(shown(&all(&[one]).unwrap()), "s=true;");
}

#[test]
fn a_profile_without_an_instance_is_a_source_like_any_other() {
    assert_eq!(shown(&all(&[DEFAULT, SEV]).unwrap()), "s=true;s.policy.noks=false;");
}

#[test]
fn a_profile_that_no_instance_names_is_told() {
    let raw = all(&["config: {}\nprofiles: [default]\n", DEFAULT, SEV]).unwrap();
    assert_eq!(shown(&raw), "s=false;");
    let [note] = raw.notes() else { panic!("{:?}", raw.notes()) };
    assert_eq!((note.severity, note.path.as_str()), (Severity::Warning, "f2:1"));
    assert!(note.title.contains("no instance names the profile 'sev'"), "{}", note.title);
}

#[test]
fn a_missing_profile_is_a_warning_where_nothing_asks_for_sev_and_else_a_note() {
    let severity = |config: &str| {
        let raw = from_text(&format!("config: {config}\nprofiles: [a, b]\n"), "f").unwrap();
        let [note] = raw.notes() else { panic!("{:?}", raw.notes()) };
        assert!(note.title.contains("('a', 'b')"), "{}", note.title);
        note.severity
    };
    assert_eq!(severity("{}"), Severity::Warning);
    assert_eq!(severity("{security.sev: 'false'}"), Severity::Warning);
    assert_eq!(severity("{security.sev: 'true'}"), Severity::Info);
    assert_eq!(severity("{security.sev.snp: 'yes'}"), Severity::Info);
}

#[test]
fn an_expanded_instance_needs_no_profile() {
    let text = "config: {}\nexpanded_config:\n  security.sev: \"true\"\nprofiles: [a]\n";
    let raw = from_text(text, "f").unwrap();
    assert_eq!((shown(&raw), raw.notes().len()), ("s=true;".into(), 0));
}

#[test]
fn what_cannot_be_decided_is_refused() {
    let other = SEV.replace("true", "false");
    let e = said(all(&[INSTANCE, SEV, &other]).unwrap_err());
    assert!(e.starts_with("f2:1: the profile 'sev' is given twice"), "{e}");
    assert!(all(&[INSTANCE, DEFAULT, SEV, SEV]).is_ok(), "the same twice is the same");
    let e = said(all(&[&format!("{INSTANCE}---\n{INSTANCE}")]).unwrap_err());
    assert!(e.starts_with("f0:8: more than one instance"), "{e}");
    for (text, wanted) in [
        ("[\"/1.0/profiles/default\"]", "not a map of keys"),
        ("[{\"status\": \"Running\"}]", "not an instance or a profile"),
        ("config: {}\nprofiles: [[a]]\n", "a profile's name is not one value"),
    ] {
        let e = said(from_text(text, "f").unwrap_err());
        assert!(e.contains(wanted), "{e}");
    }
    let many: String = (0..300).map(|n| format!("- p{n}\n")).collect();
    let e = said(from_text(&format!("config: {{}}\nprofiles:\n{many}"), "f").unwrap_err());
    assert!(e.contains("too many profiles"), "{e}");
}
