//! The host for what the keys ask for; and for what a domain of its own asks for that no key asks anything of.

use crate::args::ConfigArgs;
use crate::cmd::{files, prepare};
use crate::output::Output;
use std::path::Path;
use virt_sev::Result;
use virt_sev::config::SevConfig;
use virt_sev::domain::Domain;
use virt_sev::host::HostFacts;
use virt_sev::launch::Asking;
use virt_sev::prepare::{as_it_is, implied};
use virt_sev_sys::Libvirt;

/// The host's facts. Where no key asks for anything, and the domain has a `<launchSecurity>` of its own, the rules and the
/// host are asked about that, and their findings are told. `becomes`: what is done with such a domain.
///
/// # Errors
/// As [`virt_sev::prepare::prepare`], for such a domain too.
pub(super) fn host(
    asking: Asking<'_, Libvirt>,
    args: &ConfigArgs,
    (domain, file): (&Domain<'_>, Option<&Path>),
    config: Option<&SevConfig>,
    becomes: &str,
    out: Output,
) -> Result<HostFacts> {
    if let Some(config) = config {
        return asking.facts_for(None, domain, config);
    }
    let Some(own) = implied(domain)? else { return Ok(HostFacts::not_asked()) };
    let host = asking.facts_for(None, domain, &own)?;
    let options = prepare::options(args, false);
    let seen = as_it_is(&options, domain, file.map(files::shown).as_deref(), &own, &host)?;
    out.findings(&seen.findings);
    if seen.edits > 0 {
        out.say(&format!(
            "note: no key asks for anything, so the domain is {becomes} as it is: `virt-sev lint` says {} things about it",
            seen.edits
        ));
    }
    Ok(host)
}
