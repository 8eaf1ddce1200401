//! Before the start: will it work here, and if not, why and what to do.
//!
//! `(SevConfig, HostFacts) → findings`. Every layer is looked at by itself; none is believed for another.

mod mode_host;
mod report;

pub use mode_host::{Decision, MODE_HOST, ModeVerdict, verdict};
pub use report::{Style, render, summary};

use crate::config::SevConfig;
use crate::finding::Finding;
use crate::host::HostFacts;

/// Runs every check that is not in `skip`. Host layers that nobody looked at say nothing.
#[must_use]
pub fn run(config: &SevConfig, host: &HostFacts, skip: &[String]) -> Vec<Finding> {
    if skip.iter().any(|id| id == MODE_HOST) {
        return Vec::new();
    }
    verdict(config.mode(), host).findings
}
