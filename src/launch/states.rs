//! The steps of a launch, one type each. In: a hypervisor and a document that is right. Out: a running guest, or
//! everything as it was. Never: a step out of order, or a guest left behind by a failure.

use super::hypervisor::{Guest as _, GuestState, Hypervisor, LaunchInfo};
use super::identity;
use super::journal::{Entry, Journal};
use super::undo::{Reach, Undo};
use super::wait::{Calls, Cancel, within};
use crate::codes::Kind;
use crate::error::{Error, Result};
use crate::inject::packet::Packet;
use crate::measure::verify::{Evidence, Expected, Verdict, check, differs};
use crate::redact::Secret;
use std::time::Duration;

/// What is to be launched, and how patiently.
#[derive(Debug, Clone)]
pub struct Request {
    /// The domain's name.
    pub name: String,
    /// The document to define.
    pub xml: String,
    /// The longest wait for one answer of the hypervisor.
    pub limit: Duration,
    /// Where the launch is recorded, so that it can be undone when this program dies.
    pub journal: Journal,
    /// Stops the launch from another thread.
    pub cancel: Cancel,
}

/// A launch in state `S`.
#[derive(Debug)]
pub struct Launch<S, H: Hypervisor> {
    guest: H::Guest,
    undo: Undo<H>,
    cancel: Cancel,
    state: S,
}

/// The domain is defined and not started.
#[derive(Debug)]
pub struct Defined(());

/// The guest is started, no instruction has run, and its measurement can be read.
#[derive(Debug)]
pub struct Paused(());

/// The guest is started, no instruction has run, and nothing is to be verified from here.
#[derive(Debug)]
pub struct Unmeasured(());

/// The measurement was read; nobody has compared it yet.
#[derive(Debug)]
pub struct Measured(Evidence);

/// The measurement is the expected one.
#[derive(Debug)]
pub struct Verified(Evidence, Verdict);

/// The guest runs.
#[derive(Debug)]
pub struct Running(());

impl<S, H: Hypervisor> Launch<S, H> {
    /// The guest.
    pub fn guest(&self) -> &H::Guest {
        &self.guest
    }

    fn into<T>(self, state: T) -> Launch<T, H> {
        Launch { guest: self.guest, undo: self.undo, cancel: self.cancel, state }
    }

    /// One call to the hypervisor, bounded in time.
    fn ask<T: Send + 'static>(
        &self,
        what: &str,
        call: impl FnOnce(&H::Guest) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let guest = self.guest.clone();
        self.undo.calls.within(self.undo.limit, &self.cancel, what, move || call(&guest))
    }

    /// Goes on with `what` unless the launch was cancelled since the last wait.
    ///
    /// # Errors
    /// `Kind::Cancelled`. Everything is undone.
    pub(super) fn unless_cancelled(self, what: &str) -> Result<Self> {
        match self.cancel.refuse(what) {
            Ok(()) => Ok(self),
            Err(e) => Err(self.fail(e)),
        }
    }

    fn fail(mut self, error: Error) -> Error {
        self.undo.fail(error)
    }

    /// Stops here: the guest is destroyed, the definition is what it was, and `error` says so.
    #[must_use]
    pub fn abandon(self, error: Error) -> Error {
        self.fail(error)
    }
}

impl<H: Hypervisor> Launch<Defined, H> {
    /// Defines the domain, and remembers what was there before.
    ///
    /// # Errors
    /// `Kind::State` when the guest is active, when another domain has its name or UUID, or when another launch of it
    /// has not ended; `Kind::Domain`; `Kind::Hypervisor`; `Kind::Timeout`. Everything is as it was then.
    pub fn define(hypervisor: &H, request: Request) -> Result<Self> {
        let Request { name, xml, limit, journal, cancel } = request;
        let (uuid, xml) = identity::identified(xml)?;
        let look = || {
            let (hv, journal, name, uuid) = (hypervisor.clone(), journal.clone(), name.clone(), uuid.clone());
            within(limit, &cancel, "looking up the domain", move || {
                before_launch(&hv, &journal, &name, &uuid)
            })
        };
        let previous = look()?;
        let record = journal.write(&Entry::new(hypervisor.uri(), &uuid, &name, previous.clone()))?;
        // The record is what keeps two launches of one domain apart: what was seen before it may be gone.
        match look() {
            Ok(now) if now == previous => {}
            Ok(_) => {
                record.done();
                return Err(Error::new(Kind::State, "the domain was changed while its launch began")
                    .at(name)
                    .hint(
                        "Somebody else defines or launches it. Nothing was done; look, and launch again.",
                    ));
            }
            Err(e) => {
                record.done();
                return Err(e);
            }
        }
        let mut undo = Undo {
            hypervisor: hypervisor.clone(),
            uuid,
            name,
            previous,
            reach: Reach::Defined,
            calls: Calls::new(record.lock()),
            limit,
            record: Some(record),
        };
        let hv = hypervisor.clone();
        match undo.calls.within(limit, &cancel, "defining the domain", move || hv.define(&xml)) {
            Ok(guest) => Ok(Self { guest, undo, cancel, state: Defined(()) }),
            // A call that failed, or that nobody waited for, may have defined it all the same.
            Err(e) => Err(undo.fail(e)),
        }
    }

