//! `virt-sev digest` over firmware, a kernel of 12 MB and an initrd of 80 MB, as a whole process, against `openssl dgst
//! -sha256` over the same three files and against the peers; and `virt-sev verify` of a guest that boots from firmware alone
//! against virt-qemu-sev-validate. The runs take turns, so that what else the machine does meets them all alike.

mod common;

use common::{median, peak, setup, time, time_to};
use std::fs;
use std::io::Result;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const TURNS: usize = 40;
/// A measurement that no guest has, with the nonce of those that sevctl makes.
const OTHER: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct Files {
    dir: TempDir,
    firmware: PathBuf,
}

impl Files {
    fn new() -> Result<Self> {
        let dir = TempDir::new()?;
        // Bytes that no hash and no file system makes short work of.
        let mut state = 1u64;
        let mut noise = |len: usize| -> Vec<u8> {
            std::iter::repeat_with(|| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()
            })
            .flatten()
            .take(len)
            .collect()
        };
        fs::write(dir.path().join("kernel"), noise(12_000_000))?;
        fs::write(dir.path().join("initrd"), noise(80_000_000))?;
        fs::write(dir.path().join("key"), [7; 16])?;
        Ok(Self { dir, firmware: setup("VIRT_SEV_FIRMWARE")? })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The options that all three programs have.
    fn boot(&self, command: &mut Command, direct: bool) {
        command.arg("--firmware").arg(&self.firmware);
        if direct {
            command.arg("--kernel").arg(self.at("kernel")).arg("--initrd").arg(self.at("initrd"));
            command.args(["--cmdline", "console=ttyS0"]);
        }
    }

    fn openssl(&self) -> Command {
        let mut command = Command::new("openssl");
        command.args(["dgst", "-sha256"]).arg(&self.firmware).arg(self.at("kernel")).arg(self.at("initrd"));
        command
    }

    fn digest(&self) -> Command {
        let mut command = virt_sev();
        command.args(["digest", "--mode", "sev"]);
        self.boot(&mut command, true);
        command
    }

    fn sevctl(&self, direct: bool) -> Result<Command> {
        let mut command = Command::new(setup("VIRT_SEV_SEVCTL")?);
        command.args(["measurement", "build", "--api-major", "1", "--api-minor", "55", "--build-id", "21"]);
        command.args(["--policy", "1", "--launch-measure-blob", OTHER, "--tik"]).arg(self.at("key"));
        self.boot(&mut command, direct);
        Ok(command)
    }

    /// What the Secure Processor measures of such a guest.
    fn measured(&self, direct: bool) -> Result<String> {
        let out = self.sevctl(direct)?.output()?;
        Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned())
    }

    fn verify(&self, mut command: Command, measurement: &str, direct: bool) -> Command {
        command.args([
            "--measurement",
            measurement,
            "--api-major",
            "1",
            "--api-minor",
            "55",
            "--build-id",
            "21",
        ]);
        command.args(["--policy", "1", "--tik"]).arg(self.at("key")).arg("--tek").arg(self.at("key"));
        self.boot(&mut command, direct);
        command
    }
}

fn virt_sev() -> Command {
    Command::new(env!("CARGO_BIN_EXE_virt-sev"))
}

/// The tool needs modules that another Python than the system's does not have.
fn validate() -> Result<Command> {
    let mut command = Command::new(Path::new("/usr/bin/python3"));
    command.arg(setup("VIRT_SEV_VALIDATE")?);
    Ok(command)
}

fn row(name: &str, seconds: f64, what: &str, memory: Option<f64>) {
    let memory = memory.map_or(String::new(), |m| format!(", at most {m:.1} MiB of memory"));
    println!("{name:<36}{:9.2} ms    {what}{memory}", seconds * 1e3);
}

fn main() -> Result<()> {
    let files = Files::new()?;
    let (of_all, of_firmware) = (files.measured(true)?, files.measured(false)?);
    let ours = |measurement: &str| {
        let mut command = virt_sev();
        command.arg("verify");
        files.verify(command, measurement, false)
    };
    let mut times: [Vec<_>; 7] = Default::default();
    for turn in 0..=TURNS {
        let taken = [
            time(&mut files.openssl())?,
            time(&mut files.digest())?,
            time(&mut files.sevctl(true)?)?,
            time(&mut files.verify(validate()?, &of_all, true))?,
            time(&mut ours(&of_firmware))?,
            time_to(&mut ours(OTHER), 1)?,
            time(&mut files.verify(validate()?, &of_firmware, false))?,
        ];
        // The first turn fills the page cache for all of them.
        if turn > 0 {
            times.iter_mut().zip(taken).for_each(|(all, one)| all.push(one));
        }
    }
    let [openssl, digest, sevctl, validated, verify, refuse, validate_firmware] = times.map(median);
    let against = |seconds: f64| format!("{:.2} times openssl", seconds / openssl);
    println!("medians of {TURNS} turns; firmware of 4 MiB, kernel of 12 MB, initrd of 80 MB");
    row("openssl dgst -sha256", openssl, "", None);
    row("virt-sev digest", digest, &against(digest), Some(peak(&mut files.digest())?));
    row("sevctl measurement build", sevctl, &against(sevctl), Some(peak(&mut files.sevctl(true)?)?));
    let memory = peak(&mut files.verify(validate()?, &of_all, true))?;
    row("virt-qemu-sev-validate", validated, &against(validated), Some(memory));
    println!("firmware alone");
    row("virt-sev verify", verify, "", Some(peak(&mut ours(&of_firmware))?));
    row("virt-sev verify: no, and why", refuse, "", Some(peak(&mut ours(OTHER))?));
    let times = format!("{:.0} times virt-sev verify", validate_firmware / verify);
    row("virt-qemu-sev-validate", validate_firmware, &times, None);
    Ok(())
}
