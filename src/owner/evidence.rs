//! Evidence from the host. In: a file. Out: what `verify` judges. Never: belief in it.

use crate::Result;
use crate::files;
use crate::measure::evidence::LaunchReport;
use crate::session::blob::SessionBlob;
use crate::session::keys::TransportKeys;
use std::path::Path;

/// Reads a file of evidence.
///
/// # Errors
/// As [`LaunchReport::parse`].
pub fn read(path: &Path) -> Result<LaunchReport> {
    LaunchReport::parse(&files::read_text("evidence", path)?).map_err(|e| e.at(files::shown(path)))
}

/// Why a measurement differs, where the evidence itself tells: the guest has another owner's session.
pub(super) fn other_session(report: &LaunchReport, keys: &TransportKeys) -> Option<&'static str> {
    let blob = SessionBlob::parse(report.session.as_deref()?).ok()?;
    let ours = blob.is_for(report.evidence.policy, &keys.tik).ok()?;
    (!ours).then_some(
        "The evidence names a session that was not made with this TIK for this policy: of another launch, or exchanged on the way.",
    )
}
