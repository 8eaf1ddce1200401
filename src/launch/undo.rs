//! Puts everything back after a failure. In: what a launch did so far. Out: sentences that say what was undone.

use super::hypervisor::{Guest as _, GuestState, Hypervisor};
use super::journal::{Entry, Journal, Written};
use super::wait::{Calls, Cancel, within};
use crate::codes::Kind;
use crate::error::{Error, Result};
use std::time::{Duration, Instant};

/// How long a daemon that is gone is given to come back: where it is started on demand it does so at once.
const DAEMON_RETURNS: Duration = Duration::from_secs(5);

/// How long a call is given at least to come back once its guest is gone.
const CALL_RETURNS: Duration = Duration::from_secs(5);

/// How far a launch came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// It started no guest: one that is active was started by somebody else.
    Defined,
    /// It started the guest, or may have.
    Started,
}

/// Ends the guest and restores its definition unless it is disarmed.
#[derive(Debug)]
pub(super) struct Undo<H: Hypervisor> {
    pub(super) hypervisor: H,
    pub(super) uuid: String,
    pub(super) name: String,
    /// The definition before; `None`: there was none.
    pub(super) previous: Option<String>,
    pub(super) reach: Reach,
    pub(super) calls: Calls,
    pub(super) limit: Duration,
    pub(super) record: Option<Written>,
}

impl<H: Hypervisor> Undo<H> {
    /// The launch has ended well: nothing is to be undone any more.
    pub(super) fn disarm(&mut self) {
        if let Some(record) = self.record.take() {
            record.done();
        }
    }

    /// Undoes everything now and tells so in `error`.
    pub(super) fn fail(&mut self, error: Error) -> Error {
        match self.run() {
            Ok(text) => error.and_hint(text),
            Err(e) => {
                // Its record stays, for whoever recovers; nobody tries a second time here.
                self.record = None;
                error.and_hint(format!(
                    "{}: not everything could be undone ({}). The guest may still be paused. Once the hypervisor answers: virt-sev launch --recover -c '{}'",
                    self.name,
                    e.to_string().replace('\n', " "),
                    self.hypervisor.uri()
                ))
            }
        }
    }

    fn run(&mut self) -> Result<String> {
        let hypervisor = self.hypervisor.clone();
        // The connection of the launch may hang in the call that failed: a new one does not.
        let fresh = self.connect_again(&hypervisor)?;
        let reach = self.reach;
        // A call that nobody waits for any more may start or define the guest after everything is put back. Ending the
        // guest is what lets a call that hangs return.
        if !self.calls.have_ended(Duration::ZERO) {
            let (fresh, uuid) = (fresh.clone(), self.uuid.clone());
            within(self.limit, &Cancel::default(), "ending the guest", move || end(&fresh, &uuid, reach))?;
            if !self.calls.have_ended(self.limit.max(CALL_RETURNS)) {
                return Err(Error::new(Kind::Timeout, "a call to the hypervisor has not come back"));
            }
        }
        let (uuid, previous) = (self.uuid.clone(), self.previous.clone());
        let text = within(self.limit, &Cancel::default(), "undoing the launch", move || {
            put_back(&fresh, &uuid, previous.as_deref(), reach)
        })?;
        self.disarm();
        Ok(text)
    }

    fn connect_again(&self, hypervisor: &H) -> Result<H> {
        let end = Instant::now() + self.limit.min(DAEMON_RETURNS);
        loop {
            let old = hypervisor.clone();
            match within(self.limit, &Cancel::default(), "connecting again", move || old.another()) {
                Ok(fresh) => return Ok(fresh),
                Err(e) if e.kind() == Kind::Timeout || Instant::now() >= end => return Err(e),
                Err(_) => std::thread::sleep(Duration::from_millis(500)),
            }
        }
    }
}

