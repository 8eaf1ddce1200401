//! A hypervisor that is asked, and how patiently. In: a connection. Out: [`HostFacts`], guests. Never: a remote host's own
//! layers guessed from this machine's, or a wait without an end.

use super::hypervisor::{CapsQuery, GuestState, Hypervisor};
use super::wait::{Cancel, within};
use crate::config::SevConfig;
use crate::domain::{Domain, DomainFacts};
use crate::host::{Fact, HostFacts, RealProbe, RootProbe, domcaps};
use crate::plan::Options;
use crate::prepare::{self, AsItIs, as_it_is, implied};
use crate::session::chain::Chain;
use crate::session::make::of_node;
use crate::{Error, Kind, Result};
use std::path::PathBuf;
use std::time::Duration;

/// Why nothing is verified where the hypervisor runs.
pub const LOCAL_VERDICT: &str =
    "A verdict found on the hypervisor's own machine proves nothing to the guest owner.";
/// Why no keys are made there.
pub const LOCAL_KEYS: &str = "The guest owner's keys would be made on the hypervisor's own machine.";

/// A hypervisor, and how long it is waited for.
#[derive(Debug)]
pub struct Asking<'a, H: Hypervisor> {
    /// The connection.
    pub hypervisor: &'a H,
    /// The longest wait for one answer.
    pub limit: Duration,
    /// Ends every wait.
    pub cancel: &'a Cancel,
    /// This machine's own files, for a hypervisor that runs on it; `true`: as the user's own daemon sees it.
    pub machine: fn(bool) -> RealProbe,
}

impl<H: Hypervisor> Clone for Asking<'_, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H: Hypervisor> Copy for Asking<'_, H> {}

impl<H: Hypervisor> Asking<'_, H> {
    /// One question, with an end.
    ///
    /// # Errors
    /// The question's own; as [`within`].
    pub fn ask<T: Send + 'static>(
        &self,
        what: &str,
        question: impl FnOnce(H) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let hypervisor = self.hypervisor.clone();
        within(self.limit, self.cancel, what, move || question(hypervisor))
    }

    /// One question to a guest.
    ///
    /// # Errors
    /// As [`Asking::ask`].
    pub fn of<T: Send + 'static>(
        &self,
        guest: &H::Guest,
        what: &str,
        question: impl FnOnce(&H::Guest) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let guest = guest.clone();
        within(self.limit, self.cancel, what, move || question(&guest))
    }

    /// True where the hypervisor runs on this machine.
    ///
    /// # Errors
    /// As [`Hypervisor::is_local`].
    pub fn is_local(&self) -> Result<bool> {
        self.ask("asking where the hypervisor is", |hv| hv.is_local())
    }

    /// What libvirt has of the platform's certificates.
    ///
    /// # Errors
    /// As [`Hypervisor::node_sev`] and [`of_node`].
    pub fn chain(&self) -> Result<Chain> {
        of_node(self.ask("reading the platform's certificates", |hv| hv.node_sev())?, self.hypervisor.uri())
    }

    /// Refuses what proves nothing on the hypervisor's own machine.
    ///
    /// # Errors
    /// `Kind::Insecure`, with `why`.
    pub fn refuse_local(&self, why: &str, insecure: bool) -> Result<bool> {
        let local = self.is_local()?;
        if local && !insecure {
            return Err(Error::new(Kind::Insecure, "the hypervisor is this machine").hint(format!(
                "{why} Run this where the guest owner trusts the machine, or add --insecure."
            )));
        }
        Ok(local)
    }

    /// The host for what the keys ask for. Where none asks for anything, and the domain has a `<launchSecurity>` of its own,
    /// the rules and the host are asked about that, and what they say comes with it.
    ///
    /// # Errors
    /// As [`Asking::facts`]; as [`prepare::prepare`] for such a domain too.
    pub fn host(
        &self,
        options: &Options,
        root: Option<&RootProbe>,
        (domain, file): (&Domain<'_>, Option<&str>),
        config: Option<&SevConfig>,
    ) -> Result<(HostFacts, Option<AsItIs>)> {
        if let Some(config) = config {
            return Ok((self.facts_for(root, domain, config)?, None));
        }
        let Some(own) = implied(domain)? else { return Ok((HostFacts::not_asked(), None)) };
        let host = self.facts_for(root, domain, &own)?;
        let seen = as_it_is(options, domain, file, &own, &host)?;
        Ok((host, Some(seen)))
    }

    /// Everything known of the host that would run this domain.
    ///
    /// # Errors
    /// As [`Asking::facts`].
    pub fn facts_for(
        &self,
        root: Option<&RootProbe>,
        domain: &Domain<'_>,
        config: &SevConfig,
    ) -> Result<HostFacts> {
        self.facts(root, query(domain.facts()), &prepare::images(domain, config))
    }

    /// libvirt's facts, and the host's own: out of a folder, or of this machine where the hypervisor runs on it. Of another
    /// machine only libvirt's are known.
    ///
    /// # Errors
    /// `Kind::Hypervisor`, `Kind::Timeout`, `Kind::Cancelled`. A host without SEV is a fact and no error.
    pub fn facts(&self, root: Option<&RootProbe>, query: CapsQuery, images: &[PathBuf]) -> Result<HostFacts> {
        let mut facts = HostFacts::not_asked();
        let local = self.libvirts(query, &mut facts)?;
        Ok(match root {
            Some(root) => joined(facts, HostFacts::gather(root, images)),
            None if local => joined(facts, HostFacts::gather(&self.this_machine(), images)),
            None => facts,
        })
    }

    fn this_machine(&self) -> RealProbe {
        let uri = self.hypervisor.uri();
        (self.machine)(uri.split(['?', '#']).next().is_some_and(|u| u.ends_with("/session")))
    }

    /// Adds what libvirt says; true where it runs on this machine.
    fn libvirts(&self, query: CapsQuery, facts: &mut HostFacts) -> Result<bool> {
        let (local, caps, node, versions) = self.ask("reading the host's capabilities", move |hv| {
            let (caps, node, versions) = (hv.domain_capabilities(&query), hv.node_sev(), hv.versions());
            // A host without SEV answers with an error: that is a fact, not a failure. A connection that has died does not
            // even tell a version.
            match (caps, versions) {
                (Err(e), [None, None]) => Err(e),
                (caps, versions) => Ok((hv.is_local()?, caps, node, versions)),
            }
        })?;
        facts.domcaps = match caps {
            Ok(xml) => Fact::Known(domcaps::parse(&xml)?),
            // A finding has a next step of its own, and to ask whether the daemon runs that just answered leads astray.
            Err(e) => Fact::Unreadable(e.placed_line()),
        };
        let [libvirt, qemu] = versions.map(|v| v.map_or(Fact::Absent, Fact::Known));
        facts.machine.versions.libvirt = libvirt;
        facts.machine.versions.qemu = qemu;
        facts.node_sev = match node {
            Ok(node) => Fact::Known(node),
            Err(e) => Fact::Unreadable(e.placed_line()),
        };
        Ok(local)
    }
}

