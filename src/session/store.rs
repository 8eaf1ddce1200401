//! A set of private files, all or none. In: a folder, names and contents. Out: the paths. Never: an overwritten file,
//! a file that others can read, or a part of the set.
//!
//! A folder that is not there is filled under a hidden name and then gets its own: a program that is killed at any time
//! leaves all or nothing of it. In a folder that is there, each file is written and synced under a hidden name; then all
//! get their names by hard links, which never replace a file; then the hidden names go. Whatever fails before the last
//! link takes everything back.

use crate::{Error, Kind, Result};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What must go again when something fails; the hidden files go in any case.
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

/// Writes files into a folder, and perhaps one more somewhere else, last: it is of no use without the others.
pub(super) fn write_all_or_none(
    folder: &Path,
    files: &[(&str, &[u8])],
    beside: Option<(&Path, &[u8])>,
) -> Result<Vec<PathBuf>> {
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| folder.join(name)).collect();
    let all = paths.iter().map(PathBuf::as_path).chain(beside.map(|(path, _)| path));
    let existing: Vec<Error> = all.clone().filter(|p| p.symlink_metadata().is_ok()).map(exists).collect();
    if let Some(e) = Error::many(existing) {
        return Err(e);
    }
    let all: Vec<PathBuf> = all.map(Path::to_owned).collect();
    let mut undo = Undo::default();
    let missing = folder.symlink_metadata().is_err_and(|e| e.kind() == ErrorKind::NotFound);
    if missing {
        new_folder(folder, files, beside, &mut undo)?;
    } else if folder.is_dir() {
        let contents = files.iter().map(|(_, content)| *content).chain(beside.map(|(_, content)| content));
        for (path, content) in all.iter().zip(contents) {
            stage(path, content, &mut undo)?;
        }
        for (path, hidden) in all.iter().zip(undo.hidden.clone()) {
            link(&hidden, path, &mut undo)?;
        }
    } else {
        return Err(failed("cannot make the folder", folder, ErrorKind::AlreadyExists.into()));
    }
    undo.done = true;
    drop(undo);
    // The names are there; that they outlive a power cut is only a wish on file systems that cannot sync a folder.
    for folder in [Some(folder), Some(parent(folder)), beside.map(|(path, _)| parent(path))] {
        if let Some(dir) = folder.and_then(|f| File::open(f).ok()) {
            let _ = dir.sync_all();
        }
    }
    Ok(all)
}

fn new_folder(
    folder: &Path,
    files: &[(&str, &[u8])],
    beside: Option<(&Path, &[u8])>,
    undo: &mut Undo,
) -> Result<()> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let new = folder.with_file_name(format!(".{name}.{}", unique()?));
    DirBuilder::new().mode(0o700).create(&new).map_err(|e| failed("cannot make the folder", folder, e))?;
    undo.folder = Some(new.clone());
    let inside = beside.and_then(|(path, content)| {
        let name = path.file_name().filter(|_| path.parent() == Some(folder));
        name.map(|name| (new.join(name), content))
    });
    for (path, content) in
        files.iter().map(|(name, content)| (new.join(name), *content)).chain(inside.clone())
    {
        create(&path, content, 0o600).map_err(|e| failed("cannot write to", folder, e))?;
        undo.files.push(path);
    }
    let outside = beside.filter(|_| inside.is_none());
    if let Some((path, content)) = outside {
        stage(path, content, undo)?;
    }
    fs::rename(&new, folder).map_err(|e| failed("cannot make the folder", folder, e))?;
    // From here on they are taken back under their own names.
    undo.folder = Some(folder.to_owned());
    for path in &mut undo.files {
        *path = folder.join(path.file_name().unwrap_or_default());
    }
    match (outside, undo.hidden.first().cloned()) {
        (Some((path, _)), Some(hidden)) => link(&hidden, path, undo),
        _ => Ok(()),
    }
}

/// Writes a file that will be `path` under a hidden name beside it.
fn stage(path: &Path, content: &[u8], undo: &mut Undo) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let hidden = path.with_file_name(format!(".{name}.{}", unique()?));
    undo.hidden.push(hidden.clone());
    create(&hidden, content, 0o600).map_err(|e| failed("cannot write to", parent(path), e))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn create(path: &Path, content: &[u8], mode: u32) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

fn link(hidden: &Path, path: &Path, undo: &mut Undo) -> Result<()> {
    match take_name(hidden, path, |from, to| fs::hard_link(from, to)) {
        Ok(()) => {
            undo.files.push(path.to_owned());
            Ok(())
        }
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Err(exists(path)),
        Err(e) => Err(failed("cannot make", path, e)),
    }
}

/// Gives a file its name, which nobody may have.
fn take_name(
    hidden: &Path,
    path: &Path,
    hard_link: impl FnOnce(&Path, &Path) -> std::io::Result<()>,
) -> std::io::Result<()> {
    hard_link(hidden, path).or_else(|e| {
        if ![ErrorKind::PermissionDenied, ErrorKind::Unsupported].contains(&e.kind()) {
            return Err(e);
        }
        // A file system without links, as on a memory stick: the name is taken first, then the file moves onto it.
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        fs::rename(hidden, path).inspect_err(|_| {
            let _ = fs::remove_file(path);
        })
    })
}

/// Writes a private file, complete or not at all, under a name that nobody may have yet (`AlreadyExists`).
pub(super) fn write_new(path: &Path, content: &[u8]) -> std::io::Result<()> {
    write_whole(path, content, 0o600, |hidden, path| {
        take_name(hidden, path, |from, to| fs::hard_link(from, to))
    })
}

/// Writes a public file, complete or not at all, in the place of whatever has its name.
pub(super) fn write_over(path: &Path, content: &[u8]) -> std::io::Result<()> {
    write_whole(path, content, 0o644, |hidden, path| fs::rename(hidden, path))
}

fn write_whole(
    path: &Path,
    content: &[u8],
    mode: u32,
    name: impl FnOnce(&Path, &Path) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let hidden = path.with_file_name(format!(".{}", unique().map_err(std::io::Error::other)?));
    let written = create(&hidden, content, mode).and_then(|()| name(&hidden, path));
    // After a rename there is none.
    let _ = fs::remove_file(&hidden);
    written
}

/// A name that nobody else has.
fn unique() -> Result<String> {
    let mut bytes = [0u8; 8];
    crate::crypt::random(&mut bytes)?;
    Ok(crate::hex::encode(&bytes))
}

fn exists(path: &Path) -> Error {
    Error::new(Kind::File, "the file exists already, and a session is never overwritten")
        .at(path.display().to_string())
        .hint("Choose another place: each launch needs a fresh session.")
}

fn failed(what: &str, path: &Path, e: std::io::Error) -> Error {
    Error::new(Kind::File, format!("{what} {}", path.display())).because(e)
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
