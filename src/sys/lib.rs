//! libvirt for virt-sev: the only package that links it.
//!
//! In: calls of [`virt_sev::launch::Hypervisor`]. Out: plain values. Unsafe code lives in `raw.rs` alone: the
//! calls that the `virt` crate does not wrap.
#![deny(unsafe_op_in_unsafe_fn)]

mod connection;
mod error;
mod guest;
mod raw;

pub use connection::Libvirt;
pub use guest::LibvirtGuest;
