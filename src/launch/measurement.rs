//! What a launched guest reports. In: an active guest. Out: [`Reported`]. Never: belief in it.

use super::hypervisor::Guest;
use super::states::evidence;
use crate::domain::Domain;
use crate::measure::evidence::LaunchReport;
use crate::measure::from_base64;
use crate::{Error, Kind, Result};
use serde_json::{Map, Value, json};

/// What a guest reports.
#[derive(Debug)]
pub enum Reported {
    /// A guest of SEV or SEV-ES, with what the host may want to know besides.
    Measured(LaunchReport, Map<String, Value>),
    /// A SEV-SNP guest: what QEMU knows of it.
    AttestsItself(Value),
}

/// Why there is no measurement of a SEV-SNP guest.
pub const ATTESTS_ITSELF: &str = "A SEV-SNP guest has no launch measurement that the host can read: it attests itself from inside, with a \
     report signed by the chip.";

impl Reported {
    /// Asks the guest. libvirt's calls may block: the caller bounds them with [`super::within`].
    ///
    /// # Errors
    /// `Kind::State` for a guest without launch security; `Kind::Hypervisor`.
    pub fn of<G: Guest>(guest: &G) -> Result<Self> {
        let live = Domain::parse(guest.live_xml()?)?;
        let Some(security) = &live.facts().launch_security else {
            return Err(Error::new(Kind::State, "the guest has no launch security").at(guest.name()?));
        };
        let kind = security.kind.as_deref().unwrap_or_default();
        let (domain, uuid) = (guest.name()?, guest.uuid()?);
        let platform = [("cbitpos", security.cbitpos), ("reduced-phys-bits", security.reduced_phys_bits)];
        let known = |(name, n): (&str, Option<_>)| n.map(|n| (name.to_owned(), Value::from(n)));
        let platform: Map<_, _> = platform.into_iter().filter_map(known).collect();
        if kind == "sev" {
            let evidence = evidence(&guest.launch_info()?)?;
            let session = security.session.as_deref().and_then(from_base64);
            return Ok(Self::Measured(LaunchReport { domain, uuid, evidence, session }, platform));
        }
        let mut value = json!({ "mode": kind, "domain": domain, "uuid": uuid });
        let answer: Value = serde_json::from_str(&guest.query_sev()?)
            .map_err(|e| Error::new(Kind::Hypervisor, "QEMU's answer to query-sev is not JSON").because(e))?;
        for (ours, theirs) in [
            ("api-major", "api-major"),
            ("api-minor", "api-minor"),
            ("build-id", "build-id"),
            ("policy", "snp-policy"),
        ] {
            let found = &answer["return"][theirs];
            if let Some(n) = found.as_u64() {
                value[ours] = if ours == "policy" { format!("{n:#x}").into() } else { n.into() };
            }
        }
        if let Some(value) = value.as_object_mut() {
            value.extend(platform);
        }
        Ok(Self::AttestsItself(value))
    }

    /// The JSON answer, without its schema.
    #[must_use]
    pub fn json(&self) -> Value {
        match self {
            Self::Measured(report, platform) => {
                let mut fields = report.fields();
                fields.extend(platform.clone());
                fields.into()
            }
            Self::AttestsItself(value) => value.clone(),
        }
    }

    /// The evidence that its owner verifies.
    ///
    /// # Errors
    /// `Kind::State` for a SEV-SNP guest, which has none.
    pub fn evidence(&self) -> Result<&LaunchReport> {
        match self {
            Self::Measured(report, _) => Ok(report),
            Self::AttestsItself(_) => Err(Error::new(Kind::State, ATTESTS_ITSELF)
                .hint("The guest's own tool asks for it; `virt-sev verify --report FILE` verifies it.")),
        }
    }
}
