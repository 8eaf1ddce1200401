//! Files that are written. In: paths. Out: files that are complete or not there. Reading them is the library's.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
pub(crate) use virt_sev::files::{open, read, read_short, read_text, shown};
use virt_sev::{Error, Kind, Result};

fn trouble(what: &str, path: &Path, e: std::io::Error) -> Error {
    Error::new(Kind::File, what).at(shown(path)).because(e)
}

/// `tempfile` puts its own random name into its errors: the user knows only the file that was asked for.
pub(crate) fn plain(e: std::io::Error) -> std::io::Error {
    match e.to_string().split_once(" at path \"") {
        Some((text, _)) => std::io::Error::new(e.kind(), text.to_owned()),
        None => e,
    }
}

/// Writes a file, complete or not at all: a new one with `mode`, an existing one with the mode and owner it has.
pub(crate) fn write(what: &str, path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    Draft::new(what, path, bytes, mode, Follow::Link)?.commit()
}

/// Writes several private files, all complete or none: mode 0600 whatever was there, and no symbolic link is followed,
/// so that in a folder such as /tmp nobody else chooses where they go.
pub(crate) fn write_private(files: &[(&str, &Path, &[u8])]) -> Result<()> {
    for (n, (what, path, _)) in files.iter().enumerate() {
        if let Some((other, ..)) = files[..n].iter().find(|(_, p, _)| p == path && !is_stream(path)) {
            return Err(Error::new(Kind::Usage, format!("the {other} and the {what} go into one file"))
                .at(path.display().to_string())
                .wanted("two files"));
        }
    }
    let drafts = files
        .iter()
        .map(|(what, path, bytes)| Draft::new(what, path, bytes, 0o600, Follow::Nothing))
        .collect::<Result<Vec<_>>>()?;
    drafts.into_iter().try_for_each(Draft::commit)
}

/// Whether a file could be written there: found out before anything is done that cannot be undone.
pub(crate) fn check_place(what: &str, path: &Path) -> Result<()> {
    Draft::new(what, path, b"", 0o600, Follow::Link).map(drop)
}

