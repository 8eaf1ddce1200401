//! The processor of an SEV-ES guest whose owner did not name one. In: the document's `<cpu>`, and what libvirt says of the
//! host. Out: a signature, a hint that the measurement confirms or not. Never: a hint in place of an option.

use super::connect;
use crate::args::VerifyArgs;
use crate::cmd::cpus;
use std::time::Duration;
use virt_sev::Result;
use virt_sev::appraisal::processor::{Hints, Origin, signature};
use virt_sev::config::SevPolicy;
use virt_sev::domain::DomainFacts;
use virt_sev::host::{capabilities, domcaps};
use virt_sev::launch::{Cancel, Hypervisor as _, within};
use virt_sev::measure::cpu::CpuSignature;
use virt_sev_sys::Libvirt;

/// `None` where the processors are not measured, or where the options say which they are.
pub(super) fn of(
    v: &VerifyArgs,
    facts: &DomainFacts,
    policy: u32,
    libvirt: &Libvirt,
    limit: Duration,
    cancel: &Cancel,
) -> Result<Option<CpuSignature>> {
    if !SevPolicy(policy).es() || v.cpus.vmsa_cpu0.is_some() || cpus::signature(&v.cpus)?.is_some() {
        return Ok(None);
    }
    let origin = Origin::of(facts);
    let hv = libvirt.clone();
    let hints = match &origin {
        Origin::Model(_) => Hints::default(),
        Origin::HostModel => {
            let query = connect::query(facts);
            let caps = within(limit, cancel, "reading the host's capabilities", move || {
                hv.domain_capabilities(&query)
            })?;
            Hints { host_model: domcaps::parse(&caps)?.host_model, ..Hints::default() }
        }
        Origin::Host => {
            let caps = within(limit, cancel, "reading the host's capabilities", move || hv.capabilities())?;
            Hints { host: capabilities::cpu_signature(&caps)?, ..Hints::default() }
        }
    };
    let cpu = signature(&origin, &hints)?;
    log::info!("the guest's processor is {cpu}, as the host says; the measurement shows whether that is so");
    Ok(Some(cpu))
}
