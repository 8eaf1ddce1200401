//! `chain fetch` and `chain verify`: over libvirt, and from every form of file. Oracles: sevctl, the simulator's own files.

use crate::lab::{Lab, assert_code, err, program, setup};
use base64::Engine as _;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub(crate) const CERT: usize = 2084;

/// A folder with a cache of its own, and the shared lab's platform.
pub(crate) struct Place {
    pub(crate) dir: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program("virt-sev"));
        command
            .args(args)
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_STATE_HOME", self.path("state"));
        command.env_remove("LIBVIRT_DEFAULT_URI").stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What is kept of signed CEKs.
    pub(crate) fn kept(&self) -> Vec<PathBuf> {
        std::fs::read_dir(self.path("cache/virt-sev/cek"))
            .map(|dir| dir.map(|e| e.unwrap().path()).collect())
            .unwrap_or_default()
    }
}

pub(crate) fn platform_file(name: &str) -> PathBuf {
    Lab::shared().platform(name)
}

pub(crate) fn platform(name: &str) -> Vec<u8> {
    std::fs::read(platform_file(name)).unwrap()
}

pub(crate) fn ca() -> String {
    platform_file("ask_ark.cert").to_str().unwrap().to_owned()
}

/// What `virsh nodesevinfo` says of a real chip: the CEK has no signature.
pub(crate) fn nodesevinfo() -> String {
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let chain = [platform("pek.cert"), platform("oca.cert"), platform("cek-unsigned.cert")].concat();
    format!(
        "pdh               : {}\ncert-chain        : {}\ncpu0-id           : {}\ncbitpos           : 51\n",
        base64(&platform("pdh.cert")),
        base64(&chain),
        base64(&platform("cpu0.id"))
    )
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn json(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", err(out)))
}

pub(crate) fn said(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}

#[test]
fn what_is_fetched_is_what_sevctl_exports_and_sevctl_verifies_it() {
    let lab = Lab::shared();
    let place = Place::new();
    let file = place.path("chain.cert");
    let out = place.run(&["chain", "fetch", "-c", &lab.uri, "-o", file.to_str().unwrap(), "--ca", &ca()]);
    assert_code(&out, 0);
    assert!(err(&out).contains(&format!("chip {}", hex(&platform("cpu0.id")))), "{}", err(&out));
    assert_eq!(std::fs::read(&file).unwrap(), platform("full-chain.cert"));
    // Without the root its ASK and ARK are not known: four certificates, and a word of warning.
    let out = place.run(&["chain", "fetch", "-c", &lab.uri]);
    assert_code(&out, 0);
    assert_eq!(out.stdout, platform("chain.cert"));
    assert!(err(&out).contains("does not verify under any known root"), "{}", err(&out));

    let sevctl = Command::new(setup("VIRT_SEV_SEVCTL"))
        .arg("verify")
        .arg("--sev")
        .arg(&file)
        .arg("--ca")
        .arg(ca())
        .output()
        .unwrap();
    assert_code(&sevctl, 0);
    // PDH, PEK, OCA, CEK, ASK, ARK, each with the same fingerprint in both.
    let theirs: Vec<String> = said(&sevctl)
        .lines()
        .filter_map(|l| l.split_whitespace().last())
        .filter(|w| w.len() >= 64 && w.bytes().all(|b| b.is_ascii_hexdigit()))
        .map(str::to_owned)
        .collect();
    let out = place.run(&["chain", "verify", file.to_str().unwrap(), "--ca", &ca(), "--format", "json"]);
    assert_code(&out, 0);
    let answer = json(&out);
    assert_eq!(answer["schema"], "virt-sev/chain/1");
    assert_eq!((&answer["verified"], &answer["built-in"]), (&true.into(), &false.into()));
    let ours: Vec<&str> = answer["certificates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["fingerprint"].as_str().unwrap())
        .collect();
    assert_eq!(theirs, ours);
    assert_eq!(ours.len(), 6);
    let out = place.run(&["chain", "fetch", "-c", &lab.uri, "--ca", &ca(), "--format", "json"]);
    let answer = json(&out);
    assert_eq!(answer["chip-id"], hex(&platform("cpu0.id")));
    let chain = base64::engine::general_purpose::STANDARD.decode(answer["chain"].as_str().unwrap()).unwrap();
    assert_eq!(chain, platform("full-chain.cert"));
}

#[test]
fn every_form_of_file_is_the_same_chain() {
    let place = Place::new();
    let base64 = base64::engine::general_purpose::STANDARD.encode(platform("full-chain.cert"));
    let base64 = place.put("chain.b64", base64.as_bytes());
    let separate: Vec<String> = ["cek", "oca", "pdh", "pek", "ask_ark"]
        .map(|name| platform_file(&format!("{name}.cert")).to_str().unwrap().to_owned())
        .into();
    let node = place.put("node.txt", nodesevinfo().as_bytes());
    let whole = platform_file("full-chain.cert").to_str().unwrap().to_owned();
    let four = platform_file("chain.cert").to_str().unwrap().to_owned();
    let cek = platform_file("cek.cert").to_str().unwrap().to_owned();
    let mut answers = Vec::new();
    for files in [vec![whole], vec![four], vec![base64], separate, vec![node.clone(), cek.clone()]] {
        let mut args = vec!["chain", "verify", "--ca"];
        let ca = ca();
        args.push(&ca);
        args.extend(files.iter().map(String::as_str));
        args.extend(["--format", "json"]);
        let out = place.run(&args);
        assert_code(&out, 0);
        answers.push(json(&out)["certificates"].clone());
    }
    assert!(answers.iter().all(|a| *a == answers[0]), "{answers:#?}");
    // libvirt's own words, through a pipe.
    let virsh = Command::new("virsh").args(["-q", "-c", &Lab::shared().uri, "nodesevinfo"]).output().unwrap();
    let piped = place.put("virsh.txt", &virsh.stdout);
    let mut command = place.command(&["chain", "verify", "-", "--ca", &ca()]);
    let out = command.stdin(std::fs::File::open(piped).unwrap()).output().unwrap();
    assert_code(&out, 0);
    assert!(said(&out).contains(&format!("chip {}", hex(&platform("cpu0.id")))), "{}", said(&out));
    // The signed CEK from a file.
    let out = place.run(&["chain", "verify", &node, "--ca", &ca(), "--cek", &cek]);
    assert_code(&out, 0);
}

#[test]
fn a_real_chain_is_shown_as_a_tree() {
    let place = Place::new();
    let rome = Path::new(env!("CARGO_MANIFEST_DIR")).join("../session/testdata/rome-platform.bin");
    let out = place.run(&["chain", "verify", rome.to_str().unwrap()]);
    assert_code(&out, 0);
    let text = said(&out);
    let heads: Vec<&str> = text.lines().map(|l| l.split(" ok").next().unwrap().trim_end()).collect();
    assert_eq!(
        heads,
        [
            "PDH",
            "└─ PEK",
            "   ├─ OCA",
            "   └─ CEK",
            "      └─ ASK",
            "         └─ ARK",
            "verified to AMD's root Rome"
        ]
    );
    assert!(text.lines().nth(5).unwrap().ends_with("Rome: AMD's, built in"), "{text}");
    assert!(err(&out).is_empty(), "{}", err(&out));
}

/// A byte of each certificate, in its body and in its signature: told at that certificate, by both commands, and no file.
#[test]
fn a_changed_byte_in_any_certificate_is_refused_with_its_own_text() {
    let place = Place::new();
    let good = platform("full-chain.cert");
    let ca_size = (good.len() - 4 * CERT) / 2;
    let mut texts = Vec::new();
    for (n, name) in ["PDH", "PEK", "OCA", "CEK", "ASK", "ARK"].iter().enumerate() {
        let begin = if n < 4 { n * CERT } else { 4 * CERT + (n - 4) * ca_size };
        let signature = if n < 4 { 0x414 + 40 } else { ca_size - 100 };
        // The API version is signed; so is the key's identity of an ASK or ARK.
        for at in [4, signature] {
            let mut bytes = good.clone();
            bytes[begin + at] ^= 1;
            let file = place.put("bad.cert", &bytes);
            let out = place.run(&["chain", "verify", &file, "--ca", &ca()]);
            assert_code(&out, 4);
            let text = err(&out);
            let line =
                text.lines().find(|l| l.contains(&format!("the {name} certificate "))).unwrap_or_else(|| {
                    panic!("{name}, byte {at}: {text}");
                });
            let tree = said(&out);
            assert!(
                tree.lines().any(|l| l.contains(name) && l.contains("FAILED")),
                "{name}, byte {at}: {tree}"
            );
            assert!(tree.ends_with("not verified\n"), "{tree}");
            texts.push(line.to_owned());

            let keys = place.path("keys");
            let session =
                ["session", "--chain", &file, "--ca", &ca(), "--policy", "1", "-o", keys.to_str().unwrap()];
            let out = place.run(&session);
            assert_code(&out, 4);
            assert!(err(&out).contains(line) && out.stdout.is_empty(), "{}", err(&out));
            assert!(!keys.exists());
        }
    }
    texts.sort();
    texts.dedup();
    assert!(texts.len() >= 7, "{texts:#?}");
}

#[test]
fn certificates_of_two_platforms_are_refused_as_such() {
    let place = Place::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../session/testdata");
    let [naples, rome] =
        ["naples", "rome"].map(|name| std::fs::read(data.join(format!("{name}-platform.bin"))).unwrap());
    // One file whose PDH is another platform's; two files with two PDHs; a CEK of another chip.
    let mixed = place.put("mixed", &[&naples[..CERT], &rome[CERT..]].concat());
    let out = place.run(&["chain", "verify", &mixed]);
    assert_code(&out, 4);
    assert!(
        err(&out).starts_with("virt-sev: the PDH certificate is not to be trusted: its signature of the PEK")
    );
    let (rome_file, pdh) = (place.put("rome", &rome), place.put("pdh", &naples[..CERT]));
    let out = place.run(&["chain", "verify", &rome_file, &pdh]);
    assert_code(&out, 4);
    assert!(
        err(&out).contains("there are two PDH certificates, and they differ: found another one in"),
        "{}",
        err(&out)
    );
    let cek = place.put("cek", &naples[3 * CERT..4 * CERT]);
    let out = place.run(&["chain", "verify", &rome_file, "--cek", &cek]);
    assert_code(&out, 4);
    assert!(err(&out).contains("the CEK certificate is another chip's"), "{}", err(&out));
    let out = place.run(&["chain", "verify", &pdh]);
    assert_code(&out, 4);
    assert!(
        err(&out).contains("the chain is not complete: found PDH, wanted PEK, OCA, CEK too"),
        "{}",
        err(&out)
    );
}
