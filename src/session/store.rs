//! A set of private files, all or none. In: a folder, names and contents. Out: the paths. Never: an overwritten file,
//! a file that others can read, or a part of the set.
//!
//! A folder that is not there is filled under a hidden name and then gets its own: a program that is killed at any time
//! leaves all or nothing of it. In a folder that is there, each file is written and synced under a hidden name; then all
//! get their names by hard links, which never replace a file; then the hidden names go. Whatever fails before the last
//! link takes everything back. What a program that was killed left under hidden names goes with the next one that writes there.

use crate::draft::Draft;
use crate::{Error, Kind, Result};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What must go again when something fails; the drafts go in any case.
#[derive(Default)]
struct Undo {
    drafts: Vec<Draft>,
    files: Vec<PathBuf>,
    folder: Option<PathBuf>,
    done: bool,
}

impl Drop for Undo {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        // There is nothing left to tell an error to; what cannot be removed was never complete.
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
        for (path, draft) in all.iter().zip(&undo.drafts) {
            link(draft.path(), path, &mut undo.files)?;
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
    let new = Draft::folder(folder).map_err(|e| failed("cannot make the folder", folder, e))?;
    let inside = beside.and_then(|(path, content)| {
        let name = path.file_name().filter(|_| path.parent() == Some(folder));
        name.map(|name| (new.path().join(name), content))
    });
    let mut names = Vec::new();
    for (path, content) in
        files.iter().map(|(name, content)| (new.path().join(name), *content)).chain(inside.clone())
    {
        create(&path, content).map_err(|e| failed("cannot write to", folder, e))?;
        names.extend(path.file_name().map(|name| folder.join(name)));
    }
    let outside = beside.filter(|_| inside.is_none());
    if let Some((path, content)) = outside {
        stage(path, content, undo)?;
    }
    fs::rename(new.path(), folder).map_err(|e| failed("cannot make the folder", folder, e))?;
    // From here on they are taken back under their own names.
    undo.folder = Some(folder.to_owned());
    undo.files = names;
    match (outside, undo.drafts.first()) {
        (Some((path, _)), Some(draft)) => link(draft.path(), path, &mut undo.files),
        _ => Ok(()),
    }
}

/// Writes a file that will be `path` under a hidden name beside it.
fn stage(path: &Path, content: &[u8], undo: &mut Undo) -> Result<()> {
    let draft = Draft::file(path, content, 0o600).map_err(|e| failed("cannot write to", parent(path), e))?;
    undo.drafts.push(draft);
    Ok(())
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn create(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content).and_then(|()| file.sync_all())
}

fn link(hidden: &Path, path: &Path, linked: &mut Vec<PathBuf>) -> Result<()> {
    match take_name(hidden, path, |from, to| fs::hard_link(from, to)) {
        Ok(()) => {
            linked.push(path.to_owned());
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
    let draft = Draft::file(path, content, 0o600)?;
    take_name(draft.path(), path, |from, to| fs::hard_link(from, to))
}

/// Writes a public file, complete or not at all, in the place of whatever has its name.
pub(super) fn write_over(path: &Path, content: &[u8]) -> std::io::Result<()> {
    fs::rename(Draft::file(path, content, 0o644)?.path(), path)
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
