//! Which rules a document breaks, judged by the keys given, by its own, or by its `<launchSecurity>`.
//! In: a [`Subject`], keys, perhaps a host. Out: [`Judged`]. Never: a change.

use crate::config::{self, RawConfig, SevConfig};
use crate::domain::{Domain, Places, Position};
use crate::host::HostFacts;
use crate::prepare::implied;
use crate::{Error, Finding, Result, Severity, explain, plan, preflight};
use serde::Serialize;
use serde_json::json;

/// A document to be judged.
#[derive(Debug)]
pub struct Subject<'a> {
    /// What errors call it: a file, or a domain's name. Empty where there is only one.
    pub name: String,
    /// Whether the name is a file's.
    pub is_file: bool,
    /// The document.
    pub domain: Domain<'a>,
}

/// A finding with its place in the text.
#[derive(Debug)]
pub struct Located {
    /// What was found.
    pub finding: Finding,
    /// Where it begins.
    pub start: Position,
    /// Where it ends.
    pub end: Position,
}

/// A document that was judged.
#[derive(Debug)]
pub struct Judged {
    /// As the subject.
    pub name: String,
    /// As the subject.
    pub is_file: bool,
    /// Its `<name>`.
    pub domain: Option<String>,
    /// Where its keys come from; `None`: nothing asks for SEV.
    pub keys: Option<&'static str>,
    /// What it asks for.
    pub mode: Option<&'static str>,
    /// What was found, in the order of the rules.
    pub findings: Vec<Located>,
}

/// Names the document in an error, which goes on to name the place in it.
fn within(name: &str, e: Error) -> Error {
    if name.is_empty() {
        return e;
    }
    match e.place().map(str::to_owned) {
        Some(place) => e.at(format!("{name}, {place}")),
        None => e.at(name),
    }
}

/// Judges a document. `own` reads the keys in its metadata too; `facts` is asked only where it has to do with SEV.
///
/// # Errors
/// What is wrong with the keys, or with `facts`: then nothing can be said of the document.
pub fn judge(
    subject: Subject<'_>,
    given: &RawConfig,
    own: bool,
    options: &plan::Options,
    facts: impl FnOnce(&Domain<'_>, &SevConfig) -> Result<HostFacts>,
) -> Result<Judged> {
    let Subject { name, is_file, domain } = subject;
    let metadata = if own { domain.metadata_config() } else { None };
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
        None => ("launchSecurity", implied(&domain).transpose()),
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

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    file: Option<&'a str>,
    domain: Option<&'a str>,
    line: usize,
    column: usize,
}

/// The answer, and why other documents could not be judged.
#[must_use]
pub fn answer(all: &[Judged], failures: &[Error]) -> serde_json::Value {
    let tally = |j: &Judged, s: Severity| j.findings.iter().filter(|l| l.finding.severity == s).count();
    let total = |s: Severity| all.iter().map(|j| tally(j, s)).sum::<usize>();
    let file = |j: &Judged| j.is_file.then(|| j.name.clone());
    let rows = all.iter().flat_map(|j| {
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
        "domains": all.iter().map(|j| json!({
            "file": file(j),
            "domain": j.domain,
            "keys": j.keys,
            "mode": j.mode,
            "errors": tally(j, Severity::Error),
            "warnings": tally(j, Severity::Warning),
        })).collect::<Vec<_>>(),
        "findings": rows.collect::<Vec<_>>(),
        "failures": failures.iter().map(|e| e.to_string()).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_document_without_a_name_is_judged_by_the_keys_given() {
        let text = "<domain type='kvm'>\n<name>a</name>\n<memory>1048576</memory>\n\
                    <os><type arch='x86_64' machine='pc'>hvm</type></os></domain>";
        let subject = |text: &'static str| Subject {
            name: String::new(),
            is_file: false,
            domain: Domain::parse(text).unwrap(),
        };
        let options = plan::Options::default();
        let none =
            judge(subject(text), &RawConfig::new(), true, &options, |_, _| panic!("not asked")).unwrap();
        assert_eq!((none.keys, none.mode, none.findings.len()), (None, None, 1));
        let mut given = RawConfig::new();
        given.set("security.sev", "true", "test");
        let judged = judge(subject(text), &given, true, &options, |_, _| Ok(HostFacts::not_asked())).unwrap();
        let answer = answer(&[judged], &[]);
        assert_eq!(answer["domains"][0]["keys"], "options");
        assert_eq!(answer["domains"][0]["mode"], "sev");
        assert!(answer["errors"].as_u64() > Some(0), "{answer}");
        assert!(answer["findings"].as_array().unwrap().iter().any(|f| f["line"] == 4), "{answer}");
        given.set("security.sev", "maybe", "test");
        let e = judge(subject(text), &given, true, &options, |_, _| Ok(HostFacts::not_asked())).unwrap_err();
        assert_eq!(e.place(), Some("security.sev (test)"));
    }
}
