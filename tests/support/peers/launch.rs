//! The files of one launch and what the peers say of it. In: policy and boot. Out: measurements and verdicts.

use crate::peers::{base64, firmware, kernel, sevctl, validate};
use std::fs::{self, File};
use std::path::Path;
use tempfile::TempDir;
use virt_sev::measure::kernel_hashes::KernelHashes;
use virt_sev::measure::verify::{Evidence, expected_mac};
use virt_sev::redact::Secret;

/// The policies of issue and contract: no debugging; and no key sharing; and no sending.
pub(crate) const POLICIES: [u32; 3] = [0x1, 0x3, 0xb];
pub(crate) const CMDLINE: &str = "console=ttyS0 earlyprintk=serial  panic=-1";
const VERSION: (u8, u8, u8) = (1, 55, 21);

/// What a host would report of a guest with this launch digest, by our own formula.
pub(crate) fn measured(policy: u32, digest: &[u8; 32], tik: &Secret<[u8; 16]>) -> Evidence {
    let mut measurement = [0; 48];
    measurement[32..].copy_from_slice(b"a nonce of 16 b.");
    let (api_major, api_minor, build_id) = VERSION;
    let mut evidence = Evidence { measurement, api_major, api_minor, build_id, policy };
    let mac = expected_mac(&evidence, digest, tik).expect("a MAC");
    evidence.measurement[..32].copy_from_slice(&mac);
    evidence
}

pub(crate) struct BootFiles {
    dir: TempDir,
}

impl BootFiles {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("initrd"), [0x42; 100_001]).expect("an initrd");
        Self { dir }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn firmware(&self) -> File {
        File::open(firmware()).expect("the firmware opens")
    }

    pub(crate) fn hashes(&self) -> KernelHashes {
        self.hashes_of(true, Some(CMDLINE))
    }

    pub(crate) fn hashes_of(&self, initrd: bool, cmdline: Option<&str>) -> KernelHashes {
        let mut kernel = File::open(kernel()).expect("the kernel opens");
        let mut file = initrd.then(|| File::open(self.dir().join("initrd")).expect("the initrd opens"));
        let initrd = file.as_mut().map(|f| f as &mut (dyn std::io::Read + Send));
        KernelHashes::read(&mut kernel, initrd, cmdline.map(str::as_bytes)).expect("hashes")
    }

    fn boot_args(&self, direct: bool) -> Vec<String> {
        let mut args = vec!["--firmware".to_owned(), firmware().display().to_string()];
        if direct {
            args.extend(["--kernel".to_owned(), kernel().display().to_string()]);
            args.extend(["--initrd", "initrd", "--cmdline", CMDLINE].map(str::to_owned));
        }
        args
    }

    /// The measurement that sevctl computes with the keys of `session-<policy>`.
    pub(crate) fn sevctl_measurement(
        &self,
        policy: u32,
        direct: bool,
        nonce: &[u8],
        more: &[&str],
    ) -> Vec<u8> {
        let (major, minor, build) = VERSION;
        let mut args: Vec<String> = ["measurement", "build"].map(str::to_owned).into();
        args.extend([
            "--api-major".to_owned(),
            major.to_string(),
            "--api-minor".to_owned(),
            minor.to_string(),
        ]);
        args.extend(["--build-id".to_owned(), build.to_string(), "--policy".to_owned(), policy.to_string()]);
        args.extend(["--tik".to_owned(), format!("session-{policy}/tik.bin")]);
        args.extend(["--nonce".to_owned(), base64(nonce), "--outfile".to_owned(), "measured".to_owned()]);
        args.extend(self.boot_args(direct));
        args.extend(more.iter().map(|a| (*a).to_owned()));
        let out = sevctl(&args, self.dir());
        assert!(out.status.success(), "{out:?}");
        fs::read(self.dir().join("measured")).expect("sevctl wrote it")
    }

    /// The exit code of virt-qemu-sev-validate and what it says, with the keys of `session-<policy>`.
    pub(crate) fn validate(&self, seen: &Evidence, direct: bool, more: &[&str]) -> (i32, String) {
        let measurement = base64(&seen.measurement);
        let session = format!("session-{}", seen.policy);
        let (tik, tek) = (format!("{session}/tik.bin"), format!("{session}/tek.bin"));
        let numbers = [
            seen.api_major.to_string(),
            seen.api_minor.to_string(),
            seen.build_id.to_string(),
            seen.policy.to_string(),
        ];
        let mut args = vec!["--quiet", "--measurement", &measurement, "--tik", &tik, "--tek", &tek];
        for (name, number) in
            ["--api-major", "--api-minor", "--build-id", "--policy"].into_iter().zip(&numbers)
        {
            args.extend([name, number]);
        }
        let boot = self.boot_args(direct);
        args.extend(boot.iter().map(String::as_str));
        args.extend(more);
        validate(&args, self.dir())
    }
}
