//! Domains that no key asks anything of. In: a domain with a `<launchSecurity>` of its own. Out: what that asks for, and
//! whether it can work. Never: an edit: such a domain is started as it is.

use crate::args::ConfigArgs;
use crate::cmd::prepare;
use virt_sev::config::{self, SevConfig};
use virt_sev::domain::Domain;
use virt_sev::host::HostFacts;
use virt_sev::{Finding, Result, Severity, plan, preflight};

/// What the domain's own `<launchSecurity>` asks for; `None` where it has none of AMD's.
///
/// # Errors
/// What stands there and cannot be.
pub(super) fn implied(domain: &Domain<'_>) -> Result<Option<SevConfig>> {
    plan::implied_keys(domain).map_or(Ok(None), |raw| config::resolve(&raw))
}

/// The same questions of a domain that no key asks anything of, and that is started as it is.
///
/// # Errors
/// As [`crate::cmd::prepare::prepare`].
pub(super) fn as_it_is(
    args: &ConfigArgs,
    domain: &Domain<'_>,
    implied: &SevConfig,
    host: &HostFacts,
) -> Result<(usize, Vec<Finding>)> {
    let options = plan::Options { skip: args.skip.clone(), ..plan::Options::default() };
    let plan = plan::plan(implied, domain, host, &options)?;
    let layers = preflight::run(implied, host, &args.skip);
    prepare::refuse(plan.error(), preflight::refuse(&layers).err())?;
    let all = plan.findings().iter().cloned().chain(layers);
    Ok((plan.edits().len(), all.filter(|f| f.severity != Severity::Ok).collect()))
}
