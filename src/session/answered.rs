//! Which launch the guest owner has answered with each session. In: the TIK, a measurement that it verified. Out: the right
//! to answer. Never: an answer to a second launch: a host's own registry keeps an honest host from using a session twice,
//! and this keeps the owner from a host that is not.
//!
//! One file for each session, named after a MAC under the TIK, which tells nothing of it. The same launch may be answered
//! again: the answer may have been lost.

use super::registry::{Registry, utc};
use super::store;
use crate::crypt::mac;
use crate::measure::to_base64;
use crate::redact::Secret;
use crate::{Error, Kind, Result, hex};
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The launches that were answered: a folder beside the registry of used sessions.
#[derive(Debug, Clone)]
pub struct Answered {
    folder: PathBuf,
}

impl Answered {
    /// Below the folder that [`Registry::default_folder`] gives; it need not be there.
    #[must_use]
    pub fn below(folder: &Path) -> Self {
        Self { folder: folder.join("answered") }
    }

    /// The one of this user.
    ///
    /// # Errors
    /// As [`Registry::default_folder`].
    pub fn of_user() -> Result<Self> {
        Ok(Self::below(&Registry::default_folder()?))
    }

    /// Records that this launch is answered. `measurement` must be one that the TIK has verified.
    ///
    /// # Errors
    /// `Kind::Session` when the session answered another launch before, saying when; `Kind::File`.
    pub fn answer(&self, tik: &Secret<[u8; 16]>, measurement: &[u8; 48]) -> Result<()> {
        let name = hex::encode(&mac(tik.expose(), b"virt-sev: the launch that was answered")?);
        let path = self.folder.join(name);
        let failed = |e: std::io::Error| {
            Error::new(Kind::File, "the record of answered launches cannot be used")
                .at(path.display().to_string())
                .because(e)
                .hint("Without it a session's second use cannot be noticed. Set XDG_STATE_HOME to a folder of yours.")
        };
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(failed)?;
        let line = format!("{} {}\n", to_base64(measurement), utc(SystemTime::now()));
        // Whole at once: what stands under the name is never half of a line.
        match store::write_new(&path, line.as_bytes()) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                let bytes = fs::read(&path).map_err(failed)?;
                let text = String::from_utf8_lossy(&bytes);
                let mut words = text.split_ascii_whitespace();
                if words.next() == Some(to_base64(measurement).as_str()) {
                    return Ok(());
                }
                let when: String =
                    words.next().unwrap_or("before").chars().filter(|c| !c.is_control()).take(40).collect();
                Err(Error::new(Kind::Session, format!("this session has answered another launch, at {when}"))
                    .hint("The host has launched with it twice, which no honest host does. No secret is given away: make a fresh session."))
            }
            Err(e) => Err(failed(e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn one_launch_is_answered_as_often_as_it_asks_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let answered = Answered::below(&dir.path().join("not/yet"));
        let (tik, other) = (Secret::new([1; 16]), Secret::new([2; 16]));
        for _ in 0..3 {
            answered.answer(&tik, &[7; 48]).unwrap();
        }
        answered.answer(&other, &[8; 48]).unwrap();
        let mut nonce_differs = [7; 48];
        nonce_differs[47] = 0;
        for measurement in [[8; 48], nonce_differs] {
            let e = answered.answer(&tik, &measurement).unwrap_err();
            assert_eq!(e.kind(), Kind::Session);
            assert!(e.to_string().starts_with("this session has answered another launch, at 2"), "{e}");
        }
        let files: Vec<_> = fs::read_dir(&answered.folder).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(files.len(), 2);
        for file in files {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            let held = [fs::read(&file).unwrap(), file.as_os_str().as_encoded_bytes().to_vec()].concat();
            for key in [[1u8; 16], [2; 16]] {
                let hex = hex::encode(&key);
                assert!(
                    !held.windows(16).any(|w| w == key) && !held.windows(32).any(|w| w == hex.as_bytes())
                );
            }
        }
    }

    #[test]
    fn of_two_launches_at_once_one_is_answered() {
        let dir = tempfile::tempdir().unwrap();
        let answered = Answered::below(dir.path());
        for round in 0..20 {
            let tik = Secret::new([round; 16]);
            let won: usize = std::thread::scope(|s| {
                let threads: Vec<_> = (0..6u8)
                    .map(|n| {
                        let (answered, tik) = (&answered, &tik);
                        s.spawn(move || answered.answer(tik, &[n; 48]).is_ok())
                    })
                    .collect();
                threads.into_iter().map(|t| usize::from(t.join().unwrap())).sum()
            });
            assert_eq!(won, 1);
        }
    }

    #[test]
    fn without_a_record_there_is_no_answer() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("answered"), "").unwrap();
        let answered = Answered::below(dir.path());
        assert_eq!(answered.answer(&Secret::new([1; 16]), &[0; 48]).unwrap_err().kind(), Kind::File);
    }
}
