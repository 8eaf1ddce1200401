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
            .hint(
                "libvirt's own package makes it. Is its daemon installed here? --dir names another folder.",
            ));
    }
    let program = beside(PROGRAM, Kind::File)?;
    if ours(link) == Some(program.clone()) {
        return Ok(false);
    }
    if link.symlink_metadata().is_ok() && ours(link).is_none() {
        return Err(another(link));
    }
    let by_hand =
        format!("mkdir -p {}; ln -sf {}", link.parent().unwrap_or(link).display(), program.display());
    let trouble = |e: std::io::Error| trouble("the hook cannot be installed", link, e, &by_hand);
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
        Ok(_) if ours(link).is_none() => return Err(another(link)),
        // What cannot even be looked at cannot be removed either, and says why.
        _ => std::fs::remove_file(link).map_err(|e| trouble("the hook cannot be removed", link, e, "rm"))?,
    }
    Ok(true)
}

/// Where the link leads, where it is one that this command made.
fn ours(link: &Path) -> Option<PathBuf> {
    let target = std::fs::read_link(link).ok()?;
    (target.file_name()?.to_str()? == PROGRAM).then_some(target)
}

/// It may be a hook of the site's own.
fn another(link: &Path) -> Error {
    Error::new(Kind::File, "something else has the hook's name")
        .at(link.display().to_string())
        .wanted(format!("a link to {PROGRAM}, or nothing"))
        .hint("It is not virt-sev's, and is left alone. Give it another name: what is in the folder runs, whatever its name.")
}

fn trouble(what: &str, link: &Path, e: std::io::Error, by_hand: &str) -> Error {
    let next = if e.kind() == ErrorKind::PermissionDenied {
        "libvirt's hooks belong to root: do it as root.".to_owned()
    } else {
        format!("Mend that, and try again. It does no more than `{by_hand} {}`.", link.display())
    };
    Error::new(Kind::File, what).at(link.display().to_string()).because(e).hint(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_that_was_taken_away_is_not_told_as_one_that_was_missing() {
        assert_eq!((became(false, true), became(false, false)), ("removed", "there is none to remove"));
        assert_eq!((became(true, true), became(true, false)), ("installed", "installed already"));
    }
}
