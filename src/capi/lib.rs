//! The C ABI of virt-sev: `libvirtsev.so.0` and `include/virtsev.h`, which is made from these comments.
//!
//! In: calls from C. Out: numbers of [`virt_sev::codes`], handles, strings. Never: a decision (the library's), a panic
//! that crosses, a change of libvirt's error handler, a signal handler, a word on standard output.
//!
//! A function here reads its arguments (`boundary`), finds what its handles stand for (`handles`) and calls the
//! library. A handle is a number that is looked up: nothing that a caller holds is followed. Unsafe are only the strings
//! that a caller gives and the places that he wants written, in `boundary`; his own function, in `progress`; and libvirt's
//! pointers, in `online`. Everywhere else it is a promise of C's that is passed on.
#![deny(unsafe_op_in_unsafe_fn)]
// One contract for every function, and it stands at the head of the header.
#![allow(clippy::missing_safety_doc)]
// The comments are the header's, where an element of XML is just that.
#![allow(rustdoc::invalid_html_tags)]
// The names are C's.
#![allow(non_camel_case_types)]

pub mod attest;
mod boundary;
pub mod cancel;
pub mod config;
pub mod driver;
pub mod error;
mod handles;
pub mod host;
pub mod launch;
mod online;
mod options;
mod owned;
pub mod owner;
pub mod plan;
mod planned;
pub mod progress;
pub mod session;
mod settings;
pub mod version;
