//! Pieces put together. In: the parts of all sources, in order. Out: one [`RawConfig`]. Never: a document.
//!
//! LXD: the profiles in the order in which the instance lists them, the later over the earlier, and the instance's
//! own `config` over all of them; an empty value counts as any other (LXD `lxd/instance/instancetype`,
//! `ExpandInstanceConfig`; Incus has the same). What comes out is what LXD shows as `expanded_config`.

use super::{Part, nova};
use crate::config::raw::RawConfig;
use crate::config::value;
use crate::finding::Severity;
use crate::{Error, Kind, Result};

/// A profile that was given, for whichever instance names it.
struct Profile {
    name: String,
    keys: RawConfig,
    listed: bool,
    place: String,
    used: bool,
}

/// Lays every part over those before it. Profiles go below the instance that names them, wherever they stand.
pub(crate) fn assemble(parts: Vec<Part>) -> Result<RawConfig> {
    let mut problems = Vec::new();
    let has_instance = parts.iter().any(|p| matches!(p, Part::Instance { .. }));
    let (mut profiles, mut properties, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        match part {
            Part::Profile { name, keys, listed, place } if has_instance || listed => {
                profiles.push(Profile { name, keys, listed, place, used: false });
            }
            Part::Nova(more) => {
                // Of the first only the place is left: flavor and image are judged together.
                if !rest.iter().any(|p| matches!(p, Part::Nova(_))) {
                    rest.push(Part::Nova(Vec::new()));
                }
                properties.extend(more);
            }
            Part::Keys(_) | Part::Instance { .. } | Part::Profile { .. } => rest.push(part),
        }
    }
    if has_instance {
        refuse_twice(&profiles, &mut problems);
    } else {
        alone(std::mem::take(&mut profiles), &mut rest, &mut problems);
    }
    let mut out = RawConfig::new();
    for part in rest {
        match part {
            Part::Keys(keys) | Part::Profile { keys, .. } => out.overlay(keys),
            Part::Instance { keys, profiles: names, place } => {
                out.overlay(expand(keys, &names, &place, &mut profiles));
            }
            Part::Nova(_) => match nova::convert(&properties) {
                Ok(keys) => out.overlay(keys),
                Err(e) => problems.push(e),
            },
        }
    }
    for p in profiles.iter().filter(|p| !p.used && !p.listed) {
        out.note(
            Severity::Warning,
            &p.place,
            format!("no instance names the profile '{}', so its keys do not count", p.name),
            "Name it in the instance's profiles, or give its keys as a flat map.",
        );
    }
    Error::many(problems).map_or(Ok(out), Err)
}

/// A list of profiles without an instance: one stands for itself; of several none is the right one.
fn alone(profiles: Vec<Profile>, rest: &mut Vec<Part>, problems: &mut Vec<Error>) {
    match profiles.as_slice() {
        [] => {}
        [_] => rest.extend(profiles.into_iter().map(|p| Part::Keys(p.keys))),
        [first, ..] => problems.push(
            Error::new(Kind::Config, "profiles, and no instance that names any of them")
                .at(&first.place)
                .found(format!("{} profiles", profiles.len()))
                .hint("Give the instance too, as another --config: lxc config show NAME."),
        ),
    }
}

fn refuse_twice(profiles: &[Profile], problems: &mut Vec<Error>) {
    let same = |a: &Profile, b: &Profile| {
        let keys =
            |p: &Profile| -> Vec<_> { p.keys.entries().map(|e| (e.key.clone(), e.value.clone())).collect() };
        keys(a) == keys(b)
    };
    for (n, p) in profiles.iter().enumerate() {
        if let Some(other) = profiles.iter().take(n).find(|o| o.name == p.name && !same(o, p)) {
            problems.push(
                Error::new(Kind::Config, format!("the profile '{}' is given twice, and they differ", p.name))
                    .at(&p.place)
                    .found(format!("another one at {}", other.place))
                    .hint("Profiles of one name lie in several projects: give the one of the instance's project."),
            );
        }
    }
}

fn expand(own: RawConfig, names: &[String], place: &str, profiles: &mut [Profile]) -> RawConfig {
    let mut out = RawConfig::new();
    let mut missing = Vec::new();
    for name in names {
        let mut given = profiles.iter_mut().filter(|p| p.name == *name).peekable();
        match given.peek() {
            Some(first) => out.overlay(first.keys.clone()),
            None => missing.push(format!("'{name}'")),
        }
        given.for_each(|p| p.used = true);
    }
    out.overlay(own);
    if !missing.is_empty() {
        let on = |key| out.get(key).is_some_and(|e| value::boolean(&e.value).unwrap_or(false));
        // `lxc config show` and `lxc config show --expanded` print the same form, so this may be a whole answer.
        let severity =
            if on("security.sev") || on("security.sev.snp") { Severity::Info } else { Severity::Warning };
        out.note(
            severity,
            place,
            format!(
                "the instance names profiles that are not given ({}): unless this is the output of \
                 lxc config show --expanded, their keys are missing",
                missing.join(", ")
            ),
            "Take the output of --expanded, or give each profile as a --config too: lxc profile show NAME.",
        );
    }
    out
}

#[cfg(test)]
#[path = "assemble_tests.rs"]
mod tests;
