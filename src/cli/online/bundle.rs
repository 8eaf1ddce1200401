//! The firmware image that a guest owner's bundle names, and the one that is here. In: a domain, keys, facts of this host.
//! Out: a finding. Never: a file of another host's.

use crate::cmd::session::digest;
use virt_sev::config::SevConfig;
use virt_sev::domain::Domain;
use virt_sev::host::{Fact, HostFacts};
use virt_sev::{Finding, Result, plan, preflight};

/// Compares them. `None` where the bundle names none, where nobody can tell which image it will be, or where it lies on
/// another machine.
///
/// # Errors
/// The image cannot be read.
pub(super) fn firmware(
    config: &SevConfig,
    domain: &Domain,
    host: &HostFacts,
    options: &plan::Options,
) -> Result<Option<Finding>> {
    let named = preflight::bundle_of(config).is_some_and(|b| b.firmware.is_some());
    let skipped = options.skip.iter().any(|id| id == preflight::BUNDLE);
    if !named || skipped || host.cpuid == Fact::NotAsked {
        return Ok(None);
    }
    let Some((image, _)) = plan::image_to_be(config, domain, host, options) else { return Ok(None) };
    Ok(preflight::bundle_firmware(config, &image.display().to_string(), &digest(&image)?))
}
