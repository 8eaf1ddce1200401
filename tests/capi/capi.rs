//! The C ABI, from C and C++: programs that use it right, wrong, from many threads and as older callers do.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests

mod abi;
mod cc;
mod documented;
mod go;
mod header;
mod installed;
mod owners;
mod packages;
mod programs;

use std::path::PathBuf;

/// The repository.
fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).canonicalize().unwrap()
}
