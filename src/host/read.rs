//! Reads what no verdict can do without being told: kernel, firmware version, ASIDs, limits, confinement, versions.
//! In: a [`Probe`]. Out: [`Machine`]. Never: an error.

use super::facts::Fact;
use super::machine::{Daemon, Kernel, Machine, Platform, Processor, Versions};
use super::probe::Probe;
use super::status::{self, Status};
use std::path::Path;

/// The longest text here is a log or libvirt's cache of QEMU's capabilities.
const LONGEST: u64 = 4 << 20;
/// MSR SYSCFG (AMD APM volume 2, "SYSCFG Register"): bit 23 memory encryption, bit 24 SNP.
const SYSCFG: u32 = 0xc001_0010;
/// MSRs RMP_BASE and RMP_END (AMD APM volume 2, "Reverse Map Table").
const RMP: [u32; 2] = [0xc001_0132, 0xc001_0133];

/// Everything. `device`: whether the Secure Processor's is there; `snp`: whether `kvm_amd` has SEV-SNP on.
pub(super) fn machine(probe: &dyn Probe, device: &Fact<()>, snp: bool) -> Machine {
    Machine {
        processor: Processor {
            brand: super::cpuid::brand(probe),
            signature: super::cpuid::signature(probe),
            virtual_machine: super::cpuid::virtual_machine(probe),
            syscfg: probe.msr(SYSCFG),
            rmp: both(probe.msr(RMP[0]), probe.msr(RMP[1])),
        },
        kernel: Kernel {
            release: text(probe, "/proc/sys/kernel/osrelease").map(|t| t.trim().to_owned()),
            words: text(probe, "/proc/cmdline").map(|t| words(&t)),
        },
        platform: probe.kernel_log().map(|log| platform(&log)),
        status: device
            .clone()
            .and_then(|()| probe.status(Status::Platform))
            .and_then(|b| status::platform(&b)),
        // Where SEV-SNP is not initialised, Linux 6.16 would do that for the answer, and end it again
        // (drivers/crypto/ccp/sev-dev.c): no question is worth that.
        snp_status: device
            .clone()
            .and_then(|()| if snp { probe.status(Status::Snp) } else { Fact::NotAsked })
            .and_then(|b| status::snp(&b)),
        access: probe.access(Path::new("/dev/sev")),
        asids: super::asids::read(probe),
        daemon: daemon(probe),
        confinement: super::confinement::read(probe),
        versions: Versions { libvirt: library(probe), qemu: Fact::NotAsked, cache: cache(probe) },
    }
}

