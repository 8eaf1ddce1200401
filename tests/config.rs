//! The contract of the keys: what each misuse says, what LXD's documents give, how sources lie over each other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this file is a test")]

#[path = "config/formats.rs"]
mod formats;
#[path = "config/misuses.rs"]
mod misuses;
#[path = "config/properties.rs"]
mod properties;
#[path = "config/record.rs"]
mod record;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::path::PathBuf;
use virt_sev::Kind;
use virt_sev::config::{
    FirmwareChoice, HardLimit, KEYS, KernelHashes, MemoryBacking, MemoryLock, Mode, RawConfig, SevConfig,
    Sources, Technology, from_document, from_text, load, load_and_resolve, resolve,
};

/// A certificate of the right shape: version 1, usage PDH, ECDH with SHA-256, P-384.
fn dh_cert() -> Vec<u8> {
    let mut cert = vec![0; 2084];
    for (at, value) in [(0, 1_u32), (8, 0x1003), (12, 3), (16, 2)] {
        cert[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    cert[20..68].fill(7);
    cert[92..140].fill(9);
    cert
}

fn dh() -> String {
    STANDARD.encode(dh_cert())
}

fn data() -> String {
    STANDARD.encode([5; 128])
}

/// Lines of `key=value`; `$dh`, `$data` and `$N` stand for a certificate, a session blob and N bytes.
fn keys(text: &str) -> RawConfig {
    let mut raw = RawConfig::new();
    for (n, line) in text.split(';').map(str::trim).filter(|l| !l.is_empty()).enumerate() {
        let (key, value) = line.split_once('=').unwrap();
        let value = match value.strip_prefix('$') {
            Some("dh") => dh(),
            Some("data") => data(),
            Some(size) => STANDARD.encode(vec![1; size.parse().unwrap()]),
            None => value.to_owned(),
        };
        raw.set(key, value, format!("guest.yaml:{}", n + 1));
    }
    raw
}

fn sev(text: &str) -> SevConfig {
    resolve(&keys(text)).unwrap().unwrap()
}

fn policy(config: &SevConfig) -> u64 {
    match &config.technology {
        Technology::Sev { policy, .. } => policy.0.into(),
        Technology::Snp(launch) => launch.policy.0,
    }
}

#[test]
fn lxd_keys_have_lxd_meaning() {
    let plain = sev("security.sev=true");
    assert_eq!((plain.mode(), policy(&plain)), (Mode::Sev, 0x1));
    let es = sev("security.sev=true; security.sev.policy.es=true");
    assert_eq!((es.mode(), policy(&es)), (Mode::SevEs, 0x5));
    let attested = sev("security.sev=1; security.sev.session.dh=$dh; security.sev.session.data=$data");
    let session = attested.session().unwrap();
    assert_eq!((session.dh_cert.len(), session.session.len()), (2084, 128));
    assert!(attested.is_measured() && !plain.is_measured());
}

#[test]
fn defaults_are_those_of_the_table() {
    let config = sev("security.sev=true");
    assert_eq!(config.kernel_hashes, KernelHashes::Auto);
    assert_eq!((config.cbitpos, config.reduced_phys_bits), (None, None));
    assert_eq!(config.firmware, FirmwareChoice::Auto);
    assert_eq!(config.memory.lock, MemoryLock::Auto);
    assert_eq!(config.memory.hard_limit, HardLimit::Auto);
    assert_eq!(config.memory.backing, MemoryBacking::Default);
    // Each default of the table, written out, is the same configuration as silence.
    for (switch, prefix) in
        [("security.sev=true", "security.sev."), ("security.sev.snp=true", "security.sev.snp.")]
    {
        for key in KEYS.iter().filter(|k| k.name.starts_with(prefix) && k.name != "security.sev.snp") {
            let of_snp = key.name.starts_with("security.sev.snp.");
            if let Some(default) = key.default.filter(|_| of_snp == (prefix == "security.sev.snp.")) {
                assert_eq!(sev(&format!("{switch}; {}={default}", key.name)), sev(switch), "{}", key.name);
            }
        }
    }
}

#[test]
fn every_value_is_taken_over() {
    let config = sev("security.sev=yes; security.sev.kernel_hashes=true; security.sev.cbitpos=0x33; \
         security.sev.reduced_phys_bits=1; security.sev.firmware=/usr/share/x.fd; security.sev.memory.lock=hard_limit; \
         security.sev.memory.hard_limit=4GiB; security.sev.memory.backing=hugepages:2MiB");
    assert_eq!(config.kernel_hashes, KernelHashes::Yes);
    assert_eq!((config.cbitpos, config.reduced_phys_bits), (Some(51), Some(1)));
    assert_eq!(config.firmware, FirmwareChoice::Path("/usr/share/x.fd".into()));
    assert_eq!(config.memory.lock, MemoryLock::HardLimit);
    assert_eq!(config.memory.hard_limit, HardLimit::Bytes(4 << 30));
    assert_eq!(config.memory.backing, MemoryBacking::Hugepages(Some(2 << 20)));
    let snp = sev("security.sev.snp=true; security.sev.snp.host_data=$32; security.sev.snp.id_block=$96; \
         security.sev.snp.id_auth=$4096; security.sev.snp.author_key=no; security.sev.snp.vcek=yes; \
         security.sev.snp.guest_visible_workarounds=$16");
    assert_eq!(snp.mode(), Mode::SevSnp);
    let Technology::Snp(launch) = snp.technology else { panic!("not SEV-SNP") };
    assert_eq!(launch.host_data, Some([1; 32]));
    assert_eq!(launch.id, Some((vec![1; 96], vec![1; 4096])));
    assert_eq!((launch.author_key, launch.vcek), (Some(false), Some(true)));
    assert_eq!(launch.guest_visible_workarounds, Some([1; 16]));
}

/// As `lxc config show --expanded` prints an instance.
const LXD_YAML: &str = r#"architecture: x86_64
config:
  image.architecture: amd64
  image.description: ubuntu 24.04 LTS amd64 (release)
  limits.cpu: "4"
  security.secureboot: "false"
  security.sev: "true"
  security.sev.policy.es: "true"
  user.user-data: |-
    #cloud-config
    runcmd:
    - [ "echo", "security.sev: false" ]
  volatile.uuid: 5f0e1f4e-6b1a-4b5e-9d1c-0c7f2f1d5a11
devices:
  root:
    path: /
    pool: default
    type: disk
ephemeral: false
profiles:
- default
stateful: false
description: ""
"#;

#[test]
fn an_instance_document_of_lxd_in_yaml_and_json() {
    let raw = from_document(LXD_YAML, "vm.yaml").unwrap();
    let config = resolve(&raw).unwrap().unwrap();
    assert_eq!((config.mode(), policy(&config)), (Mode::SevEs, 0x5));
    assert_eq!(raw.get("security.sev").unwrap().place, "vm.yaml:7");
    let json = r#"{"architecture":"x86_64","config":{"security.sev":"true","security.sev.policy.es":"true"},
        "devices":{},"ephemeral":false,"profiles":["default"],"stateful":false,"description":"\ud83d\ude00"}"#;
    assert_eq!(resolve(&from_document(json, "vm.json").unwrap()).unwrap().unwrap(), config);
}

#[test]
fn json_values_may_be_numbers_and_booleans() {
    let json = r#"{"security.sev": true, "security.sev.policy": 5, "security.sev.cbitpos": null}"#;
    let config = resolve(&from_text(json, "f.json").unwrap()).unwrap().unwrap();
    assert_eq!((policy(&config), config.cbitpos), (5, None));
}

#[test]
fn yaml_numbers_keep_their_text() {
    let yaml = "security.sev: on\nsecurity.sev.policy.min_fw: 1.10\n";
    let config = resolve(&from_text(yaml, "f").unwrap()).unwrap().unwrap();
    assert_eq!(policy(&config), 0x0a01_0001);
}

#[test]
fn a_blob_may_be_folded_over_lines() {
    let folded: String =
        dh().as_bytes().chunks(60).map(|l| format!("  {}\n", std::str::from_utf8(l).unwrap())).collect();
    let yaml = format!(
        "security.sev: yes\nsecurity.sev.session.dh: |\n{folded}security.sev.session.data: {}\n",
        data()
    );
    let config = resolve(&from_text(&yaml, "f").unwrap()).unwrap().unwrap();
    assert_eq!(config.session().unwrap().dh_cert, dh_cert());
}

#[test]
fn sources_lie_over_each_other_in_the_order_of_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| -> PathBuf {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let files = [
        file("a.yaml", "security.sev: true\nsecurity.sev.policy: 0x3\nsecurity.sev.cbitpos: 47\n"),
        file("b.json", "{\"security.sev.policy\": \"0x7\"}"),
        file("empty.yaml", ""),
        file(
            "c.xml",
            "<v:config xmlns:v='urn:virt-sev:config:1'><v:key name='security.sev.firmware'>/c.fd</v:key></v:config>",
        ),
    ];
    let metadata = "<domain><metadata><v:config xmlns:v='urn:virt-sev:config:1'>\
         <v:key name='security.sev.policy'>0x1</v:key><v:key name='security.sev.reduced_phys_bits'>5</v:key>\
         </v:config></metadata></domain>";
    let sets = ["security.sev.cbitpos=".to_owned(), "security.sev.kernel_hashes=no".to_owned()];
    let config = load_and_resolve(Sources {
        metadata: Some(metadata),
        files: &files,
        sets: &sets,
        ..Sources::default()
    })
    .unwrap()
    .unwrap();
    assert_eq!(policy(&config), 0x7, "the later file wins");
    assert_eq!(config.cbitpos, None, "--set with an empty value unsets");
    assert_eq!(config.reduced_phys_bits, Some(5), "metadata counts where nobody says otherwise");
    assert_eq!(config.firmware, FirmwareChoice::Path("/c.fd".into()));
    assert_eq!(config.kernel_hashes, KernelHashes::No);
}

#[test]
fn a_set_may_name_a_file_of_text_or_of_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, blob) = (dir.path().join("godh.b64"), dir.path().join("session.bin"));
    fs::write(&cert, format!("{}\n", dh())).unwrap();
    fs::write(&blob, [5; 128]).unwrap();
    let sets = [
        "security.sev=true".to_owned(),
        format!("security.sev.session.dh=@{}", cert.display()),
        format!("security.sev.session.data=@{}", blob.display()),
    ];
    let config = load_and_resolve(Sources { sets: &sets, ..Sources::default() }).unwrap().unwrap();
    assert_eq!(config.session().unwrap().dh_cert, dh_cert());
    assert_eq!(config.session().unwrap().session, [5; 128]);
}

