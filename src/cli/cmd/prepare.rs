//! Documents and keys as the command line names them. In: paths, options. Out: a domain, its configuration, the document as
//! it should be.

use super::encoding::{self, Encoding};
use super::files;
use crate::args::ConfigArgs;
use crate::output::Output;
use std::path::Path;
use virt_sev::config::{self, SevConfig};
use virt_sev::domain::Domain;
use virt_sev::host::HostFacts;
use virt_sev::plan::Options;
use virt_sev::prepare::implied;
pub(crate) use virt_sev::prepare::{Prepared, images};
use virt_sev::{Error, Kind, Result};

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
    let Some(implied) = implied(domain).ok().flatten() else { return note };
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

/// What a plan depends on besides keys, document and host.
pub(crate) fn options(args: &ConfigArgs, injects_secret: bool) -> Options {
    Options { skip: args.skip.clone(), injects_secret, record: args.record }
}

/// The document as it should be, of one that came out of a file or from libvirt.
pub(crate) fn prepare(
    options: &Options,
    (domain, file): (Domain<'static>, Option<&Path>),
    config: Option<SevConfig>,
    host: &HostFacts,
) -> Result<Prepared> {
    virt_sev::prepare::prepare(options, domain, file.map(files::shown).as_deref(), config, host)
}
