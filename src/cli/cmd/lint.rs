//! `virt-sev lint`. In: documents, keys, perhaps a host. Out: which rules each document breaks. Never: a change.

use super::{prepare, sarif};
use crate::args::{Format, LintArgs};
use crate::output::{Answer, Output};
use serde::Serialize;
use serde_json::json;
use std::path::Path;
use virt_sev::config::{self, RawConfig, SevConfig};
use virt_sev::domain::{Domain, Places, Position};
use virt_sev::host::HostFacts;
use virt_sev::plan::{self, FIX};
use virt_sev::report::{Note, count, render, summary};
use virt_sev::{Error, Finding, Kind, Result, Severity, explain, preflight};

/// A document to be judged.
#[derive(Debug)]
pub(crate) struct Subject {
    /// A file's name, or a domain's.
    pub(crate) name: String,
    pub(crate) is_file: bool,
    pub(crate) domain: Domain<'static>,
}

/// A finding with its place in the text.
#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) finding: Finding,
    pub(crate) start: Position,
    pub(crate) end: Position,
}

/// A document that was judged.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) name: String,
    pub(crate) is_file: bool,
    /// Its `<name>`.
    domain: Option<String>,
    /// Where its keys come from; `None`: nothing asks for SEV.
    keys: Option<&'static str>,
    mode: Option<&'static str>,
    pub(crate) findings: Vec<Located>,
}

impl Judged {
    /// Nothing asks for SEV, and nothing is wrong with that.
    fn is_other(&self) -> bool {
        self.keys.is_none() && !self.findings.iter().any(|l| counts(&l.finding))
    }
}

/// What was found in all of them.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) judged: Vec<Judged>,
    /// Why others could not be judged.
    pub(crate) failures: Vec<Error>,
}

