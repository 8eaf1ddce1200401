//! Holds the golden cases complete: every rule, in every mode, does there whatever it can do. In: the answers in
//! `cases/`, which `golden.rs` holds true. Out: what no case shows. Never: a rule run anew.

use crate::cases::{self, cases, read};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use virt_sev::plan::RULES;

/// What each rule does with plain SEV, with SEV-ES and with SEV-SNP: `e` edits, `l` leaves alone what is right,
/// `x` refuses, `w` warns, `i` informs; a dash for a mode that the rule does not look at.
const DOES: &[(&str, [&str; 3])] = &[
    ("arch", ["lx", "lx", "lx"]),
    ("kvm", ["lx", "lx", "lx"]),
    ("launch-security", ["el", "el", "el"]),
    ("session-pair", ["lxw", "lxw", "lxw"]),
    ("policy", ["lxwi", "lxwi", "lxw"]),
    ("machine-q35", ["lxw", "lx", "lx"]),
    ("virtio-modern", ["elx", "elx", "elx"]),
    ("firmware-uefi", ["elxw", "elxw", "elxw"]),
    ("firmware-rom", ["-", "-", "el"]),
    ("firmware-stateless", ["eli", "eli", "el"]),
    ("firmware-capable", ["lxi", "lxi", "lxi"]),
    ("smm", ["lxw", "elx", "elx"]),
    ("memory-lock", ["elxwi", "elxwi", "eli"]),
    ("memory-backing", ["elx", "elx", "elx"]),
    ("virtio-iommu", ["el", "el", "el"]),
    ("option-rom", ["elx", "elx", "elx"]),
    ("vhost-user", ["lx", "lx", "lx"]),
    ("hostdev", ["lw", "lw", "lw"]),
    ("memballoon", ["eli", "eli", "eli"]),
    ("vmcoreinfo", ["el", "el", "el"]),
    ("dump-core", ["elw", "elw", "elw"]),
    ("suspend", ["el", "el", "el"]),
    ("reboot", ["-", "el", "el"]),
    ("kernel-hashes", ["elxw", "elxw", "elxw"]),
    ("cpu", ["li", "lxw", "lxw"]),
    ("record", ["elw", "elw", "elw"]),
    ("block-boot", ["lxi", "lxi", "lxi"]),
];
const MODES: [&str; 3] = ["sev", "sev-es", "sev-snp"];
/// The keys whose reading already refuses what a rule would.
const KEYS_OF: &[(&str, &str)] = &[
    ("security.sev.policy", "policy"),
    ("security.sev.snp.policy", "policy"),
    ("security.sev.session", "session-pair"),
];

/// Which mode a case is of: its keys say it, also where they are refused.
fn mode(case: &Path) -> usize {
    let text = read(case, "config.yaml").unwrap();
    let name = match cases::keys(case) {
        Ok(config) => config.mode().as_str(),
        Err(_) if text.contains("security.sev.snp") => "sev-snp",
        Err(_) if text.contains("policy.es: \"true\"") || text.contains("policy: \"0x8005\"") => "sev-es",
        Err(_) => "sev",
    };
    MODES.iter().position(|m| *m == name).unwrap()
}

/// What a case shows, as (rule, letter).
fn shown(case: &Path) -> BTreeSet<(&'static str, char)> {
    let known = |id: &str| RULES.iter().map(|r| r.id).find(|known| *known == id);
    let mut out = BTreeSet::new();
    let skipped = read(case, "skip.txt").unwrap_or_default();
    if let Some(plan) = read(case, "plan.txt") {
        for line in plan.lines().filter(|l| !l.starts_with(' ')) {
            let (word, rest) = line.split_once(' ').unwrap();
            let rule = known(rest.split(':').next().unwrap()).unwrap_or_else(|| panic!("whose is {line}?"));
            out.insert((rule, word.chars().next().unwrap()));
        }
        for rule in RULES.iter().map(|r| r.id) {
            let acts = ['e', 'w'].iter().any(|c| out.contains(&(rule, *c)));
            if !acts && !skipped.split_whitespace().any(|s| s == rule) {
                out.insert((rule, 'l'));
            }
        }
    }
    for line in read(case, "error.txt").unwrap_or_default().lines().filter(|l| !l.starts_with(' ')) {
        let tag = line.rsplit_once('[').and_then(|(_, t)| known(t.trim_end_matches(']')));
        let key = KEYS_OF.iter().find(|(key, _)| line.starts_with(key)).and_then(|(_, rule)| known(rule));
        out.extend(tag.or(key).map(|rule| (rule, 'x')));
    }
    out
}

#[test]
fn every_rule_is_shown_in_every_mode_to_do_all_that_it_does_and_nothing_else() {
    let mut seen: BTreeMap<(&str, usize), BTreeSet<char>> = BTreeMap::new();
    for case in cases() {
        let mode = mode(&case);
        for (rule, letter) in shown(&case) {
            seen.entry((rule, mode)).or_default().insert(letter);
        }
    }
    let mut wrong = Vec::new();
    for rule in RULES.iter().map(|r| r.id) {
        let Some((_, does)) = DOES.iter().find(|(id, _)| *id == rule) else {
            wrong.push(format!("{rule} is not in the table of this test"));
            continue;
        };
        for (mode, letters) in does.iter().enumerate() {
            // A rule that does not look at a mode still must be seen to leave such a guest alone.
            let wanted: BTreeSet<char> = letters.replace('-', "l").chars().collect();
            let shown = seen.remove(&(rule, mode)).unwrap_or_default();
            for (what, set) in [("no case shows", &wanted - &shown), ("against the table:", &shown - &wanted)]
            {
                if !set.is_empty() {
                    wrong.push(format!("{rule}, {}: {what} {set:?}", MODES[mode]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(DOES.len(), RULES.len(), "the table names a rule that is gone");
}

#[test]
fn in_every_mode_a_domain_that_is_right_already_stays_byte_for_byte() {
    for (mode_number, name) in MODES.iter().enumerate() {
        let right = cases().into_iter().filter(|case| mode(case) == mode_number).find(|case| {
            read(case, "plan.txt").is_some_and(|plan| !plan.lines().any(|l| l.starts_with("edit ")))
                && read(case, "in.xml") == read(case, "out.xml")
        });
        assert!(right.is_some(), "no case of {name} needs no edit");
    }
}
