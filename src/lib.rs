//! AMD SEV, SEV-ES and SEV-SNP guests on libvirt: configured, checked, launched and attested.
//!
//! One way through:
//!
//! ```text
//! keys ─▶ config::resolve ─▶ SevConfig ─┐
//! XML ──▶ domain::Domain::parse ────────┼─▶ plan::plan ─▶ Plan::apply ─▶ XML that is right
//! host ─▶ host::HostFacts::gather ──────┘        │
//!                                      preflight::run   (both in one: prepare::prepare)
//!                                                │
//!        launch::Launch::define ─▶ start_paused ─▶ measure ─▶ verify ─▶ inject ─▶ resume
//!             ▲ bundle                        evidence │            packet ▲
//! owner: session::{chain ─▶ create}                    ▼                   │
//!        measure::{sev, snp} ─▶ expected ─▶ measure::verify ─▶ inject::{table ─▶ packet}
//!                                                      └─▶ appraisal::{policy, mismatch}
//!
//!        of an SEV-SNP guest: snp::id_block before the launch; snp::verify, appraisal after it
//! ```
//!
//! Owner and host may be two machines: bundle ([`config`] reads it), evidence ([`measure::evidence`]) and packet
//! ([`inject::file`]) are files. [`appraisal`] judges by the owner's policy file, and says which single change explains a
//! measurement that differs. [`explain`] is what is known of every rule, code and message.
//!
//! Everything up to [`preflight`] is pure; the host is read in [`host`] alone; XML is written from `xml-templates/`
//! alone, and so are whole new documents, in [`generate`]. This crate links no libvirt: [`launch`] works over the
//! trait [`launch::Hypervisor`], whose implementation over libvirt is the package `virt-sev-sys`. [`launch::check()`],
//! [`launch::launch()`] and [`launch::appraise()`] are the whole ways.
//!
//! ```
//! use virt_sev::{config, domain::Domain, host::HostFacts, plan};
//!
//! # fn main() -> virt_sev::Result<()> {
//! let xml = "<domain type='kvm'><name>web1</name><memory>1048576</memory>\
//!            <os><type arch='x86_64' machine='q35'>hvm</type></os></domain>";
//! let sets = ["security.sev=true".to_owned()];
//! let keys = config::load_and_resolve(config::Sources { sets: &sets, ..Default::default() })?;
//! let domain = Domain::parse(xml)?;
//! if let Some(keys) = keys {
//!     let plan = plan::plan(&keys, &domain, &HostFacts::not_asked(), &plan::Options::default())?;
//!     assert!(plan.apply(&domain)?.contains("<policy>0x0001</policy>"));
//! }
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

pub mod answer;
pub mod appraisal;
pub mod codes;
pub mod config;
mod crypt;
pub mod domain;
mod draft;
pub mod error;
pub mod explain;
pub mod files;
pub mod finding;
pub mod generate;
pub mod guid;
pub mod hex;
pub mod hook;
pub mod host;
pub mod image;
pub mod inject;
pub mod launch;
pub mod lint;
pub mod measure;
pub mod owner;
pub mod plan;
pub mod preflight;
pub mod prepare;
pub mod redact;
pub mod report;
pub mod session;
pub mod snp;

pub use codes::Kind;
pub use error::{Error, Result};
pub use finding::{About, Finding, Severity};