pub(super) fn text(probe: &dyn Probe, path: &str) -> Fact<String> {
    probe.read(Path::new(path), LONGEST).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Two facts that mean something together only.
fn both<T, U>(one: Fact<T>, other: Fact<U>) -> Fact<(T, U)> {
    one.and_then(|one| other.map(|other| (one, other)))
}

/// Nothing else of the command line: it may hold what is nobody's business.
pub(super) fn words(cmdline: &str) -> Vec<String> {
    const OURS: [&str; 5] = ["mem_encrypt=", "kvm_amd.", "iommu=", "amd_iommu=", "psp_init_on_probe"];
    cmdline
        .split_whitespace()
        .filter(|word| OURS.iter().any(|ours| word.starts_with(ours)) || word.starts_with("ccp."))
        .map(str::to_owned)
        .collect()
}

/// The lines of the kernel's log that tell of the Secure Processor and of the reverse map table.
pub(super) fn of_sev(line: &str) -> bool {
    line.contains("ccp ") || line.contains("SEV-SNP: ")
}

/// `ccp 0000:22:00.1: SEV API:1.55 build:21` (Linux drivers/crypto/ccp/sev-dev.c); once `SEV API 0.16 build:5`.
/// The firmware can be loaded anew while the system runs: the last line counts.
fn platform(log: &str) -> Platform {
    // Others are no news: most boards have no newer firmware to load, and say so as a failure.
    const BAD: [&str; 8] = [
        "failed to INIT",
        "failed to get status",
        "disabled by BIOS",
        "not enabled by BIOS",
        // Linux arch/x86/virt/svm/sev.c.
        "RMP table has not been reserved",
        "RMP table does not cover",
        "RMP configuration not valid",
        "Failed to map RMP table",
    ];
    let mut found = Platform::default();
    for line in log.lines().filter(|line| of_sev(line)) {
        if let Some((_, rest)) = line.split_once(" API").filter(|_| line.contains("ccp ")) {
            found.api = version(rest).or(found.api);
        }
        if line.contains("SEV") && BAD.iter().any(|words| line.contains(words)) {
            let told =
                line.split_once("ccp ").or_else(|| line.split_once("] ")).map_or(line, |(_, rest)| rest);
            found.failures.push(told.trim().to_owned());
        }
    }
    found
}

/// `:1.55 build:21`
fn version(text: &str) -> Option<(u32, u32, u32)> {
    let (number, build) = text.trim_start_matches([':', ' ']).split_once(" build:")?;
    let (major, minor) = number.split_once('.')?;
    let build = build.split_whitespace().next()?;
    Some((major.parse().ok()?, minor.parse().ok()?, build.parse().ok()?))
}

/// The daemon's limits are what QEMU begins with.
fn daemon(probe: &dyn Probe) -> Fact<Daemon> {
    for name in ["virtqemud", "libvirtd"] {
        let Fact::Known(pid) = text(probe, &format!("/run/{name}.pid")) else { continue };
        let Ok(pid) = pid.trim().parse::<u32>() else { continue };
        return match text(probe, &format!("/proc/{pid}/limits")) {
            Fact::Known(limits) => {
                let line = limits.lines().find_map(|line| line.strip_prefix("Max locked memory"));
                match line.and_then(|line| line.split_whitespace().next()) {
                    Some("unlimited") => Fact::Known(Daemon { name, memlock: None }),
                    Some(soft) => match soft.parse() {
                        Ok(bytes) => Fact::Known(Daemon { name, memlock: Some(bytes) }),
                        Err(_) => Fact::Unreadable(format!("/proc/{pid}/limits: '{}'", soft.escape_debug())),
                    },
                    None => Fact::Absent,
                }
            }
            Fact::Absent => continue,
            Fact::Unreadable(why) => Fact::Unreadable(why),
            Fact::NotAsked => Fact::NotAsked,
        };
    }
    Fact::Absent
}

/// libvirt's library carries its version: `libvirt.so.0.11003.0` is 11.3.0.
fn library(probe: &dyn Probe) -> Fact<(u32, u32, u32)> {
    let found = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"].iter().find_map(|folder| {
        let names = probe.list(Path::new(folder)).known()?.clone();
        names.iter().find_map(|name| {
            let mut numbers = name.to_str()?.strip_prefix("libvirt.so.0.")?.split('.');
            let release: u32 = numbers.next()?.parse().ok()?;
            Some((release / 1000, release % 1000, numbers.next()?.parse().ok()?))
        })
    });
    found.map_or(Fact::Absent, Fact::Known)
}

/// What libvirt keeps of QEMU: without SEV it drops the flag `sev-guest` (`src/qemu/qemu_capabilities.c`).
fn cache(probe: &dyn Probe) -> Fact<bool> {
    let folder = Path::new("/var/cache/libvirt/qemu/capabilities");
    match probe.list(folder) {
        Fact::Known(names) => {
            let texts: Vec<String> = names
                .iter()
                .filter_map(|name| text(probe, folder.join(name).to_str()?).known().cloned())
                .filter(|t| t.contains("qemu-system-x86_64") || t.contains("qemu-kvm"))
                .collect();
            if texts.is_empty() {
                return Fact::Absent;
            }
            Fact::Known(texts.iter().any(|t| t.contains("name='sev-guest'")))
        }
        Fact::Absent => Fact::Absent,
        Fact::Unreadable(why) => Fact::Unreadable(why),
        Fact::NotAsked => Fact::NotAsked,
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
