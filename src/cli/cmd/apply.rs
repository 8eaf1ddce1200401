//! `virt-sev apply`. In: a document, keys, perhaps a host. Out: the document made right, a diff, or the reasons.

use super::{files, prepare};
use crate::args::ApplyArgs;
use crate::output::{Answer, Output};
use serde_json::json;
use std::path::Path;
use virt_sev::config::SevConfig;
use virt_sev::domain::Domain;
use virt_sev::host::{self, Fact, HostFacts, RootProbe};
use virt_sev::{Error, Kind, Result};

/// What is known of the host without a connection.
pub(crate) fn offline_facts(
    (host_root, domcaps): (Option<&Path>, Option<&Path>),
    domain: &Domain,
    config: &SevConfig,
) -> Result<HostFacts> {
    // Below a folder that is not there nothing is found, and the answer would blame the host.
    if let Some(root) = host_root.filter(|r| !r.is_dir()) {
        return Err(Error::new(Kind::File, "the folder of the host's files is not there")
            .at(root.display().to_string())
            .wanted("--host-root DIR with the host's own folders below DIR"));
    }
    let mut facts = match host_root {
        Some(root) => HostFacts::gather(&RootProbe::new(root), &prepare::images(domain, config)),
        None => HostFacts::not_asked(),
    };
    if let Some(path) = domcaps {
        let text = files::read_text("domain capabilities", path)?;
        facts.domcaps =
            Fact::Known(host::domcaps::parse(&text).map_err(|e| e.at(path.display().to_string()))?);
    }
    Ok(facts)
}

/// `facts` is asked only when there is something to do.
pub(crate) fn run(
    args: &ApplyArgs,
    facts: impl FnOnce(&Domain, &SevConfig) -> Result<HostFacts>,
    out: Output,
) -> Result<Answer> {
    let stdin = args.domain == Path::new("-");
    if stdin && args.in_place {
        return Err(Error::new(Kind::Usage, "-i needs a file, not standard input"));
    }
    let (domain, encoding) = prepare::read_document(&args.domain)?;
    let config = prepare::config(&args.config, &domain, stdin)?;
    let host = match &config {
        Some(config) => facts(&domain, config)?,
        None => HostFacts::not_asked(),
    };
    let done = prepare::prepare(&args.config, domain, config, &host, false)?;
    if done.config.is_none() {
        out.say("note: no key asks for SEV, so the document stays as it is");
    }
    out.findings(&done.findings);
    let before = done.domain.text();
    let changed = before != done.xml;
    if args.check {
        return Ok(if changed { Answer::No } else { Answer::Yes });
    }
    if args.in_place {
        if changed {
            files::write("domain document", &args.domain, &encoding.encode(&done.xml)?, 0o600)?;
        }
    } else if let Some(path) = &args.output {
        files::write("domain document", path, &encoding.encode(&done.xml)?, 0o600)?;
    }
    let written = args.in_place || args.output.is_some();
    if out.is_json() {
        let plan = done.plan.as_ref();
        out.answer_json(
            "apply",
            json!({
                "changed": changed,
                "edits": plan.map_or_else(Vec::new, |p| p.edits().iter().map(|e| json!({
                    "rule": e.rule(), "reason": e.reason(), "places": e.places(&done.domain), "text": e.text(),
                })).collect()),
                "findings": done.findings,
                "xml": if written { None } else { Some(&done.xml) },
            }),
        )?;
    } else if args.diff {
        out.answer(&diff(before, &done.xml, out.stdout_color()))?;
    } else if args.explain {
        let edits = done.plan.as_ref().map_or(&[][..], |p| p.edits());
        out.answer(
            &edits
                .iter()
                .map(|e| {
                    format!("{}  [{}]\n    {}\n", e.places(&done.domain).join(", "), e.rule(), e.reason())
                })
                .collect::<String>(),
        )?;
    } else if !written {
        out.answer_bytes(&encoding.encode(&done.xml)?)?;
    }
    Ok(Answer::Yes)
}

/// A unified diff with three lines of context.
pub(crate) fn diff(before: &str, after: &str, color: bool) -> String {
    let text = similar::TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(3)
        .header("before", "after")
        .to_string();
    if !color {
        return text;
    }
    text.split_inclusive('\n')
        .map(|line| match line.as_bytes().first() {
            Some(b'+') => paint("32", line),
            Some(b'-') => paint("31", line),
            Some(b'@') => paint("36", line),
            _ => line.to_owned(),
        })
        .collect()
}

fn paint(code: &str, line: &str) -> String {
    let text = line.strip_suffix('\n').unwrap_or(line);
    format!("\x1b[{code}m{text}\x1b[0m{}", &line[text.len()..])
}
