//! The firmware image that a guest owner's bundle names, and the one that is here. In: a domain, keys, facts of this host.
//! Out: a finding. Never: a file of another host's.

use crate::cmd::session::digest;
use virt_sev::config::SevConfig;
use virt_sev::domain::Domain;
use virt_sev::host::{Fact, HostFacts};
use virt_sev::{Finding, Severity, plan, preflight};

/// Compares them. `None` where the bundle names none, where nobody can tell which image it will be, or where it lies on
/// another machine.
pub(super) fn firmware(
    config: &SevConfig,
    domain: &Domain<'_>,
    host: &HostFacts,
    options: &plan::Options,
) -> Option<Finding> {
    let skipped = options.skip.iter().any(|id| id == preflight::BUNDLE);
    if skipped || host.cpuid == Fact::NotAsked {
        return None;
    }
    preflight::bundle_of(config)?.firmware?;
    let (image, _) = plan::image_to_be(config, domain, host, options)?;
    let path = image.display().to_string();
    match digest(&image) {
        Ok(digest) => preflight::bundle_firmware(config, &path, &digest),
        // Who launches need not be who may read it; the owner compares the measurement in any case.
        Err(e) => {
            let title = "whether this is the firmware image that the owner expects could not be seen";
            Some(Finding::new(preflight::BUNDLE, Severity::Warning, title).path(path).detail(e.to_string()))
        }
    }
}
