//! Facts of a host beyond the three layers that every verdict asks. In: nothing. Out: plain values.
//! Never: a judgement.

use super::acl::Acl;
use super::facts::Fact;
use super::selinux::SelinuxRule;
use super::status::{PlatformStatus, SnpStatus};

/// What kind of processor it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Processor {
    /// The brand string: `AMD EPYC 7713 64-Core Processor`.
    pub brand: Fact<String>,
    /// Family, model, stepping.
    pub signature: Fact<(u32, u32, u32)>,
    /// Whether a hypervisor runs below: this host is a virtual machine.
    pub virtual_machine: Fact<bool>,
    /// MSR 0xC0010010 (SYSCFG) of the first processor.
    pub syscfg: Fact<u64>,
    /// MSR 0xC0010132 and 0xC0010133: first and last byte of the reverse map table.
    pub rmp: Fact<(u64, u64)>,
}

/// The kernel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kernel {
    /// `6.12.0-1-amd64`.
    pub release: Fact<String>,
    /// The words of its command line that matter here: `mem_encrypt=on`, `kvm_amd.sev=1`, `iommu=pt`.
    pub words: Fact<Vec<String>>,
}

/// What the kernel's log says of the Secure Processor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Platform {
    /// The firmware's API version and build, as of its last initialisation.
    pub api: Option<(u32, u32, u32)>,
    /// Lines that tell of a failure.
    pub failures: Vec<String>,
}

/// Who may use `/dev/sev`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The permission bits.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its access control list, where it has one.
    pub acl: Fact<Acl>,
    /// Whether it can be opened by whoever asks; `None` where that was not tried.
    pub ours: Option<bool>,
}

/// One pool of ASIDs, as the controller `misc` counts it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pool {
    /// How many there are.
    pub capacity: Fact<u64>,
    /// How many running guests have.
    pub used: Fact<u64>,
}

impl Pool {
    /// How many guests can still be started.
    #[must_use]
    pub fn free(&self) -> Option<u64> {
        Some(self.capacity.known()?.saturating_sub(*self.used.known()?))
    }
}

/// The pools of ASIDs (Linux `Documentation/admin-guide/cgroup-v2.rst`, "Misc").
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asids {
    /// Of SEV.
    pub sev: Pool,
    /// Of SEV-ES and SEV-SNP.
    pub sev_es: Pool,
}

/// The daemon that starts QEMU, and its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daemon {
    /// `virtqemud` or `libvirtd`.
    pub name: &'static str,
    /// Soft limit of locked memory in bytes; `None` is without limit.
    pub memlock: Option<u64>,
}

/// The user that the system daemon starts QEMU as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QemuUser {
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// Every group that it is in.
    pub groups: Vec<u32>,
    /// `qemu.conf` names it; else it is the one that packages set.
    pub configured: bool,
}

/// What stands between QEMU and the device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Confinement {
    /// AppArmor is on; known to allow `/dev/sev` to libvirt's guests, or not.
    pub apparmor: Fact<bool>,
    /// SELinux: true is enforcing.
    pub selinux: Fact<bool>,
    /// What its loaded policy lets libvirt's guests do with `/dev/sev`.
    pub svirt: Fact<SelinuxRule>,
    /// libvirt gives each QEMU a mount namespace, in which it hands it its devices.
    pub namespaces: Fact<bool>,
    /// libvirt changes the owner of what it hands over; only within a mount namespace where it is `/dev/sev`.
    pub dynamic_ownership: Fact<bool>,
    /// Whom the system daemon starts QEMU as.
    pub qemu: Fact<QemuUser>,
}

/// Version numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Versions {
    /// libvirt's: major, minor, micro.
    pub libvirt: Fact<(u32, u32, u32)>,
    /// QEMU's.
    pub qemu: Fact<(u32, u32, u32)>,
    /// Whether the capabilities that libvirt keeps of QEMU know of SEV.
    pub cache: Fact<bool>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Machine {
    /// The processor.
    pub processor: Processor,
    /// The kernel.
    pub kernel: Kernel,
    /// The Secure Processor in the kernel's log.
    pub platform: Fact<Platform>,
    /// What it says of itself.
    pub status: Fact<PlatformStatus>,
    /// What it says of SEV-SNP; not asked where `kvm_amd` has `sev_snp` off.
    pub snp_status: Fact<SnpStatus>,
    /// Who may use its device.
    pub access: Fact<Access>,
    /// The ASIDs.
    pub asids: Asids,
    /// libvirt's daemon.
    pub daemon: Fact<Daemon>,
    /// What confines QEMU.
    pub confinement: Confinement,
    /// What is installed.
    pub versions: Versions,
}

impl Machine {
    /// The API version and build of the Secure Processor's firmware: its own word, else the kernel's log.
    #[must_use]
    pub fn api(&self) -> Option<(u32, u32, u32)> {
        let asked = self.status.known().map(|status| status.api);
        asked.or_else(|| self.platform.known().and_then(|log| log.api))
    }
}
