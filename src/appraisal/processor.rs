//! The processor that a domain asks for, so that its owner need not describe it. In: the document's `<cpu>`, and what the
//! host says of itself. Out: the signature to expect. Never: a verdict.
//!
//! Document and host are not believed. What they say is a hint, and the measurement confirms it: with another signature
//! the digest is another one, and the guest is not verified. And a signature is no secret of the guest's and no promise:
//! with SEV-ES the host answers CPUID, whatever RDX held at the start.

use crate::domain::DomainFacts;
use crate::measure::cpu::CpuSignature;
use crate::{Error, Kind, Result};

/// What QEMU has without a `-cpu`, and libvirt writes into a document without a model.
const DEFAULT: &str = "qemu64";

/// Where a guest's processor comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A model of QEMU's.
    Model(String),
    /// `host-model`, before libvirt has written the model into the live document: as domain capabilities have it.
    HostModel,
    /// `host-passthrough` or `maximum`: the host's own.
    Host,
}

impl Origin {
    /// As `<cpu>` says.
    #[must_use]
    pub fn of(facts: &DomainFacts) -> Self {
        match facts.cpu_mode.as_deref() {
            Some("host-passthrough" | "maximum") => Self::Host,
            Some("host-model") => Self::HostModel,
            // Without a mode a <cpu> with a model is a custom one (libvirt, virCPUDefParseXML).
            _ => Self::Model(facts.cpu_model.clone().unwrap_or_else(|| DEFAULT.to_owned())),
        }
    }
}

/// What the host says of its processor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hints {
    /// The model that `host-model` comes to: [`crate::host::DomCaps::host_model`].
    pub host_model: Option<String>,
    /// Family, model and stepping: [`crate::host::capabilities::cpu_signature`].
    pub host: Option<(u32, u32, u32)>,
}

/// The signature of the guest's processors.
///
/// # Errors
/// `Kind::Usage` where it cannot be known: the owner must name the processor.
pub fn signature(origin: &Origin, hints: &Hints) -> Result<CpuSignature> {
    let unknown = |message: String| {
        Error::new(Kind::Usage, message)
            .at("/domain/cpu")
            .hint("Give --vcpu-type, or --cpu-family, --cpu-model and --cpu-stepping.")
    };
    let named = |name: &str| {
        CpuSignature::of_model(name)
            .ok_or_else(|| unknown(format!("the domain's processor, {name}, is not one that is known")))
    };
    match origin {
        Origin::Model(name) => named(name),
        Origin::HostModel => match &hints.host_model {
            Some(name) => named(name),
            None => Err(unknown("the host does not say which processor host-model is there".to_owned())),
        },
        Origin::Host => match hints.host {
            Some((family, model, stepping)) => CpuSignature::new(family, model, stepping),
            None => Err(unknown("the host does not say which processor it has".to_owned())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Domain;

    fn of(cpu: &str, hints: &Hints) -> Result<CpuSignature> {
        let domain = Domain::parse(format!("<domain>{cpu}</domain>")).unwrap();
        signature(&Origin::of(domain.facts()), hints)
    }

    #[test]
    fn every_mode_of_libvirts_has_its_signature() {
        let hints = Hints { host_model: Some("EPYC-Rome".into()), host: Some((25, 17, 1)) };
        for (cpu, known) in [
            (
                "<cpu mode='custom' match='exact'><model fallback='forbid'>EPYC-Milan</model></cpu>",
                (25, 1, 1),
            ),
            ("<cpu><model>EPYC-IBPB</model></cpu>", (23, 1, 2)),
            ("<cpu mode='host-model' check='partial'/>", (23, 49, 0)),
            ("<cpu mode='host-passthrough' check='none' migratable='on'/>", (25, 17, 1)),
            ("<cpu mode='maximum'/>", (25, 17, 1)),
            ("<cpu><topology sockets='1' cores='2' threads='1'/></cpu>", (15, 107, 1)),
            ("", (15, 107, 1)),
        ] {
            let (family, model, stepping) = known;
            assert_eq!(of(cpu, &hints).unwrap(), CpuSignature { family, model, stepping }, "{cpu}");
        }
    }

    #[test]
    fn what_nobody_says_the_owner_must() {
        let nothing = Hints::default();
        let odd = Hints { host_model: Some("EPYC-Next".into()), host: Some((999, 0, 0)) };
        for (cpu, hints) in [
            ("<cpu mode='host-model'/>", &nothing),
            ("<cpu mode='host-passthrough'/>", &nothing),
            ("<cpu mode='host-model'/>", &odd),
            ("<cpu mode='maximum'/>", &odd),
            ("<cpu mode='custom'><model>Haswell</model></cpu>", &odd),
        ] {
            assert_eq!(of(cpu, hints).unwrap_err().kind(), Kind::Usage, "{cpu}");
        }
    }
}
