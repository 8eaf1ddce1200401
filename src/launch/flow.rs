//! A whole launch. In: a prepared document, perhaps the owner's verification. Out: a running guest, a paused one for its
//! owner, or everything as it was. Never: a guest that runs unverified where verification was asked for.

use super::asking::Asking;
use super::check::bundle_firmware;
use super::hypervisor::{Guest as _, Hypervisor};
use super::journal::Journal;
use super::security::{Holder, Security, Verification};
use super::states::{Launch, Measured, Request, Running};
use crate::finding::Finding;
use crate::host::HostFacts;
use crate::measure::evidence::LaunchReport;
use crate::measure::verify::{Evidence, Verdict};
use crate::owner::keys;
use crate::plan::Options;
use crate::prepare::Prepared;
use crate::session::answered::Answered;
use crate::session::registry::Registry;
use crate::{Error, Kind, Result, hex, preflight};
use serde_json::{Map, Value, json};
use std::fmt;
use std::path::Path;

/// One step done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The domain is defined.
    Defined,
    /// The guest is started; no instruction has run.
    Started,
    /// The measurement was read.
    Measured {
        /// The policy that the guest reports.
        policy: u32,
    },
    /// The measurement is an expected one.
    Verified,
    /// The secrets are in the guest.
    Injected {
        /// How many.
        secrets: usize,
    },
    /// The guest runs.
    Resumed {
        /// Why nothing was verified, where nothing was.
        because: Option<Unverified>,
    },
}

/// Why a guest runs that nobody has verified from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unverified {
    /// SEV-SNP.
    AttestsItself,
    /// Nobody holds keys.
    NoSession,
}

impl Step {
    /// A word for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Defined => "defined",
            Self::Started => "started",
            Self::Measured { .. } => "measured",
            Self::Verified => "verified",
            Self::Injected { .. } => "injected",
            Self::Resumed { .. } => "resumed",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Defined => f.write_str("defined"),
            Self::Started => f.write_str("started, paused: no instruction has run"),
            Self::Measured { policy } => write!(f, "measured, policy {policy:#x}"),
            Self::Verified => f.write_str("verified: the measurement is the expected one"),
            Self::Injected { secrets: 1 } => f.write_str("1 secret injected"),
            Self::Injected { secrets } => write!(f, "{secrets} secrets injected"),
            Self::Resumed { because: None } => f.write_str("resumed"),
            Self::Resumed { because: Some(Unverified::AttestsItself) } => f.write_str(
                "resumed. A SEV-SNP guest attests itself from inside; nothing was verified from here.",
            ),
            Self::Resumed { because: Some(Unverified::NoSession) } => f.write_str(
                "resumed. Without a session nothing can be verified: the memory is encrypted, and the host is trusted for the rest.",
            ),
        }
    }
}

/// All that a launch needs, checked; nothing has changed yet.
#[derive(Debug)]
pub struct Ready {
    security: Security,
    verification: Option<Verification>,
    xml: String,
    /// What there is to say of the firmware that the owner's bundle names.
    pub findings: Vec<Finding>,
}

impl Ready {
    /// Checks what can be checked before the start.
    ///
    /// # Errors
    /// As [`Security::of`]; `Kind::Usage`, `Kind::Session`, `Kind::Insecure`, `Kind::Firmware` and `Kind::File` of what the
    /// owner expects and holds; `Kind::No` for firmware that is not the bundle's.
    pub fn new<H: Hypervisor>(
        asking: &Asking<'_, H>,
        done: Prepared,
        host: &HostFacts,
        options: &Options,
        holder: Option<Holder>,
        local: bool,
    ) -> Result<Self> {
        let image =
            done.config.as_ref().and_then(|config| bundle_firmware(config, &done.domain, host, options));
        preflight::refuse(image.as_slice())?;
        let security = Security::of(&done)?;
        let verification =
            holder.map(|holder| Verification::new(asking, &done, &security, holder, local)).transpose()?;
        Ok(Self { security, verification, xml: done.xml, findings: image.into_iter().collect() })
    }

