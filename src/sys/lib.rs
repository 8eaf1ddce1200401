//! libvirt for virt-sev: the only package that links it.
//!
//! In: calls of [`virt_sev::launch::Hypervisor`]. Out: plain values. Unsafe code lives in `raw.rs`, the calls that the
//! `virt` crate does not wrap, in `caller.rs`, pointers that a caller hands over, and in `pipe.rs`, a thread's signal mask.
#![deny(unsafe_op_in_unsafe_fn)]

pub mod caller;
mod connection;
mod error;
mod guest;
mod pipe;
mod raw;

pub use connection::{Libvirt, be_quiet};
pub use guest::LibvirtGuest;
pub use pipe::NoPipeSignal;
