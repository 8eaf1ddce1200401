//! What is needed to undo a launch whose program died. In: a launch about to begin. Out: one file a launch, which
//! `launch --recover` reads. Never: key material; the previous definition may hold passwords, so files are 0600.

use crate::codes::Kind;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

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
    /// The process that launches.
    pid: u32,
    /// When that process began, in the kernel's clock ticks: pids are used again.
    pid_start: u64,
}

/// The folder of the entries: `launches` below virt-sev's state folder.
#[derive(Debug, Clone)]
pub struct Journal(PathBuf);

/// An entry that is written; removed by [`Written::done`].
#[derive(Debug)]
pub struct Written(PathBuf);

fn io(what: &str, path: &Path, e: std::io::Error) -> Error {
    Error::new(Kind::File, what).at(path.display().to_string()).because(e)
}

/// When a process began: field 22 of `/proc/PID/stat` (proc(5)); `None` when there is no such process, or when it has
/// ended and nobody has asked how.
fn process_start(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; the fields begin behind the last one.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    match fields.next()? {
        "Z" | "X" => None,
        _ => fields.nth(18)?.parse().ok(),
    }
}

impl Entry {
    /// An entry of this very process.
    #[must_use]
    pub fn new(uri: &str, uuid: &str, name: &str, previous: Option<String>) -> Self {
        let pid = std::process::id();
        let pid_start = process_start(pid).unwrap_or(0);
        Self { uri: uri.into(), uuid: uuid.into(), name: name.into(), previous, pid, pid_start }
    }

    /// True while the process that launches is alive.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        process_start(self.pid) == Some(self.pid_start)
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
    /// `Kind::File`; `Kind::State` when another process launches the same domain now.
    pub fn write(&self, entry: &Entry) -> Result<Written> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
            .map_err(|e| io("the state folder cannot be made", &self.0, e))?;
        self.sweep();
        let path = self.file(entry);
        let text = serde_json::to_vec_pretty(entry)
            .map_err(|e| Error::new(Kind::Bug, "a launch record cannot be written").because(e))?;
        let draft = self.0.join(format!("{}.{}.new", entry.uuid, std::process::id()));
        let written = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)
            .and_then(|mut f| f.write_all(&text).and_then(|()| f.sync_all()));
        // hard_link fails where the entry exists: two launches of one domain cannot both begin.
        let linked = written.and_then(|()| fs::hard_link(&draft, &path));
        let _ = fs::remove_file(&draft);
        match linked {
            Ok(()) => Ok(Written(path)),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Err(self.taken(&path, entry)),
            Err(e) => Err(io("the launch record cannot be written", &path, e)),
        }
    }

    /// Whether a launch of the domain with this UUID is under way.
    #[must_use]
    pub fn is_under_way(&self, uuid: &str) -> bool {
        // Nothing but a UUID names a file.
        uuid.len() == 36 && !uuid.contains('/') && read(&self.named(uuid)).is_ok_and(|e| e.is_under_way())
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
        let under_way = read(path).is_ok_and(|e| e.is_under_way());
        let error = Error::new(Kind::State, "a launch of this domain has not ended").at(entry.name.clone());
        if under_way {
            error.hint("Another virt-sev launches it now. Wait for that one to end.")
        } else {
            error.hint(format!(
                "An earlier launch was cut off. `virt-sev launch --recover -c {}` destroys its guest and puts the definition back.",
                entry.uri
            ))
        }
    }

    /// Removes drafts of processes that died over them.
    fn sweep(&self) {
        for path in self.paths("new").unwrap_or_default() {
            let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
            let pid = stem.rsplit_once('.').and_then(|(_, pid)| pid.parse().ok());
            if pid.is_some_and(|pid| process_start(pid).is_none()) {
                // What cannot be removed now is removed the next time.
                let _ = fs::remove_file(&path);
            }
        }
    }

    fn paths(&self, extension: &str) -> Result<Vec<PathBuf>> {
        let list = match fs::read_dir(&self.0) {
            Ok(list) => list,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(io("the state folder cannot be read", &self.0, e)),
        };
        let mut paths: Vec<PathBuf> = list
            .filter_map(|item| item.ok().map(|i| i.path()))
            .filter(|p| p.extension().is_some_and(|x| x == extension))
            .collect();
        paths.sort();
        Ok(paths)
    }

    /// Every entry, with its file; an error for each that cannot be read.
    ///
    /// # Errors
    /// `Kind::File` for a folder that cannot be read.
    pub fn entries(&self) -> Result<Vec<Result<(Entry, Written)>>> {
        self.sweep();
        Ok(self.paths("json")?.into_iter().map(|p| Ok((read(&p)?, Written(p)))).collect())
    }
}

fn read(path: &Path) -> Result<Entry> {
    let text = fs::read(path).map_err(|e| io("the launch record cannot be read", path, e))?;
    serde_json::from_slice(&text).map_err(|e| {
        Error::new(Kind::File, "the launch record is not readable")
            .at(path.display().to_string())
            .because(e)
            .hint("Its name is the domain's UUID: destroy that guest by hand if it is there, then remove the file.")
    })
}

impl Written {
    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Removes the entry: the launch ended, one way or the other.
    pub fn done(self) {
        if let Err(e) = fs::remove_file(&self.0) {
            log::warn!("{}: the launch record cannot be removed: {e}", self.0.display());
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
        assert!(again.to_string().contains("launches it now"), "{again}");
        let list = journal.entries().unwrap();
        let (found, _) = list[0].as_ref().unwrap();
        assert_eq!(found.previous.as_deref(), Some("<domain/>"));
        assert!(found.is_under_way());
        written.done();
        assert!(journal.entries().unwrap().is_empty());
        assert_eq!(fs::read_dir(dir.path().join("launches")).unwrap().count(), 0);
    }

    #[test]
    fn a_dead_process_is_not_under_way() {
        let mut entry = Entry::new("qemu:///x", "u-1", "guest", None);
        entry.pid_start += 1;
        assert!(!entry.is_under_way());
    }

    /// `kill -9` of a launch whose parent has not waited for it: recovery would have left its guest alone for ever.
    #[test]
    fn a_zombie_is_not_under_way() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let mut entry = Entry::new("qemu:///x", "u-1", "guest", None);
        entry.pid = child.id();
        entry.pid_start = process_start(child.id()).unwrap();
        assert!(entry.is_under_way());
        child.kill().unwrap();
        let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while entry.is_under_way() && std::time::Instant::now() < end {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert!(!entry.is_under_way());
        child.wait().unwrap();
    }

    /// `kill -9` between draft and record: the draft may hold passwords of the definition.
    #[test]
    fn a_draft_of_a_dead_process_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::below(dir.path());
        journal.write(&Entry::new("qemu:///x", "u-1", "guest", None)).unwrap().done();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let drafts = [child.id(), std::process::id()].map(|pid| {
            let draft = dir.path().join(format!("launches/u-2.{pid}.new"));
            fs::write(&draft, "<domain/>").unwrap();
            draft
        });
        assert!(journal.entries().unwrap().is_empty());
        assert_eq!(drafts.map(|d| d.exists()), [false, true], "only the living one's draft stays");
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
