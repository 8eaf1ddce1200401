//! The host: facts, read in one place. A missing fact is a value, never an error.
//!
//! `Probe → HostFacts`. Nothing outside this folder reads `/sys`, `/proc`, `/dev` or the processor.

pub mod capabilities;
mod collect;
mod cpuid;
pub mod domcaps;
mod facts;
mod firmware;
mod gather;
mod inventory;
mod kvm_amd;
mod live;
mod machine;
mod memory;
mod noted;
pub mod ovmf;
mod probe;
mod read;
mod root;

pub use collect::Recorder;
pub use facts::{DomCaps, Fact, FirmwareDescriptor, FirmwareDevice, HostFacts, KvmAmd, NodeSev, SevCpuid};
pub use inventory::{Image, inventory};
pub use machine::{Access, Asids, Confinement, Daemon, Kernel, Machine, Platform, Pool, Processor, Versions};
pub use memory::{Memory, memory};
pub use probe::{CpuidRegs, Probe, RealProbe, RootProbe};
