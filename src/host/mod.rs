//! The host: facts, read in one place. A missing fact is a value, never an error.
//!
//! `Probe → HostFacts`. Nothing outside this folder reads `/sys`, `/proc`, `/dev` or the processor.

mod acl;
mod asids;
pub mod capabilities;
mod collect;
mod confinement;
mod cpuid;
pub mod domcaps;
mod facts;
mod firmware;
mod folder;
mod gather;
mod images;
mod inventory;
mod kvm_amd;
mod live;
mod machine;
mod memory;
mod noted;
pub mod ovmf;
mod probe;
mod qemu_user;
mod read;
mod root;
mod selinux;
mod status;

pub use acl::Acl;
pub use collect::Recorder;
pub use facts::{DomCaps, Fact, FirmwareDescriptor, FirmwareDevice, HostFacts, KvmAmd, NodeSev, SevCpuid};
pub use folder::RootProbe;
pub use inventory::{Image, inventory};
pub use machine::{
    Access, Asids, Confinement, Daemon, Kernel, Machine, Platform, Pool, Processor, QemuUser, Versions,
};
pub use memory::Memory;
pub use probe::{CpuidRegs, Device, Probe, RealProbe};
pub use selinux::SelinuxRule;
pub use status::{PlatformStatus, SnpStatus, Status};
