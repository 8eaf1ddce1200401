//! `virt-sev apply`. In: a document, keys, perhaps a host. Out: the document made right, a diff, or the reasons.

use super::{files, prepare};
use crate::args::ApplyArgs;
use crate::diff;
use crate::output::{Answer, Output};
use serde_json::Value;
use std::path::Path;
use virt_sev::config::SevConfig;
use virt_sev::domain::{Domain, Places};
use virt_sev::host::{self, Fact, HostFacts, RootProbe};
use virt_sev::plan::FIX;
use virt_sev::report::{Note, Style, render, wrap};
use virt_sev::{Error, Finding, Kind, Result, preflight};

/// What is known of the host without a connection.
pub(crate) fn offline_facts(
    (host_root, domcaps): (Option<&Path>, Option<&Path>),
    domain: &Domain<'_>,
    config: &SevConfig,
) -> Result<HostFacts> {
    let mut facts = match host_root {
        Some(root) => HostFacts::gather(&RootProbe::open(root)?, &prepare::images(domain, config)),
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
    facts: impl FnOnce(&Domain<'_>, &SevConfig) -> Result<HostFacts>,
    out: Output,
) -> Result<Answer> {
    let stdin = args.domain == Path::new("-");
    // What was read from a pipe cannot be put back into it.
    if args.in_place && (stdin || std::fs::metadata(&args.domain).is_ok_and(|m| !m.is_file())) {
        return Err(Error::new(Kind::Usage, "-i needs a file that can be replaced")
            .at(args.domain.display().to_string()));
    }
    let (domain, encoding) = prepare::read_document(&args.domain)?;
    let config = prepare::config(&args.config, &domain, stdin, out)?;
    let options = prepare::options(&args.config, false);
    let host = match &config {
        Some(config) => facts(&domain, config)?,
        None => HostFacts::not_asked(),
    };
    let done = prepare::prepare(&options, (domain, Some(&args.domain)), config, &host)?;
    if done.config.is_none() {
        out.say(&prepare::no_keys(&done.domain, "the document stays as it is"));
    }
    if !args.explain {
        out.findings(&placed(args, &done));
    }
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
        let mut answer = done.json();
        if written {
            answer["xml"] = Value::Null;
        }
        out.answer_json("apply", answer)?;
    } else if args.diff {
        let splices = done.plan.as_ref().map_or(Ok(Vec::new()), |p| p.splices_by_rule(&done.domain))?;
        out.answer_lines(&diff::unified(before, &splices, &shown(args), out.stdout_color()))?;
    } else if args.explain {
        out.answer(&explained(args, &done, out))?;
    } else if !written {
        out.answer_bytes(&encoding.encode(&done.xml)?)?;
    }
    Ok(Answer::Yes)
}

/// The document's name for people.
fn shown(args: &ApplyArgs) -> String {
    if args.domain == Path::new("-") { "stdin".into() } else { args.domain.display().to_string() }
}

/// The findings with their places in the text, as `lint` and `--explain` give them, in place of paths.
fn placed(args: &ApplyArgs, done: &prepare::Prepared) -> Vec<Finding> {
    let (places, name) = (Places::new(&done.domain), shown(args));
    let placed = |f: &Finding| f.clone().path(place(&places, &name, f));
    done.findings.iter().map(placed).collect()
}

/// `guest.xml:12:3`; what is about a key stays with the key.
fn place(places: &Places<'_>, name: &str, finding: &Finding) -> String {
    if !finding.path.starts_with("/domain") {
        return finding.path.clone();
    }
    let at = places.find(&finding.path).0;
    format!("{name}:{}:{}", at.line, at.column)
}

/// Each edit and each finding with its place, and behind it its rule.
fn explained(args: &ApplyArgs, done: &prepare::Prepared, out: Output) -> String {
    let Some(plan) = &done.plan else { return String::new() };
    let places = Places::new(&done.domain);
    let name = shown(args);
    let layers = done.findings.iter().filter(|f| f.id == preflight::MODE_HOST).cloned();
    let all: Vec<(bool, Finding)> = plan
        .lint(&done.domain)
        .into_iter()
        .chain(layers)
        .map(|f| (f.fix == FIX, f))
        .map(|(edit, f)| (edit, if edit { f.fix("") } else { f }))
        .collect();
    let notes: Vec<Note<'_>> = all
        .iter()
        .map(|(edit, finding)| Note {
            place: place(&places, &name, finding),
            word: edit.then_some("edit"),
            finding,
        })
        .collect();
    let mut text = render(&notes, Style { explain: true, ..out.answer_style() });
    if !args.config.skip.is_empty() {
        text += &wrap("left out with --skip: ", &args.config.skip.join(", "), 0, out.width());
    }
    text
}
