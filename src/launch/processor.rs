//! The processor of an SEV-ES guest whose owner did not name one. In: the document's `<cpu>`, and what libvirt says of the
//! host. Out: a signature, a hint that the measurement confirms or not. Never: a hint in place of an option.

use super::asking::{Asking, query};
use super::hypervisor::Hypervisor;
use crate::Result;
use crate::appraisal::processor::{Hints, Origin, signature};
use crate::config::SevPolicy;
use crate::domain::DomainFacts;
use crate::host::{capabilities, domcaps};
use crate::measure::cpu::CpuSignature;
use crate::owner::Expectation;

/// `None` where the processors are not measured, or where the options say which they are.
pub(super) fn of<H: Hypervisor>(
    asking: &Asking<'_, H>,
    v: &Expectation,
    facts: &DomainFacts,
    policy: u32,
) -> Result<Option<CpuSignature>> {
    if !SevPolicy(policy).es() || v.cpus.vmsa_cpu0.is_some() || v.cpus.signature()?.is_some() {
        return Ok(None);
    }
    let origin = Origin::of(facts);
    let hints = match &origin {
        Origin::Model(_) => Hints::default(),
        Origin::HostModel => {
            let query = query(facts);
            let caps =
                asking.ask("reading the host's capabilities", move |hv| hv.domain_capabilities(&query))?;
            Hints { host_model: domcaps::parse(&caps)?.host_model, ..Hints::default() }
        }
        Origin::Host => {
            let caps = asking.ask("reading the host's capabilities", |hv| hv.capabilities())?;
            Hints { host: capabilities::cpu_signature(&caps)?, ..Hints::default() }
        }
    };
    let cpu = signature(&origin, &hints)?;
    log::info!("the guest's processor is {cpu}, as the host says; the measurement shows whether that is so");
    Ok(Some(cpu))
}
