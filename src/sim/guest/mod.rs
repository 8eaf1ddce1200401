//! What libvirt asked QEMU for.
//! In: QEMU's arguments and the files they name. Out: the guest's description, and arguments for the real QEMU.
//! Never: the chip's arithmetic.

pub mod argv;
pub mod firmware;
pub mod processor;
pub mod qopts;
