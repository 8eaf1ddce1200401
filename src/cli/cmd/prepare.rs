//! From a document and keys to the document as it should be. In: text, options, host facts. Out: [`Prepared`].
//! The one way that `apply`, `define` and `launch` share.

use super::files;
use crate::args::ConfigArgs;
use std::path::{Path, PathBuf};
use virt_sev::config::{self, FirmwareChoice, SevConfig};
use virt_sev::domain::Domain;
use virt_sev::host::HostFacts;
use virt_sev::plan::{self, Plan};
use virt_sev::{Error, Kind, Result};

/// A document, what its keys ask for, and what it should become.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The document as it came.
    pub(crate) domain: Domain,
    /// What the keys ask for; `None`: nothing.
    pub(crate) config: Option<SevConfig>,
    /// The edits and findings; `None` when nothing was asked for.
    pub(crate) plan: Option<Plan>,
    /// The document as it should be.
    pub(crate) xml: String,
}

/// Reads a domain document.
pub(crate) fn read_domain(path: &Path) -> Result<Domain> {
    let text = files::read_text("domain document", path)?;
    Domain::parse(&text).map_err(|e| match e.place() {
        Some(place) => {
            let place = format!("{}, {place}", path.display());
            e.at(place)
        }
        None => e.at(path.display().to_string()),
    })
}

/// The typed configuration of a domain, from all sources.
pub(crate) fn config(args: &ConfigArgs, domain: &Domain, domain_is_stdin: bool) -> Result<Option<SevConfig>> {
    if domain_is_stdin && args.config.iter().any(|p| p == Path::new("-")) {
        return Err(Error::new(Kind::Usage, "standard input cannot be both the domain and --config")
            .hint("Name a file for one of them."));
    }
    let metadata = if args.no_metadata { None } else { domain.metadata_config() };
    config::load_and_resolve(config::Sources {
        metadata: metadata.as_deref(),
        files: &args.config,
        sets: &args.set,
    })
}

/// The firmware images that the keys and the document name: they are looked into, whoever describes them.
pub(crate) fn images(domain: &Domain, config: &SevConfig) -> Vec<PathBuf> {
    let key = match &config.firmware {
        FirmwareChoice::Path(path) => Some(path.clone()),
        FirmwareChoice::Auto => None,
    };
    let loader = domain.facts().os.loader.as_ref().and_then(|l| l.path.as_ref()).map(PathBuf::from);
    key.into_iter().chain(loader).collect()
}

/// Plans and applies.
pub(crate) fn prepare(
    args: &ConfigArgs,
    domain: Domain,
    config: Option<SevConfig>,
    host: &HostFacts,
    injects_secret: bool,
) -> Result<Prepared> {
    let Some(wanted) = &config else {
        let xml = domain.text().to_owned();
        return Ok(Prepared { domain, config, plan: None, xml });
    };
    let options = plan::Options { skip: args.skip.clone(), injects_secret };
    let plan = plan::plan(wanted, &domain, host, &options)?;
    let xml = plan.apply(&domain)?;
    Ok(Prepared { domain, config, plan: Some(plan), xml })
}