impl<H: Hypervisor> Drop for Undo<H> {
    fn drop(&mut self) {
        // Only an unforeseen way out comes here with a record: every step calls `fail` or `disarm` itself.
        if self.record.is_some() {
            match self.run() {
                Ok(text) => log::warn!("{}: {text}", self.name),
                Err(e) => log::error!("{}: the launch could not be undone: {e}", self.name),
            }
        }
    }
}

/// Ends the guest where this launch started it.
fn end<H: Hypervisor>(hypervisor: &H, uuid: &str, reach: Reach) -> Result<()> {
    match hypervisor.find_uuid(uuid)? {
        Some(guest) if reach == Reach::Started && guest.state()? != GuestState::Off => guest.destroy(),
        _ => Ok(()),
    }
}

fn put_back<H: Hypervisor>(
    hypervisor: &H,
    uuid: &str,
    previous: Option<&str>,
    reach: Reach,
) -> Result<String> {
    end(hypervisor, uuid, reach)?;
    let Some(guest) = hypervisor.find_uuid(uuid)? else {
        // A transient domain vanishes with its emulator; a definition of ours that was never made, too.
        return match previous {
            Some(xml) => {
                hypervisor.define(xml).map(|_| "The guest is gone; its definition is what it was.".into())
            }
            None => Ok("No guest is left, and no definition.".into()),
        };
    };
    let begin = match reach {
        Reach::Started => "The guest was destroyed; its definition ",
        Reach::Defined if guest.state()? != GuestState::Off => {
            "The guest that is active was started by somebody else and is left alone; its definition "
        }
        Reach::Defined => "No guest was started; the definition ",
    };
    match previous {
        Some(xml) => {
            hypervisor.define(xml)?;
            Ok(format!("{begin}is what it was before."))
        }
        None if guest.state()? != GuestState::Off => Ok(format!("{begin}stays with it.")),
        None => {
            guest.undefine()?;
            Ok(format!("{begin}was removed, for there was none before."))
        }
    }
}

/// What [`recover`] did.
#[derive(Debug, Default)]
pub struct Recovered {
    /// One sentence for each launch that was cut off.
    pub told: Vec<String>,
    /// What could not be done; the records of these launches stay.
    pub problems: Vec<Error>,
}

/// Ends what launches that were cut off have left on this hypervisor. One that cannot be ended keeps no other from it.
///
/// A guest that runs was verified before it was resumed: it is left alone.
///
/// # Errors
/// `Kind::File` when the records cannot be listed.
pub fn recover<H: Hypervisor>(hypervisor: &H, journal: &Journal) -> Result<Recovered> {
    let mut done = Recovered::default();
    for item in journal.entries()? {
        match item.and_then(|(entry, file)| recover_one(hypervisor, &entry, file)) {
            Ok(text) => done.told.push(text),
            Err(e) => done.problems.push(e),
        }
    }
    Ok(done)
}

fn recover_one<H: Hypervisor>(hypervisor: &H, entry: &Entry, file: Written) -> Result<String> {
    let name = &entry.name;
    if entry.uri != hypervisor.uri() {
        return Ok(format!("{name}: on {}: left alone, for this is another hypervisor.", entry.uri));
    }
    if !file.take() {
        return Ok(format!("{name}: left alone, for its launch is under way."));
    }
    let ended = || -> Result<String> {
        let guest = hypervisor.find_uuid(&entry.uuid)?;
        if guest.is_some_and(|g| g.state().is_ok_and(|s| s == GuestState::Running)) {
            return Ok("runs, so its launch had come to its end.".into());
        }
        put_back(hypervisor, &entry.uuid, entry.previous.as_deref(), Reach::Started)
    };
    let text = ended().map_err(|e| {
        e.at(name.clone()).and_hint(format!(
            "The record of its launch stays: {}. Where nothing is to be recovered any more, remove that file.",
            file.path().display()
        ))
    })?;
    file.done();
    Ok(format!("{name}: {text}"))
}
