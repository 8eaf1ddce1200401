//! Owners in C: verdicts off line, and keys that leave memory. The evidence is made here, with openssl's HMAC.

use super::cc::{CPP, GNU11, Language, compile, run, source, succeeds};
use super::programs::is_ok;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// A launch, and what its owner holds.
struct Exchange {
    dir: TempDir,
    tik: [u8; 16],
    tek: [u8; 16],
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn inverted(bytes: &[u8]) -> String {
    hex(&bytes.iter().map(|b| !b).collect::<Vec<_>>())
}

impl Exchange {
    /// SEV API 1.55, build 21, policy 1: AMD SEV API (55766) 6.5, laid out by hand.
    fn new() -> Self {
        let new = Self { dir: tempfile::tempdir().unwrap(), tik: random(), tek: random() };
        let (digest, nonce) = (random::<32>(), random::<16>());
        let policy = format!("allowed_digests:\n  - {}\n", hex(&digest));
        fs::write(new.path("policy.yaml"), policy).unwrap();
        fs::write(new.path("signed"), [&[4, 1, 55, 21, 1, 0, 0, 0][..], &digest, &nonce].concat()).unwrap();
        let key = format!("hexkey:{}", hex(&new.tik));
        let mut openssl = Command::new("openssl");
        openssl.args(["mac", "-digest", "SHA256", "-macopt", &key, "-binary", "-in"]).arg(new.path("signed"));
        let mac = succeeds(openssl.arg("HMAC")).stdout;
        fs::write(new.path("measurement"), [mac, nonce.to_vec()].concat()).unwrap();
        let mut openssl = Command::new("openssl");
        let base64 = succeeds(openssl.args(["base64", "-A", "-in"]).arg(new.path("measurement"))).stdout;
        let evidence = format!(
            "{{\"schema\": \"virt-sev/measurement/1\", \"mode\": \"sev\", \"domain\": \"g\", \"uuid\": \"u\", \
             \"measurement\": \"{}\", \"api-major\": 1, \"api-minor\": 55, \"build-id\": 21, \"policy\": \"0x1\"}}",
            String::from_utf8(base64).unwrap()
        );
        fs::write(new.path("evidence.json"), evidence).unwrap();
        new
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn evidence(&self) -> String {
        fs::read_to_string(self.path("evidence.json")).unwrap()
    }

    /// A program, with a state folder of its own.
    fn run(&self, language: Language, file: &str, name: &str, more: &[&str]) -> Command {
        let mut command = run(&compile(language, &source(file), name, more));
        command.env("XDG_STATE_HOME", self.path("state"));
        command
    }
}

#[test]
fn a_verdict_off_line_is_yes_for_one_launch_and_no_for_everything_else() {
    let asan = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    for (language, name, more) in [(GNU11, "owner", &asan[..]), (CPP, "owner-cpp", &[])] {
        let exchange = Exchange::new();
        let mut command = exchange.run(language, "owner.c", name, more);
        command.args([hex(&exchange.tik), hex(&exchange.tek)]).arg(exchange.path("policy.yaml"));
        is_ok(command.arg(exchange.evidence()));
    }
}

#[test]
fn no_key_and_no_secret_stays_in_memory_when_the_owner_is_freed() {
    let exchange = Exchange::new();
    let marks = [exchange.tik, exchange.tek, random()].map(|mark| inverted(&mark));
    let mut command = exchange.run(GNU11, "secrecy.c", "secrecy", &[]);
    is_ok(command.args(marks).arg(exchange.path("policy.yaml")).arg(exchange.path("evidence.json")));
}