    /// Starts the guest with its processors stopped, to be measured.
    ///
    /// # Errors
    /// `Kind::Hypervisor` with QEMU's own words; `Kind::Timeout`. Everything is undone.
    pub fn start_paused(self) -> Result<Launch<Paused, H>> {
        Ok(self.start()?.into(Paused(())))
    }

    /// The same for a guest that is not measured from here: SEV-SNP attests itself from inside.
    ///
    /// # Errors
    /// As [`Launch::start_paused`].
    pub fn start_paused_unmeasured(self) -> Result<Launch<Unmeasured, H>> {
        Ok(self.start()?.into(Unmeasured(())))
    }

    fn start(self) -> Result<Self> {
        // Cancelled before it asks for a start, it has started nothing: an active guest is somebody else's.
        let mut launch = self.unless_cancelled("starting the guest")?;
        launch.undo.reach = Reach::Started;
        match launch.ask("starting the guest", super::Guest::start_paused) {
            Ok(()) => Ok(launch),
            Err(e) => {
                if e.kind() == Kind::State {
                    launch.undo.reach = Reach::Defined;
                }
                Err(launch.fail(e))
            }
        }
    }
}

/// Whether a launch of this document could begin: nothing is changed.
///
/// # Errors
/// As [`Launch::define`], where it refuses before it defines anything.
pub(super) fn could_begin<H: Hypervisor>(
    hypervisor: &H,
    journal: &Journal,
    name: &str,
    xml: String,
) -> Result<()> {
    let (uuid, _) = identity::identified(xml)?;
    let previous = before_launch(hypervisor, journal, name, &uuid)?;
    journal.refuse_taken(&Entry::new(hypervisor.uri(), &uuid, name, previous))
}

/// The definition as it is before the launch, of a domain that is off; `None` where there is no such domain.
fn before_launch<H: Hypervisor>(
    hypervisor: &H,
    journal: &Journal,
    name: &str,
    uuid: &str,
) -> Result<Option<String>> {
    let (by_name, by_uuid) = (hypervisor.find(name)?, hypervisor.find_uuid(uuid)?);
    let Some(guest) = by_name.or(by_uuid) else { return Ok(None) };
    if guest.state()? != GuestState::Off {
        return Err(Error::new(Kind::State, "the guest is active already")
            .at(name.to_owned())
            .hint("A launch begins with a guest that is off. Shut it down first."));
    }
    if guest.has_saved_state()? {
        return Err(Error::new(
            Kind::State,
            "the guest was saved, and a start would restore it instead of launching it",
        )
        .at(name.to_owned())
        .hint(format!("If the saved state may be lost: virsh managedsave-remove {name}")));
    }
    let there = (guest.name()?, guest.uuid()?);
    if (there.0.as_str(), there.1.as_str()) != (name, uuid) {
        // What a launch of this document that was cut off has left has another UUID, where the document has none.
        journal.refuse_taken(&Entry::new(hypervisor.uri(), &there.1, &there.0, None))?;
        return Err(Error::new(Kind::State, "another domain has this name or this UUID")
            .at(name.to_owned())
            .found(format!("{}, {}", there.0, there.1))
            .wanted(format!("{name}, {uuid}")));
    }
    guest.definition().map(Some)
}

impl<H: Hypervisor> Launch<Paused, H> {
    /// Reads the launch measurement. `policy` is the configured one.
    ///
    /// # Errors
    /// `Kind::Hypervisor`, `Kind::Timeout`; `Kind::No` when the guest reports another policy. Everything is undone.
    pub fn measure(self, policy: u32) -> Result<Launch<Measured, H>> {
        let evidence = match self.ask("reading the launch measurement", super::Guest::launch_info) {
            Ok(info) => evidence(&info).and_then(|e| same_policy(e, policy)),
            Err(e) => Err(e),
        };
        match evidence {
            Ok(evidence) => Ok(self.into(Measured(evidence))),
            Err(e) => Err(self.fail(e)),
        }
    }
}

