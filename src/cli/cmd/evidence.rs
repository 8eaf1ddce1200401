//! The exchange between host and guest owner in files. In: evidence from the host. Out: what `verify` judges.
//! Never: a secret for a second launch of one session.

use super::files;
use std::path::Path;
use virt_sev::measure::evidence::LaunchReport;
use virt_sev::measure::verify::Evidence;
use virt_sev::session::answered::Answered;
use virt_sev::session::blob::SessionBlob;
use virt_sev::session::keys::TransportKeys;
use virt_sev::{Error, Kind, Result};

/// A file of evidence. With `policy` it must be that of a guest with this policy.
pub(crate) fn read(path: &Path, policy: Option<u32>) -> Result<LaunchReport> {
    let report =
        LaunchReport::parse(&files::read_text("evidence", path)?).map_err(|e| e.at(files::shown(path)))?;
    match policy {
        Some(wanted) if wanted != report.evidence.policy => {
            Err(Error::new(Kind::No, "the guest was launched with another policy")
                .at(files::shown(path))
                .found(format!("{:#x}", report.evidence.policy))
                .wanted(format!("{wanted:#x}")))
        }
        _ => Ok(report),
    }
}

/// Why a measurement differs, where the evidence itself tells: the guest has another owner's session.
pub(crate) fn other_session(report: &LaunchReport, keys: &TransportKeys) -> Option<&'static str> {
    let blob = SessionBlob::parse(report.session.as_deref()?).ok()?;
    let ours = blob.is_for(report.evidence.policy, &keys.tik).ok()?;
    (!ours).then_some(
        "The evidence names a session that was not made with this TIK for this policy: of another launch, or exchanged on the way.",
    )
}

/// Records that this launch is answered; a second one of the same session is refused.
pub(crate) fn answer_once(keys: &TransportKeys, evidence: &Evidence) -> Result<()> {
    Answered::of_user()?.answer(&keys.tik, &evidence.measurement)
}