/// What to ask for the capabilities of this domain's emulator.
#[must_use]
pub(super) fn query(facts: &DomainFacts) -> CapsQuery {
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

/// The guest of this name, number or UUID.
///
/// # Errors
/// `Kind::State` where there is none.
pub fn find<H: Hypervisor>(hypervisor: &H, name: &str) -> Result<H::Guest> {
    let mut guest = hypervisor.find(name)?;
    // A name made of hexadecimal digits is still a name: UUIDs come second.
    if guest.is_none() && name.len() == 36 {
        guest = hypervisor.find_uuid(name)?;
    }
    if guest.is_none()
        && let Ok(id) = name.parse()
    {
        guest = hypervisor.find_id(id)?;
    }
    guest.ok_or_else(|| {
        Error::new(Kind::State, "there is no such domain")
            .at(name.to_owned())
            .hint(format!("virsh -c '{}' list --all names them.", hypervisor.uri()))
    })
}

/// The same, of a guest that is active.
///
/// # Errors
/// `Kind::State` where there is none, or where it is off.
pub fn active<H: Hypervisor>(hypervisor: &H, name: &str) -> Result<H::Guest> {
    let guest = find(hypervisor, name)?;
    is_active(&guest, name)?;
    Ok(guest)
}

/// Refuses a guest that is off.
///
/// # Errors
/// `Kind::State`.
pub fn is_active<G: super::Guest>(guest: &G, name: &str) -> Result<()> {
    if guest.state()? == GuestState::Off {
        return Err(Error::new(Kind::State, "the guest is not active")
            .at(name.to_owned())
            .hint("`virt-sev launch` starts it, and leaves it paused where a session wants its owner."));
    }
    Ok(())
}