    /// What the guest is launched with.
    #[must_use]
    pub fn security(&self) -> &Security {
        &self.security
    }
}

/// How a launch ended well.
#[derive(Debug)]
pub enum Outcome<H: Hypervisor> {
    /// The guest runs; with what it was verified by, where it was.
    Running(Box<Launch<Running, H>>, Option<(Evidence, Verdict)>),
    /// The guest is paused and waits for its owner. Unless it is handed over, everything is undone.
    Paused(Box<Launch<Measured, H>>),
}

/// A launch that has come to its end.
#[derive(Debug)]
pub struct Launched<H: Hypervisor> {
    /// What the guest was launched with.
    pub security: Security,
    /// How it ended.
    pub outcome: Outcome<H>,
}

/// Launches. `state` is the folder of the records: which sessions were used, and which launches are under way.
///
/// # Errors
/// `Kind::Session` for a session that was used; as the steps of [`Launch`]; `Kind::No` for a guest that is not verified.
/// Everything is undone, and the error says so.
pub fn launch<H: Hypervisor>(
    asking: &Asking<'_, H>,
    ready: Ready,
    state: &Path,
    told: &dyn Fn(Step),
) -> Result<Launched<H>> {
    let Ready { security, verification, xml, .. } = ready;
    if let Some(session) = &security.session {
        // A session that was used is refused before anything is touched.
        Registry::open(state)?.refuse_used(session)?;
    }
    let request = Request {
        name: security.name.clone(),
        xml,
        limit: asking.limit,
        journal: Journal::below(state),
        cancel: asking.cancel.clone(),
    };
    let launch = Launch::define(asking.hypervisor, request)?;
    told(Step::Defined);
    // The session is used from here on, whatever becomes of the start: the chip may see it.
    if let Some(session) = &security.session {
        let whose = format!("domain {} on {}", security.name, asking.hypervisor.uri());
        if let Err(e) = Registry::open(state).and_then(|registry| registry.claim(session, &whose)) {
            return Err(launch.abandon(e));
        }
    }
    let resumed = |because| told(Step::Resumed { because });
    let running = |launch, proof| Outcome::Running(Box::new(launch), proof);
    let outcome = if security.mode.is_none() {
        let launch = launch.start_paused_unmeasured()?;
        told(Step::Started);
        let launch = launch.resume()?;
        resumed(Some(Unverified::AttestsItself));
        running(launch, None)
    } else {
        let launch = launch.start_paused()?;
        told(Step::Started);
        let launch = launch.measure(security.policy)?;
        told(Step::Measured { policy: launch.evidence().policy });
        match verification {
            Some(verification) => {
                let (launch, proof) = verified(launch, &verification, state, told)?;
                resumed(None);
                running(launch, Some(proof))
            }
            None if security.session.is_some() => {
                Outcome::Paused(Box::new(launch.unless_cancelled("leaving the guest to its owner")?))
            }
            None => {
                let launch = launch.resume_unverified()?;
                resumed(Some(Unverified::NoSession));
                running(launch, None)
            }
        }
    };
    Ok(Launched { security, outcome })
}