/// libvirt's answer as evidence.
///
/// # Errors
/// `Kind::Hypervisor` for a measurement that is none, or numbers that no SEV firmware has.
pub fn evidence(info: &LaunchInfo) -> Result<Evidence> {
    let byte = |name: &str, n: u32| {
        u8::try_from(n).map_err(|_| {
            Error::new(Kind::Hypervisor, "the launch information is not SEV's")
                .at(name.to_owned())
                .found(n.to_string())
                .wanted("0 to 255")
        })
    };
    Ok(Evidence {
        measurement: Evidence::parse_measurement(&info.measurement).map_err(|e| {
            Error::new(Kind::Hypervisor, "the hypervisor's answer is no measurement").because(e)
        })?,
        api_major: byte("sev-api-major", info.api_major)?,
        api_minor: byte("sev-api-minor", info.api_minor)?,
        build_id: byte("sev-build-id", info.build_id)?,
        policy: info.policy,
    })
}

fn same_policy(evidence: Evidence, wanted: u32) -> Result<Evidence> {
    if evidence.policy == wanted {
        return Ok(evidence);
    }
    Err(Error::new(Kind::No, "the guest was launched with another policy")
        .found(format!("{:#x}", evidence.policy))
        .wanted(format!("{wanted:#x}, as configured"))
        .hint("The host changed the policy. Do not trust this guest."))
}

impl<H: Hypervisor> Launch<Measured, H> {
    /// What the host says of the guest.
    pub fn evidence(&self) -> &Evidence {
        &self.state.0
    }

    /// Compares the measurement with the expected one.
    ///
    /// # Errors
    /// `Kind::No` when it differs. Everything is undone.
    pub fn verify(self, expected: &Expected, tik: &Secret<[u8; 16]>) -> Result<Launch<Verified, H>> {
        match check(&self.state.0, expected, tik) {
            Ok(verdict) if verdict.matched() => {
                let evidence = self.state.0;
                Ok(self.into(Verified(evidence, verdict)))
            }
            Ok(_) => Err(self.fail(differs())),
            Err(e) => Err(self.fail(e)),
        }
    }

    /// Lets the guest run although nobody verified it: no session, so nobody holds keys to verify with.
    ///
    /// # Errors
    /// `Kind::Hypervisor`, `Kind::Timeout`. Everything is undone.
    pub fn resume_unverified(self) -> Result<Launch<Running, H>> {
        resume(self)
    }

    /// Leaves the guest paused for its owner, who verifies elsewhere.
    pub fn hand_over(mut self) -> (H::Guest, Evidence) {
        self.undo.disarm();
        (self.guest, self.state.0)
    }
}

impl<H: Hypervisor> Launch<Verified, H> {
    /// What the host says of the guest.
    pub fn evidence(&self) -> &Evidence {
        &self.state.0
    }

    /// The verdict.
    pub fn verdict(&self) -> &Verdict {
        &self.state.1
    }

    /// Injects a secret. `address` `None` leaves the place to the firmware's table.
    ///
    /// # Errors
    /// `Kind::Hypervisor`, `Kind::Timeout`. Everything is undone.
    pub fn inject(self, packet: Packet, address: Option<u64>) -> Result<Self> {
        match self.ask("injecting the secret", move |guest| guest.inject(&packet, address)) {
            Ok(()) => Ok(self),
            Err(e) => Err(self.fail(e)),
        }
    }

    /// Lets the guest run.
    ///
    /// # Errors
    /// `Kind::Hypervisor`, `Kind::Timeout`. Everything is undone.
    pub fn resume(self) -> Result<Launch<Running, H>> {
        resume(self)
    }
}

impl<H: Hypervisor> Launch<Unmeasured, H> {
    /// Lets the guest run, unverified from here.
    ///
    /// # Errors
    /// `Kind::Hypervisor`, `Kind::Timeout`. Everything is undone.
    pub fn resume(self) -> Result<Launch<Running, H>> {
        resume(self)
    }
}

fn resume<S, H: Hypervisor>(launch: Launch<S, H>) -> Result<Launch<Running, H>> {
    let answer = launch.ask("resuming the guest", |guest| {
        guest.resume()?;
        // libvirt answers when the processors were told to run; an emulator that died of it shows here.
        match guest.state()? {
            GuestState::Running => Ok(()),
            state @ (GuestState::Off | GuestState::Paused | GuestState::Other(_)) => {
                Err(Error::new(Kind::State, "the guest does not run after the resume")
                    .found(format!("{state:?}"))
                    .hint("The guest's log below libvirt's log folder says why."))
            }
        }
    });
    match answer {
        Ok(()) => {
            let mut launch = launch.into(Running(()));
            launch.undo.disarm();
            Ok(launch)
        }
        Err(e) => Err(launch.fail(e)),
    }
}
