//! `virt-sev check`. In: a domain, keys, a hypervisor. Out: whether a launch could begin here now, and why not.
//! Never: a change.

use super::connect;
use super::launch::Source;
use crate::args::CheckArgs;
use crate::cmd::prepare;
use crate::output::{Answer, Output};
use std::time::Duration;
use virt_sev::host::RootProbe;
use virt_sev::launch::{CheckReport, check, wanted};
use virt_sev::report::{Note, clean, render, summary};
use virt_sev::session::registry::Registry;
use virt_sev::{Finding, Result, Severity};

pub(crate) fn run(args: &CheckArgs, uri: Option<&str>, out: Output) -> Result<Answer> {
    let limit = Duration::from_secs(args.wait.timeout.into());
    let cancel = connect::patience();
    let source = Source::of(&args.domain);
    let document = source.read_file()?;
    let libvirt = connect::open(uri, limit, &cancel)?;
    let asking = connect::asking(&libvirt, limit, &cancel);
    let domain = match document {
        Some(domain) => domain,
        None => source.read_defined(&asking)?,
    };
    let wanted = wanted(prepare::config(&args.config, &domain, source.is_stdin(), out)?, &domain)?;
    let root = args.host_root.as_deref().map(RootProbe::open).transpose()?;
    let facts = asking.facts_for(root.as_ref(), &domain, &wanted)?;
    let options = prepare::options(&args.config, args.injects_secret);
    let report = check(&asking, &domain, &wanted, &facts, &options, &Registry::default_folder()?)?;
    if out.is_json() {
        out.answer_json("check", report.json())?;
    } else {
        out.answer(&text(&report, out))?;
    }
    Ok(if report.possible() { Answer::Yes } else { Answer::No })
}

fn text(report: &CheckReport, out: Output) -> String {
    let told = |f: &&Finding| matches!(f.severity, Severity::Error | Severity::Warning) || out.is_verbose();
    let notes: Vec<Note<'_>> = report.findings.iter().filter(told).map(Note::new).collect();
    let firmware = match &report.firmware {
        Some((image, true)) => format!("{}, which libvirt chooses", image.display()),
        Some((image, false)) => image.display().to_string(),
        None => "not known from here: libvirt chooses".into(),
    };
    let verdict = if report.possible() { "can be launched here" } else { "cannot be launched here" };
    format!(
        "{}firmware: {}\n{}: {} {verdict}: {}\n",
        render(&notes, out.answer_style()),
        clean(&firmware),
        report.name,
        report.mode,
        summary(&report.findings)
    )
}