/// The guest owner's keys are here: verify, inject, resume.
fn verified<H: Hypervisor>(
    launch: Launch<Measured, H>,
    v: &Verification,
    state: &Path,
    told: &dyn Fn(Step),
) -> Result<(Launch<Running, H>, (Evidence, Verdict))> {
    if let Err(e) = v.claims.agree(launch.evidence()) {
        return Err(launch.abandon(e));
    }
    let evidence = *launch.evidence();
    let judge = || v.judge.judge(&evidence, &v.keys);
    let mut launch = launch.verify(&v.judge.expected, &v.keys.tik).map_err(|e| {
        if e.kind() != Kind::No {
            return e;
        }
        // The guest is gone by now: looking for the cause keeps nothing waiting.
        judge().map_or_else(|other| other, |judgement| e.and_hint(judgement.explanation()))
    })?;
    match judge().map(|judgement| judgement.refusal()) {
        Ok(None) => {}
        Ok(Some(e)) | Err(e) => return Err(launch.abandon(e)),
    }
    // Here the owner answers, too: evidence of another launch of this session gets no secret any more.
    if let Err(e) = Answered::below(state).answer(&v.keys.tik, &evidence.measurement) {
        return Err(launch.abandon(e));
    }
    told(Step::Verified);
    if !v.table.is_empty() {
        let packet = match keys::packet(&v.keys, &launch.evidence().measurement, &v.table, v.secret_area) {
            Ok(packet) => packet,
            Err(e) => return Err(launch.abandon(e)),
        };
        launch = launch.inject(packet, None)?;
        told(Step::Injected { secrets: v.table.len() });
    }
    let proof = (*launch.evidence(), launch.verdict().clone());
    Ok((launch.resume()?, proof))
}

impl<H: Hypervisor> Launched<H> {
    /// The guest.
    pub fn guest(&self) -> &H::Guest {
        match &self.outcome {
            Outcome::Running(launch, _) => launch.guest(),
            Outcome::Paused(launch) => launch.guest(),
        }
    }

    /// True where the guest was verified.
    pub fn verified(&self) -> bool {
        matches!(self.outcome, Outcome::Running(_, Some(_)))
    }

    /// `running` or `paused`.
    pub fn state(&self) -> &'static str {
        match self.outcome {
            Outcome::Running(..) => "running",
            Outcome::Paused(_) => "paused",
        }
    }

    /// What the owner needs as evidence: of a guest that was measured for one.
    ///
    /// # Errors
    /// `Kind::Hypervisor` where libvirt does not tell the UUID any more.
    pub fn report(&self) -> Result<Option<LaunchReport>> {
        let evidence = match &self.outcome {
            Outcome::Running(_, None) => return Ok(None),
            Outcome::Running(_, Some((evidence, _))) => *evidence,
            Outcome::Paused(launch) => *launch.evidence(),
        };
        let session = self.security.session.as_ref().map(|s| s.bytes().to_vec());
        let domain = self.security.name.clone();
        Ok(Some(LaunchReport { domain, uuid: self.guest().uuid()?, evidence, session }))
    }

    /// The JSON answer, without its schema.
    ///
    /// # Errors
    /// As [`Launched::report`].
    pub fn json(&self) -> Result<Value> {
        let mut value = Map::new();
        let fields = json!({
            "domain": self.security.name,
            "uuid": self.guest().uuid()?,
            "mode": self.security.mode.unwrap_or("sev-snp"),
            "state": self.state(),
            "verified": self.verified(),
        });
        value.extend(fields.as_object().cloned().unwrap_or_default());
        if let Some(report) = self.report()? {
            value.append(&mut report.fields());
        }
        if let Outcome::Running(_, Some((_, Verdict::Matched { digest, .. }))) = &self.outcome {
            value.insert("digest".to_owned(), hex::encode(digest).into());
        }
        Ok(value.into())
    }

    /// The launch has ended well for its caller, who was told so: a paused guest waits for its owner from here on.
    pub fn accept(self) -> (H::Guest, Security) {
        let guest = match self.outcome {
            Outcome::Running(launch, _) => launch.guest().clone(),
            Outcome::Paused(launch) => launch.hand_over().0,
        };
        (guest, self.security)
    }

    /// Undoes the launch, because its caller cannot be told of it; `error` says so.
    #[must_use]
    pub fn abandon(self, error: Error) -> Error {
        match self.outcome {
            Outcome::Running(launch, _) => launch.abandon(error),
            Outcome::Paused(launch) => launch.abandon(error),
        }
    }
}
