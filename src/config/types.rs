//! The typed configuration. In: what `resolve` accepted. Out: types for `plan` and `launch`. Never: text.

use std::path::PathBuf;

/// Which of AMD's three modes a guest runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// SEV: memory is encrypted.
    Sev,
    /// SEV-ES: the register state too.
    SevEs,
    /// SEV-SNP: memory integrity too.
    SevSnp,
}

impl Mode {
    /// `sev`, `sev-es` or `sev-snp`, as libvirt and the JSON answers spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Sev => "sev",
            Mode::SevEs => "sev-es",
            Mode::SevSnp => "sev-snp",
        }
    }
}

/// SEV guest policy, 32 bits (AMD 55766 SEV API, chapter 2 "Guest Policy").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SevPolicy(pub u32);

impl SevPolicy {
    /// Bit 0: the host may not debug the guest.
    pub const NODBG: u32 = 1;
    /// Bit 1: no key is shared with another guest.
    pub const NOKS: u32 = 1 << 1;
    /// Bit 2: SEV-ES is required.
    pub const ES: u32 = 1 << 2;
    /// Bit 3: the guest is not sent to another platform.
    pub const NOSEND: u32 = 1 << 3;
    /// Bit 4: the guest is not sent outside its domain.
    pub const DOMAIN: u32 = 1 << 4;
    /// Bit 5: the guest is not sent to a platform without SEV.
    pub const SEV: u32 = 1 << 5;
    /// Bits 6 to 15 must be 0.
    pub const RESERVED: u32 = 0xffc0;

    /// True when SEV-ES is asked for.
    #[must_use]
    pub fn es(self) -> bool {
        self.0 & Self::ES != 0
    }
}

/// SEV-SNP guest policy, 64 bits (AMD 56860 SNP API, section 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnpPolicy(pub u64);

/// What the guest owner made for one launch: `<dhCert>` and `<session>`, decoded.
/// Neither is secret: the keys inside are wrapped for the platform's own PDH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchSession {
    /// The owner's Diffie-Hellman certificate, 2084 bytes.
    pub dh_cert: Vec<u8>,
    /// The session blob, 128 bytes.
    pub session: Vec<u8>,
    /// What the bundle that it came in says of it.
    pub bundle: Option<Bundle>,
}

/// `schema` of a guest owner's bundle.
pub const BUNDLE_SCHEMA: &str = "virt-sev/bundle/1";

/// What a guest owner's bundle says beside its keys. A host that heeds it notices before the start what its Secure
/// Processor, or the owner, would notice after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bundle {
    /// SHA-256 of the session blob.
    pub session: [u8; 32],
    /// SHA-256 of what the signatures of the PDH cover that the session was made for, as `virt-sev chain verify` prints it.
    pub platform: [u8; 32],
    /// SHA-256 of the firmware image that the owner expects.
    pub firmware: Option<[u8; 32]>,
}

/// What only SEV-SNP has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnpLaunch {
    /// The guest policy.
    pub policy: SnpPolicy,
    /// 32 bytes that the attestation report carries.
    pub host_data: Option<[u8; 32]>,
    /// ID block (96 bytes) and ID auth (4096 bytes), both or none.
    pub id: Option<(Vec<u8>, Vec<u8>)>,
    /// Whether the ID auth holds an author key; unset: not written.
    pub author_key: Option<bool>,
    /// Whether the guest may ask for VCEK; unset: not written.
    pub vcek: Option<bool>,
    /// 16 bytes.
    pub guest_visible_workarounds: Option<[u8; 16]>,
}

/// SEV and SEV-ES, or SEV-SNP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Technology {
    /// SEV or SEV-ES, told apart by policy bit 2.
    Sev {
        /// The guest policy.
        policy: SevPolicy,
        /// The guest owner's session, if the launch is to be attested.
        session: Option<LaunchSession>,
    },
    /// SEV-SNP.
    Snp(SnpLaunch),
}

/// `security.sev.kernel_hashes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KernelHashes {
    /// Yes when the domain boots a kernel directly.
    Auto,
    /// Always.
    Yes,
    /// Never.
    No,
}

/// `security.sev.firmware`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirmwareChoice {
    /// virt-sev or libvirt chooses.
    Auto,
    /// This image.
    Path(PathBuf),
}

/// `security.sev.memory.lock`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryLock {
    /// `locked` for SEV and SEV-ES, `none` for SEV-SNP.
    Auto,
    /// `<memoryBacking><locked/>`.
    Locked,
    /// `<memtune><hard_limit>`.
    HardLimit,
    /// Nothing is written: the site raises the daemon's limit.
    None,
}

/// `security.sev.memory.hard_limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HardLimit {
    /// Computed from the domain.
    Auto,
    /// This many bytes.
    Bytes(u64),
}

/// `security.sev.memory.backing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryBacking {
    /// As the domain has it.
    Default,
    /// `<source type='memfd'/>`.
    Memfd,
    /// `<hugepages/>`, of this many bytes where given.
    Hugepages(Option<u64>),
}

/// The `security.sev.memory.*` keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryConfig {
    /// How the guest's memory stays in place.
    pub lock: MemoryLock,
    /// How much may be locked.
    pub hard_limit: HardLimit,
    /// What backs it.
    pub backing: MemoryBacking,
}

/// A configuration that asks for SEV in one of its modes, complete and consistent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SevConfig {
    /// The mode and what belongs to it.
    pub technology: Technology,
    /// Whether kernel, initrd and command line are measured.
    pub kernel_hashes: KernelHashes,
    /// C-bit position, only where a key sets it.
    pub cbitpos: Option<u32>,
    /// Physical address bits lost, only where a key sets it.
    pub reduced_phys_bits: Option<u32>,
    /// Which firmware.
    pub firmware: FirmwareChoice,
    /// Memory.
    pub memory: MemoryConfig,
}

impl SevConfig {
    /// This technology, with every other key at its default.
    #[must_use]
    pub fn new(technology: Technology) -> Self {
        Self {
            technology,
            kernel_hashes: KernelHashes::Auto,
            cbitpos: None,
            reduced_phys_bits: None,
            firmware: FirmwareChoice::Auto,
            memory: MemoryConfig {
                lock: MemoryLock::Auto,
                hard_limit: HardLimit::Auto,
                backing: MemoryBacking::Default,
            },
        }
    }

    /// The mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        match &self.technology {
            Technology::Sev { policy, .. } if policy.es() => Mode::SevEs,
            Technology::Sev { .. } => Mode::Sev,
            Technology::Snp(_) => Mode::SevSnp,
        }
    }

    /// The guest owner's session, if there is one.
    #[must_use]
    pub fn session(&self) -> Option<&LaunchSession> {
        match &self.technology {
            Technology::Sev { session, .. } => session.as_ref(),
            Technology::Snp(_) => None,
        }
    }

    /// True when somebody will check the launch: a session is given, or the guest attests itself (SNP).
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.mode() == Mode::SevSnp || self.session().is_some()
    }
}
