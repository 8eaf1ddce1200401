//! The shapes of documents.

use crate::config::{RawConfig, from_document};

fn value(raw: &RawConfig, key: &str) -> String {
    raw.get(key).map(|e| e.value.clone()).unwrap_or_default()
}

#[test]
fn a_flat_map_with_keys_of_others() {
    let raw = from_document(
        "security.secureboot: false\nsecurity.sev: true\nlimits.memory: 2GiB\nsecurity.sev.policy: 0x5\n",
        "guest.yaml",
    )
    .unwrap();
    assert_eq!(raw.entries().count(), 2);
    assert_eq!(value(&raw, "security.sev.policy"), "0x5");
    assert_eq!(raw.get("security.sev").unwrap().place, "guest.yaml:2");
}

#[test]
fn an_expanded_document_of_lxd() {
    let text = "config:\n  security.sev: \"true\"\nexpanded_config:\n  security.sev: \"true\"\n  \
                security.sev.policy.es: \"true\"\nname: vm\n";
    let raw = from_document(text, "f").unwrap();
    assert_eq!(value(&raw, "security.sev.policy.es"), "true");
    assert_eq!(value(&raw, "security.sev"), "true");
}

#[test]
fn an_edited_config_beside_a_stale_expanded_config_is_told() {
    let text = "config:\n  security.sev: \"true\"\nexpanded_config:\n  limits.cpu: \"2\"\n";
    let e = from_document(text, "f").unwrap_err().to_string();
    assert!(e.starts_with("security.sev (f:2): config and expanded_config differ"), "{e}");
}

#[test]
fn a_key_beside_config_is_told() {
    let e = from_document("config: {}\nsecurity.sev: true\n", "f").unwrap_err().to_string();
    assert!(e.contains("security.sev (f:2)") && e.contains("beside config"), "{e}");
}

#[test]
fn the_answer_of_the_rest_api() {
    let text =
        "{\"type\":\"sync\",\"status\":\"Success\",\"metadata\":{\"config\":{\"security.sev\":\"true\"}}}";
    assert_eq!(value(&from_document(text, "f").unwrap(), "security.sev"), "true");
}

#[test]
fn nothing_means_no_keys() {
    for text in ["", "# x\n", "---\n", "~\n", "{}", "config:\n", "config: {}\n", "a: b\n", "config: x\n"] {
        assert!(from_document(text, "f").unwrap().is_empty(), "{text:?}");
    }
}

#[test]
fn wrong_forms_are_told_with_their_line() {
    for (text, wanted) in [
        ("- security.sev\n", "f:1: not a map of keys: found a list"),
        ("security.sev=true\n", "f:1: not a map of keys"),
        ("config: []\n", "f:1: config is a list"),
        ("config: {}\nconfig: {}\n", "f:2: config stands twice"),
        ("a: 1\nsecurity.sev: true\nsecurity.sev: true\n", "security.sev (f:3): the key stands twice"),
        ("security.sev: [true]\n", "security.sev (f:1): not one value: found a list"),
        ("security.sev:\n  policy: 5\n", "security.sev (f:1): not one value: found a map"),
        ("security:\n  sev: true\n", "f:2: keys are not nested"),
        ("security.sev: !vault x\n", "security.sev (f:1): a tag"),
        ("b: &b {security.sev: true}\n<<: *b\n", "f:2: a merge key"),
    ] {
        let e = from_document(text, "f").unwrap_err().to_string();
        assert!(e.starts_with(wanted), "{text:?}: {e}");
    }
}

#[test]
fn a_hostile_number_of_keys_is_told_once() {
    let text: String = (0..5000).map(|n| format!("security.sev.k{n}: v\n")).collect();
    let e = from_document(&text, "f").unwrap_err();
    assert_eq!(e.problems().count(), 1);
    assert!(e.to_string().starts_with("f:257: too many keys"), "{e}");
}

#[test]
fn a_null_unsets() {
    let raw = from_document("security.sev: ~\nsecurity.sev.snp:\n", "f").unwrap();
    assert_eq!(raw.entries().count(), 2);
    assert!(raw.get("security.sev").is_none());
}

#[test]
fn core_tags_leave_the_text() {
    let raw = from_document("security.sev: !!bool true\nsecurity.sev.snp: ! 'no'\n", "f").unwrap();
    assert_eq!(value(&raw, "security.sev"), "true");
    assert_eq!(value(&raw, "security.sev.snp"), "no");
}

/// Both were exit 0 and silent, and the guest started without SEV.
#[test]
fn a_slip_in_a_flat_map_and_a_document_of_another_form_are_told() {
    let told = |text: &str| -> Vec<String> {
        let raw = from_document(text, "f").unwrap();
        raw.notes()
            .iter()
            .map(|n| format!("{} {}: {} {}", n.severity.as_str(), n.path, n.title, n.fix))
            .collect()
    };
    let slips = told("secuirty.sev: true\nlimits.cpu: 2\nsecurity.se.policy.es: true\n");
    assert_eq!(slips.len(), 2, "{slips:?}");
    assert!(slips[0].starts_with("warning f:1: 'secuirty.sev' is no key"), "{slips:?}");
    assert!(
        slips[1].contains("f:3") && slips[1].contains("Did you mean security.sev.policy.es?"),
        "{slips:?}"
    );
    let other = told("apiVersion: v1\nkind: Pod\n");
    assert!(other.len() == 1 && other[0].starts_with("warning f:1: no key begins with"), "{other:?}");
    for right in [
        "",
        "{}",
        "security.sev: false\nlimits.cpu: 2\n",
        "config: {}\nname: vm\n",
        "config: {limits.cpu: 2}\n",
    ] {
        assert_eq!(told(right), [""; 0], "{right}");
    }
}
