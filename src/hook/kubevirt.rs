//! KubeVirt's `OnDefineDomain` (KubeVirt, `pkg/hooks`, `cmd/sidecars/sidecar_shim.go`). In: a `VirtualMachineInstance` and
//! the domain that KubeVirt made of it. Out: the domain as it should be. Never: SEV on a pod that was not scheduled for it;
//! another mode than KubeVirt's; a change of a guest without SEV.
//!
//! What KubeVirt's converter decides stays: paths of the launcher's container, hugepages and memfd, machine and processor; and
//! NVRAM, but for a guest that is measured. `virt-handler` lifts the lock limit of the launcher's daemon (`pkg/hypervisor/kvm/runtime.go`), so `auto` means
//! no `<locked/>` here.

use crate::config::{self, ANNOTATION, Format, Mode, SevConfig};
use crate::domain::Domain;
use crate::finding::Severity;
use crate::host::{Fact, HostFacts, Probe};
use crate::plan::Options;
use crate::{Error, Kind, Result, prepare};
use serde_json::{Map, Value, json};
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
    let Some(Instance { asks, document }) = Instance::read(vmi)? else {
        return Ok(Defined { domain: made.to_vec(), warnings: Vec::new() });
    };
    let keys = config::from_text_as(&document, "vmi", Format::KubeVirt);
    if !asks {
        return match keys.and_then(|keys| config::resolve(&keys)) {
            Ok(None) => Ok(Defined { domain: made.to_vec(), warnings: Vec::new() }),
            Ok(Some(_)) => Err(not_asked()),
            Err(e) => Err(Error::many(vec![not_asked(), e]).unwrap_or_else(not_asked)),
        };
    }
    let mut keys = keys?;
    if keys.get(LOCK).is_none_or(|said| matches!(said.value.trim(), "" | "auto")) {
        keys.set(LOCK, "none", "KubeVirt");
    }
    let wanted = config::resolve(&keys)?.ok_or_else(|| differ("nothing", "SEV"))?;
    let domain = domain_of(made)?;
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

/// A machine that has to do with SEV.
struct Instance {
    /// Whether `spec.domain.launchSecurity` asks for SEV or SEV-SNP. For these alone KubeVirt schedules the pod.
    asks: bool,
    /// What of it concerns us, for the reader of KubeVirt's documents.
    document: String,
}

impl Instance {
    /// `None` without a word of ours and without SEV. Whatever else `launchSecurity` asks for then is nobody's business here:
    /// Intel's TDX, IBM's Secure Execution.
    fn read(vmi: &[u8]) -> Result<Option<Self>> {
        let wrong = |message: &str| Error::new(Kind::Config, message).at("vmi").hint(OTHER_HOOK);
        let vmi: Value = serde_json::from_slice(vmi).map_err(|e| wrong("the VMI is not JSON").because(e))?;
        let Some(spec) = vmi.get("spec").filter(|spec| spec.is_object()) else {
            return Err(wrong("the VMI has no spec"));
        };
        let security = spec.pointer("/domain/launchSecurity").unwrap_or(&Value::Null);
        let asks = ["sev", "snp"].iter().any(|kind| security.get(kind).is_some_and(|v| !v.is_null()));
        let annotations =
            vmi.pointer("/metadata/annotations").and_then(Value::as_object).into_iter().flatten();
        let ours: Map<_, _> = annotations
            .filter(|(name, _)| name.starts_with(ANNOTATION))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let concerns = asks || !ours.is_empty();
        Ok(concerns.then(|| Self {
            asks,
            document: json!({
                "metadata": { "annotations": ours },
                "spec": { "domain": { "launchSecurity": security } },
            })
            .to_string(),
        }))
    }
}

const OTHER_HOOK: &str = "KubeVirt hands it over: look for another hook.";

fn domain_of(made: &[u8]) -> Result<Domain<'static>> {
    if made.is_empty() {
        return Err(Error::new(Kind::Domain, "the domain is empty").hint(OTHER_HOOK));
    }
    super::parse(made).map_err(|e| {
        let place = e.place().map_or("the domain".to_owned(), |place| format!("the domain, {place}"));
        e.at(place)
    })
}

/// Keys ask for what KubeVirt was not asked for.
fn not_asked() -> Error {
    Error::new(Kind::Config, "the machine has annotations for SEV, and no spec.domain.launchSecurity").at("vmi").hint(
        "Write launchSecurity: {sev: {}}, {sev: {policy: {encryptedState: true}}} or {snp: {}} into spec.domain. Without it \
         KubeVirt gives the pod no /dev/sev, no node that can do it and no memory that may be locked.",
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
