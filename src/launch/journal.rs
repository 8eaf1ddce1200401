//! What is needed to undo a launch whose program died. In: a launch about to begin. Out: one file a launch, which
//! `launch --recover` reads. Never: key material; the previous definition may hold passwords, so files are 0600.

use crate::codes::Kind;
use crate::draft::Draft;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::io::BufReader;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One launch under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// Connection URI, as the caller gave it, or as libvirt names it.
    pub uri: String,
    /// The domain's UUID.
    pub uuid: String,
    /// The domain's name.
    pub name: String,
    /// The definition before; `None`: there was none.
    pub previous: Option<String>,
}

/// The folder of the entries: `launches` below virt-sev's state folder.
#[derive(Debug, Clone)]
pub struct Journal(PathBuf);

/// An entry that is written; removed by [`Written::done`].
#[derive(Debug)]
pub struct Written {
    path: PathBuf,
    /// Locked while the launch is under way: the kernel lets go of it when the process ends, however it does. A process
    /// number would not do: a program that launches many guests lives on when one launch is cut off.
    lock: Arc<File>,
}

fn io(what: &str, path: &Path, e: std::io::Error) -> Error {
    Error::new(Kind::File, what).at(path.display().to_string()).because(e)
}

impl Entry {
    /// An entry.
    #[must_use]
    pub fn new(uri: &str, uuid: &str, name: &str, previous: Option<String>) -> Self {
        Self { uri: uri.into(), uuid: uuid.into(), name: name.into(), previous }
    }
}

impl Journal {
    /// The journal below this state folder. Nothing is made before the first entry.
    #[must_use]
    pub fn below(state_dir: &Path) -> Self {
        Self(state_dir.join("launches"))
    }

    /// Writes an entry, complete or not at all.
    ///
    /// # Errors
    /// `Kind::File`; `Kind::State` when another launch of the same domain has not ended.
    pub fn write(&self, entry: &Entry) -> Result<Written> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
            .map_err(|e| io("the state folder cannot be made", &self.0, e))?;
        let path = self.file(entry);
        let text = serde_json::to_vec_pretty(entry)
            .map_err(|e| Error::new(Kind::Bug, "a launch record cannot be written").because(e))?;
        // hard_link fails where the entry exists: two launches of one domain cannot both begin.
        let linked = Draft::file(&path, &text, 0o600)
            .and_then(|draft| fs::hard_link(draft.path(), &path).and_then(|()| draft.lock()));
        match linked {
            Ok(lock) => Ok(Written { path, lock: Arc::new(lock) }),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Err(self.taken(&path, entry)),
            Err(e) => Err(io("the launch record cannot be written", &path, e)),
        }
    }

    /// Whether a launch of the domain with this UUID is under way.
    #[must_use]
    pub fn is_under_way(&self, uuid: &str) -> bool {
        // Nothing but a UUID names a file.
        uuid.len() == 36 && !uuid.contains('/') && locked(&self.named(uuid)) == Some(true)
    }

    /// Refuses a domain with a record.
    ///
    /// # Errors
    /// `Kind::State` when there is one.
    pub fn refuse_taken(&self, entry: &Entry) -> Result<()> {
        let path = self.file(entry);
        if path.exists() { Err(self.taken(&path, entry)) } else { Ok(()) }
    }

    fn file(&self, entry: &Entry) -> PathBuf {
        self.named(&entry.uuid)
    }

    fn named(&self, uuid: &str) -> PathBuf {
        self.0.join(format!("{uuid}.json"))
    }

    fn taken(&self, path: &Path, entry: &Entry) -> Error {
        let error = Error::new(Kind::State, "a launch of this domain has not ended").at(entry.name.clone());
        if locked(path) != Some(false) {
            error.hint("It is being launched now. Wait for that launch to end.")
        } else {
            error.hint(format!(
                "An earlier launch was cut off. `virt-sev launch --recover -c {}` destroys its guest and puts the definition back.",
                entry.uri
            ))
        }
    }

    /// Every entry, with its file; an error for each that cannot be read.
    ///
    /// # Errors
    /// `Kind::File` for a folder that cannot be read.
    pub fn entries(&self) -> Result<Vec<Result<(Entry, Written)>>> {
        let list = match fs::read_dir(&self.0) {
            Ok(list) => list,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(io("the state folder cannot be read", &self.0, e)),
        };
        let mut paths: Vec<PathBuf> = list
            .filter_map(|item| item.ok().map(|i| i.path()))
            .filter(|p| p.extension().is_some_and(|x| x == "json"))
            .collect();
        paths.sort();
        Ok(paths.iter().filter_map(|path| Written::open(path).transpose()).map(read).collect())
    }
}

/// Whether the launch with this entry is under way; `None` where nobody can say, or where there is none.
fn locked(path: &Path) -> Option<bool> {
    Written::open(path).ok()??.is_under_way()
}

/// An entry, out of the very file whose lock says whether its launch is under way.
fn read(file: Result<Written>) -> Result<(Entry, Written)> {
    let file = file?;
    let entry = serde_json::from_reader(BufReader::new(&*file.lock)).map_err(|e| {
        Error::new(Kind::File, "the launch record is not readable")
            .at(file.path.display().to_string())
            .because(e)
            .hint("Its name is the domain's UUID: destroy that guest by hand if it is there, then remove the file.")
    })?;
    Ok((entry, file))
}

