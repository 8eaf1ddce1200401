//! Domains that no key asks anything of. In: a domain with a `<launchSecurity>` of its own. Out: what that asks for, and
//! whether it can work. Never: an edit: such a domain is taken as it is.

use super::connect;
use crate::args::ConfigArgs;
use crate::cmd::prepare;
use crate::output::Output;
use std::path::Path;
use std::time::Duration;
use virt_sev::config::{self, SevConfig};
use virt_sev::domain::Domain;
use virt_sev::host::HostFacts;
use virt_sev::launch::Cancel;
use virt_sev::{Finding, Result, Severity, plan, preflight};
use virt_sev_sys::Libvirt;

/// What the domain's own `<launchSecurity>` asks for; `None` where it has none of AMD's.
///
/// # Errors
/// What stands there and cannot be.
pub(super) fn implied(domain: &Domain<'_>) -> Result<Option<SevConfig>> {
    plan::implied_keys(domain).map_or(Ok(None), |raw| config::resolve(&raw))
}

/// A hypervisor, and how long it is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) libvirt: &'a Libvirt,
    pub(super) limit: Duration,
    pub(super) cancel: &'a Cancel,
}

/// The host for what the keys ask for. Where none asks for anything, and the domain has a `<launchSecurity>` of its own,
/// the rules and the host are asked about that, and their findings are told. `becomes`: what is done with such a domain.
///
/// # Errors
/// As [`crate::cmd::prepare::prepare`], for such a domain too.
pub(super) fn host(
    asked: Asked<'_>,
    args: &ConfigArgs,
    (domain, file): (&Domain<'_>, Option<&Path>),
    config: Option<&SevConfig>,
    becomes: &str,
    out: Output,
) -> Result<HostFacts> {
    let facts = |config: &SevConfig| {
        connect::host_facts(asked.libvirt, None, domain, config, asked.limit, asked.cancel)
    };
    if let Some(config) = config {
        return facts(config);
    }
    let Some(own) = implied(domain)? else { return Ok(HostFacts::not_asked()) };
    let host = facts(&own)?;
    let (edits, findings) = as_it_is(args, (domain, file), &own, &host)?;
    out.findings(&findings);
    if edits > 0 {
        out.say(&format!(
            "note: no key asks for anything, so the domain is {becomes} as it is: `virt-sev lint` says {edits} things about it"
        ));
    }
    Ok(host)
}

/// The same questions as for keys; how many edits they would want, and what else there is to say.
fn as_it_is(
    args: &ConfigArgs,
    (domain, file): (&Domain<'_>, Option<&Path>),
    implied: &SevConfig,
    host: &HostFacts,
) -> Result<(usize, Vec<Finding>)> {
    let options = plan::Options { skip: args.skip.clone(), ..plan::Options::default() };
    let plan = plan::plan(implied, domain, host, &options)?;
    let layers = preflight::run(implied, host, &args.skip);
    prepare::refuse(prepare::located(plan.error(), domain, file), preflight::refuse(&layers).err())?;
    let all = plan.findings().iter().cloned().chain(layers);
    Ok((plan.edits().len(), all.filter(|f| f.severity != Severity::Ok).collect()))
}
