//! Proxmox VE: a guest's configuration, or its `amd-sev` alone. In: text. Out: [`RawConfig`]. Never: another setting.
//!
//! `amd-sev: [type=]std|es|snp[,no-debug=B][,no-key-sharing=B][,allow-smt=B][,kernel-hashes=B]`, where only allow-smt
//! is on by default (qemu-server `src/PVE/QemuServer/CPUConfig.pm`, `$sev_fmt`). Of its policies NOSEND is always set
//! for SEV and SEV-ES, and debugging is allowed unless `no-debug` says otherwise (`get_amd_sev_object`).

use super::Reader;
use crate::Result;
use crate::config::raw::RawConfig;
use crate::config::value::{self, shown};
use crate::config::yaml::{self, Node};
use crate::finding::Severity;

/// What the file is called by its own program, and as the API's clients in other languages spell it.
const NAMES: [&str; 2] = ["amd-sev", "amd_sev"];
const OPTIONS: [&str; 4] = ["no-debug", "no-key-sharing", "allow-smt", "kernel-hashes"];
const TYPES: [&str; 3] = ["std", "es", "snp"];

/// Name and value of a line `name: value`.
fn setting(line: &str) -> Option<(&str, &str)> {
    line.split_once(':').map(|(name, value)| (name.trim_end(), value.trim()))
}

/// The lines of the guest as it is now, each with its number: what follows a `[section]` is a snapshot, or pending.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().zip(1..).map(|(l, n)| (n, l)).take_while(|(_, l)| !l.starts_with('['))
}

/// True for a text with such a line.
pub(super) fn is_config(text: &str) -> bool {
    lines(text).filter_map(|(_, l)| setting(l)).any(|(name, _)| NAMES.contains(&name))
}

/// Reads `qm config`, a file of `/etc/pve/qemu-server`, the API's JSON, or what stands behind `amd-sev:`.
pub(super) fn read(text: &str, name: &str) -> Result<RawConfig> {
    let mut reader = Reader::new(name);
    let mut raw = RawConfig::new();
    let mut found = false;
    if text.trim_start().starts_with('{') {
        for node in yaml::parse(text, name)? {
            let guest = node.get("data").filter(|d| matches!(&***d, Node::Map { .. })).unwrap_or(&node);
            for (key, value) in guest.entries() {
                if let (Some(name), Some(text)) = (key.text(), value.text()) {
                    found |= reader.setting(name, text, key.line(), found, &mut raw);
                }
            }
        }
    } else {
        let mut only = None;
        for (line, text) in lines(text).filter(|(_, l)| !l.trim().is_empty() && !l.starts_with('#')) {
            only = if line == 1 && setting(text).is_none() { Some(text.trim()) } else { None };
            if let Some((name, value)) = setting(text) {
                found |= reader.setting(name, value, line, found, &mut raw);
            }
        }
        if let Some(value) = only {
            found = reader.setting("amd-sev", value, 1, false, &mut raw);
        }
    }
    if !found && reader.problems.is_empty() {
        raw.note(Severity::Info, name, "no amd-sev: Proxmox does not encrypt this guest's memory", "");
    }
    reader.finish(raw)
}

impl Reader<'_> {
    /// Takes in one setting of a guest; true for the one that is looked for.
    fn setting(&mut self, name: &str, value: &str, line: usize, found: bool, raw: &mut RawConfig) -> bool {
        if name == "intel-tdx" {
            let problem = self.wrong(line, "the guest asks for TDX, which is Intel's").wanted("amd-sev");
            self.refuse(problem);
        }
        if !NAMES.contains(&name) {
            return false;
        }
        if found {
            let problem = self.wrong(line, "amd-sev stands twice");
            self.refuse(problem);
        } else {
            self.amd_sev(value, line, raw);
        }
        true
    }

    fn amd_sev(&mut self, text: &str, line: usize, raw: &mut RawConfig) {
        let before = self.problems.len();
        let mut kind = None;
        let mut options: [Option<bool>; OPTIONS.len()] = [None; OPTIONS.len()];
        for part in text.split(',').map(str::trim) {
            // The type is the default key: it may stand without its name.
            let (name, value) = part.split_once('=').unwrap_or(("type", part));
            let problem = if name == "type" {
                if kind.is_some() {
                    Some(self.wrong(line, "the type stands twice"))
                } else {
                    kind = Some(value);
                    None
                }
            } else if let Some(option) = OPTIONS.iter().zip(&mut options).find(|(o, _)| **o == name) {
                match value::boolean(value) {
                    Ok(_) if option.1.is_some() => Some(self.wrong(line, format!("{name} stands twice"))),
                    Ok(on) => {
                        *option.1 = Some(on);
                        None
                    }
                    Err(_) => Some(
                        self.wrong(line, format!("{name} is not a boolean"))
                            .found(shown(value))
                            .wanted("0 or 1"),
                    ),
                }
            } else {
                let known = format!("type, {}", OPTIONS.join(", "));
                Some(
                    self.wrong(line, "an option that amd-sev does not have").found(shown(name)).wanted(known),
                )
            };
            if let Some(problem) = problem {
                self.refuse(problem);
            }
        }
        match kind {
            Some(kind) if TYPES.contains(&kind) => {
                if self.problems.len() == before {
                    self.mean(kind, options, line, raw);
                }
            }
            other => {
                let problem = self
                    .wrong(line, "not a type of amd-sev")
                    .found(other.map_or("no type".to_owned(), shown))
                    .wanted(TYPES.join(", "));
                self.refuse(problem);
            }
        }
    }

    fn mean(&mut self, kind: &str, options: [Option<bool>; 4], line: usize, raw: &mut RawConfig) {
        let [no_debug, no_key_sharing, allow_smt, kernel_hashes] = options;
        let place = format!("{}:{line}", self.name());
        let mut set = |key: &str, on: bool| raw.set(key, if on { "true" } else { "false" }, &place);
        let ignored = if kind == "snp" {
            set("security.sev.snp", true);
            set("security.sev.snp.policy.smt", allow_smt.unwrap_or(true));
            set("security.sev.snp.policy.debug", !no_debug.unwrap_or(false));
            no_key_sharing.map(|_| "no-key-sharing")
        } else {
            set("security.sev", true);
            set("security.sev.policy.es", kind == "es");
            set("security.sev.policy.nodbg", no_debug.unwrap_or(false));
            set("security.sev.policy.noks", no_key_sharing.unwrap_or(false));
            set("security.sev.policy.nosend", true);
            allow_smt.map(|_| "allow-smt")
        };
        if let Some(on) = kernel_hashes {
            set("security.sev.kernel_hashes", on);
        }
        if let Some(option) = ignored {
            let title = format!("{option} means nothing for type={kind}, and has no key");
            raw.note(Severity::Info, &place, title, "");
        }
    }
}

#[cfg(test)]
#[path = "proxmox_tests.rs"]
mod tests;
