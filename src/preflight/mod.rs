//! Before the start: will it work here, and if not, why and what to do.
//!
//! `(SevConfig, HostFacts) → findings`. Every layer is looked at by itself; none is believed for another.

mod bundle;
mod host_report;
mod memory;
mod mode_confinement;
mod mode_firmware;
mod mode_host;
mod mode_machine;
mod mode_platform;

pub use bundle::{ABOUT_BUNDLE, BUNDLE, firmware as bundle_firmware, of as bundle_of};
pub use host_report::{Capacity, HostReport, Layer, MODES, Row, State, Told, fleet, prometheus};
pub use memory::memory;
pub use mode_host::{ABOUT_MODE_HOST, Decision, MODE_HOST, ModeVerdict, verdict};

use crate::config::SevConfig;
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity};
use crate::host::HostFacts;

/// Every error finding as one error: the host cannot do it.
///
/// # Errors
/// `Kind::No` of a host's finding, where there is an error finding.
pub fn refuse(findings: &[Finding]) -> Result<()> {
    let problems = findings.iter().filter(|f| f.severity == Severity::Error).map(Finding::as_error).collect();
    Error::many(problems).map_or(Ok(()), Err)
}

/// Runs every check that is not in `skip`. Host layers that nobody looked at say nothing.
#[must_use]
pub fn run(config: &SevConfig, host: &HostFacts, skip: &[String]) -> Vec<Finding> {
    let skipped = |check: &str| skip.iter().any(|id| id == check);
    let mut findings = if skipped(MODE_HOST) { Vec::new() } else { verdict(config.mode(), host).findings };
    findings.extend(bundle::platform(config, host).filter(|_| !skipped(BUNDLE)));
    findings
}