/// Reads and judges files.
pub(crate) fn files(args: &LintArgs) -> Result<impl Iterator<Item = Result<Subject>> + '_> {
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
    subjects: impl Iterator<Item = Result<Subject>>,
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
        match subject.and_then(|s| judge(s, &given, args, &options, &mut facts)) {
            Ok(judged) => report.judged.push(judged),
            // What is wrong with the given keys is wrong for every document, and told once.
            Err(e) if report.failures.iter().any(|known| known.to_string() == e.to_string()) => {}
            Err(e) => report.failures.push(e),
        }
    }
    match out.format {
        Format::Json => out.answer_json("lint", as_json(&report))?,
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

/// Names the document in an error, which goes on to name the place in it.
fn within(name: &str, e: Error) -> Error {
    match e.place().map(str::to_owned) {
        Some(place) => e.at(format!("{name}, {place}")),
        None => e.at(name),
    }
}

fn judge(
    subject: Subject,
    given: &RawConfig,
    args: &LintArgs,
    options: &plan::Options,
    facts: &mut impl FnMut(&Domain<'_>, &SevConfig) -> Result<HostFacts>,
) -> Result<Judged> {
    let Subject { name, is_file, domain } = subject;
    let metadata = if args.config.no_metadata { None } else { domain.metadata_config() };
    let own = metadata.map_or(Ok(RawConfig::new()), |xml| config::from_metadata(&xml, "metadata"));
    let mut raw = own.map_err(|e| within(&name, e))?;
    let from = match (given.is_empty(), raw.is_empty()) {
        (false, _) => Some("options"),
        (true, false) => Some("metadata"),
        (true, true) => None,
    };
    let alone = raw.is_empty();
    raw.overlay(given.clone());
    let resolved = || config::resolve(&raw).map_err(|e| if alone { e } else { within(&name, e) });
    let (from, wanted) = match from {
        Some(from) => (from, resolved()?.map(Ok)),
        None => {
            ("launchSecurity", plan::implied_keys(&domain).and_then(|raw| config::resolve(&raw).transpose()))
        }
    };
    let (mode, findings) = match &wanted {
        None => (None, vec![unknown_type(&domain, from).unwrap_or_else(|| not_sev(&domain, from, is_file))]),
        Some(Err(problems)) => (None, problems.problems().map(of_element).collect()),
        Some(Ok(wanted)) => {
            let host = facts(&domain, wanted).map_err(|e| within(&name, e))?;
            let plan = plan::plan(wanted, &domain, &host, options).map_err(|e| within(&name, e))?;
            let layers = preflight::run(wanted, &host, &options.skip);
            (Some(wanted.mode().as_str()), plan.lint(&domain).into_iter().chain(layers).collect())
        }
    };
    let places = Places::new(&domain);
    let located = |finding: Finding| {
        let (start, end) = places.find(place_of(&finding, &domain));
        Located { finding, start, end }
    };
    let told = |f: &Finding| f.severity != Severity::Ok && !options.skip.iter().any(|s| s == f.id);
    let findings = findings.into_iter().filter(told).map(located).collect();
    let (domain, keys) = (domain.facts().name.clone(), wanted.is_some().then_some(from));
    Ok(Judged { name, is_file, domain, keys, mode, findings })
}

/// A `<launchSecurity>` that is of no type at all is a mistake, and not the wish for a guest without SEV. The types are
/// those of libvirt's schema (launchSecurity in domaincommon.rng).
fn unknown_type(domain: &Domain<'_>, from: &str) -> Option<Finding> {
    let said = domain.facts().launch_security.as_ref().filter(|_| from == "launchSecurity")?;
    let title = match said.kind.as_deref() {
        Some("sev" | "sev-snp" | "s390-pv" | "tdx") => return None,
        Some(kind) => format!("<launchSecurity> has type='{kind}', which libvirt does not know"),
        None => "<launchSecurity> has no type".to_owned(),
    };
    let finding =
        Finding::new("launch-security", Severity::Error, title).path("/domain/launchSecurity/@type");
    Some(
        finding
            .fix("SEV and SEV-ES are type='sev', SEV-SNP is type='sev-snp'.")
            .source(source("launch-security")),
    )
}

fn source(id: &str) -> &'static str {
    explain::find(id).map_or("", |a| a.source)
}

fn not_sev(domain: &Domain<'_>, from: &str, is_file: bool) -> Finding {
    let title =
        if from == "launchSecurity" { "not a SEV domain" } else { "not a SEV domain: no key asks for it" };
    // Of a whole hypervisor nobody expects that every domain is one.
    let fix = if is_file && from == "launchSecurity" && domain.facts().launch_security.is_none() {
        "Give keys to judge it by what it should be: --set security.sev=true."
    } else {
        ""
    };
    Finding::new("launch-security", Severity::Info, title).path("/domain").fix(fix)
}

/// What `<launchSecurity>` says and no key could say.
fn of_element(problem: &Error) -> Finding {
    let place = problem.place().unwrap_or_default();
    let (key, path) =
        place.trim_end_matches(')').split_once(" (").unwrap_or((place, "/domain/launchSecurity"));
    let id = if key.starts_with("security.sev.session.") { "session-pair" } else { "launch-security" };
    let text = problem.alone().to_string();
    let text = text.strip_prefix(&format!("{place}: ")).unwrap_or(&text);
    let title = text.split_once("\n  ").map_or(text, |(title, _)| title);
    Finding::new(id, Severity::Error, title)
        .path(path)
        .fix(problem.hint_text().unwrap_or_default())
        .source(source(id))
}

/// The path of the document that a finding is about; one about a key is about what the key stands for.
fn place_of<'a>(finding: &'a Finding, domain: &Domain<'_>) -> &'a str {
    let about_element = finding.path.starts_with("security.sev") && domain.facts().launch_security.is_some();
    match finding.path.as_str() {
        "security.sev.policy" | "security.sev.snp.policy" if about_element => "/domain/launchSecurity/policy",
        "security.sev.session.dh" if about_element => "/domain/launchSecurity/dhCert",
        "security.sev.session.data" if about_element => "/domain/launchSecurity/session",
        path => path,
    }
}

fn text(report: &Report, args: &LintArgs, out: Output) -> String {
    let style = virt_sev::report::Style { explain: args.explain, ..out.answer_style() };
    let shown = |j: &Judged, f: &Finding| match f.severity {
        Severity::Error | Severity::Warning => true,
        Severity::Info => out.is_verbose() || (j.is_other() && !out.quiet),
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
    let others = report.judged.iter().filter(|j| j.is_other()).count();
    if others > 0 {
        line += &format!("; {} not SEV", if others == 1 { "1 is".into() } else { format!("{others} are") });
    }
    if !report.failures.is_empty() {
        line += &format!("; {} could not be judged", report.failures.len());
    }
    line
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    file: Option<&'a str>,
    domain: Option<&'a str>,
    line: usize,
    column: usize,
}

fn as_json(report: &Report) -> serde_json::Value {
    let tally = |j: &Judged, s: Severity| j.findings.iter().filter(|l| l.finding.severity == s).count();
    let total = |s: Severity| report.judged.iter().map(|j| tally(j, s)).sum::<usize>();
    let file = |j: &Judged| j.is_file.then(|| j.name.clone());
    let rows = report.judged.iter().flat_map(|j| {
        j.findings.iter().map(move |l| Row {
            finding: &l.finding,
            file: j.is_file.then_some(j.name.as_str()),
            domain: j.domain.as_deref(),
            line: l.start.line,
            column: l.start.column,
        })
    });
    json!({
        "errors": total(Severity::Error),
        "warnings": total(Severity::Warning),
        "domains": report.judged.iter().map(|j| json!({
            "file": file(j),
            "domain": j.domain,
            "keys": j.keys,
            "mode": j.mode,
            "errors": tally(j, Severity::Error),
            "warnings": tally(j, Severity::Warning),
        })).collect::<Vec<_>>(),
        "findings": rows.collect::<Vec<_>>(),
        "failures": report.failures.iter().map(|e| e.to_string()).collect::<Vec<_>>(),
    })
}