#[test]
fn problems_of_all_sources_are_told_together() {
    let dir = tempfile::tempdir().unwrap();
    let broken = dir.path().join("broken.yaml");
    fs::write(&broken, "security.sev: [\n").unwrap();
    let files = [broken, dir.path().join("missing.yaml")];
    let sets = ["nonsense".to_owned(), "security.sev.policy.es=2".to_owned(), "secuirty.sev=true".to_owned()];
    let error = load_and_resolve(Sources { files: &files, sets: &sets, ..Sources::default() }).unwrap_err();
    let text = error.to_string();
    for words in [
        "broken.yaml:",
        "missing.yaml: the configuration cannot be opened",
        "no equals sign",
        "security.sev.policy.es (--set)",
        "secuirty.sev (--set)",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(error.problems().count(), 6, "{text}");
    assert!(load(Sources { files: &files, ..Sources::default() }).is_err());
}

#[test]
fn what_is_not_text_or_does_not_end_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let binary = dir.path().join("b");
    fs::write(&binary, [0xff, 0xfe, 0]).unwrap();
    for file in [binary, PathBuf::from("/dev/zero"), dir.path().to_owned()] {
        let error = load(Sources { files: &[file], ..Sources::default() }).unwrap_err();
        assert_eq!(error.kind(), Kind::File, "{error}");
    }
}

#[test]
fn no_source_is_no_configuration() {
    assert_eq!(load_and_resolve(Sources::default()).unwrap(), None);
    assert!(load(Sources::default()).unwrap().is_empty());
}

/// A domain given to `--config` by mistake counted as a configuration without keys, and the guest got no SEV.
#[test]
fn a_domain_without_our_metadata_is_no_configuration() {
    let e = virt_sev::config::from_text("<domain><name>g</name></domain>", "guest.xml").unwrap_err();
    assert_eq!(e.kind(), virt_sev::Kind::Config);
    assert!(e.to_string().contains("holds no virt-sev keys"), "{e}");
}
