//! Laws of the configuration over random keys, values and documents.

use super::{data, dh};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use virt_sev::Result;
use virt_sev::config::{Format, KEYS, Mode, RawConfig, SevConfig, from_text, from_text_as, resolve};

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just("0x5".to_owned()),
        Just("1.51".to_owned()),
        Just("auto".to_owned()),
        Just("hard_limit".to_owned()),
        Just("2GiB".to_owned()),
        Just("/usr/share/x.fd".to_owned()),
        Just(dh()),
        Just(data()),
        (0_usize..200).prop_map(|n| STANDARD.encode(vec![3; n])),
        "\\PC{0,30}",
        any::<String>(),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (0..KEYS.len()).prop_map(|n| KEYS[n].name.to_owned()),
        1 => "security\\.sev[.a-z_]{0,20}",
        1 => any::<String>(),
    ]
}

fn told(result: Result<Option<SevConfig>>) -> std::result::Result<Option<SevConfig>, String> {
    result.map_err(|e| e.to_string())
}

const FORMATS: &[Format] =
    &[Format::Auto, Format::Lxd, Format::KubeVirt, Format::Nova, Format::Proxmox, Format::Metadata];

/// What foreign documents are made of.
const WORDS: &[&str] = &[
    "kind: ",
    "VirtualMachine",
    "VirtualMachineInstance",
    "List",
    "items: ",
    "spec: ",
    "template: ",
    "metadata: ",
    "annotations: ",
    "virt-sev.config/security.sev: ",
    "domain: ",
    "launchSecurity: ",
    "sev: ",
    "snp: ",
    "policy: ",
    "encryptedState: ",
    "session: ",
    "properties: ",
    "flavor: ",
    "hw:mem_encryption: ",
    "hw_mem_encryption_model: ",
    "hw:mem_encryption='true'",
    "amd-sev-es",
    "amd-sev: ",
    "type=es",
    "std",
    ",",
    "no-debug=1",
    "config: ",
    "expanded_config: ",
    "profiles: ",
    "name: ",
    "type: sync\n",
    "security.sev: ",
    "true",
    "{",
    "}",
    "[",
    "]",
    "- ",
    "\n",
    "\n  ",
    "\n    ",
    "\n---\n",
    "&a ",
    "*a",
    "''",
    "~",
    "é",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn resolve_never_panics_and_every_problem_has_a_place(entries in prop::collection::vec((name(), value()), 0..12)) {
        let mut raw = RawConfig::new();
        for (key, value) in entries {
            raw.set(key, value, "p");
        }
        match resolve(&raw) {
            Ok(Some(config)) => prop_assert!(raw.get("security.sev").is_some() || config.mode() == Mode::SevSnp),
            Ok(None) => {}
            Err(error) => for problem in error.problems() {
                let place = problem.place().unwrap_or_default();
                prop_assert!(raw.entries().any(|e| place == format!("{} (p)", e.key)), "{place}");
            },
        }
    }

    #[test]
    fn no_document_panics(text in any::<String>()) {
        let _ = from_text(&text, "f");
    }

    #[test]
    fn no_yaml_like_document_panics(text in "[-a-c:{}\\[\\]&*!|>'\"#%@,?. \n\t\\\\u0]{0,60}") {
        let _ = from_text(&text, "f");
    }

    #[test]
    fn no_foreign_document_panics(
        words in prop::collection::vec(prop::sample::select(WORDS), 0..40),
        format in prop::sample::select(FORMATS),
    ) {
        let text = words.concat();
        if let Ok(raw) = from_text_as(&text, "f", format) {
            let _ = resolve(&raw);
        }
    }

    #[test]
    fn yaml_json_metadata_and_set_mean_the_same(
        entries in prop::collection::btree_map((0..KEYS.len()).prop_map(|n| KEYS[n].name), "[ -~]{0,20}", 0..6),
    ) {
        let json = serde_json::to_string_pretty(&entries).unwrap();
        let xml: String = entries.iter().map(|(k, v)| format!("<v:key name='{k}'>{}</v:key>", quick_xml::escape::escape(v.as_str()))).collect();
        let xml = format!("<v:config xmlns:v='urn:virt-sev:config:1'>{xml}</v:config>");
        let yaml: String = entries.iter().map(|(k, v)| format!("{k}: '{}'\n", v.replace('\'', "''"))).collect();
        let lxd: String = entries.iter().map(|(k, v)| format!("  {k}: '{}'\n", v.replace('\'', "''"))).collect();
        let strip = |raw: RawConfig| raw.entries().map(|e| (e.key.clone(), e.value.clone())).collect::<Vec<_>>();
        let wanted: Vec<_> = entries.iter().map(|(k, v)| ((*k).to_owned(), v.trim().to_owned())).collect();
        for text in [json, xml, yaml, format!("config:\n{lxd}")] {
            prop_assert_eq!(&strip(from_text(&text, "f").unwrap()), &wanted, "{}", text);
        }
    }

    #[test]
    fn the_order_of_keys_does_not_matter(entries in prop::collection::btree_map(name(), value(), 0..8)) {
        let mut raw = RawConfig::new();
        let mut reversed = RawConfig::new();
        for (key, value) in &entries {
            raw.set(key, value, "p");
        }
        for (key, value) in entries.iter().rev() {
            reversed.set(key, value, "p");
        }
        match (told(resolve(&raw)), told(resolve(&reversed))) {
            (Ok(a), Ok(b)) => prop_assert_eq!(a, b),
            (a, b) => prop_assert!(a.is_err() && b.is_err()),
        }
    }
}
