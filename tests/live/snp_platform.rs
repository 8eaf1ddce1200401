//! An SEV-SNP platform made with OpenSSL: root, signing keys, a chip's VCEK, a provider's VLEK, and reports that they
//! sign. It shares no code with the program. In: a folder. Out: files. Never: a key of AMD's.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

/// The chip of the platform.
pub(crate) const CHIP: [u8; 64] = [0x5a; 64];
/// Bootloader, TEE, SNP and microcode of the platform, as a report of Milan has them.
pub(crate) const TCB: [u8; 8] = [3, 0, 0, 0, 0, 0, 8, 115];

/// OpenSSL with these arguments; its output.
#[track_caller]
pub(crate) fn openssl(dir: &Path, args: &[&str]) -> Vec<u8> {
    let out = Command::new("openssl").args(args).current_dir(dir).output().expect("openssl starts");
    assert!(out.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

/// A signature as OpenSSL writes it (SEQUENCE of two INTEGERs) from two numbers of 72 bytes, little-endian.
pub(crate) fn to_der(numbers: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for number in numbers[..144].chunks(72) {
        let mut big: Vec<u8> = number.iter().rev().copied().skip_while(|b| *b == 0).collect();
        if big.first().is_some_and(|b| b & 0x80 != 0) {
            big.insert(0, 0);
        }
        body.extend([2, u8::try_from(big.len()).unwrap()]);
        body.extend(big);
    }
    [vec![0x30, u8::try_from(body.len()).unwrap()], body].concat()
}

/// And back.
fn from_der(der: &[u8]) -> [u8; 144] {
    let mut out = [0; 144];
    let mut rest = &der[2..];
    for n in 0..2 {
        let size = usize::from(rest[1]);
        for (to, from) in out[n * 72..].iter_mut().zip(rest[2..2 + size].iter().rev()) {
            *to = *from;
        }
        rest = &rest[2 + size..];
    }
    out
}

pub(crate) struct Platform {
    dir: TempDir,
}

const PSS: [&str; 5] = ["-sha384", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:48"];
const CA: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n";

impl Platform {
    pub(crate) fn shared() -> &'static Self {
        static PLATFORM: OnceLock<Platform> = OnceLock::new();
        PLATFORM.get_or_init(Self::new)
    }

    fn new() -> Self {
        let platform = Self { dir: tempfile::tempdir().unwrap() };
        let dir = platform.dir.path();
        for key in ["ark", "ask", "asvk"] {
            let rsa = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out"];
            openssl(dir, &[&rsa[..], &[&format!("{key}.key")]].concat());
        }
        for key in ["vcek", "vlek"] {
            let ec = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out"];
            openssl(dir, &[&ec[..], &[&format!("{key}.key")]].concat());
        }
        let own =
            ["req", "-x509", "-new", "-key", "ark.key", "-subj", "/CN=ARK-Milan", "-days", "999", "-out"];
        let ext = ["ark.pem", "-addext", "basicConstraints=critical,CA:TRUE"];
        openssl(dir, &[&own[..], &ext, &PSS].concat());
        platform.certify("ask", "SEV-Milan", "ark", CA);
        platform.certify("asvk", "SEV-VLEK-Milan", "ark", CA);
        let chip: String = CHIP.iter().map(|b| format!(":{b:02x}")).collect();
        platform.certify(
            "vcek",
            "SEV-VCEK",
            "ask",
            &Self::extensions(&format!("1.3.6.1.4.1.3704.1.4=DER{chip}\n")),
        );
        let provider = "1.3.6.1.4.1.3704.1.5=DER:16:04:74:65:73:74\n";
        platform.certify("vlek", "SEV-VLEK", "asvk", &Self::extensions(provider));
        platform
    }

    /// AMD's extensions for the platform's TCB.
    pub(crate) fn extensions(more: &str) -> String {
        let mut out = String::from("1.3.6.1.4.1.3704.1.2=DER:16:08:4d:69:6c:61:6e:2d:42:30\n");
        for (oid, at) in [("3.1", 0), ("3.2", 1), ("3.3", 6), ("3.8", 7)] {
            out += &format!("1.3.6.1.4.1.3704.1.{oid}=DER:02:01:{:02x}\n", TCB[at]);
        }
        out + more
    }

    /// Certifies `{key}.key` as `{key}.pem`.
    pub(crate) fn certify(&self, key: &str, name: &str, by: &str, extensions: &str) {
        self.certify_as(key, key, name, by, extensions);
    }

    pub(crate) fn certify_as(&self, file: &str, key: &str, name: &str, by: &str, extensions: &str) {
        let dir = self.dir.path();
        std::fs::write(dir.join(format!("{file}.ext")), extensions).unwrap();
        let [csr, pem, ext] = ["csr", "pem", "ext"].map(|end| format!("{file}.{end}"));
        openssl(
            dir,
            &["req", "-new", "-key", &format!("{key}.key"), "-subj", &format!("/CN={name}"), "-out", &csr],
        );
        let (ca, ca_key) = (format!("{by}.pem"), format!("{by}.key"));
        let sign =
            ["x509", "-req", "-in", &csr, "-CA", &ca, "-CAkey", &ca_key, "-set_serial", "1", "-days", "99"];
        openssl(dir, &[&sign[..], &["-extfile", &ext, "-out", &pem], &PSS].concat());
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn der(&self, name: &str) -> Vec<u8> {
        openssl(self.dir.path(), &["x509", "-in", &format!("{name}.pem"), "-outform", "der"])
    }

    /// A report of version 3 of a guest with nothing special, signed with this key after `change`.
    pub(crate) fn report(&self, key: &str, change: impl Fn(&mut [u8])) -> Vec<u8> {
        let mut report = vec![0; 1184];
        report[0] = 3;
        report[0xa] = 3;
        report[0x34] = 1;
        for at in [0x38, 0x180, 0x1e0, 0x1f0] {
            report[at..at + 8].copy_from_slice(&TCB);
        }
        report[0x40] = 1;
        report[0x188..0x18b].copy_from_slice(&[0x19, 1, 1]);
        report[0x1a0..0x1e0].copy_from_slice(&CHIP);
        if key == "vlek" {
            report[0x48] = 1 << 2;
            report[0x1a0..0x1e0].fill(0);
        }
        change(&mut report);
        let own = tempfile::tempdir().unwrap();
        std::fs::write(own.path().join("body"), &report[..0x2a0]).unwrap();
        let key = self.path(&format!("{key}.key"));
        let der = openssl(own.path(), &["dgst", "-sha384", "-sign", key.to_str().unwrap(), "body"]);
        report[0x2a0..0x2a0 + 144].copy_from_slice(&from_der(&der));
        report
    }
}
