//! `virt-sev check`. In: a domain, keys, a hypervisor. Out: whether a launch could begin here now, and why not.
//! Never: a change, or an end at the first problem.

use super::launch::Source;
use super::{bundle, connect, implied};
use crate::args::CheckArgs;
use crate::cmd::prepare;
use crate::output::{Answer, Output};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use virt_sev::config::{SevConfig, Technology};
use virt_sev::domain::Domain;
use virt_sev::launch::journal::Journal;
use virt_sev::launch::{Cancel, Hypervisor as _, could_begin, within};
use virt_sev::report::{Note, render, summary};
use virt_sev::session::blob::SessionBlob;
use virt_sev::session::registry::Registry;
use virt_sev::{Error, Finding, Kind, Result, Severity, explain, plan, preflight};
use virt_sev_sys::Libvirt;

pub(crate) fn run(args: &CheckArgs, uri: Option<&str>, out: Output) -> Result<Answer> {
    let limit = Duration::from_secs(args.wait.timeout.into());
    let cancel = Cancel::default();
    let source = Source::of(&args.domain);
    let document = source.read_file()?;
    let libvirt = connect::open(uri, limit, &cancel)?;
    let domain = match document {
        Some(domain) => domain,
        None => source.read_defined(&libvirt, limit, &cancel)?,
    };
    let name = domain.facts().name.clone().ok_or_else(|| {
        Error::new(Kind::Domain, "the domain has no name").at("/domain").hint("Add <name>.")
    })?;
    let given = prepare::config(&args.config, &domain, source.is_stdin(), out)?;
    let wanted = match given {
        Some(config) => config,
        None => implied::implied(&domain)?.ok_or_else(|| {
            Error::new(Kind::Config, "nothing asks for SEV: neither a key nor the domain")
                .at(name.clone())
                .hint("Give --set security.sev=true, or --config FILE.")
        })?,
    };
    let host = connect::host_facts(&libvirt, args.host_root.as_deref(), &domain, &wanted, limit, &cancel)?;
    let options = plan::Options {
        skip: args.config.skip.clone(),
        injects_secret: args.injects_secret,
        record: args.config.record,
    };
    let plan = plan::plan(&wanted, &domain, &host, &options)?;
    let mut findings = plan.findings().to_vec();
    findings.extend(preflight::run(&wanted, &host, &options.skip));
    let edited = if plan.error().is_none() { Domain::parse(plan.apply(&domain)?)? } else { domain.clone() };
    findings.extend(preflight::memory(edited.facts(), &host.memory));
    let image = plan::image_to_be(&wanted, &domain, &host, &options);
    findings.extend(bundle::firmware(&wanted, &domain, &host, &options));
    findings.extend(session(&wanted));
    findings.extend(clash(&libvirt, &name, edited.text().to_owned(), limit, &cancel)?);
    let possible = findings.iter().all(|f| f.severity != Severity::Error);
    let mode = wanted.mode().as_str();
    let path = |image: &Path| image.display().to_string();

    if out.is_json() {
        let firmware =
            image.map(|(image, by_libvirt)| json!({ "image": path(&image), "libvirt-chooses": by_libvirt }));
        out.answer_json(
            "check",
            json!({
                "domain": name,
                "mode": mode,
                "possible": possible,
                "firmware": firmware,
                "edits": plan.edits().len(),
                "findings": findings,
            }),
        )?;
    } else {
        let told =
            |f: &&Finding| matches!(f.severity, Severity::Error | Severity::Warning) || out.is_verbose();
        let notes: Vec<Note<'_>> = findings.iter().filter(told).map(Note::new).collect();
        let firmware = match &image {
            Some((image, true)) => format!("{}, which libvirt chooses", path(image)),
            Some((image, false)) => path(image),
            None => "not known from here: libvirt chooses".into(),
        };
        let verdict = if possible { "can be launched here" } else { "cannot be launched here" };
        out.answer(&format!(
            "{}firmware: {}\n{name}: {mode} {verdict}: {}\n",
            render(&notes, out.answer_style()),
            virt_sev::report::clean(&firmware),
            summary(&findings)
        ))?;
    }
    Ok(if possible { Answer::Yes } else { Answer::No })
}

/// A session that was used before is of no use; that it is for this policy only its owner's keys can tell.
fn session(wanted: &SevConfig) -> Option<Finding> {
    let Technology::Sev { session: Some(session), .. } = &wanted.technology else { return None };
    let unused = || -> Result<()> {
        Registry::open(&Registry::default_folder()?)?.refuse_used(&SessionBlob::parse(&session.session)?)
    };
    unused().err().map(|e| finding("session-used", &e))
}

/// What a launch would meet on the hypervisor: another domain of this name or UUID, one that runs, or one whose launch
/// has not ended.
fn clash(
    libvirt: &Libvirt,
    name: &str,
    xml: String,
    limit: Duration,
    cancel: &Cancel,
) -> Result<Option<Finding>> {
    let journal = Journal::below(&Registry::default_folder()?);
    let (hv, wanted) = (libvirt.clone(), name.to_owned());
    let begun =
        within(limit, cancel, "looking up the domain", move || Ok(could_begin(&hv, &journal, &wanted, xml)))?;
    match begun {
        Ok(()) => Ok(None),
        Err(e) if e.kind() == Kind::State => {
            let topic = explain::in_message(e.message()).first().map_or("launch-under-way", |t| t.id);
            Ok(Some(finding(topic, &e).path(libvirt.uri()).of_host()))
        }
        Err(e) => Err(e),
    }
}

fn finding(id: &'static str, e: &Error) -> Finding {
    Finding::new(id, Severity::Error, e.message()).fix(e.hint_text().unwrap_or_default())
}
