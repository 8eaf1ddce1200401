//! sev-lab.
fn main() {}
