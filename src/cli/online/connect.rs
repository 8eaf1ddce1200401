//! Connections. In: a URI. Out: [`Libvirt`], and what asks it.

use crate::cmd::progress;
use std::time::Duration;
use virt_sev::config::SevConfig;
use virt_sev::domain::Domain;
use virt_sev::host::HostFacts;
use virt_sev::launch::{Asking, Cancel, Hypervisor as _, within};
use virt_sev::{Kind, Result};
use virt_sev_psp::machine;
use virt_sev_sys::{Libvirt, be_quiet};

/// For waits that a person sees.
pub(crate) fn patience() -> Cancel {
    // A `Cancel` speaks of waits that have lasted a second.
    Cancel::watched(|what| progress::waiting(what, Duration::from_secs(1)))
}

/// Connects; a daemon that does not answer is an error, not a hang.
pub(crate) fn open(uri: Option<&str>, limit: Duration, cancel: &Cancel) -> Result<Libvirt> {
    be_quiet();
    let asked = uri.map(str::to_owned);
    let libvirt =
        within(limit, cancel, "connecting to the hypervisor", move || Libvirt::open(asked.as_deref()))
            .map_err(|e| match uri {
                // Where several are asked, the reader must know which.
                Some(uri) if e.kind() == Kind::Timeout => e.at(uri.escape_debug().to_string()),
                _ => e,
            })?;
    log::info!("connected to {}", libvirt.uri());
    Ok(libvirt)
}

/// A hypervisor, and how long it is waited for.
pub(crate) fn asking<'a>(libvirt: &'a Libvirt, limit: Duration, cancel: &'a Cancel) -> Asking<'a, Libvirt> {
    Asking { hypervisor: libvirt, limit, cancel, machine }
}

/// Everything known of the host that would run this domain: libvirt's facts, and the machine's own where it is this one.
pub(crate) fn facts(uri: Option<&str>, domain: &Domain<'_>, config: &SevConfig) -> Result<HostFacts> {
    let (limit, cancel) = (Duration::from_secs(60), patience());
    let libvirt = open(uri, limit, &cancel)?;
    asking(&libvirt, limit, &cancel).facts_for(None, domain, config)
}
