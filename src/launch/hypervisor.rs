//! What the launch needs of a hypervisor. In: calls. Out: plain values. Never: libvirt's types.
//!
//! The one real implementation is in `src/sys`, over libvirt. The core stays free of libvirt, so that programs
//! which only read and write files never load it.

use crate::error::Result;
use crate::host::NodeSev;
use crate::inject::packet::Packet;

/// Which domain capabilities to ask for. `None` leaves the choice to libvirt.
#[derive(Debug, Clone, Default)]
pub struct CapsQuery {
    /// `<emulator>`.
    pub emulator: Option<String>,
    /// `os/type/@machine`.
    pub machine: Option<String>,
    /// `domain/@type`.
    pub virt_type: Option<String>,
}

/// A connection to a hypervisor. Cheap to clone; clones share the connection.
pub trait Hypervisor: Clone + std::fmt::Debug + Send + Sync + 'static {
    /// A domain on it.
    type Guest: Guest;

    /// The URI as the hypervisor names it.
    fn uri(&self) -> &str;

    /// A connection of its own to the same place: used to end a guest while a call on this one hangs.
    ///
    /// # Errors
    /// `Kind::Hypervisor` when it cannot be reached.
    fn another(&self) -> Result<Self>;

    /// True when the hypervisor runs on this machine: then nothing is verified without `--insecure`.
    ///
    /// # Errors
    /// `Kind::Hypervisor`.
    fn is_local(&self) -> Result<bool>;

    /// `virConnectGetDomainCapabilities`, as XML.
    ///
    /// # Errors
    /// `Kind::Hypervisor`.
    fn domain_capabilities(&self, query: &CapsQuery) -> Result<String>;

    /// `virConnectGetCapabilities`, as XML.
    ///
    /// # Errors
    /// `Kind::Hypervisor`.
    fn capabilities(&self) -> Result<String>;

    /// The versions of libvirt's daemon and of its QEMU; `None` for one that it does not tell.
    fn versions(&self) -> [Option<(u32, u32, u32)>; 2];

    /// `virNodeGetSEVInfo`.
    ///
    /// # Errors
    /// `Kind::Hypervisor`; a host without SEV answers so too.
    fn node_sev(&self) -> Result<NodeSev>;

    /// The domain of this name, or `None`.
    ///
    /// # Errors
    /// `Kind::Hypervisor`.
    fn find(&self, name: &str) -> Result<Option<Self::Guest>>;

    /// The domain of this UUID, or `None`.
    ///
    /// # Errors
    /// `Kind::Hypervisor`.
    fn find_uuid(&self, uuid: &str) -> Result<Option<Self::Guest>>;

    /// The active domain of this number, or `None`.
    ///
    /// # Errors
    /// `Kind::Hypervisor`.
    fn find_id(&self, id: u32) -> Result<Option<Self::Guest>>;

    /// Defines a domain, or redefines it.
    ///
    /// # Errors
    /// `Kind::Hypervisor` with libvirt's reason.
    fn define(&self, xml: &str) -> Result<Self::Guest>;
}

/// What a guest is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestState {
    /// Not started.
    Off,
    /// Started, not running.
    Paused,
    /// Running.
    Running,
    /// Anything else, as libvirt numbers it.
    Other(u32),
}

/// What `virDomainGetLaunchSecurityInfo` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchInfo {
    /// `sev-measurement`, base64.
    pub measurement: String,
    /// `sev-api-major`.
    pub api_major: u32,
    /// `sev-api-minor`.
    pub api_minor: u32,
    /// `sev-build-id`.
    pub build_id: u32,
    /// `sev-policy`.
    pub policy: u32,
}

/// A domain on a [`Hypervisor`].
pub trait Guest: Clone + std::fmt::Debug + Send + Sync + 'static {
    /// Its name.
    ///
    /// # Errors
    /// `Kind::Hypervisor`, as for every call here.
    fn name(&self) -> Result<String>;
    /// Its UUID.
    ///
    /// # Errors
    /// `Kind::Hypervisor`.
    fn uuid(&self) -> Result<String>;
    /// Its persistent definition, complete: with what libvirt shows only to those who may see secrets.
    ///
    /// # Errors
    /// `Kind::Hypervisor`.
    fn definition(&self) -> Result<String>;
    /// The document that is in force: the live one of an active guest.
    ///
    /// # Errors
    /// `Kind::Hypervisor`.
    fn live_xml(&self) -> Result<String>;
    /// What it is doing.
    ///
    /// # Errors
    /// `Kind::Hypervisor`.
    fn state(&self) -> Result<GuestState>;
    /// Whether a managed save image lies ready: a start would restore that instead of launching the guest.
    ///
    /// # Errors
    /// `Kind::Hypervisor`.
    fn has_saved_state(&self) -> Result<bool>;
    /// Starts it with its processors stopped.
    ///
    /// # Errors
    /// `Kind::Hypervisor`; `Kind::State` when it is active already, which this call then did not do.
    fn start_paused(&self) -> Result<()>;
    /// Reads the launch measurement.
    ///
    /// # Errors
    /// `Kind::Hypervisor`; SEV-SNP guests always answer so.
    fn launch_info(&self) -> Result<LaunchInfo>;
    /// QEMU's `query-sev`, as JSON.
    ///
    /// # Errors
    /// `Kind::Hypervisor`.
    fn query_sev(&self) -> Result<String>;
    /// Injects a launch secret; `address` `None` leaves the place to the firmware's table.
    ///
    /// # Errors
    /// `Kind::Hypervisor`.
    fn inject(&self, packet: &Packet, address: Option<u64>) -> Result<()>;
    /// Puts an element of this namespace into the metadata of the guest that is active, until it ends. It has no prefix
    /// yet.
    ///
    /// # Errors
    /// `Kind::Hypervisor`.
    fn note(&self, namespace: &str, prefix: &str, element: &str) -> Result<()>;
    /// Lets the processors run.
    ///
    /// # Errors
    /// `Kind::Hypervisor`.
    fn resume(&self) -> Result<()>;
    /// Ends it at once. An inactive guest is not an error.
    ///
    /// # Errors
    /// `Kind::Hypervisor`.
    fn destroy(&self) -> Result<()>;
    /// Removes its definition; NVRAM files stay.
    ///
    /// # Errors
    /// `Kind::Hypervisor`.
    fn undefine(&self) -> Result<()>;
}
