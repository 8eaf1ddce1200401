//! A set of private files, all or none. In: a folder, names and contents. Out: the paths. Never: an overwritten file,
//! a file that others can read, or a part of the set.
//!
//! Each file is written and synced under a hidden name first; then all get their names by hard links, which never
//! replace a file; then the hidden names go. Whatever fails before the last link takes everything back.

use crate::{Error, Kind, Result};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What must go again when something fails; the hidden names go in any case.
#[derive(Default)]
struct Undo {
    hidden: Vec<PathBuf>,
    files: Vec<PathBuf>,
    folder: Option<PathBuf>,
    done: bool,
}

impl Drop for Undo {
    fn drop(&mut self) {
        // There is nothing left to tell an error to; what cannot be removed was never complete.
        for path in &self.hidden {
            let _ = fs::remove_file(path);
        }
        if self.done {
            return;
        }
        for path in &self.files {
            let _ = fs::remove_file(path);
        }
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir(folder);
        }
    }
}

pub(super) fn write_all_or_none(folder: &Path, files: &[(&str, &[u8])]) -> Result<Vec<PathBuf>> {
    let mut undo = Undo::default();
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => undo.folder = Some(folder.to_owned()),
        Err(e) if e.kind() == ErrorKind::AlreadyExists && folder.is_dir() => {}
        Err(e) => return Err(failed("cannot make the folder", folder, e)),
    }
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| folder.join(name)).collect();
    let existing: Vec<Error> =
        paths.iter().filter(|p| p.symlink_metadata().is_ok()).map(|p| exists(p)).collect();
    if let Some(e) = Error::many(existing) {
        return Err(e);
    }
    for (name, content) in files {
        let hidden = folder.join(format!(".{name}.{}", unique()?));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&hidden)
            .map_err(|e| failed("cannot make a file in", folder, e))?;
        undo.hidden.push(hidden);
        file.write_all(content)
            .and_then(|()| file.sync_all())
            .map_err(|e| failed("cannot write to", folder, e))?;
    }
    for (hidden, path) in undo.hidden.iter().zip(&paths) {
        match fs::hard_link(hidden, path) {
            Ok(()) => undo.files.push(path.clone()),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => return Err(exists(path)),
            Err(e) => return Err(failed("cannot make", path, e)),
        }
    }
    undo.done = true;
    drop(undo);
    // The names are there; that they outlive a power cut is only a wish on file systems that cannot sync a folder.
    if let Ok(dir) = File::open(folder) {
        let _ = dir.sync_all();
    }
    Ok(paths)
}

fn unique() -> Result<String> {
    let mut bytes = [0u8; 8];
    crate::crypt::random(&mut bytes)?;
    Ok(crate::hex::encode(&bytes))
}

fn exists(path: &Path) -> Error {
    Error::new(Kind::File, "the file exists already, and a session is never overwritten")
        .at(path.display().to_string())
        .hint("Choose another folder with -o DIR: each launch needs a fresh session.")
}

fn failed(what: &str, path: &Path, e: std::io::Error) -> Error {
    Error::new(Kind::File, format!("{what} {}", path.display())).because(e)
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
