//! The host: facts, read in one place. A missing fact is a value, never an error.
//!
//! `Probe → HostFacts`. Nothing outside this folder reads `/sys`, `/proc`, `/dev` or the processor.

mod cpuid;
pub mod domcaps;
mod facts;
mod firmware;
mod gather;
mod inventory;
mod kvm_amd;
mod memory;
pub mod ovmf;
mod probe;
mod root;

pub use facts::{DomCaps, Fact, FirmwareDescriptor, FirmwareDevice, HostFacts, KvmAmd, NodeSev, SevCpuid};
pub use inventory::{Image, inventory};
pub use memory::{Memory, memory};
pub use probe::{CpuidRegs, Probe, RealProbe, RootProbe};
