use super::*;
use crate::config::{Format, RawConfig, resolve};
use crate::config::{from_text, from_text_as};
use sha2::{Digest, Sha256};

const BLOB: [u8; 128] = [5; 128];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn dh() -> String {
    let mut cert = vec![0u8; 2084];
    for (at, value) in [(0, 1u32), (8, 0x1003), (12, 3), (16, 2), (20, 7), (92, 7)] {
        cert[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    crate::config::value::blob_text(&cert)
}

fn bundle() -> String {
    format!(
        "{{\n\"schema\": \"virt-sev/bundle/1\",\n\"session\": \"{}\",\n\"platform\": {{\"pdh\": \"{}\", \"root\": \"Milan\"}},\n\
         \"expected\": {{\"firmware\": \"{}\"}},\n\"later\": [1],\n\"config\": {{\n\"security.sev\": \"true\",\n\
         \"security.sev.session.dh\": \"{}\",\n\"security.sev.session.data\": \"{}\"}}\n}}\n",
        hex(&Sha256::digest(BLOB)),
        "ab".repeat(32),
        "CD".repeat(32),
        dh(),
        crate::config::value::blob_text(&BLOB)
    )
}

fn told(text: &str) -> String {
    from_text(text, "b.json")
        .map(|raw: RawConfig| format!("{:?}", raw.bundle()))
        .unwrap_or_else(|e| e.to_string())
}

#[test]
fn its_keys_are_keys_and_the_rest_stands_beside_the_session() {
    let raw = from_text(&bundle(), "b.json").unwrap();
    assert_eq!(raw.entries().count(), 3);
    assert!(raw.notes().is_empty());
    let config = resolve(&raw).unwrap().unwrap();
    let made_for = config.session().unwrap().bundle.unwrap();
    assert_eq!((made_for.platform, made_for.firmware), ([0xab; 32], Some([0xcd; 32])));
    // As YAML, and without what is optional.
    let yaml = "schema: virt-sev/bundle/1\nsession: 'S'\nplatform:\n  pdh: 'P'\nconfig: {}\n"
        .replace('S', &"01".repeat(32))
        .replace("'P'", &format!("'{}'", "02".repeat(32)));
    assert_eq!(from_text(&yaml, "b.yaml").unwrap().bundle().unwrap().firmware, None);
    // LXD's own reader sees an LXD document.
    assert_eq!(from_text_as(&bundle(), "b.json", Format::Lxd).unwrap().entries().count(), 3);
}

#[test]
fn a_session_that_is_not_the_bundles_is_refused() {
    let other = crate::config::value::blob_text(&[6; 128]);
    let damaged = bundle().replace(&crate::config::value::blob_text(&BLOB), &other);
    let e = resolve(&from_text(&damaged, "b.json").unwrap()).unwrap_err();
    assert_eq!(e.kind(), Kind::Session);
    assert!(
        e.to_string().starts_with("security.sev.session.data (b.json:10): this is not the session"),
        "{e}"
    );
    // A higher source that sets another one, too.
    let mut raw = from_text(&bundle(), "b.json").unwrap();
    raw.set("security.sev.session.data", other, "--set");
    assert!(resolve(&raw).unwrap_err().to_string().contains("(--set): this is not the session"));
    // Of two bundles the later counts, with its own session.
    let mut raw = from_text(&damaged, "old.json").unwrap();
    raw.overlay(from_text(&bundle(), "new.json").unwrap());
    assert!(resolve(&raw).is_ok());
}

#[test]
fn what_is_wrong_with_its_form_is_told() {
    let without = |field: &str| bundle().replacen(&format!("\"{field}\""), "\"x\"", 1);
    for (text, says) in [
        (
            bundle().replace("bundle/1", "bundle/2"),
            "of another version of virt-sev: found virt-sev/bundle/2, wanted virt-sev/bundle/1",
        ),
        (bundle().replace("bundle/1", "measurement/1"), "holds no keys: found virt-sev/measurement/1"),
        (without("session"), "b.json:1: the bundle has no session"),
        (without("pdh"), "the bundle has no platform.pdh"),
        (without("platform"), "the bundle has no platform.pdh"),
        (without("config"), "the bundle has no keys"),
        (
            bundle().replace(&"ab".repeat(32), "ab"),
            "b.json:4: platform.pdh is not a SHA-256: wanted 64 hexadecimal digits",
        ),
        (bundle().replace(&"CD".repeat(32), &"ß".repeat(32)), "expected.firmware is not a SHA-256"),
        (
            bundle().replace("{\"pdh\": ", "[{\"pdh\": ").replace("\"Milan\"}", "\"Milan\"}]"),
            "platform is not a map",
        ),
        (bundle().replace("\"later\": [1]", "\"session\": \"x\""), "session stands twice"),
        (bundle().replace("\"security.sev\": \"true\"", "\"security.sev\": [1]"), "not one value"),
        (format!("{}---\nsecurity.sev: true\n", bundle()), "a bundle stands alone in its file"),
    ] {
        assert!(told(&text).contains(says), "{}", told(&text));
    }
    assert!(!told(&bundle().replace("bundle/1", "bundle/\u{1b}[31m")).contains('\u{1b}'));
}
