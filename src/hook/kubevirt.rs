//! KubeVirt's `OnDefineDomain` (KubeVirt, `pkg/hooks`, `cmd/sidecars/sidecar_shim.go`). In: a `VirtualMachineInstance` and
//! the domain that KubeVirt made of it. Out: the domain as it should be. Never: SEV on a pod that was not scheduled for it;
//! another mode than KubeVirt's; a change of a guest without SEV.
//!
//! What KubeVirt's converter decides stays: paths of the launcher's container, NVRAM, hugepages and memfd, machine and
//! processor. `virt-handler` lifts the lock limit of the launcher's daemon (`pkg/hypervisor/kvm/runtime.go`), so `auto` means
//! no `<locked/>` here.

use crate::config::{self, Instance, Mode, RawConfig, SevConfig};
use crate::domain::Domain;
use crate::finding::Severity;
use crate::host::{Fact, HostFacts, Probe};
use crate::plan::Options;
use crate::{Error, Kind, Result, prepare};
use std::path::PathBuf;

/// What an argument of a process can hold, in bytes (Linux, `MAX_ARG_STRLEN`, less the byte that ends it). The shim hands
/// documents over as arguments.
pub const LONGEST_ARGUMENT: usize = 32 * 4096 - 1;

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defined {
    /// The whole domain: what came in, byte for byte, where there is nothing to do.
    pub domain: Vec<u8>,
    /// What there is to warn of, a line each.
    pub warnings: Vec<String>,
}

/// Makes the domain right. `probe` sees the hook's own container: a firmware image that lies there under the launcher's path
/// is looked into, another is not.
///
/// # Errors
/// What the annotations, the machine or the domain get wrong; and every error of the rules.
pub fn define(vmi: &[u8], made: &[u8], probe: &dyn Probe) -> Result<Defined> {
    let Instance { asks, mut keys } = config::instance(text("VMI", Kind::Config, vmi)?, "vmi")?;
    if !asks {
        let wrong = match config::resolve(&keys) {
            Ok(None) => return Ok(Defined { domain: made.to_vec(), warnings: Vec::new() }),
            Ok(Some(_)) => None,
            Err(e) => Some(e),
        };
        return Err(Error::many(std::iter::once(not_asked(&keys)).chain(wrong).collect())
            .unwrap_or_else(|| not_asked(&keys)));
    }
    if keys.get(LOCK).is_none() {
        keys.set(LOCK, "none", "KubeVirt");
    }
    let wanted = config::resolve(&keys)?.ok_or_else(|| differ("nothing", "SEV"))?;
    let domain = Domain::parse(text("domain", Kind::Domain, made)?.to_owned())?;
    same_mode(&domain, &wanted)?;
    let images: Vec<PathBuf> = prepare::images(&domain, &wanted)
        .into_iter()
        .filter(|image| matches!(probe.exists(image), Fact::Known(())))
        .collect();
    let facts = HostFacts::of_images(probe, &images);
    let done = prepare::prepare(&Options::default(), domain, None, Some(wanted), &facts)?;
    let warnings = keys.notes().iter().chain(&done.findings).filter(|f| f.severity == Severity::Warning);
    let warnings = warnings.map(|f| format!("warning: {}", f.as_error().placed_line())).collect();
    Ok(Defined { domain: done.xml.into_bytes(), warnings })
}

const LOCK: &str = "security.sev.memory.lock";

fn text<'a>(what: &str, kind: Kind, bytes: &'a [u8]) -> Result<&'a str> {
    let error =
        |message: String| Error::new(kind, message).hint("KubeVirt hands it over: look for another hook.");
    if bytes.is_empty() {
        return Err(error(format!("the {what} is empty")));
    }
    std::str::from_utf8(bytes).map_err(|e| error(format!("the {what} is not UTF-8")).because(e))
}

/// Keys ask for what KubeVirt was not asked for.
fn not_asked(keys: &RawConfig) -> Error {
    let first = keys.entries().next().map(|e| format!("{} ({})", e.key, e.place)).unwrap_or_default();
    Error::new(Kind::Config, "the machine has annotations for SEV, and no spec.domain.launchSecurity")
        .at(first)
        .hint(
            "Write launchSecurity: {sev: {}}, {sev: {policy: {encryptedState: true}}} or {snp: {}} into spec.domain. \
             Without it KubeVirt gives the pod no /dev/sev, no node that can do it and no memory that may be locked.",
        )
}

/// The mode that the keys ask for is the mode that KubeVirt scheduled the pod for.
fn same_mode(domain: &Domain<'_>, wanted: &SevConfig) -> Result<()> {
    match prepare::implied(domain)?.map(|made| made.mode()) {
        Some(made) if made == wanted.mode() => Ok(()),
        Some(made) => Err(differ(wanted.mode().as_str(), made.as_str()).hint(match wanted.mode() {
            Mode::Sev => "Take encryptedState out of spec.domain.launchSecurity, or the annotation away.",
            Mode::SevEs => "Write launchSecurity: {sev: {policy: {encryptedState: true}}} into spec.domain.",
            Mode::SevSnp => "Write launchSecurity: {snp: {}} into spec.domain.",
        })),
        None => Err(Error::new(Kind::Domain, "the machine asks for SEV, and the domain that KubeVirt made has none")
            .at("/domain/launchSecurity")
            .wanted(wanted.mode().as_str())
            .hint(
                "Look for another hook that takes it away; and whether this KubeVirt knows this kind of launchSecurity \
                 and its feature gate is on.",
            )),
    }
}

fn differ(wanted: &str, made: &str) -> Error {
    Error::new(Kind::Config, "the annotations ask for another mode than the machine")
        .at("spec.domain.launchSecurity")
        .found(format!("{wanted}, and KubeVirt made {made}"))
}

#[cfg(test)]
#[path = "kubevirt_tests.rs"]
mod tests;
