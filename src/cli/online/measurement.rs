//! `virt-sev measurement`. In: an active guest. Out: what it reports, as text, JSON or a file of evidence.

use super::connect;
use crate::args::MeasurementArgs;
use crate::cmd::files;
use crate::output::{Answer, Output};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;
use virt_sev::Result;
use virt_sev::launch::{ATTESTS_ITSELF, Reported, active};
use virt_sev::measure::evidence::LaunchReport;
use virt_sev::report::clean;

pub(crate) fn run(args: &MeasurementArgs, uri: Option<&str>, out: Output) -> Result<Answer> {
    let limit = Duration::from_secs(args.wait.timeout.into());
    let cancel = connect::patience();
    let libvirt = connect::open(uri, limit, &cancel)?;
    let name = args.domain.clone();
    let reported = connect::asking(&libvirt, limit, &cancel)
        .ask("reading the launch measurement", move |hv| Reported::of(&active(&hv, &name)?))?;
    if let Some(path) = &args.output {
        write_evidence(path, reported.evidence().map_err(|e| e.at(args.domain.clone()))?)?;
        return Ok(Answer::Yes);
    }
    if matches!(reported, Reported::AttestsItself(_)) {
        out.say(&format!("{ATTESTS_ITSELF} This is what QEMU knows of it."));
    }
    if out.is_json() {
        out.answer_json("measurement", reported.json())?;
    } else {
        out.answer(&text(&reported.json()))?;
    }
    Ok(Answer::Yes)
}

/// Writes evidence for `verify --evidence`.
pub(super) fn write_evidence(path: &Path, report: &LaunchReport) -> Result<()> {
    files::write("evidence", path, report.to_text().as_bytes(), 0o644)
}

/// Each fact on a line, in the order of the JSON answer. The session is a blob, and not for people.
pub(super) fn text(value: &Value) -> String {
    let fields = value.as_object().into_iter().flatten().filter(|(k, _)| *k != "session");
    fields.map(|(k, v)| format!("{k:<18} {}\n", v.as_str().map_or_else(|| v.to_string(), clean))).collect()
}
