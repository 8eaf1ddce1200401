//! What keys mean together.

use super::*;

fn raw(text: &str) -> RawConfig {
    let mut raw = RawConfig::new();
    for pair in text.split_whitespace() {
        let (key, value) = pair.split_once('=').unwrap();
        raw.set(format!("security.sev{key}"), value, "test");
    }
    raw
}

fn policy(text: &str) -> u64 {
    match resolve(&raw(text)).unwrap().unwrap().technology {
        Technology::Sev { policy, .. } => policy.0.into(),
        Technology::Snp(launch) => launch.policy.0,
    }
}

#[test]
fn policies_bit_by_bit() {
    for (text, bits) in [
        ("=true", 0x1),
        ("=true .policy.es=true", 0x5),
        ("=true .policy.nodbg=false", 0x0),
        ("=true .policy.noks=yes", 0x3),
        ("=true .policy.nosend=1", 0x9),
        ("=true .policy.domain=on", 0x11),
        ("=true .policy.sev=true", 0x21),
        ("=true .policy.min_fw=1.51", 0x3301_0001),
        ("=true .policy=0", 0x0),
        ("=true .policy=0x3f", 0x3f),
        (".snp=true", 0x30000),
        ("=true .snp=true", 0x30000),
        (".snp=true .snp.policy.smt=false", 0x20000),
        (".snp=true .snp.policy.migrate_ma=true", 0x70000),
        (".snp=true .snp.policy.debug=true", 0xb0000),
        (".snp=true .snp.policy.single_socket=true", 0x13_0000),
        (".snp=true .snp.policy.cxl=true", 0x23_0000),
        (".snp=true .snp.policy.aes256xts=true", 0x43_0000),
        (".snp=true .snp.policy.rapl_disabled=true", 0x83_0000),
        (".snp=true .snp.policy.ciphertext_hiding=true", 0x103_0000),
        (".snp=true .snp.policy.page_swap_disabled=true", 0x203_0000),
        (".snp=true .snp.policy.min_abi=1.55", 0x30137),
        (".snp=true .snp.policy=0xa0000", 0xa0000),
    ] {
        assert_eq!(policy(text), bits, "{text}");
    }
}

#[test]
fn nothing_asked_is_nothing() {
    for text in ["", "=false", ".snp=no", "=0 .snp=0", "="] {
        assert_eq!(resolve(&raw(text)).unwrap(), None, "{text}");
    }
}

#[test]
fn the_cause_is_told_once_and_not_what_follows_from_it() {
    let e = resolve(&raw("=maybe .policy.es=true .memory.lock=locked")).unwrap_err();
    assert_eq!(e.problems().count(), 1, "{e}");
    let e = resolve(&raw("=true .memory.lock=lokked .memory.hard_limit=1GiB")).unwrap_err();
    assert_eq!(e.problems().count(), 1, "{e}");
}

#[test]
fn every_problem_is_told_at_once() {
    let e = resolve(&raw(".polcy=1 .policy.es=maybe .cbitpos=99 .session.dh=AA .snp.vcek=true")).unwrap_err();
    let text = e.to_string();
    for key in [".polcy", ".policy.es", ".cbitpos", ".session.dh", ".snp.vcek"] {
        assert!(text.contains(&format!("security.sev{key} (test)")), "{key}: {text}");
    }
    assert!(text.contains("Did you mean security.sev.policy?"), "{text}");
}

#[test]
fn a_key_by_itself_is_judged_by_its_value_alone() {
    check_key("security.sev.snp.vcek", "true", "test").unwrap();
    check_key("security.sev.policy.es", "", "test").unwrap();
    let wrong = "\u{0}no value of any key";
    for key in keys::KEYS {
        let e = check_key(key.name, wrong, "test").unwrap_err();
        let place = format!("{} (test)", key.name);
        assert_eq!((e.problems().count(), e.place()), (1, Some(place.as_str())), "{e}");
        let mut raw = RawConfig::new();
        raw.set(key.name, wrong, "test");
        let whole = resolve(&raw).unwrap_err();
        assert!(whole.problems().any(|p| p.alone().to_string() == e.to_string()), "{whole}");
    }
    let e = check_key("security.sev.policy.ex", "true", "test").unwrap_err();
    assert!(e.to_string().contains("security.sev.policy.es"), "{e}");
}
