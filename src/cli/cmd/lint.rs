//! `virt-sev lint`. In: documents, keys, perhaps a host. Out: which rules each document breaks. Never: a change.

use super::{prepare, sarif};
use crate::args::{Format, LintArgs};
use crate::output::{Answer, Output};
use std::path::Path;
use virt_sev::config::{self, SevConfig};
use virt_sev::domain::Domain;
use virt_sev::host::HostFacts;
use virt_sev::lint::{Judged, Subject, answer, judge};
use virt_sev::plan::{self, FIX};
use virt_sev::report::{Note, count, render, summary};
use virt_sev::{Error, Finding, Kind, Result, Severity};

/// Nothing asks for SEV, and nothing is wrong with that.
fn is_other(j: &Judged) -> bool {
    j.keys.is_none() && !j.findings.iter().any(|l| counts(&l.finding))
}

/// What was found in all of them.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) judged: Vec<Judged>,
    /// Why others could not be judged.
    pub(crate) failures: Vec<Error>,
}

/// Reads and judges files.
pub(crate) fn files(args: &LintArgs) -> Result<impl Iterator<Item = Result<Subject<'static>>> + '_> {
    let streams = args.files.iter().chain(&args.config.config).filter(|p| *p == Path::new("-")).count();
    if streams > 1 {
        return Err(Error::new(Kind::Usage, "standard input can be read only once")
            .hint("Name a file for all but one."));
    }
    Ok(args.files.iter().map(|path| {
        let name = if path == Path::new("-") { "<stdin>".to_owned() } else { path.display().to_string() };
        prepare::read_domain(path).map(|domain| Subject { name, is_file: true, domain })
    }))
}

/// Judges one document after the other: one that is bad does not stop the others. `facts` is asked for those that have
/// to do with SEV.
pub(crate) fn run(
    args: &LintArgs,
    subjects: impl Iterator<Item = Result<Subject<'static>>>,
    mut facts: impl FnMut(&Domain<'_>, &SevConfig) -> Result<HostFacts>,
    hypervisor: Option<&str>,
    out: Output,
) -> Result<Answer> {
    let options = plan::Options { skip: args.config.skip.clone(), ..plan::Options::default() };
    options.check()?;
    if args.config.record {
        return Err(Error::new(Kind::Usage, "--record: lint changes nothing, and so records nothing")
            .hint("`virt-sev apply --record` and `virt-sev define --record` do."));
    }
    let given = config::load(config::Sources {
        metadata: None,
        files: &args.config.config,
        format: args.config.config_format.into(),
        sets: &args.config.set,
    })?;
    out.findings(given.notes());
    let mut report = Report::default();
    for subject in subjects {
        let own = !args.config.no_metadata;
        match subject.and_then(|s| judge(s, &given, own, &options, &mut facts)) {
            Ok(judged) => report.judged.push(judged),
            // What is wrong with the given keys is wrong for every document, and told once.
            Err(e) if report.failures.iter().any(|known| known.to_string() == e.to_string()) => {}
            Err(e) => report.failures.push(e),
        }
    }
    match out.format {
        Format::Json => out.answer_json("lint", answer(&report.judged, &report.failures))?,
        Format::Sarif => out.answer_document(&sarif::log(&report, hypervisor))?,
        Format::Text | Format::Md | Format::Prometheus => out.answer(&text(&report, args, out))?,
    }
    let all = || report.judged.iter().flat_map(|j| &j.findings).map(|l| &l.finding);
    out.say(&last_line(&report));
    let bad = |f: &Finding| f.severity == Severity::Error || (args.strict && f.severity == Severity::Warning);
    let answer = if all().any(bad) { Answer::No } else { Answer::Yes };
    // What could not be judged outweighs what was: the answer is not whole.
    Error::many(report.failures).map_or(Ok(answer), Err)
}

fn text(report: &Report, args: &LintArgs, out: Output) -> String {
    let style = virt_sev::report::Style { explain: args.explain, ..out.answer_style() };
    let shown = |j: &Judged, f: &Finding| match f.severity {
        Severity::Error | Severity::Warning => true,
        Severity::Info => out.is_verbose() || (is_other(j) && !out.quiet),
        Severity::Ok => false,
    };
    // What all edits have in common stands in the last line.
    let plain: Vec<Vec<Finding>> =
        report.judged.iter().map(|j| j.findings.iter().map(|l| without_fix(&l.finding)).collect()).collect();
    report
        .judged
        .iter()
        .zip(&plain)
        .map(|(j, findings)| {
            let notes: Vec<Note<'_>> = j
                .findings
                .iter()
                .zip(findings)
                .filter(|(l, _)| shown(j, &l.finding))
                .map(|(l, f)| Note {
                    place: format!("{}:{}:{}", j.name, l.start.line, l.start.column),
                    ..Note::new(f)
                })
                .collect();
            render(&notes, style)
        })
        .collect()
}

fn counts(finding: &Finding) -> bool {
    matches!(finding.severity, Severity::Error | Severity::Warning)
}

fn without_fix(finding: &Finding) -> Finding {
    if finding.fix == FIX { finding.clone().fix("") } else { finding.clone() }
}

fn last_line(report: &Report) -> String {
    if report.judged.is_empty() && !report.failures.is_empty() {
        return format!("{} could not be judged", count(report.failures.len(), "domain"));
    }
    let of = |j: &Judged| j.findings.iter().filter(|l| l.finding.fix == FIX && counts(&l.finding)).count();
    let all = report.judged.iter().flat_map(|j| &j.findings).map(|l| &l.finding);
    let mut line = format!("{}: {}", count(report.judged.len(), "domain"), summary(all));
    let edits: usize = report.judged.iter().map(of).sum();
    if edits > 0 {
        // Without keys `apply` changes nothing, and it says which keys a <launchSecurity> stands for.
        let by_itself = report.judged.iter().any(|j| j.keys == Some("launchSecurity") && of(j) > 0);
        let with = if by_itself { " with their keys" } else { "" };
        line += &format!("; `virt-sev apply`{with} puts {edits} of them right");
    }
    let others = report.judged.iter().filter(|j| is_other(j)).count();
    if others > 0 {
        line += &format!("; {} not SEV", if others == 1 { "1 is".into() } else { format!("{others} are") });
    }
    if !report.failures.is_empty() {
        line += &format!("; {} could not be judged", report.failures.len());
    }
    line
}
