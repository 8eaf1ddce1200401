//! qemu-sev-sim.
fn main() {}
