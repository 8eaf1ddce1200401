//! A launched guest, verified over a connection. In: a guest, what its owner expects and holds. Out: the verdict; with secrets,
//! a running guest or a packet. Never: a secret for a guest that was not verified, or for a second launch of one session.

use super::asking::Asking;
use super::flow::Step;
use super::hypervisor::{Guest, GuestState, Hypervisor};
use super::processor;
use super::security::{Holder, boot_of};
use super::states::evidence;
use super::verified;
use crate::domain::{Domain, DomainFacts};
use crate::inject::packet::Packet;
use crate::measure::verify::Evidence;
use crate::owner::evidence::answer_once;
use crate::owner::{Boot, Judge, Judgement, judge, keys};
use crate::{Error, Kind, Result};

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
pub struct Terms {
    /// What becomes of a secret.
    pub deliver: Deliver,
    /// The guest's configuration is not looked at.
    pub ignore_config: bool,
    /// The hypervisor is this machine.
    pub local: bool,
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
    terms: Terms,
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
    let boot = match judge::by_policy_alone(v)? {
        true => None,
        false => {
            let boot = boot_of(v, live.facts(), evidence.policy, terms.local)?;
            let cpu = processor::of(asking, v, live.facts(), evidence.policy)?;
            Some(Boot { cpu, ..boot })
        }
    };
    let judgement = Judge::new(v, boot.as_ref(), evidence.policy)?.judge(&evidence, keys)?;
    let mut answer = Appraised { judgement, evidence, packet: None, before, resumed: false };
    if !answer.judgement.accepted() {
        return Ok(answer);
    }
    answer_once(keys, &evidence)?;
    told(Step::Verified);
    if before == GuestState::Paused {
        verified::note(asking, guest);
    }
    if table.is_empty() {
        return Ok(answer);
    }
    let area = boot.as_ref().map(Boot::secret_area).transpose()?.flatten();
    let made = keys::packet(keys, &evidence, table, area)?;
    match terms.deliver {
        Deliver::Packet => answer.packet = Some(made),
        Deliver::Inject => {
            asking.of(guest, "injecting the secret", move |guest| guest.inject(&made, None))?;
            told(Step::Injected { secrets: table.len() });
            asking.of(guest, "resuming the guest", Guest::resume)?;
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
    let hint = if injects {
        "A secret goes in before the first instruction. Launch the guest again, paused."
    } else if insecure {
        return Ok(());
    } else {
        "A guest that has run may have changed since it was measured. --insecure verifies its launch all the same."
    };
    Err(Error::new(Kind::State, "the guest is not paused").at(name.to_owned()).hint(hint))
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
