//! The host: facts, read in one place. A missing fact is a value, never an error.
//!
//! `Probe → HostFacts`. Nothing outside this folder reads `/sys`, `/proc`, `/dev` or the processor.

mod facts;
pub mod ovmf;

pub use facts::{DomCaps, Fact, FirmwareDescriptor, FirmwareDevice, HostFacts, KvmAmd, NodeSev, SevCpuid};
