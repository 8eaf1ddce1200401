//! The exchange between host and guest owner in files. In: evidence from the host. Out: what `verify` judges.
//! Never: a secret for a second launch of one session.

use crate::files;
use crate::measure::evidence::LaunchReport;
use crate::measure::verify::Evidence;
use crate::session::answered::Answered;
use crate::session::blob::SessionBlob;
use crate::session::keys::TransportKeys;
use crate::{Error, Kind, Result};
use std::path::Path;

/// Reads a file of evidence. With `policy` it must be that of a guest with this policy.
///
/// # Errors
/// As [`LaunchReport::parse`]; `Kind::No` for another policy.
pub fn read(path: &Path, policy: Option<u32>) -> Result<LaunchReport> {
    of_text(&files::read_text("evidence", path)?, policy).map_err(|e| e.at(files::shown(path)))
}

/// The same of its text.
///
/// # Errors
/// As [`read`].
pub fn of_text(text: &str, policy: Option<u32>) -> Result<LaunchReport> {
    let report = LaunchReport::parse(text)?;
    match policy {
        Some(wanted) if wanted != report.evidence.policy => {
            Err(Error::new(Kind::No, "the guest was launched with another policy")
                .found(format!("{:#x}", report.evidence.policy))
                .wanted(format!("{wanted:#x}")))
        }
        _ => Ok(report),
    }
}

/// Why a measurement differs, where the evidence itself tells: the guest has another owner's session.
#[must_use]
pub fn other_session(report: &LaunchReport, keys: &TransportKeys) -> Option<&'static str> {
    let blob = SessionBlob::parse(report.session.as_deref()?).ok()?;
    let ours = blob.is_for(report.evidence.policy, &keys.tik).ok()?;
    (!ours).then_some(
        "The evidence names a session that was not made with this TIK for this policy: of another launch, or exchanged on the way.",
    )
}

/// Records that this launch is answered; a second one of the same session is refused.
///
/// # Errors
/// `Kind::Session` for a second launch of one session; `Kind::File` where no record can be kept.
pub fn answer_once(keys: &TransportKeys, evidence: &Evidence) -> Result<()> {
    Answered::of_user()?.answer(&keys.tik, &evidence.measurement)
}
