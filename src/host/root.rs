//! Paths below a folder that stands for a host's root. In: root and path. Out: the real path.
//! Never: a path outside the root, whatever its links say.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{Error, Result};
use std::path::{Component, Path, PathBuf};

/// As Linux (`MAXSYMLINKS`).
const MOST_LINKS: usize = 40;

/// Where `path` is when `root` is taken for `/`: `..` stops at the root, and a link to an absolute path begins
/// at the root again, as after chroot(2).
pub(super) fn inside(root: &Path, path: &Path) -> Result<PathBuf> {
    let mut todo: VecDeque<OsString> = parts(path).collect();
    let mut done: Vec<OsString> = Vec::new();
    let mut links = 0;
    while let Some(part) = todo.pop_front() {
        if part == ".." {
            done.pop();
            continue;
        }
        let mut here = root.to_path_buf();
        here.extend(&done);
        here.push(&part);
        if !std::fs::symlink_metadata(&here)?.is_symlink() {
            done.push(part);
            continue;
        }
        links += 1;
        if links > MOST_LINKS {
            return Err(Error::other("too many links"));
        }
        let target = std::fs::read_link(&here)?;
        if target.is_absolute() {
            done.clear();
        }
        for part in parts(&target).collect::<Vec<_>>().into_iter().rev() {
            todo.push_front(part);
        }
    }
    let mut real = root.to_path_buf();
    real.extend(&done);
    Ok(real)
}

fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|c| match c {
        Component::Normal(part) => Some(part.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}
