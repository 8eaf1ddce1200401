//! A whole new domain from a template: `(Request, Template) → XML`, which `plan` then makes right as any other.
//!
//! A template is a domain with typed slots, as the fragments of the rules have, and with elements that stand once for
//! every disk, network or other thing that is asked for. Pure: no file is read, no disk is made, nothing is random,
//! so the same request and template give the same bytes everywhere.

mod cpu;
mod fields;
mod media;
mod memory;
mod request;
mod slots;
mod template;
#[cfg(test)]
mod tests;

pub use cpu::Cpu;
pub use fields::size as parse_size;
pub use media::{Creation, Disk, Format, Network, Seed, SeedSources};
pub use request::{Hugepages, Kernel, Request};
pub use template::Template;
