//! `virt-sev hook`. In: a folder of hooks. Out: links to the hook program there, or none. Never: another hook touched.

use super::apparmor;
use crate::args::hook::{HookArgs, HookCommand, Whose};
use crate::cmd::programs::beside;
use crate::output::{Answer, Output};
use serde_json::json;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use virt_sev::hook::vdsm::{FOLDER, Point, engine_config};
use virt_sev::{Error, Kind, Result};

/// Where hooks lie.
struct Place {
    program: &'static str,
    folder: PathBuf,
    /// Below the folder.
    links: Vec<PathBuf>,
    /// Whose the folder is.
    owner: &'static str,
    /// What to do once they have changed.
    after: String,
}

impl Place {
    fn of(args: &HookArgs) -> Self {
        let below = |folder: &str| args.dir.clone().unwrap_or_else(|| folder.into());
        match args.whose {
            Whose::Libvirt => Self {
                program: "virt-sev-libvirt-hook",
                folder: below("/etc/libvirt/hooks"),
                // libvirt runs what is in `qemu.d`, in the order of their names, since 6.5.0.
                links: vec!["qemu.d/virt-sev".into()],
                owner: "libvirt",
                after: "The daemon must read its hooks again: systemctl reload virtqemud, or libvirtd where that is the one that \
                        runs; where neither reloads, restart it, which leaves guests alone."
                    .to_owned(),
            },
            Whose::Vdsm => Self {
                program: "virt-sev-vdsm-hook",
                folder: below(FOLDER),
                // In the order of their names: after those that bring devices.
                links: Point::ALL.map(|point| Path::new(point.folder()).join("90_virt-sev")).into(),
                owner: "VDSM",
                after: format!(
                    "The engine must know the custom properties, beside those that it has: engine-config -s \
                     UserDefinedVMProperties='{}' --cver=LEVEL, then restart it (docs/hooks.md).",
                    engine_config()
                ),
            },
        }
    }
}

pub(crate) fn run(command: &HookCommand, out: Output) -> Result<Answer> {
    let (args, installed) = match command {
        HookCommand::Install(args) => (args, true),
        HookCommand::Remove(args) => (args, false),
    };
    let place = Place::of(args);
    if installed && !place.folder.is_dir() {
        return Err(Error::new(Kind::File, format!("the folder of {}'s hooks is not there", place.owner))
            .at(place.folder.display().to_string())
            .hint("Its own package makes it. Is its daemon installed here? --dir names another folder."));
    }
    // Of another folder nobody can tell which daemon is to run it.
    if installed && args.whose == Whose::Libvirt && args.dir.is_none() {
        let forbidden = apparmor::forbids(&beside(place.program, Kind::File)?);
        forbidden.map_or(Ok(()), Err)?;
    }
    let links: Vec<PathBuf> = place.links.iter().map(|link| place.folder.join(link)).collect();
    // All of them, or none.
    links.iter().try_for_each(|link| is_free(&place, link))?;
    let mut changed = false;
    for link in &links {
        let did = if installed { install(&place, link)? } else { remove(&place, link)? };
        out.say(&format!("{}: {}", link.display(), became(installed, did)));
        changed |= did;
    }
    if installed
        && args.whose == Whose::Vdsm
        && let Some(path) = links.iter().find_map(|link| out_of_reach(link))
    {
        log::warn!(
            "{}: not for every user. VDSM runs its hooks as a user of its own, and passes over one that this user cannot run, \
             without a word: its guests start without SEV. Do `chmod o+rx {0}`, and install again.",
            path.display()
        );
    }
    if out.is_json() {
        let links: Vec<String> = links.iter().map(|link| link.display().to_string()).collect();
        out.answer_json("hook", json!({ "hooks": links, "installed": installed, "changed": changed }))?;
    }
    if changed && (installed || args.whose == Whose::Libvirt) {
        out.say(&place.after);
    }
    Ok(Answer::Yes)
}

/// What became of a link. Of what was never there nothing is removed.
fn became(installed: bool, changed: bool) -> &'static str {
    match (installed, changed) {
        (true, true) => "installed",
        (true, false) => "installed already",
        (false, true) => "removed",
        (false, false) => "there is none to remove",
    }
}

/// What has the name may be a hook of the site's own.
fn is_free(place: &Place, link: &Path) -> Result<()> {
    if link.symlink_metadata().is_err() || ours(place, link).is_some() {
        return Ok(());
    }
    Err(Error::new(Kind::File, "something else has the hook's name")
        .at(link.display().to_string())
        .wanted(format!("a link to {}, or nothing", place.program))
        .hint("It is not virt-sev's, and is left alone. Give it another name: what is in the folder runs, whatever its name."))
}

fn install(place: &Place, link: &Path) -> Result<bool> {
    let program = beside(place.program, Kind::File)?;
    let known = ours(place, link);
    if known.as_ref() == Some(&program) {
        return Ok(false);
    }
    let folder = link.parent().unwrap_or(link);
    let by_hand = format!("mkdir -p {}; ln -sf {}", folder.display(), program.display());
    let trouble = |e: std::io::Error| trouble("the hook cannot be installed", place, link, e, &by_hand);
    std::fs::create_dir_all(folder).map_err(trouble)?;
    if known.is_some() {
        std::fs::remove_file(link).map_err(trouble)?;
    }
    symlink(program, link).map_err(trouble)?;
    Ok(true)
}

fn remove(place: &Place, link: &Path) -> Result<bool> {
    match std::fs::remove_file(link) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(trouble("the hook cannot be removed", place, link, e, "rm")),
    }
}

/// What keeps some user from the program that the link leads to: a folder on the way, or the program itself.
fn out_of_reach(link: &Path) -> Option<PathBuf> {
    const FIND: u32 = 0o5;
    const RUN: u32 = 0o1;
    let lacks = |path: &Path, bits| path.metadata().is_ok_and(|m| m.permissions().mode() & bits != bits);
    let program = link.canonicalize().ok()?;
    let folder = link.parent().filter(|folder| lacks(folder, FIND));
    folder.or_else(|| program.ancestors().find(|path| lacks(path, RUN))).map(Path::to_path_buf)
}

/// Where the link leads, where it is one that this command made.
fn ours(place: &Place, link: &Path) -> Option<PathBuf> {
    let target = std::fs::read_link(link).ok()?;
    (target.file_name()?.to_str()? == place.program).then_some(target)
}

fn trouble(what: &str, place: &Place, link: &Path, e: std::io::Error, by_hand: &str) -> Error {
    let next = if e.kind() == ErrorKind::PermissionDenied {
        format!("{}'s hooks belong to root: do it as root.", place.owner)
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
