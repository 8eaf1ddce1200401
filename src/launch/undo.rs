//! Puts everything back after a failure. In: what a launch did so far. Out: sentences that say what was undone.

use super::hypervisor::{Guest as _, GuestState, Hypervisor};
use super::journal::{Journal, Written};
use super::wait::{Cancel, within};
use crate::codes::Kind;
use crate::error::{Error, Result};
use std::time::{Duration, Instant};

/// How long a daemon that is gone is given to come back: where it is started on demand it does so at once.
const DAEMON_RETURNS: Duration = Duration::from_secs(5);

/// Ends the guest and restores its definition unless it is disarmed.
#[derive(Debug)]
pub(super) struct Undo<H: Hypervisor> {
    pub(super) hypervisor: H,
    pub(super) uuid: String,
    pub(super) name: String,
    /// The definition before; `None`: there was none.
    pub(super) previous: Option<String>,
    pub(super) started: bool,
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
            Err(e) => error.and_hint(format!(
                "{}: the guest could not be destroyed ({}). It may still be paused. Once the hypervisor answers: virt-sev launch --recover -c '{}'",
                self.name,
                e.to_string().replace('\n', " "),
                self.hypervisor.uri()
            )),
        }
    }

    fn run(&mut self) -> Result<String> {
        let hypervisor = self.hypervisor.clone();
        // The connection of the launch may hang in the call that failed: a new one does not.
        let fresh = self.connect_again(&hypervisor)?;
        let (uuid, previous, started) = (self.uuid.clone(), self.previous.clone(), self.started);
        let text = within(self.limit, &Cancel::default(), "undoing the launch", move || {
            put_back(&fresh, &uuid, previous.as_deref(), started)
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

fn put_back<H: Hypervisor>(
    hypervisor: &H,
    uuid: &str,
    previous: Option<&str>,
    started: bool,
) -> Result<String> {
    let Some(guest) = hypervisor.find_uuid(uuid)? else {
        // A transient domain vanishes with its emulator; a definition of ours that was never made, too.
        return match previous {
            Some(xml) => {
                hypervisor.define(xml).map(|_| "The guest is gone; its definition is what it was.".into())
            }
            None => Ok("No guest is left.".into()),
        };
    };
    if guest.state()? != GuestState::Off {
        guest.destroy()?;
    }
    let ended = if started {
        "The guest was destroyed; its definition "
    } else {
        "No guest was started; the definition "
    };
    match previous {
        Some(xml) => {
            hypervisor.define(xml)?;
            Ok(format!("{ended}is what it was before."))
        }
        None => {
            guest.undefine()?;
            Ok(format!("{ended}was removed, for there was none before."))
        }
    }
}

/// Ends what launches that were cut off have left on this hypervisor: one sentence for each.
///
/// A guest that runs was verified before it was resumed: it is left alone.
///
/// # Errors
/// `Kind::Hypervisor`, `Kind::File`.
pub fn recover<H: Hypervisor>(hypervisor: &H, journal: &Journal) -> Result<Vec<String>> {
    let mut told = Vec::new();
    for (entry, file) in journal.entries()? {
        if entry.uri != hypervisor.uri() {
            told.push(format!(
                "{}: on {}: left alone, for this is another hypervisor.",
                entry.name, entry.uri
            ));
            continue;
        }
        if entry.is_under_way() {
            told.push(format!("{}: left alone, for its launch is under way.", entry.name));
            continue;
        }
        let running = match hypervisor.find_uuid(&entry.uuid)? {
            Some(guest) => guest.state()? == GuestState::Running,
            None => false,
        };
        if running {
            told.push(format!("{}: runs, so its launch had come to its end.", entry.name));
        } else {
            let text = put_back(hypervisor, &entry.uuid, entry.previous.as_deref(), true)?;
            told.push(format!("{}: {text}", entry.name));
        }
        file.done();
    }
    Ok(told)
}