/// True for what is written into and never replaced: devices, pipes, sockets, and what /dev and /proc name.
fn is_stream(path: &Path) -> bool {
    let other = |m: std::fs::Metadata| !m.is_file() && !m.is_symlink() && !m.is_dir();
    // /dev/shm is a folder as any other, and the one that people put secrets into.
    let named = path.starts_with("/dev") && !path.starts_with("/dev/shm");
    named || path.starts_with("/proc") || path.symlink_metadata().is_ok_and(other)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Follow {
    Link,
    Nothing,
}

/// A file that is written and has not got its name yet.
enum Draft<'a> {
    File { what: &'a str, path: &'a Path, target: PathBuf, file: NamedTempFile },
    Stream { what: &'a str, path: &'a Path, bytes: &'a [u8] },
}

fn unwritable(what: &str, path: &Path, e: std::io::Error) -> Error {
    trouble(&format!("the {what} cannot be written"), path, plain(e))
}

impl<'a> Draft<'a> {
    fn new(what: &'a str, path: &'a Path, bytes: &'a [u8], mode: u32, follow: Follow) -> Result<Self> {
        if is_stream(path) {
            return Ok(Draft::Stream { what, path, bytes });
        }
        let fail = |e: std::io::Error| unwritable(what, path, e);
        let (target, known) = match follow {
            Follow::Nothing => (path.to_owned(), None),
            // The kernel follows the link first: it refuses one that somebody else has put into /tmp.
            Follow::Link => match std::fs::metadata(path) {
                Ok(known) => (std::fs::canonicalize(path).map_err(fail)?, Some(known)),
                Err(e) if e.kind() == ErrorKind::NotFound && path.symlink_metadata().is_err() => {
                    (path.to_owned(), None)
                }
                Err(e) => return Err(fail(e)),
            },
        };
        if follow == Follow::Link && target != path && is_stream(&target) {
            return Ok(Draft::Stream { what, path, bytes });
        }
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut file = tempfile::Builder::new().prefix(".virt-sev.").tempfile_in(folder).map_err(fail)?;
        file.write_all(bytes).map_err(fail)?;
        if let Some(known) = &known {
            // Only root may give a file away; everybody else's files are their own already.
            let _ = std::os::unix::fs::fchown(file.as_file(), Some(known.uid()), Some(known.gid()));
        }
        let mode = known.map_or(mode, |m| m.permissions().mode() & 0o7777);
        file.as_file().set_permissions(std::fs::Permissions::from_mode(mode)).map_err(fail)?;
        file.as_file().sync_all().map_err(fail)?;
        Ok(Draft::File { what, path, target, file })
    }

    fn commit(self) -> Result<()> {
        match self {
            Draft::File { what, path, target, file } => {
                file.persist(&target).map(drop).map_err(|e| unwritable(what, path, e.error))
            }
            Draft::Stream { what, path, bytes } => OpenOptions::new()
                .write(true)
                .open(path)
                .and_then(|mut f| f.write_all(bytes))
                .map_err(|e| unwritable(what, path, e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// `-o /dev/stdout` as root replaced the device by a file.
    #[test]
    fn a_pipe_is_written_into_and_stays_a_pipe() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = {
            let pipe = pipe.clone();
            std::thread::spawn(move || fs::read(pipe).unwrap())
        };
        write("document", &pipe, b"text", 0o600).unwrap();
        assert!(!fs::symlink_metadata(&pipe).unwrap().is_file());
        assert_eq!(reader.join().unwrap(), b"text");
        assert!(is_stream(Path::new("/dev/null")) && is_stream(Path::new("/dev/stdout")));
        assert!(!is_stream(dir.path()) && !is_stream(&dir.path().join("new")));
    }

    #[test]
    fn a_document_behind_a_link_is_replaced_and_the_link_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("real", &link).unwrap();
        write("document", &link, b"new", 0o600).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!((fs::read_to_string(&real).unwrap().as_str(), mode(&real)), ("new", 0o640));
        fs::remove_file(&real).unwrap();
        assert_eq!(write("document", &link, b"new", 0o600).unwrap_err().kind(), Kind::File);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    /// A packet was written through a link that somebody else had put there, and kept a world-readable mode.
    #[test]
    fn a_private_file_follows_no_link_and_is_private_whatever_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let [victim, link, open] = ["victim", "link", "open"].map(|n| dir.path().join(n));
        for path in [&victim, &open] {
            fs::write(path, "old").unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
        }
        symlink(&victim, &link).unwrap();
        write_private(&[("header", &link, b"h"), ("payload", &open, b"p")]).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "old");
        assert_eq!((mode(&link), mode(&open)), (0o600, 0o600));
        assert!(fs::symlink_metadata(&link).unwrap().is_file());
    }

    /// The header stayed where the payload could not be written.
    #[test]
    fn private_files_are_all_there_or_none() {
        let dir = tempfile::tempdir().unwrap();
        let (header, nowhere) = (dir.path().join("header"), dir.path().join("none/payload"));
        let e = write_private(&[("header", &header, b"h"), ("payload", &nowhere, b"p")]).unwrap_err();
        assert_eq!(e.kind(), Kind::File);
        let e = write_private(&[("header", &header, b"h"), ("payload", &header, b"p")]).unwrap_err();
        assert_eq!(e.kind(), Kind::Usage);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    /// A packet could not be made there; where somebody else had put a link, it was written to that.
    #[test]
    fn a_file_in_shared_memory_is_one_as_any_other() {
        let dir = tempfile::Builder::new().tempdir_in("/dev/shm").unwrap();
        let [victim, link] = ["victim", "link"].map(|n| dir.path().join(n));
        fs::write(&victim, "old").unwrap();
        symlink(&victim, &link).unwrap();
        write_private(&[("packet", &link, b"new")]).unwrap();
        assert_eq!((fs::read_to_string(&victim).unwrap().as_str(), mode(&link)), ("old", 0o600));
        write_private(&[("packet", &dir.path().join("fresh"), b"new")]).unwrap();
    }

    #[test]
    fn an_error_names_no_temporary_file() {
        let e = write("answer", Path::new("/nowhere/at/all"), b"", 0o600).map_err(|e| e.to_string());
        assert!(
            e.as_ref()
                .is_err_and(|e| e.starts_with("/nowhere/at/all: the answer") && !e.contains(".virt-sev.")),
            "{e:?}"
        );
    }
}
