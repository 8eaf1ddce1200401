//! What is not complete yet, under a hidden name beside the one that it will have. In: that name. Out: a [`Draft`]; drafts
//! whose processes died are gone from its folder. Never: another program's file, or the draft of a living process.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Result, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

const ENDING: &str = ".virt-sev-draft";

/// A private file or folder. It goes when this is dropped, unless it was given another name by then.
#[derive(Debug)]
pub(crate) struct Draft {
    path: PathBuf,
    /// Locked: the kernel lets go of a lock when its process ends, however that ends. A process number would say nothing
    /// of another machine or container with the same folder.
    file: File,
}

impl Draft {
    /// A file of this mode, with this content, synced.
    pub(crate) fn file(of: &Path, content: &[u8], mode: u32) -> Result<Self> {
        let draft = Self::fleeting(of, content, mode)?;
        draft.file.sync_all()?;
        Ok(draft)
    }

    /// The same, for what no longer counts after a power failure.
    pub(crate) fn fleeting(of: &Path, content: &[u8], mode: u32) -> Result<Self> {
        let mut draft = Self::make(of, |path| {
            OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map(Some)
        })?;
        draft.file.write_all(content)?;
        Ok(draft)
    }

    /// A folder that is the user's alone.
    pub(crate) fn folder(of: &Path) -> Result<Self> {
        Self::make(of, |path| {
            DirBuilder::new().mode(0o700).create(path)?;
            match File::open(path) {
                // Another run swept it before it was opened.
                Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
                opened => opened.map(Some),
            }
        })
    }

    /// `create` gives nothing where what it made was gone at once.
    fn make(of: &Path, create: impl Fn(&Path) -> Result<Option<File>>) -> Result<Self> {
        let name = of.file_name().unwrap_or_default().to_string_lossy();
        loop {
            let mut random = [0; 8];
            crate::crypt::random(&mut random).map_err(std::io::Error::other)?;
            let path = of.with_file_name(format!(".{name}.{}{ENDING}", crate::hex::encode(&random)));
            let Some(file) = create(&path)? else { continue };
            let draft = Self { file, path };
            // Where there are no locks nobody gets one, and nothing is swept.
            let _ = draft.file.lock();
            // Until it was locked it looked like one of a dead process.
            if draft.path.exists() {
                draft.sweep();
                return Ok(draft);
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its lock, which holds until this is closed, whatever became of the draft.
    pub(crate) fn lock(&self) -> Result<File> {
        self.file.try_clone()
    }

    /// Removes the drafts of this user's dead processes that lie beside this one. What cannot be removed now is removed the
    /// next time.
    fn sweep(&self) {
        let Ok(own) = self.file.metadata() else { return };
        let list = self.path.parent().and_then(|folder| fs::read_dir(folder_of(folder)).ok());
        for path in list.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())) {
            let draft = path.file_name().and_then(|name| name.to_str()).is_some_and(is_draft);
            let Some(seen) = path.symlink_metadata().ok().filter(|_| draft) else { continue };
            if seen.uid() != own.uid() || !(seen.is_file() || seen.is_dir()) {
                continue;
            }
            let Ok(file) = File::open(&path) else { continue };
            // Not what somebody has put there since.
            let same = file.metadata().is_ok_and(|m| (m.dev(), m.ino()) == (seen.dev(), seen.ino()));
            if same && file.try_lock().is_ok() {
                remove(&path, &file);
            }
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        remove(&self.path, &self.file);
    }
}

fn folder_of(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

fn is_draft(name: &str) -> bool {
    let random = name.strip_suffix(ENDING).filter(|n| n.starts_with('.')).and_then(|n| n.rsplit_once('.'));
    random.is_some_and(|(_, hex)| hex.len() == 16 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// There is nobody to tell an error to. A folder has no folders in it.
fn remove(path: &Path, file: &File) {
    if file.metadata().is_ok_and(|m| m.is_dir()) {
        if !path.exists() {
            return;
        }
        // By what is open: the name may be another folder's by now.
        let inside = fs::read_dir(format!("/proc/self/fd/{}", file.as_raw_fd()));
        for entry in inside.into_iter().flatten().flatten() {
            let _ = fs::remove_file(entry.path());
        }
        let _ = fs::remove_dir(path);
    } else {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    /// A folder that another run swept before it was opened was an error.
    #[test]
    fn many_at_once_in_one_folder_do_not_meet() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let at = dir.path().join(format!("session-{thread}"));
                scope.spawn(move || (0..300).for_each(|_| drop(Draft::folder(&at).unwrap())));
            }
        });
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        // A folder that takes none says the same error as one that is missing.
        assert!(Draft::folder(Path::new("/proc/session")).is_err());
        assert!(Draft::file(Path::new("/proc/session"), b"", 0o600).is_err());
    }

    #[test]
    fn drafts_of_dead_processes_go_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        // As a killed process leaves them: nobody holds their locks.
        let left = |kind: &str| at(&format!(".{kind}.0123456789abcdef{ENDING}"));
        fs::write(left("file"), "key").unwrap();
        fs::create_dir(left("folder")).unwrap();
        fs::write(left("folder").join("tek.bin"), "key").unwrap();
        // What only looks like one, and what a draft's name leads to.
        fs::create_dir(at("other")).unwrap();
        fs::write(at("other/file"), "").unwrap();
        symlink(at("other"), left("link")).unwrap();
        let similar =
            [format!(".a{ENDING}"), format!("a.0123456789abcdef{ENDING}"), ".a.0123456789abcdef".into()];
        similar.iter().for_each(|name| fs::write(at(name), "").unwrap());

        let living = Draft::file(&at("x"), b"1", 0o600).unwrap();
        let folder = Draft::folder(&at("y")).unwrap();
        fs::write(folder.path().join("z"), "2").unwrap();
        assert!(!left("file").exists() && !left("folder").exists());
        drop(Draft::file(&at("x"), b"3", 0o600).unwrap());
        assert_eq!(fs::read(living.path()).unwrap(), b"1");
        assert_eq!(fs::metadata(living.path()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read(folder.path().join("z")).unwrap(), b"2");
        assert!(at("other/file").exists() && left("link").is_symlink());
        assert!(similar.iter().all(|name| at(name).exists()));

        // What has got its name stays; what has not goes.
        fs::rename(folder.path(), at("y")).unwrap();
        let paths = [living.path().to_owned(), folder.path().to_owned()];
        drop((living, folder));
        assert!(paths.iter().all(|p| !p.exists()) && at("y/z").exists());
    }
}
