//! Connections and what they tell of the host. In: a URI. Out: [`Libvirt`], [`HostFacts`].

use crate::cmd::{host, prepare};
use std::path::{Path, PathBuf};
use std::time::Duration;
use virt_sev::config::SevConfig;
use virt_sev::domain::{Domain, DomainFacts};
use virt_sev::host::{Fact, HostFacts, RealProbe, domcaps};
use virt_sev::launch::{Cancel, CapsQuery, Guest as _, GuestState, Hypervisor as _, within};
use virt_sev::{Error, Kind, Result};
use virt_sev_sys::{Libvirt, LibvirtGuest};

/// Connects; a daemon that does not answer is an error, not a hang.
pub(crate) fn open(uri: Option<&str>, limit: Duration, cancel: &Cancel) -> Result<Libvirt> {
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

/// Everything known of the host that would run this domain: libvirt's facts, and the machine's own where it is this one.
pub(crate) fn facts(uri: Option<&str>, domain: &Domain<'_>, config: &SevConfig) -> Result<HostFacts> {
    let limit = Duration::from_secs(60);
    let libvirt = open(uri, limit, &Cancel::default())?;
    host_facts(&libvirt, None, domain, config, limit, &Cancel::default())
}

/// The same over a connection that is there; everything but libvirt's own facts out of `root`, where there is one.
pub(crate) fn host_facts(
    libvirt: &Libvirt,
    root: Option<&Path>,
    domain: &Domain<'_>,
    config: &SevConfig,
    limit: Duration,
    cancel: &Cancel,
) -> Result<HostFacts> {
    everything(libvirt, root, query(domain.facts()), &prepare::images(domain, config), limit, cancel)
}

/// libvirt's facts, and the host's own: out of a folder, or of this machine where the hypervisor runs on it. Of another
/// machine only libvirt's are known.
pub(crate) fn everything(
    libvirt: &Libvirt,
    root: Option<&Path>,
    query: CapsQuery,
    images: &[PathBuf],
    limit: Duration,
    cancel: &Cancel,
) -> Result<HostFacts> {
    let root = root.map(host::root).transpose()?;
    let mut facts = HostFacts::not_asked();
    let local = ask(libvirt, query, &mut facts, limit, cancel)?;
    Ok(match root {
        Some(root) => joined(facts, HostFacts::gather(&root, images)),
        None if local => joined(facts, HostFacts::gather(&probe(libvirt), images)),
        None => facts,
    })
}

/// What to ask for the capabilities of this domain's emulator.
pub(crate) fn query(facts: &DomainFacts) -> CapsQuery {
    CapsQuery {
        emulator: facts.emulator.clone(),
        machine: facts.os.machine.clone(),
        virt_type: facts.domain_type.clone(),
    }
}

/// What libvirt said, and what the host's own files say.
fn joined(libvirt: HostFacts, own: HostFacts) -> HostFacts {
    let mut facts = HostFacts { domcaps: libvirt.domcaps, node_sev: libvirt.node_sev, ..own };
    let (told, kept) = (libvirt.machine.versions, &mut facts.machine.versions);
    kept.libvirt = told.libvirt;
    kept.qemu = told.qemu;
    facts
}

/// This machine as that daemon sees it.
fn probe(libvirt: &Libvirt) -> RealProbe {
    let session = libvirt.uri().split(['?', '#']).next().is_some_and(|u| u.ends_with("/session"));
    host::machine(session)
}

/// Adds what libvirt says; true where it runs on this machine.
fn ask(
    libvirt: &Libvirt,
    query: CapsQuery,
    facts: &mut HostFacts,
    limit: Duration,
    cancel: &Cancel,
) -> Result<bool> {
    let hv = libvirt.clone();
    let (local, caps, node, versions) =
        within(limit, cancel, "reading the host's capabilities", move || {
            // A host without SEV answers with an error: that is a fact, not a failure.
            Ok((hv.is_local()?, hv.domain_capabilities(&query), hv.node_sev(), hv.versions()))
        })?;
    facts.domcaps = match caps {
        Ok(xml) => Fact::Known(domcaps::parse(&xml)?),
        Err(e) => Fact::Unreadable(without_hint(&e)),
    };
    let [libvirt_version, qemu] = versions.map(|v| v.map_or(Fact::Absent, Fact::Known));
    facts.machine.versions.libvirt = libvirt_version;
    facts.machine.versions.qemu = qemu;
    facts.node_sev = match node {
        Ok(node) => Fact::Known(node),
        Err(e) => Fact::Unreadable(without_hint(&e)),
    };
    Ok(local)
}

/// A finding has a next step of its own, and to ask whether the daemon runs that just answered leads astray.
fn without_hint(e: &Error) -> String {
    let text = e.to_string();
    let hint = e.hint_text().map(|hint| format!("\n  {hint}"));
    hint.and_then(|hint| text.strip_suffix(&hint)).unwrap_or(&text).to_owned()
}

/// The active guest of this name, number or UUID.
pub(crate) fn active(libvirt: &Libvirt, name: &str) -> Result<LibvirtGuest> {
    let mut guest = libvirt.find(name)?;
    // A name made of hexadecimal digits is still a name: UUIDs come second.
    if guest.is_none() && name.len() == 36 {
        guest = libvirt.find_uuid(name)?;
    }
    if guest.is_none()
        && let Ok(id) = name.parse()
    {
        guest = libvirt.find_id(id)?;
    }
    let guest = guest.ok_or_else(|| {
        Error::new(Kind::State, "there is no such domain")
            .at(name.to_owned())
            .hint(format!("virsh -c '{}' list --all names them.", libvirt.uri()))
    })?;
    if guest.state()? == GuestState::Off {
        return Err(Error::new(Kind::State, "the guest is not active")
            .at(name.to_owned())
            .hint("`virt-sev launch` starts it, and leaves it paused where a session wants its owner."));
    }
    Ok(guest)
}
