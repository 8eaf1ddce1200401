//! `virt-sev measurement`. In: an active guest. Out: what it reports, as text, JSON or a file of evidence.

use super::connect;
use crate::args::MeasurementArgs;
use crate::cmd::files;
use crate::output::{Answer, Output};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::Duration;
use virt_sev::domain::Domain;
use virt_sev::launch::{Cancel, Guest as _, evidence, within};
use virt_sev::measure::evidence::{EVIDENCE_SCHEMA, LaunchReport};
use virt_sev::measure::from_base64;
use virt_sev::report::clean;
use virt_sev::{Error, Kind, Result};
use virt_sev_sys::LibvirtGuest;

pub(crate) fn run(args: &MeasurementArgs, uri: Option<&str>, out: Output) -> Result<Answer> {
    let limit = Duration::from_secs(args.wait.timeout.into());
    let cancel = Cancel::default();
    let libvirt = connect::open(uri, limit, &cancel)?;
    let name = args.domain.clone();
    let (mut value, why, platform) = within(limit, &cancel, "reading the launch measurement", move || {
        let guest = connect::active(&libvirt, &name)?;
        report(&guest)
    })?;
    if let Some(why) = why {
        out.say(why);
    }
    if let Some(path) = &args.output {
        write_evidence(path, &value)?;
        return Ok(Answer::Yes);
    }
    if let Some(value) = value.as_object_mut() {
        value.extend(platform);
    }
    if out.is_json() {
        out.answer_json("measurement", value)?;
    } else {
        out.answer(&text(&value))?;
    }
    Ok(Answer::Yes)
}

/// Writes evidence for `verify --evidence`.
pub(super) fn write_evidence(path: &Path, fields: &Value) -> Result<()> {
    let mut document = json!({ "schema": EVIDENCE_SCHEMA });
    if let (Some(document), Some(fields)) = (document.as_object_mut(), fields.clone().as_object_mut()) {
        document.append(fields);
    }
    files::write("evidence", path, format!("{document:#}\n").as_bytes(), 0o644)
}

/// Each fact on a line, in the order of the JSON answer. The session is a blob, and not for people.
pub(super) fn text(value: &Value) -> String {
    let fields = value.as_object().into_iter().flatten().filter(|(k, _)| *k != "session");
    fields.map(|(k, v)| format!("{k:<18} {}\n", v.as_str().map_or_else(|| v.to_string(), clean))).collect()
}

/// What the owner needs as evidence, why it is not more, and what else the host may want to know.
fn report(guest: &LibvirtGuest) -> Result<(Value, Option<&'static str>, Map<String, Value>)> {
    let live = Domain::parse(guest.live_xml()?)?;
    let Some(security) = &live.facts().launch_security else {
        return Err(Error::new(Kind::State, "the guest has no launch security").at(guest.name()?));
    };
    let kind = security.kind.as_deref().unwrap_or_default();
    let (domain, uuid) = (guest.name()?, guest.uuid()?);
    let mut value = json!({ "mode": kind, "domain": domain, "uuid": uuid });
    let mut why = None;
    if kind == "sev" {
        let evidence = evidence(&guest.launch_info()?)?;
        let session = security.session.as_deref().and_then(from_base64);
        value = Value::Object(LaunchReport { domain, uuid, evidence, session }.fields());
    } else {
        why = Some(
            "A SEV-SNP guest has no launch measurement that the host can read: it attests itself from inside, with a \
             report signed by the chip. This is what QEMU knows of it.",
        );
        let answer: Value = serde_json::from_str(&guest.query_sev()?)
            .map_err(|e| Error::new(Kind::Hypervisor, "QEMU's answer to query-sev is not JSON").because(e))?;
        for (ours, theirs) in [
            ("api-major", "api-major"),
            ("api-minor", "api-minor"),
            ("build-id", "build-id"),
            ("policy", "snp-policy"),
        ] {
            let found = &answer["return"][theirs];
            if let Some(n) = found.as_u64() {
                value[ours] = if ours == "policy" { format!("{n:#x}").into() } else { n.into() };
            }
        }
    }
    let platform = [("cbitpos", security.cbitpos), ("reduced-phys-bits", security.reduced_phys_bits)];
    let known = |(name, n): (&str, Option<_>)| n.map(|n| (name.to_owned(), Value::from(n)));
    Ok((value, why, platform.into_iter().filter_map(known).collect()))
}
