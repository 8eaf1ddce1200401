//! virt-sev.
#![forbid(unsafe_code)]
fn main() {}
