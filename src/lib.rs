//! AMD SEV, SEV-ES and SEV-SNP guests on libvirt: configured, checked, launched and attested.
#![forbid(unsafe_code)]

pub mod codes;
pub mod config;
mod crypt;
pub mod domain;
pub mod error;
pub mod finding;
pub mod guid;
pub mod host;
pub mod inject;
pub mod launch;
pub mod measure;
pub mod plan;
pub mod preflight;
pub mod redact;
pub mod session;

pub use codes::Kind;
pub use error::{Error, Result};
pub use finding::{Finding, Severity};
