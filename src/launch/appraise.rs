//! A launched guest, verified over a connection. In: a guest, what its owner expects and holds. Out: the verdict; with secrets,
//! a running guest or a packet. Never: a secret for a guest that was not verified, or for a second launch of one session.

use super::asking::Asking;
use super::deliver::not_paused;
use super::flow::Step;
use super::hypervisor::{Guest, GuestState, Hypervisor};
use super::security::{Holder, judge_of};
use super::states::evidence;
use super::verified;
use super::wait::Cancel;
use crate::domain::{Domain, DomainFacts};
use crate::inject::packet::Packet;
use crate::measure::verify::Evidence;
use crate::owner::{Judgement, keys};
use crate::session::answered::Answered;
use crate::{Error, Kind, Result};
use std::path::Path;

/// What becomes of a secret once the guest is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deliver {
    /// It is injected, and the guest runs.
    Inject,
    /// It is given back, encrypted.
    Packet,
}

/// How to verify.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// What becomes of a secret.
    pub deliver: Deliver,
    /// The guest's configuration is not looked at.
    pub ignore_config: bool,
    /// The hypervisor is this machine.
    pub local: bool,
    /// The folder of the records: which launches were answered.
    pub state: &'a Path,
}

/// The answer.
#[derive(Debug)]
pub struct Appraised {
    /// The verdict.
    pub judgement: Judgement,
    /// What the host says of the guest, with the owner's claims in place of it.
    pub evidence: Evidence,
    /// The secrets, where they are wanted as a packet.
    pub packet: Option<Packet>,
    /// What the guest did when it was looked at.
    pub before: GuestState,
    /// The secrets were injected, and the guest runs.
    pub resumed: bool,
}

/// Verifies. `name` is the guest's, for errors.
///
/// # Errors
/// `Kind::State`, `Kind::Insecure`, `Kind::Domain`, `Kind::Usage` before anything is compared; `Kind::Session` for a second
/// launch of a session; `Kind::Hypervisor`, `Kind::Timeout`, `Kind::Cancelled`. A measurement that differs is an answer.
pub fn appraise<H: Hypervisor>(
    asking: &Asking<'_, H>,
    guest: &H::Guest,
    name: &str,
    holder: &Holder,
    terms: Terms<'_>,
    told: &dyn Fn(Step),
) -> Result<Appraised> {
    let Holder { keys, table, expectation: v } = holder;
    let (before, live) =
        asking.of(guest, "looking at the guest", |guest| Ok((guest.state()?, guest.live_xml()?)))?;
    paused(before, name, !table.is_empty() && terms.deliver == Deliver::Inject, v.insecure)?;
    let live = Domain::parse(&live)?;
    if !terms.ignore_config {
        check_config(live.facts(), v.insecure)?;
    }
    let info = asking.of(guest, "reading the launch measurement", Guest::launch_info)?;
    let evidence = v.claims.over(evidence(&info)?)?;
    told(Step::Measured { policy: evidence.policy });
    let judge = judge_of(asking, v, live.facts(), evidence.policy, terms.local)?;
    // Whoever gets a packet may know an address; who injects leaves the place to the firmware.
    let area = match terms.deliver {
        Deliver::Inject if !table.is_empty() => judge.place_for_secrets()?,
        Deliver::Inject | Deliver::Packet => judge.place_for_secrets().ok().flatten(),
    };
    if !table.is_empty() {
        // Too large a table is found before anybody answers.
        table.to_bytes(area)?;
    }
    let judgement = judge.judge(&evidence, keys)?;
    let mut answer = Appraised { judgement, evidence, packet: None, before, resumed: false };
    if !answer.judgement.accepted() {
        return Ok(answer);
    }
    Answered::below(terms.state).answer(&keys.tik, &evidence.measurement)?;
    told(Step::Verified);
    if table.is_empty() {
        verified::note(asking, guest);
        return Ok(answer);
    }
    let made = keys::packet(keys, &evidence.measurement, table, area)?;
    match terms.deliver {
        Deliver::Packet => answer.packet = Some(made),
        Deliver::Inject => {
            asking.of(guest, "injecting the secret", move |guest| guest.inject(&made, None))?;
            told(Step::Injected { secrets: table.len() });
            verified::note(asking, guest);
            // A secret is in, and there is no taking it back: a wish to stop comes too late.
            Asking { cancel: &Cancel::default(), ..*asking }.of(
                guest,
                "resuming the guest",
                Guest::resume,
            )?;
            told(Step::Resumed { because: None });
            answer.resumed = true;
        }
    }
    Ok(answer)
}

fn paused(state: GuestState, name: &str, injects: bool, insecure: bool) -> Result<()> {
    if state == GuestState::Paused {
        return Ok(());
    }
    if injects {
        return Err(not_paused(name));
    }
    if insecure {
        return Ok(());
    }
    Err(not_paused(name).hint("A guest that has run may have changed since it was measured. --insecure verifies its launch all the same."))
}

/// A guest whose measurement would not mean what its owner thinks.
fn check_config(facts: &DomainFacts, insecure: bool) -> Result<()> {
    let mut problems = Vec::new();
    let mut wrong = |kind: Kind, at: &str, text: &str| problems.push(Error::new(kind, text).at(at));
    match facts.launch_security.as_ref().filter(|l| l.kind.as_deref() == Some("sev")) {
        None if facts.launch_security.as_ref().is_some_and(|l| l.kind.as_deref() == Some("sev-snp")) => {
            return Err(Error::new(
                Kind::Domain,
                "a SEV-SNP guest has no measurement that its host can read",
            )
            .at("/domain/launchSecurity")
            .hint("Let it ask for a report from inside, and give that to `virt-sev verify --report FILE`."));
        }
        None => wrong(Kind::Domain, "/domain/launchSecurity", "the guest has no SEV launch security"),
        Some(security) => {
            if security.dh_cert.is_none() || security.session.is_none() {
                wrong(
                    Kind::Domain,
                    "/domain/launchSecurity",
                    "without dhCert and session nobody holds this launch's keys",
                );
            }
            let hashed = security.kernel_hashes.as_deref() == Some("yes");
            if hashed && facts.os.kernel.is_none() {
                wrong(
                    Kind::Domain,
                    "/domain/launchSecurity/@kernelHashes",
                    "kernel hashes are on and there is no kernel",
                );
            }
        }
    }
    if facts.os.loader.is_none() {
        wrong(Kind::Domain, "/domain/os/loader", "the guest names no firmware image");
    }
    if facts.os.nvram.is_some() && !insecure {
        wrong(Kind::Insecure, "/domain/os/nvram", "firmware variables are not measured");
    }
    Error::many(problems).map_or(Ok(()), |e| Err(e.and_hint("--ignore-config verifies it all the same.")))
}
