//! Whether a report is the chip's, and says what the owner wants to see. In: report, certificates, roots, a moment,
//! what is expected. Out: [`Verdict`]: a finding for every check, all made. Never: the first no alone.

use super::certs::Certs;
use super::chain::{self, Endorsement};
use super::clock::Moment;
use super::policy::GuestPolicy;
use super::report::{Report, SigningKey};
use super::roots::Roots;
use super::tcb::TcbFloor;
use super::{Digest48, cert, checks, kds};
use crate::finding::{Finding, Severity};
use crate::{Error, Kind, Result};

/// What the owner wants to see. What is not set is told and not judged, but for debugging, which must be off.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// The launch digest.
    pub measurement: Option<Digest48>,
    /// The guest's nonce, or the digest of its key.
    pub report_data: Option<[u8; 64]>,
    /// What was given at launch.
    pub host_data: Option<[u8; 32]>,
    /// The key that signed the ID block.
    pub id_key_digest: Option<Digest48>,
    /// The key that vouches for that key.
    pub author_key_digest: Option<Digest48>,
    /// The lowest versions.
    pub min_tcb: Option<TcbFloor>,
    /// The guest policy, exactly.
    pub policy: Option<GuestPolicy>,
    /// The host may debug the guest.
    pub allow_debug: bool,
    /// The privilege level that asked.
    pub vmpl: Option<u32>,
    /// The chip.
    pub chip_id: Option<[u8; 64]>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whose key signed; none where the report names none.
    pub endorsement: Option<Endorsement>,
    /// Every check. `path` is its part: `chain`, `signature`, `tcb`, `identity`, `policy`.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// Whether the report is the chip's and every check that was asked for holds.
    #[must_use]
    pub fn verified(&self) -> bool {
        self.endorsement.as_ref().is_some_and(|e| e.root.is_some())
            && self.findings.iter().all(|f| f.severity != Severity::Error)
    }
}

/// Makes every check. A no is a finding; an error is a certificate that is missing or malformed.
///
/// # Errors
/// `Kind::Certificate`: the certificate of the key that signed is missing, with the address to fetch it from, or is
/// malformed.
pub fn check(
    report: &Report,
    certs: &Certs,
    roots: &Roots,
    at: Moment,
    expected: &Expected,
) -> Result<Verdict> {
    let mut findings = Vec::new();
    let role = match report.signing_key() {
        SigningKey::Vcek => Some(cert::Role::Vcek),
        SigningKey::Vlek => Some(cert::Role::Vlek),
        SigningKey::None | SigningKey::Unknown(_) => None,
    };
    let endorsement = match role {
        Some(role) => {
            let vek = certs.of(role).next().ok_or_else(|| missing(report, role))?;
            let (endorsement, chain) = chain::verify(vek, certs, roots, at)?;
            findings.extend(chain);
            Some(endorsement)
        }
        None => None,
    };
    findings.push(checks::signature(report, endorsement.as_ref()));
    if let Some(endorsement) = &endorsement {
        findings.push(checks::same_tcb(report, endorsement));
        findings.push(checks::same_chip(report, endorsement));
    }
    let product = endorsement.as_ref().map(|e| e.product).or_else(|| report.product());
    findings.extend(checks::tcb(report, product, expected));
    findings.extend(checks::identity(report, expected));
    findings.extend(checks::policy(report, expected));
    Ok(Verdict { endorsement, findings })
}

fn missing(report: &Report, role: cert::Role) -> Error {
    let name = if role == cert::Role::Vlek { "VLEK" } else { "VCEK" };
    let e = Error::new(
        Kind::Certificate,
        format!("the certificate of the {name} that signed the report is missing"),
    );
    match kds::addresses(report) {
        Ok(addresses) => e.hint(format!(
            "Fetch it and give it with --certs FILE:\n{}",
            addresses.join("\nor, where the first has none: ")
        )),
        Err(none) => e.hint(none.to_string()),
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
