//! Which sessions were used. In: a session blob. Out: the right to use it once. Never: the same session twice, not even
//! from two processes at once, and no way to give a used session back.
//!
//! One file for each session, named after the blob's SHA-256, made with `O_EXCL`. A session counts as used from the
//! moment in which it is claimed, which is just before its guest is started: a host that saw a launch with it, even one
//! that failed, could measure another guest with the same keys.

use super::blob::SessionBlob;
use super::place::Place;
use crate::{Error, Kind, Result};
use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The registry of used sessions: a folder.
#[derive(Debug, Clone)]
pub struct Registry {
    folder: PathBuf,
}

impl Registry {
    const PLACE: Place = Place {
        variable: "XDG_STATE_HOME",
        root: "/var/lib/virt-sev",
        home: ".local/state/virt-sev",
        what: "the registry of used sessions",
    };

    /// Where the registry lies: `$XDG_STATE_HOME/virt-sev` where that is set (to an absolute path, as the XDG base
    /// directory specification asks), else for root `/var/lib/virt-sev`, else `~/.local/state/virt-sev`.
    ///
    /// # Errors
    /// `Kind::File` when there is no home folder either.
    pub fn default_folder() -> Result<PathBuf> {
        Self::PLACE.folder()
    }

    /// Opens the registry, making its folder (0700) where it is missing.
    ///
    /// # Errors
    /// `Kind::File` when it cannot be made.
    pub fn open(folder: &Path) -> Result<Self> {
        let sessions = folder.join("sessions");
        DirBuilder::new().recursive(true).mode(0o700).create(&sessions).map_err(|e| {
            Error::new(Kind::File, "cannot make the registry of used sessions")
                .at(sessions.display().to_string())
                .because(e)
                .hint("Without it a session's second use cannot be noticed. Set XDG_STATE_HOME to a folder of yours.")
        })?;
        Ok(Self { folder: sessions })
    }

    /// Says when and for what a session was used, if it was.
    ///
    /// # Errors
    /// `Kind::File` when the registry cannot be read.
    pub fn used(&self, session: &SessionBlob) -> Result<Option<String>> {
        let path = self.folder.join(session.id());
        match std::fs::read(&path) {
            Ok(line) => {
                // The file may have been damaged: what is not text reaches no terminal.
                let line: String = String::from_utf8_lossy(&line)
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .filter(|c| !c.is_control())
                    .collect();
                match line.trim() {
                    // Another process made the file this very moment, or died while writing it.
                    "" => Ok(Some(
                        std::fs::metadata(&path)
                            .and_then(|m| m.modified())
                            .map_or_else(|_| NO_TIME.to_owned(), |t| format!("at {}", utc(t))),
                    )),
                    line => Ok(Some(format!("at {line}"))),
                }
            }
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(unusable(&path, e)),
        }
    }

    /// Refuses a session that was used, without claiming it.
    ///
    /// # Errors
    /// `Kind::Session` when it was claimed before, saying when and for what; `Kind::File` when that cannot be read.
    pub fn refuse_used(&self, session: &SessionBlob) -> Result<()> {
        self.used(session)?.map_or(Ok(()), |when| Err(was_used(&when)))
    }

    /// Claims a session for one launch. `what` says which: `domain web1 on qemu:///system`.
    ///
    /// # Errors
    /// `Kind::Session` when it was claimed before, saying when and for what; `Kind::File` when that cannot be recorded.
    pub fn claim(&self, session: &SessionBlob, what: &str) -> Result<()> {
        let path = self.folder.join(session.id());
        let what: String = what.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                let when = self.used(session)?.unwrap_or_else(|| NO_TIME.to_owned());
                return Err(was_used(&when));
            }
            Err(e) => return Err(unusable(&path, e)),
        };
        // From here on the session is used, whatever happens to the text.
        file.write_all(format!("{} for {what}\n", utc(SystemTime::now())).as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|e| {
                unusable(&path, e).and_hint(
                    "The session counts as used all the same: make a fresh one with `virt-sev session`.",
                )
            })
    }
}

/// Where the record has no text, and no time of its own.
const NO_TIME: &str = "nobody can tell when";

fn was_used(when: &str) -> Error {
    Error::new(Kind::Session, format!("this session was used before, {when}"))
        .hint("Make a fresh one with `virt-sev session`: one session is for one launch, even a failed one.")
}

fn unusable(path: &Path, e: std::io::Error) -> Error {
    Error::new(Kind::File, "cannot use the registry of used sessions")
        .at(path.display().to_string())
        .because(e)
        .hint("Without it a session's second use cannot be noticed. Mend that, and try again.")
}

/// RFC 3339 in UTC. The civil date from days is the well-known computation over eras of 400 years.
pub(super) fn utc(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468; // days since 0000-03-01
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