impl Written {
    /// `None` where it is gone: its launch has ended.
    fn open(path: &Path) -> Result<Option<Self>> {
        match File::open(path) {
            Ok(file) => Ok(Some(Self { path: path.to_owned(), lock: Arc::new(file) })),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(io("the launch record cannot be read", path, e)),
        }
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the launch is under way; `None` where nobody can say. Who asks takes nothing, so that any number may ask at
    /// once.
    #[must_use]
    pub fn is_under_way(&self) -> Option<bool> {
        match self.lock.try_lock_shared() {
            Ok(()) => self.lock.unlock().ok().map(|()| false),
            Err(TryLockError::WouldBlock) => Some(true),
            Err(TryLockError::Error(_)) => None,
        }
    }

    /// Takes the entry of a launch that was cut off, for whoever recovers it. From then on nobody else does.
    #[must_use]
    pub fn take(&self) -> bool {
        let id = |m: fs::Metadata| (m.dev(), m.ino());
        // A launch that ends well removes its entry, and another may have written its own since.
        let same = || Some(id(self.path.metadata().ok()?) == id(self.lock.metadata().ok()?));
        self.lock.try_lock().is_ok() && same() == Some(true)
    }

    /// What is held while the launch is under way.
    pub(super) fn lock(&self) -> Arc<File> {
        Arc::clone(&self.lock)
    }

    /// Removes the entry: the launch ended, one way or the other.
    pub fn done(self) {
        if let Err(e) = fs::remove_file(&self.path) {
            log::warn!("{}: the launch record cannot be removed: {e}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn an_entry_is_private_and_taken_once() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::below(dir.path());
        assert!(journal.entries().unwrap().is_empty());
        let entry = Entry::new("qemu:///x", "u-1", "guest", Some("<domain/>".into()));
        let written = journal.write(&entry).unwrap();
        let mode = fs::metadata(dir.path().join("launches/u-1.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = journal.write(&entry).unwrap_err();
        assert_eq!(again.kind(), Kind::State);
        assert!(again.to_string().contains("being launched now"), "{again}");
        let list = journal.entries().unwrap();
        let (found, file) = list[0].as_ref().unwrap();
        assert_eq!(found.previous.as_deref(), Some("<domain/>"));
        assert_eq!(file.is_under_way(), Some(true));
        written.done();
        assert!(journal.entries().unwrap().is_empty());
        assert_eq!(fs::read_dir(dir.path().join("launches")).unwrap().count(), 0);
    }

    /// A program that lived on could not recover from a launch of its own that was cut off, and neither could another.
    #[test]
    fn a_launch_that_was_given_up_is_not_under_way_in_a_living_process() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::below(dir.path());
        drop(journal.write(&Entry::new("qemu:///x", "u-1", "guest", None)).unwrap());
        let again = journal.write(&Entry::new("qemu:///x", "u-1", "guest", None)).unwrap_err();
        assert!(again.to_string().contains("cut off"), "{again}");
        let list = [journal.entries().unwrap(), journal.entries().unwrap()];
        let [first, second] = list.each_ref().map(|l| &l[0].as_ref().unwrap().1);
        // Who asks is in nobody's way.
        assert_eq!([first, second].map(Written::is_under_way), [Some(false); 2]);
        assert!(first.take());
        assert!(!second.take(), "one recovers it, and no other at the same time");
        assert_eq!(second.is_under_way(), Some(true));
    }

    /// The record of a launch that ended well while a recovery looked at it: its guest waits for its owner.
    #[test]
    fn a_launch_that_has_ended_is_not_recovered() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::below(dir.path());
        let written = journal.write(&Entry::new("qemu:///x", "u-1", "guest", None)).unwrap();
        let list = journal.entries().unwrap();
        written.done();
        assert!(!list[0].as_ref().unwrap().1.take());
    }

    /// A record that went away between the list and the look was a problem of the whole recovery.
    #[test]
    fn a_launch_that_ends_while_the_records_are_read_is_no_problem() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::below(dir.path());
        let entry = Entry::new("qemu:///x", "u-1", "guest", None);
        std::thread::scope(|s| {
            let launches = s.spawn(|| (0..300).for_each(|_| journal.write(&entry).unwrap().done()));
            while !launches.is_finished() {
                for item in journal.entries().unwrap() {
                    item.unwrap();
                }
            }
        });
    }

    /// `kill -9` between draft and record: the draft may hold passwords of the definition.
    #[test]
    fn a_draft_of_a_dead_process_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::below(dir.path());
        journal.write(&Entry::new("qemu:///x", "u-1", "guest", None)).unwrap().done();
        let draft = dir.path().join("launches/.u-2.json.0123456789abcdef.virt-sev-draft");
        fs::write(&draft, "<domain/>").unwrap();
        journal.write(&Entry::new("qemu:///x", "u-1", "guest", None)).unwrap().done();
        assert!(!draft.exists());
    }

    #[test]
    fn a_record_that_is_damaged_hides_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::below(dir.path());
        let _written = journal.write(&Entry::new("qemu:///x", "u-2", "guest", None)).unwrap();
        fs::write(dir.path().join("launches/u-1.json"), "{").unwrap();
        let list = journal.entries().unwrap();
        assert_eq!(list.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, true]);
    }
}
