//! Every misuse of a key, and what its error says.

use super::keys;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use virt_sev::config::{KEYS, resolve};

/// Keys, and the key, place and words that the one error must have.
const MISUSES: &[(&str, &str, &str)] = &[
    ("security.sev=maybe", "security.sev (guest.yaml:1)", "true or false"),
    ("security.sev.polcy.es=true", "security.sev.polcy.es (guest.yaml:1)", "security.sev.policy.es"),
    ("security.sevv=true", "security.sevv (guest.yaml:1)", "security.sev"),
    ("security.SEV=true", "security.SEV (guest.yaml:1)", "security.sev"),
    ("security.sev.policy.es=true", "security.sev.policy.es (guest.yaml:1)", "needs security.sev=true"),
    (
        "security.sev=false;security.sev.policy.es=true",
        "security.sev.policy.es (guest.yaml:2)",
        "needs security.sev=true",
    ),
    ("security.sev.policy=1", "security.sev.policy (guest.yaml:1)", "needs security.sev=true"),
    (
        "security.sev.kernel_hashes=auto",
        "security.sev.kernel_hashes (guest.yaml:1)",
        "needs security.sev=true",
    ),
    ("security.sev.memory.lock=none", "security.sev.memory.lock (guest.yaml:1)", "needs security.sev=true"),
    ("security.sev.firmware=/x", "security.sev.firmware (guest.yaml:1)", "needs security.sev=true"),
    (
        "security.sev=true;security.sev.session.dh=$dh",
        "security.sev.session.dh (guest.yaml:2)",
        "needs security.sev.session.data",
    ),
    (
        "security.sev=true;security.sev.session.data=$data",
        "security.sev.session.data (guest.yaml:2)",
        "needs security.sev.session.dh",
    ),
    (
        "security.sev=true;security.sev.session.dh=$100;security.sev.session.data=$data",
        "security.sev.session.dh (guest.yaml:2)",
        "found 100 bytes, wanted 2084 bytes",
    ),
    (
        "security.sev=true;security.sev.session.dh=$dh;security.sev.session.data=$127",
        "security.sev.session.data (guest.yaml:3)",
        "found 127 bytes, wanted 128 bytes",
    ),
    (
        "security.sev=true;security.sev.session.dh=$2084;security.sev.session.data=$data",
        "security.sev.session.dh (guest.yaml:2)",
        "certificate version",
    ),
    (
        "security.sev=true;security.sev.session.dh=no base64!;security.sev.session.data=$data",
        "security.sev.session.dh (guest.yaml:2)",
        "not base64",
    ),
    (
        "security.sev=true;security.sev.policy=5;security.sev.policy.es=true",
        "security.sev.policy.es (guest.yaml:3)",
        "excluded",
    ),
    (
        "security.sev=true;security.sev.policy=5;security.sev.policy.min_fw=1.0",
        "security.sev.policy.min_fw (guest.yaml:3)",
        "excluded",
    ),
    ("security.sev=true;security.sev.policy=0x100000000", "security.sev.policy (guest.yaml:2)", "32 bits"),
    ("security.sev=true;security.sev.policy=five", "security.sev.policy (guest.yaml:2)", "found 'five'"),
    (
        "security.sev=true;security.sev.policy.min_fw=1",
        "security.sev.policy.min_fw (guest.yaml:2)",
        "MAJOR.MINOR",
    ),
    (
        "security.sev=true;security.sev.policy.min_fw=1.256",
        "security.sev.policy.min_fw (guest.yaml:2)",
        "0 to 255",
    ),
    (
        "security.sev=true;security.sev.kernel_hashes=maybe",
        "security.sev.kernel_hashes (guest.yaml:2)",
        "auto, true or false",
    ),
    ("security.sev=true;security.sev.cbitpos=64", "security.sev.cbitpos (guest.yaml:2)", "1 to 63"),
    (
        "security.sev=true;security.sev.reduced_phys_bits=-1",
        "security.sev.reduced_phys_bits (guest.yaml:2)",
        "1 to 63",
    ),
    (
        "security.sev=true;security.sev.firmware=OVMF.fd",
        "security.sev.firmware (guest.yaml:2)",
        "begins with /",
    ),
    (
        "security.sev=true;security.sev.memory.lock=mlock",
        "security.sev.memory.lock (guest.yaml:2)",
        "hard_limit",
    ),
    (
        "security.sev=true;security.sev.memory.hard_limit=2GiB",
        "security.sev.memory.hard_limit (guest.yaml:2)",
        "memory.lock=hard_limit",
    ),
    (
        "security.sev=true;security.sev.memory.lock=hard_limit;security.sev.memory.hard_limit=2G",
        "security.sev.memory.hard_limit (guest.yaml:3)",
        "GiB",
    ),
    (
        "security.sev=true;security.sev.memory.backing=file",
        "security.sev.memory.backing (guest.yaml:2)",
        "hugepages",
    ),
    ("security.sev.snp.vcek=true", "security.sev.snp.vcek (guest.yaml:1)", "needs security.sev.snp=true"),
    (
        "security.sev=true;security.sev.snp.policy.smt=true",
        "security.sev.snp.policy.smt (guest.yaml:2)",
        "needs security.sev.snp=true",
    ),
    (
        "security.sev=true;security.sev.snp=false;security.sev.snp.policy=0x30000",
        "security.sev.snp.policy (guest.yaml:3)",
        "needs",
    ),
    (
        "security.sev=false;security.sev.snp=true",
        "security.sev.snp (guest.yaml:2)",
        "security.sev (guest.yaml:1) is false",
    ),
    (
        "security.sev.snp=true;security.sev.policy.es=true",
        "security.sev.policy.es (guest.yaml:2)",
        "security.sev.snp is true",
    ),
    (
        "security.sev.snp=true;security.sev.policy=5",
        "security.sev.policy (guest.yaml:2)",
        "security.sev.snp.policy",
    ),
    (
        "security.sev.snp=true;security.sev.snp.policy=0x30000;security.sev.snp.policy.debug=no",
        "security.sev.snp.policy.debug (guest.yaml:3)",
        "excluded",
    ),
    (
        "security.sev.snp=true;security.sev.snp.policy=0x10000000000000000",
        "security.sev.snp.policy (guest.yaml:2)",
        "0xffffffffffffffff",
    ),
    (
        "security.sev.snp=true;security.sev.snp.host_data=$31",
        "security.sev.snp.host_data (guest.yaml:2)",
        "found 31 bytes, wanted base64 of 32 bytes",
    ),
    (
        "security.sev.snp=true;security.sev.snp.id_block=$96",
        "security.sev.snp.id_block (guest.yaml:2)",
        "needs security.sev.snp.id_auth",
    ),
    (
        "security.sev.snp=true;security.sev.snp.id_auth=$4096",
        "security.sev.snp.id_auth (guest.yaml:2)",
        "needs security.sev.snp.id_block",
    ),
    (
        "security.sev.snp=true;security.sev.snp.id_block=$95;security.sev.snp.id_auth=$4096",
        "security.sev.snp.id_block (guest.yaml:2)",
        "96 bytes",
    ),
    (
        "security.sev.snp=true;security.sev.snp.author_key=2",
        "security.sev.snp.author_key (guest.yaml:2)",
        "true or false",
    ),
    (
        "security.sev.snp=true;security.sev.snp.guest_visible_workarounds=$15",
        "security.sev.snp.guest_visible_workarounds (guest.yaml:2)",
        "16 bytes",
    ),
    (
        "security.sev.snp=true;security.sev.snp.policy.min_abi=x",
        "security.sev.snp.policy.min_abi (guest.yaml:2)",
        "MAJOR.MINOR",
    ),
];

