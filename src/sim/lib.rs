//! A SEV platform without SEV hardware: what `qemu-sev-sim` and `sev-lab` share.
//!
//! In: QEMU's arguments and QMP commands as libvirt sends them. Out: a real QEMU behind a relay that answers what an
//! AMD Secure Processor would have answered. Never: encryption, or a claim of security.

pub mod cpuid;
pub mod crypto;
pub mod error;
pub mod guest;
pub mod launch;
pub mod relay;
pub mod settings;
pub mod start;
pub mod state;
