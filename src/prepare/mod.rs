//! From a document and keys to the document as it should be. In: a domain, keys, facts of a host. Out: [`Prepared`].
//! The one way that every caller takes before anything is defined. Never: a document where anything stands in the way.

use crate::config::{self, FirmwareChoice, SevConfig};
use crate::domain::{Domain, Places};
use crate::finding::{Finding, Severity};
use crate::host::HostFacts;
use crate::plan::{self, Options, Plan};
use crate::preflight;
use crate::{Error, Kind, Result, answer};
use serde_json::{Value, json};
use std::path::PathBuf;

/// A document, what its keys ask for, and what it should become.
#[derive(Debug)]
pub struct Prepared {
    /// The document as it came.
    pub domain: Domain<'static>,
    /// What the keys ask for; `None`: nothing.
    pub config: Option<SevConfig>,
    /// The edits; `None` when nothing was asked for.
    pub plan: Option<Plan>,
    /// What the rules and the host's layers have to say, short of errors.
    pub findings: Vec<Finding>,
    /// The document as it should be.
    pub xml: String,
}

/// Plans, applies, and asks the host: what is wrong with the document or the keys comes first, then the host.
/// The file, where the document is one, is for the places of errors.
///
/// # Errors
/// Every error finding; then there is no document at all.
pub fn prepare(
    options: &Options,
    domain: Domain<'static>,
    file: Option<&str>,
    config: Option<SevConfig>,
    host: &HostFacts,
) -> Result<Prepared> {
    let Some(wanted) = &config else {
        let xml = domain.text().to_owned();
        return Ok(Prepared { domain, config, plan: None, findings: Vec::new(), xml });
    };
    let plan = plan::plan(wanted, &domain, host, options)?;
    let findings = allowed(&plan, &domain, file, wanted, host, options)?;
    let xml = plan.apply(&domain)?;
    Ok(Prepared { domain, config, plan: Some(plan), findings, xml })
}

impl Prepared {
    /// The JSON answer of `apply`, without its schema.
    #[must_use]
    pub fn json(&self) -> Value {
        let edits = answer::edits(self.plan.as_ref(), &self.domain);
        json!({
            "changed": self.domain.text() != self.xml,
            "edits": edits,
            "findings": self.findings,
            "xml": self.xml,
        })
    }
}

/// What the rules and the host have to say of a domain that is taken as it is, because no key asks for anything; and how
/// many edits the rules would want.
#[derive(Debug)]
pub struct AsItIs {
    /// How many edits the rules want.
    pub edits: usize,
    /// What they say, and the host's layers, short of errors.
    pub findings: Vec<Finding>,
}

/// What the domain's own `<launchSecurity>` asks for; `None` where it has none of AMD's.
///
/// # Errors
/// What stands there and cannot be.
pub fn implied(domain: &Domain<'_>) -> Result<Option<SevConfig>> {
    plan::implied_keys(domain).map_or(Ok(None), |raw| config::resolve(&raw))
}

/// The same questions as for keys, of what the domain's own `<launchSecurity>` asks for.
///
/// # Errors
/// As [`prepare`].
pub fn as_it_is(
    options: &Options,
    domain: &Domain<'_>,
    file: Option<&str>,
    implied: &SevConfig,
    host: &HostFacts,
) -> Result<AsItIs> {
    // No key was given that could be recorded.
    let options = &Options { record: false, ..options.clone() };
    let plan = plan::plan(implied, domain, host, options)?;
    let findings = allowed(&plan, domain, file, implied, host, options)?;
    Ok(AsItIs { edits: plan.edits().len(), findings })
}

/// All that there is to say, short of errors; with one, all errors.
fn allowed(
    plan: &Plan,
    domain: &Domain<'_>,
    file: Option<&str>,
    config: &SevConfig,
    host: &HostFacts,
    options: &Options,
) -> Result<Vec<Finding>> {
    let layers = preflight::run(config, host, &options.skip);
    refuse(located(plan.error(), domain, file), preflight::refuse(&layers).err())?;
    Ok(plan.findings().iter().cloned().chain(layers).filter(|f| f.severity != Severity::Ok).collect())
}

/// The firmware images that the keys and the document name: they are looked into, whoever describes them.
#[must_use]
pub fn images(domain: &Domain<'_>, config: &SevConfig) -> Vec<PathBuf> {
    let key = match &config.firmware {
        FirmwareChoice::Path(path) => Some(path.clone()),
        FirmwareChoice::Auto => None,
    };
    let loader = domain.facts().os.loader.as_ref().and_then(|l| l.path.as_ref()).map(PathBuf::from);
    key.into_iter().chain(loader).collect()
}

/// Each problem of a document that came out of a file with its line there: `/domain/os/type (guest.xml:7:5)`.
fn located(e: Option<Error>, domain: &Domain<'_>, file: Option<&str>) -> Option<Error> {
    let e = e?;
    let Some(name) = file else { return Some(e) };
    let places = Places::new(domain);
    Some(e.with_places(|path| {
        let at = places.find(path).0;
        path.starts_with("/domain").then(|| format!("{path} ({name}:{}:{})", at.line, at.column))
    }))
}

/// Everything that stands in the way, in one error. The first problem gives the exit code: a document that is wrong is
/// wrong on every host; and where only the host is, its missing mode says more than its missing firmware.
///
/// # Errors
/// All of them, where there are any.
pub fn refuse(rules: Option<Error>, layers: Option<Error>) -> Result<()> {
    let problems = match rules {
        Some(e) if e.kind() != Kind::No => vec![Some(e), layers],
        rules => vec![layers, rules],
    };
    Error::many(problems.into_iter().flatten().collect()).map_or(Ok(()), Err)
}

/// The domain's name, without which nothing is launched.
///
/// # Errors
/// `Kind::Domain` where it has none.
pub fn name(domain: &Domain<'_>) -> Result<String> {
    domain
        .facts()
        .name
        .clone()
        .ok_or_else(|| Error::new(Kind::Domain, "the domain has no name").at("/domain").hint("Add <name>."))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With `--record` the note of a domain that is taken as it is counted an edit that nobody would make.
    #[test]
    fn of_a_domain_that_is_taken_as_it_is_no_keys_are_recorded() {
        let domain = Domain::parse(
            "<domain type='kvm'><name>g</name><memory>1048576</memory><os><type arch='x86_64' machine='q35'>hvm</type>\
             </os><launchSecurity type='sev'><policy>0x1</policy></launchSecurity></domain>",
        )
        .unwrap();
        let own = implied(&domain).unwrap().unwrap();
        let edits = |record| {
            let options = Options { record, ..Options::default() };
            as_it_is(&options, &domain, None, &own, &HostFacts::not_asked()).unwrap().edits
        };
        assert!(edits(false) > 0);
        assert_eq!(edits(true), edits(false));
    }
}