#[test]
fn every_misuse_is_one_error_that_names_the_key() {
    for (text, place, words) in MISUSES {
        let error = resolve(&keys(text)).expect_err(text);
        assert_eq!(error.problems().count(), 1, "{text}: {error}");
        assert_eq!(error.place(), Some(*place), "{text}: {error}");
        assert!(error.to_string().contains(words), "{text}: {error}");
        assert_eq!(error.kind().code().exit, 4, "{text}");
    }
}

#[test]
fn a_session_on_snp_is_two_errors() {
    let e =
        resolve(&keys("security.sev.snp=true;security.sev.session.dh=$dh;security.sev.session.data=$data"))
            .unwrap_err();
    let places: Vec<_> = e.problems().map(|p| p.place().unwrap().to_owned()).collect();
    assert_eq!(
        places,
        ["security.sev.session.dh (guest.yaml:2)", "security.sev.session.data (guest.yaml:3)"]
    );
}

#[test]
fn every_key_but_the_switches_needs_a_switch() {
    for key in KEYS.iter().filter(|k| k.name != "security.sev" && k.name != "security.sev.snp") {
        let value = match key.kind.blob_size() {
            Some(2084) => "$dh".to_owned(),
            Some(128) => "$data".to_owned(),
            Some(size) => format!("${size}"),
            None => key.default.unwrap_or("1").to_owned(),
        };
        let error = resolve(&keys(&format!("{}={value}", key.name))).expect_err(key.name);
        assert!(
            error.problems().any(|p| p.message().starts_with("needs security.sev")
                && p.place().is_some_and(|at| at.starts_with(key.name))),
            "{error}"
        );
    }
}

#[test]
fn no_error_shows_a_blob() {
    let blob = STANDARD.encode([0xa5; 100]);
    for key in KEYS {
        let text = format!("security.sev=true; security.sev.snp=true; {}={blob}", key.name);
        let error = resolve(&keys(&text)).expect_err(key.name).to_string();
        assert!(!error.contains(&blob[..16]), "{}: {error}", key.name);
    }
}
