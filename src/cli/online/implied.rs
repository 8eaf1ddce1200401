//! The host for what the keys ask for. In: a domain and its keys. Out: facts, and words about a domain that no key is about.

use crate::args::ConfigArgs;
use crate::cmd::{files, prepare};
use crate::output::Output;
use std::path::Path;
use virt_sev::Result;
use virt_sev::config::SevConfig;
use virt_sev::domain::Domain;
use virt_sev::host::HostFacts;
use virt_sev::launch::Asking;
use virt_sev_sys::Libvirt;

/// As [`Asking::host`], with its findings told. `becomes`: what is done with a domain that no key is about.
pub(super) fn host(
    asking: Asking<'_, Libvirt>,
    args: &ConfigArgs,
    (domain, file): (&Domain<'_>, Option<&Path>),
    config: Option<&SevConfig>,
    becomes: &str,
    out: Output,
) -> Result<HostFacts> {
    let options = prepare::options(args, false);
    let file = file.map(files::shown);
    let (host, seen) = asking.host(&options, None, (domain, file.as_deref()), config)?;
    if let Some(seen) = seen {
        out.findings(&seen.findings);
        if seen.edits > 0 {
            out.say(&format!(
                "note: no key asks for anything, so the domain is {becomes} as it is: `virt-sev lint` says {} things about it",
                seen.edits
            ));
        }
    }
    Ok(host)
}
