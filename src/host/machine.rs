//! Facts of a host beyond the three layers that every verdict asks. In: nothing. Out: plain values.
//! Never: a judgement.

use super::facts::Fact;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The permission bits.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
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

/// Mandatory access control.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Confinement {
    /// AppArmor is on; known to allow `/dev/sev` to libvirt's guests, or not.
    pub apparmor: Fact<bool>,
    /// SELinux: true is enforcing.
    pub selinux: Fact<bool>,
    /// libvirt gives each QEMU a mount namespace, in which it hands it its devices.
    pub namespaces: Fact<bool>,
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
    /// The Secure Processor's firmware.
    pub platform: Fact<Platform>,
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
