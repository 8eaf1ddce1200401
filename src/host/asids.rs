//! How many ASIDs there are, and how many are in use. In: the cgroup controller `misc`, of either version. Out: [`Asids`].
//! Never: an error.

use super::facts::Fact;
use super::machine::{Asids, Pool};
use super::probe::Probe;
use super::read::text;
use std::path::Path;

/// Where the controller is: in the root of version 2, or mounted by itself in version 1.
const FOLDERS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/misc"];

/// Both pools.
pub(super) fn read(probe: &dyn Probe) -> Asids {
    let file = |folder: &str, name: &str| text(probe, &format!("{folder}/{name}"));
    let found = FOLDERS.iter().map(|folder| (*folder, file(folder, "misc.capacity")));
    let Some((folder, capacity)) = found.into_iter().find(|(_, text)| !matches!(text, Fact::Absent)) else {
        let none = || Pool { capacity: Fact::Absent, used: Fact::Absent };
        return Asids { sev: none(), sev_es: none() };
    };
    let current = match file(folder, "misc.current") {
        Fact::Absent => below(probe, folder),
        root @ (Fact::Known(_) | Fact::Unreadable(_) | Fact::NotAsked) => vec![root],
    };
    let pool = |name: &str| Pool { capacity: number(&capacity, name), used: sum(&current, name) };
    Asids { sev: pool("sev"), sev_es: pool("sev_es") }
}

/// Older kernels have `misc.current` only below the root, where each group counts what is below it.
fn below(probe: &dyn Probe, folder: &str) -> Vec<Fact<String>> {
    match probe.folders(Path::new(folder)) {
        Fact::Known(groups) => groups
            .iter()
            .filter_map(|group| {
                Path::new(folder).join(group).join("misc.current").to_str().map(str::to_owned)
            })
            .map(|path| text(probe, &path))
            .collect(),
        Fact::Unreadable(why) => vec![Fact::Unreadable(why)],
        Fact::Absent | Fact::NotAsked => Vec::new(),
    }
}

fn sum(texts: &[Fact<String>], name: &str) -> Fact<u64> {
    let counted: Vec<Fact<u64>> = texts.iter().map(|text| number(text, name)).collect();
    match counted.iter().find(|fact| matches!(fact, Fact::Unreadable(_))) {
        Some(unreadable) => unreadable.clone(),
        // Without the controller below, the kernel counts into the root, which does not tell.
        None if counted.iter().all(|fact| fact.known().is_none()) => Fact::Absent,
        None => Fact::Known(counted.iter().filter_map(Fact::known).fold(0, |sum, n| sum.saturating_add(*n))),
    }
}

/// `NAME NUMBER` on a line of its own. Pools of size 0 are left out.
fn number(text: &Fact<String>, name: &str) -> Fact<u64> {
    text.clone().and_then(|text| {
        let value = text.lines().find_map(|line| {
            let (this, value) = line.split_once(' ')?;
            (this == name).then(|| value.trim().parse().ok()).flatten()
        });
        value.map_or(Fact::Absent, Fact::Known)
    })
}
