//! From a document and keys to the document as it should be. In: text, options, host facts. Out: [`Prepared`].
//! The one way that `apply`, `define` and `launch` share.

use super::encoding::{self, Encoding};
use super::files;
use crate::args::ConfigArgs;
use crate::output::Output;
use std::path::{Path, PathBuf};
use virt_sev::config::{self, FirmwareChoice, SevConfig};
use virt_sev::domain::{Domain, Places};
use virt_sev::host::HostFacts;
use virt_sev::plan::{self, Plan};
use virt_sev::{Error, Finding, Kind, Result, Severity, preflight};

/// A document, what its keys ask for, and what it should become.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The document as it came.
    pub(crate) domain: Domain<'static>,
    /// What the keys ask for; `None`: nothing.
    pub(crate) config: Option<SevConfig>,
    /// The edits; `None` when nothing was asked for.
    pub(crate) plan: Option<Plan>,
    /// What the rules and the host's layers have to say, short of errors.
    pub(crate) findings: Vec<Finding>,
    /// The document as it should be.
    pub(crate) xml: String,
}

/// Reads a domain document.
pub(crate) fn read_domain(path: &Path) -> Result<Domain<'static>> {
    read_document(path).map(|(domain, _)| domain)
}

/// Reads a domain document, and how it was encoded.
pub(crate) fn read_document(path: &Path) -> Result<(Domain<'static>, Encoding)> {
    let name = files::shown(path);
    let here = |e: Error| match e.place() {
        Some(place) => {
            let place = format!("{name}, {place}");
            e.at(place)
        }
        None => e.at(name.clone()),
    };
    let (text, encoding) = encoding::decode(files::read("domain document", path)?).map_err(here)?;
    let domain = match text.trim_start().chars().next() {
        None => Err(Error::new(Kind::Domain, "the domain document is empty")
            .wanted("<domain>")
            .hint("Where it comes out of a pipe, the command before the pipe failed.")),
        Some('<') => Domain::parse(text),
        Some(_) => Domain::parse(text).map_err(|e| {
            e.hint(
                "A domain document is XML, as `virsh dumpxml --inactive` prints it. Keys come with --config.",
            )
        }),
    };
    Ok((domain.map_err(here)?, encoding))
}

/// What to say where no key asks for SEV: what `becomes` of the domain, and the keys that its own `<launchSecurity>`
/// stands for, without which nothing in it is looked at.
pub(crate) fn no_keys(domain: &Domain<'_>, becomes: &str) -> String {
    let note = format!("note: no key asks for SEV, so {becomes}");
    let implied = plan::implied_keys(domain).and_then(|raw| config::resolve(&raw).ok().flatten());
    let Some(implied) = implied else { return note };
    let (keys, blobs) = config::keys_without_blobs(&implied);
    // Without a kernel to hash, no hashes are what the keys mean unasked.
    let kernel = domain.facts().os.kernel.is_some();
    let told = keys.entries().filter(|e| kernel || e.key != "security.sev.kernel_hashes");
    let all: Vec<String> = told.map(|e| format!("--set {}={}", e.key, e.value)).collect();
    let blobs = if blobs.is_empty() { String::new() } else { format!(", and {}", blobs.join(", ")) };
    format!("{note}\n  Its <launchSecurity> means {}{blobs}", all.join(" "))
}

/// The typed configuration of a domain, from all sources.
pub(crate) fn config(
    args: &ConfigArgs,
    domain: &Domain<'_>,
    domain_is_stdin: bool,
    out: Output,
) -> Result<Option<SevConfig>> {
    if domain_is_stdin && args.config.iter().any(|p| p == Path::new("-")) {
        return Err(Error::new(Kind::Usage, "standard input cannot be both the domain and --config")
            .hint("Name a file for one of them."));
    }
    let metadata = if args.no_metadata { None } else { domain.metadata_config() };
    let loaded = config::load_with_notes(config::Sources {
        metadata: metadata.as_deref(),
        files: &args.config,
        format: args.config_format.into(),
        sets: &args.set,
    })?;
    out.findings(&loaded.notes);
    Ok(loaded.config)
}

/// The firmware images that the keys and the document name: they are looked into, whoever describes them.
pub(crate) fn images(domain: &Domain<'_>, config: &SevConfig) -> Vec<PathBuf> {
    let key = match &config.firmware {
        FirmwareChoice::Path(path) => Some(path.clone()),
        FirmwareChoice::Auto => None,
    };
    let loader = domain.facts().os.loader.as_ref().and_then(|l| l.path.as_ref()).map(PathBuf::from);
    key.into_iter().chain(loader).collect()
}

/// Plans, applies, and asks the host: what is wrong with the document or the keys comes first, then the host.
/// The file, where the document is one, is for the places of errors.
///
/// # Errors
/// Every error finding; then there is no document at all.
pub(crate) fn prepare(
    args: &ConfigArgs,
    (domain, file): (Domain<'static>, Option<&Path>),
    config: Option<SevConfig>,
    host: &HostFacts,
    injects_secret: bool,
) -> Result<Prepared> {
    let Some(wanted) = &config else {
        let xml = domain.text().to_owned();
        return Ok(Prepared { domain, config, plan: None, findings: Vec::new(), xml });
    };
    let options = plan::Options { skip: args.skip.clone(), injects_secret, record: args.record };
    let plan = plan::plan(wanted, &domain, host, &options)?;
    let layers = preflight::run(wanted, host, &args.skip);
    refuse(located(plan.error(), &domain, file), preflight::refuse(&layers).err())?;
    let xml = plan.apply(&domain)?;
    let findings =
        plan.findings().iter().cloned().chain(layers).filter(|f| f.severity != Severity::Ok).collect();
    Ok(Prepared { domain, config, plan: Some(plan), findings, xml })
}

/// Each problem of a document that came out of a file with its line there: `/domain/os/type (guest.xml:7:5)`.
pub(crate) fn located(e: Option<Error>, domain: &Domain<'_>, file: Option<&Path>) -> Option<Error> {
    let e = e?;
    let Some(file) = file else { return Some(e) };
    let (places, name) = (Places::new(domain), files::shown(file));
    Some(e.with_places(|path| {
        let at = places.find(path).0;
        path.starts_with("/domain").then(|| format!("{path} ({name}:{}:{})", at.line, at.column))
    }))
}

/// Everything that stands in the way, in one error. The first problem gives the exit code: a document that is wrong is
/// wrong on every host; and where only the host is, its missing mode says more than its missing firmware.
pub(crate) fn refuse(rules: Option<Error>, layers: Option<Error>) -> Result<()> {
    let problems = match rules {
        Some(e) if e.kind() != Kind::No => vec![Some(e), layers],
        rules => vec![layers, rules],
    };
    Error::many(problems.into_iter().flatten().collect()).map_or(Ok(()), Err)
}
