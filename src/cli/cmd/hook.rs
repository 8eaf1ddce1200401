//! `virt-sev hook`. In: a folder of hooks. Out: a link to the hook program there, or none. Never: another hook touched.

use crate::args::hook::{HookArgs, HookCommand};
use crate::cmd::programs::beside;
use crate::output::{Answer, Output};
use serde_json::json;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use virt_sev::{Error, Kind, Result};

const PROGRAM: &str = "virt-sev-libvirt-hook";
/// Below the folder of hooks. libvirt runs what is in `qemu.d`, in the order of their names, since 6.5.0.
const LINK: &str = "qemu.d/virt-sev";
const AGAIN: &str = "The daemon must read its hooks again: systemctl reload virtqemud, or libvirtd where that is the one that \
     runs; where neither reloads, restart it, which leaves guests alone.";

pub(crate) fn run(command: &HookCommand, out: Output) -> Result<Answer> {
    let (args, installed) = match command {
        HookCommand::Install(args) => (args, true),
        HookCommand::Remove(args) => (args, false),
    };
    let link = args.dir.join(LINK);
    let changed = if installed { install(args, &link)? } else { remove(&link)? };
    if out.is_json() {
        let path = link.display().to_string();
        out.answer_json("hook", json!({ "hook": path, "installed": installed, "changed": changed }))?;
    }
    out.say(&format!("{}: {}", link.display(), became(installed, changed)));
    if changed {
        out.say(AGAIN);
    }
    Ok(Answer::Yes)
}

/// What became of the link. Of what was never there nothing is removed.
fn became(installed: bool, changed: bool) -> &'static str {
    match (installed, changed) {
        (true, true) => "installed",
        (true, false) => "installed already",
        (false, true) => "removed",
        (false, false) => "there is none to remove",
    }
}

fn install(args: &HookArgs, link: &Path) -> Result<bool> {
    if !args.dir.is_dir() {
        return Err(Error::new(Kind::File, "the folder of libvirt's hooks is not there")
            .at(args.dir.display().to_string())
            .hint("libvirt's own package makes it. Is its daemon installed here?"));
    }
    let program = beside(PROGRAM, Kind::File)?;
    if ours(link) == Some(program.clone()) {
        return Ok(false);
    }
    let trouble = |e: std::io::Error| trouble("the hook cannot be installed", link, e);
    if let Some(folder) = link.parent() {
        std::fs::create_dir_all(folder).map_err(trouble)?;
    }
    if ours(link).is_some() {
        std::fs::remove_file(link).map_err(trouble)?;
    }
    symlink(program, link).map_err(trouble)?;
    Ok(true)
}

fn remove(link: &Path) -> Result<bool> {
    match link.symlink_metadata() {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(false),
        _ if ours(link).is_none() => {
            return Err(Error::new(Kind::File, "something else has the hook's name")
                .at(link.display().to_string())
                .wanted(format!("a link to {PROGRAM}")));
        }
        _ => {}
    }
    std::fs::remove_file(link).map_err(|e| trouble("the hook cannot be removed", link, e))?;
    Ok(true)
}

/// Where the link leads, where it is one that this command made.
fn ours(link: &Path) -> Option<PathBuf> {
    let target = std::fs::read_link(link).ok()?;
    (target.file_name()?.to_str()? == PROGRAM).then_some(target)
}

fn trouble(what: &str, link: &Path, e: std::io::Error) -> Error {
    let denied = e.kind() == ErrorKind::PermissionDenied;
    let error = Error::new(Kind::File, what).at(link.display().to_string());
    let error = if e.kind() == ErrorKind::AlreadyExists {
        error.found("something else of that name")
    } else {
        error.because(e)
    };
    if denied { error.hint("libvirt's hooks belong to root.") } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_hook_that_was_taken_away_is_not_told_as_one_that_was_missing() {
        assert_eq!((became(false, true), became(false, false)), ("removed", "there is none to remove"));
        assert_eq!((became(true, true), became(true, false)), ("installed", "installed already"));
    }

    #[test]
    fn only_our_own_link_is_made_and_taken() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join(LINK);
        let program = PathBuf::from("/somewhere").join(PROGRAM);
        assert!(!remove(&link).unwrap());
        fs::create_dir(dir.path().join("qemu.d")).unwrap();
        symlink(&program, &link).unwrap();
        assert_eq!(ours(&link), Some(program));
        assert!(remove(&link).unwrap());
        fs::write(&link, "#!/bin/sh\n").unwrap();
        assert_eq!(remove(&link).unwrap_err().kind(), Kind::File);
        assert!(link.exists());
    }
}
