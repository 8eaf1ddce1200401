//! What can be known of a host. In: what `probe` read. Out: plain values. Never: a judgement.

use crate::config::Mode;
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// One fact: known, known not to be there, or not to be had, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Fact<T> {
    /// This is so.
    Known(T),
    /// Looked, and it is not there.
    Absent,
    /// It could not be read, because.
    Unreadable(String),
    /// Nobody looked: off line.
    #[default]
    NotAsked,
}

impl<T> Fact<T> {
    /// The same fact of something made of the value.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Fact<U> {
        self.and_then(|value| Fact::Known(make(value)))
    }

    /// The fact that the value leads to.
    pub fn and_then<U>(self, next: impl FnOnce(T) -> Fact<U>) -> Fact<U> {
        match self {
            Fact::Known(value) => next(value),
            Fact::Absent => Fact::Absent,
            Fact::Unreadable(why) => Fact::Unreadable(why),
            Fact::NotAsked => Fact::NotAsked,
        }
    }

    /// The value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Fact::Known(v) => Some(v),
            Fact::Absent | Fact::Unreadable(_) | Fact::NotAsked => None,
        }
    }
}

/// CPUID leaf 0x8000001F (AMD APM volume 3, appendix E.4.17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SevCpuid {
    /// EAX bit 1.
    pub sev: bool,
    /// EAX bit 3.
    pub sev_es: bool,
    /// EAX bit 4.
    pub sev_snp: bool,
    /// EBX bits 5 to 0.
    pub cbitpos: u32,
    /// EBX bits 11 to 6.
    pub reduced_phys_bits: u32,
    /// ECX: how many encrypted guests at once.
    pub max_asid: u32,
    /// EDX: the lowest ASID of a guest with SEV but without SEV-ES.
    pub min_sev_asid: u32,
}

/// `/sys/module/kvm_amd/parameters`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KvmAmd {
    /// `sev`.
    pub sev: Fact<bool>,
    /// `sev_es`.
    pub sev_es: Fact<bool>,
    /// `sev_snp`.
    pub sev_snp: Fact<bool>,
}

/// What libvirt's domain capabilities say (`virConnectGetDomainCapabilities`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DomCaps {
    /// `<sev supported='yes'>`.
    pub sev: bool,
    /// `<maxESGuests>` above 0.
    pub sev_es: bool,
    /// `<launchSecurity>` lists `sev-snp`.
    pub sev_snp: bool,
    /// `<cbitpos>`.
    pub cbitpos: Option<u32>,
    /// `<reducedPhysBits>`.
    pub reduced_phys_bits: Option<u32>,
    /// `<maxGuests>`.
    pub max_guests: Option<u32>,
    /// `<maxESGuests>`.
    pub max_es_guests: Option<u32>,
    /// `<os><loader><value>`: the images that libvirt knows.
    pub loaders: Vec<PathBuf>,
    /// `<cpu><mode name='host-model'><model>`: what `host-model` comes to.
    pub host_model: Option<String>,
}

/// What `virNodeGetSEVInfo` says. Blobs are decoded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeSev {
    /// The platform's Diffie-Hellman certificate.
    pub pdh: Vec<u8>,
    /// PEK, OCA and CEK, one after another.
    pub cert_chain: Vec<u8>,
    /// The chip's identity, for fetching the signed CEK.
    pub cpu0_id: Vec<u8>,
    /// C-bit position.
    pub cbitpos: Option<u32>,
    /// Physical address bits lost.
    pub reduced_phys_bits: Option<u32>,
    /// Guests with SEV.
    pub max_guests: Option<u32>,
    /// Guests with SEV-ES.
    pub max_es_guests: Option<u32>,
}

impl NodeSev {
    /// SHA-256 of what the signatures of the PDH cover; `None` where there is no whole certificate.
    #[must_use]
    pub fn pdh_fingerprint(&self) -> Option<[u8; 32]> {
        // AMD SEV API (55766), appendix C.3: 2084 bytes, of which the first 1044 are signed.
        (self.pdh.len() == 2084).then(|| Sha256::digest(&self.pdh[..0x414]).into())
    }
}

/// How QEMU is given a firmware image (`docs/interop/firmware.json` of QEMU).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirmwareDevice {
    /// `flash`: code and variables as pflash.
    FlashSplit,
    /// `flash`, mode `combined`.
    FlashCombined,
    /// `flash`, mode `stateless`.
    FlashStateless,
    /// `memory`: `-bios`.
    Memory,
}

/// One of QEMU's firmware descriptor files, and what the image really holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirmwareDescriptor {
    /// The descriptor file.
    pub file: PathBuf,
    /// The image.
    pub image: PathBuf,
    /// How QEMU is given it.
    pub device: FirmwareDevice,
    /// Modes that the descriptor claims.
    pub claims: Vec<Mode>,
    /// `requires-smm` or `secure-boot` is among the features.
    pub needs_smm: bool,
    /// What the image's GUID table holds; an image that cannot be read says why.
    pub contents: Fact<crate::image::ImageContents>,
}

/// Everything known of one host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostFacts {
    /// The processor's vendor as CPUID spells it: `AuthenticAMD`.
    pub cpu_vendor: Fact<String>,
    /// CPUID leaf 0x8000001F.
    pub cpuid: Fact<SevCpuid>,
    /// The kernel module's parameters.
    pub kvm_amd: KvmAmd,
    /// `/dev/sev` is there.
    pub dev_sev: Fact<()>,
    /// Processor, kernel, firmware version, ASIDs, limits, confinement, versions.
    pub machine: super::machine::Machine,
    /// Its memory.
    pub memory: Fact<super::memory::Memory>,
    /// libvirt's domain capabilities.
    pub domcaps: Fact<DomCaps>,
    /// libvirt's node SEV information.
    pub node_sev: Fact<NodeSev>,
    /// Firmware descriptors in QEMU's order of precedence.
    pub firmware: Fact<Vec<FirmwareDescriptor>>,
    /// What each firmware image holds that was looked into, those of the descriptors and others, by path.
    pub images: Vec<(PathBuf, Fact<crate::image::ImageContents>)>,
}

impl HostFacts {
    /// Nobody looked at any host: what `apply`, `generate` and `lint` use without `-c`, `--domcaps` or `--host-root`.
    #[must_use]
    pub fn not_asked() -> Self {
        Self::default()
    }
}
