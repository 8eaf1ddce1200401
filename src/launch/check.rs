//! Whether a launch could begin here now. In: a domain, keys, a host. Out: [`CheckReport`]. Never: a change, or an end at the
//! first problem.

use super::asking::Asking;
use super::hypervisor::Hypervisor;
use super::journal::Journal;
use super::states::could_begin;
use crate::config::{SevConfig, Technology};
use crate::domain::Domain;
use crate::finding::{Finding, Severity};
use crate::host::{Fact, HostFacts};
use crate::plan::{self, Options};
use crate::session::blob::SessionBlob;
use crate::session::registry::Registry;
use crate::{Error, Kind, Result, explain, files, preflight, prepare};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What stands in the way of a launch, and what does not.
#[derive(Debug)]
pub struct CheckReport {
    /// The domain's name.
    pub name: String,
    /// `sev`, `sev-es` or `sev-snp`.
    pub mode: &'static str,
    /// The firmware image that the guest would get, and whether libvirt chooses it; `None` where that is not known here.
    pub firmware: Option<(PathBuf, bool)>,
    /// How many edits the rules want.
    pub edits: usize,
    /// Everything that was looked at.
    pub findings: Vec<Finding>,
}

impl CheckReport {
    /// Whether a launch could begin.
    #[must_use]
    pub fn possible(&self) -> bool {
        self.findings.iter().all(|f| f.severity != Severity::Error)
    }

    /// The JSON answer, without its schema.
    #[must_use]
    pub fn json(&self) -> Value {
        let firmware = self
            .firmware
            .as_ref()
            .map(|(image, by_libvirt)| json!({ "image": image, "libvirt-chooses": by_libvirt }));
        json!({
            "domain": self.name,
            "mode": self.mode,
            "possible": self.possible(),
            "firmware": firmware,
            "edits": self.edits,
            "findings": self.findings,
        })
    }
}

/// What the keys ask for; where none asks for anything, the domain's own `<launchSecurity>`.
///
/// # Errors
/// `Kind::Config` where nothing asks for SEV.
pub fn wanted(given: Option<SevConfig>, domain: &Domain<'_>) -> Result<SevConfig> {
    match given {
        Some(config) => Ok(config),
        None => prepare::implied(domain)?.ok_or_else(|| {
            Error::new(Kind::Config, "nothing asks for SEV: neither a key nor the domain")
                .at(domain.facts().name.clone().unwrap_or_default())
                .hint("Give --set security.sev=true, or --config FILE. A guest without SEV starts with virsh start.")
        }),
    }
}

/// Looks at everything. `state` is the folder of the records.
///
/// # Errors
/// What could not be asked. That a launch is not possible is an answer.
pub fn check<H: Hypervisor>(
    asking: &Asking<'_, H>,
    domain: &Domain<'_>,
    wanted: &SevConfig,
    host: &HostFacts,
    options: &Options,
    state: &Path,
) -> Result<CheckReport> {
    let name = prepare::name(domain)?;
    let plan = plan::plan(wanted, domain, host, options)?;
    let mut findings = plan.findings().to_vec();
    findings.extend(preflight::run(wanted, host, &options.skip));
    let xml = if plan.error().is_none() { plan.apply(domain)? } else { domain.text().to_owned() };
    findings.extend(preflight::memory(Domain::parse(&xml)?.facts(), &host.memory));
    findings.extend(bundle_firmware(wanted, domain, host, options));
    findings.extend(session(wanted, state));
    findings.extend(clash(asking, &name, xml, state)?);
    Ok(CheckReport {
        name,
        mode: wanted.mode().as_str(),
        firmware: plan::image_to_be(wanted, domain, host, options),
        edits: plan.edits().len(),
        findings,
    })
}

/// A session that was used before is of no use; that it is for this policy only its owner's keys can tell.
fn session(wanted: &SevConfig, state: &Path) -> Option<Finding> {
    let Technology::Sev { session: Some(session), .. } = &wanted.technology else { return None };
    let unused = || Registry::open(state)?.refuse_used(&SessionBlob::parse(&session.session)?);
    unused().err().map(|e| finding("session-used", &e))
}

/// What a launch would meet on the hypervisor: another domain of this name or UUID, one that runs, or one whose launch
/// has not ended.
fn clash<H: Hypervisor>(
    asking: &Asking<'_, H>,
    name: &str,
    xml: String,
    state: &Path,
) -> Result<Option<Finding>> {
    let (journal, wanted) = (Journal::below(state), name.to_owned());
    let begun =
        asking.ask("looking up the domain", move |hv| Ok(could_begin(&hv, &journal, &wanted, xml)))?;
    match begun {
        Ok(()) => Ok(None),
        Err(e) if e.kind() == Kind::State => {
            let topic = explain::in_message(e.message()).first().map_or("launch-under-way", |t| t.id);
            Ok(Some(finding(topic, &e).path(asking.hypervisor.uri()).of_host()))
        }
        Err(e) => Err(e),
    }
}

fn finding(id: &'static str, e: &Error) -> Finding {
    Finding::new(id, Severity::Error, e.message()).fix(e.hint_text().unwrap_or_default())
}

/// The firmware image that a guest owner's bundle names, and the one that is here. `None` where the bundle names none, where
/// nobody can tell which image it will be, or where it lies on another machine.
pub(super) fn bundle_firmware(
    config: &SevConfig,
    domain: &Domain<'_>,
    host: &HostFacts,
    options: &Options,
) -> Option<Finding> {
    let skipped = options.skip.iter().any(|id| id == preflight::BUNDLE);
    if skipped || host.cpuid == Fact::NotAsked {
        return None;
    }
    preflight::bundle_of(config)?.firmware?;
    let (image, _) = plan::image_to_be(config, domain, host, options)?;
    let path = image.display().to_string();
    match files::named_firmware_digest(&image) {
        Ok(digest) => preflight::bundle_firmware(config, &path, &digest),
        // Who launches need not be who may read it; the owner compares the measurement in any case.
        Err(e) => {
            let title = "whether this is the firmware image that the owner expects could not be seen";
            Some(Finding::new(preflight::BUNDLE, Severity::Warning, title).path(path).detail(e.to_string()))
        }
    }
}
