//! The state folder: log, launch records, decrypted secrets, ASIDs.
//! In: what happened. Out: files that a test can compare. Never: TEK, TIK or a plain secret outside `secrets/`.

use crate::error::{Context, Result};
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The state folder.
#[derive(Debug, Clone)]
pub struct State(PathBuf);

impl State {
    /// This folder; made when it is missing.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).at(folder.display())?;
        Ok(Self(folder.to_path_buf()))
    }

    /// Adds a line to `log`.
    pub fn log(&self, guest: &str, text: &str) {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let line =
            format!("{seconds} qemu-sev-sim: {}: {text}\n", if guest.is_empty() { "probe" } else { guest });
        let file = fs::OpenOptions::new().append(true).create(true).open(self.0.join("log"));
        // A log that cannot be written must not keep a guest from starting.
        let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }

    /// The folder of one guest; made when it is missing.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn guest(&self, name: &str) -> Result<PathBuf> {
        let folder = self.0.join("guests").join(file_name(name));
        fs::create_dir_all(&folder).at(folder.display())?;
        Ok(folder)
    }

    /// Keeps a decrypted secret: `guests/NAME/secrets/001.bin` and on, readable by the owner only.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep_secret(&self, guest: &str, plain: &[u8]) -> Result<PathBuf> {
        let folder = self.guest(guest)?.join("secrets");
        fs::create_dir_all(&folder).at(folder.display())?;
        let number = fs::read_dir(&folder).at(folder.display())?.count() + 1;
        let file = folder.join(format!("{number:03}.bin"));
        let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file)?;
        out.write_all(plain).at(file.display())?;
        Ok(file)
    }

    /// Takes a free ASID of a pool, or none. It is free again when the file is closed, however the process ends.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn take_asid(&self, pool: &str, count: u32) -> Result<Option<fs::File>> {
        let folder = self.0.join("asids");
        fs::create_dir_all(&folder).at(folder.display())?;
        for number in 1..=count {
            let file = fs::File::create(folder.join(format!("{pool}-{number}"))).at(folder.display())?;
            if file.try_lock().is_ok() {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }

    /// The measurement of the launch before this one, and this one's in its place.
    pub fn exchange_measurement(&self, new: &[u8; 48]) -> Option<[u8; 48]> {
        let file = self.0.join("last-measurement");
        let old = fs::read(&file).ok().and_then(|bytes| bytes.try_into().ok());
        let _ = fs::write(&file, new);
        old
    }
}

/// A guest's name as a file name: what is no letter, digit, dot, dash or underscore becomes `%XX`.
#[must_use]
pub fn file_name(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        let plain =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || (byte == b'.' && !out.is_empty());
        if plain {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    if out.is_empty() { "%".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_the_folder() {
        assert_eq!(file_name("web-1.example"), "web-1.example");
        assert_eq!(file_name("../../etc"), "%2E.%2F..%2Fetc");
        assert_eq!(file_name(""), "%");
    }

    #[test]
    fn asids_run_out_and_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::new(folder.path()).unwrap();
        let first = state.take_asid("sev", 2).unwrap();
        let second = state.take_asid("sev", 2).unwrap();
        assert!(first.is_some() && second.is_some());
        assert!(state.take_asid("sev", 2).unwrap().is_none());
        assert!(state.take_asid("es", 1).unwrap().is_some(), "another pool");
        drop(first);
        assert!(state.take_asid("sev", 2).unwrap().is_some());
    }

    #[test]
    fn secrets_are_numbered_and_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let state = State::new(folder.path()).unwrap();
        assert!(state.keep_secret("g", b"a").unwrap().ends_with("g/secrets/001.bin"));
        let second = state.keep_secret("g", b"b").unwrap();
        assert_eq!(fs::read(&second).unwrap(), b"b");
        assert_eq!(fs::metadata(&second).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_log_says_who_speaks() {
        let folder = tempfile::tempdir().unwrap();
        State::new(folder.path()).unwrap().log("g", "text");
        assert!(fs::read_to_string(folder.path().join("log")).unwrap().ends_with("qemu-sev-sim: g: text\n"));
    }
}
