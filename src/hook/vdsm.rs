//! VDSM's hooks of virtual machines (oVirt, VDSM `lib/vdsm/common/hooks.py`). In: custom properties out of the environment, the
//! domain. Out: the domain made right, and whether its guest begins paused; or why not. Never: a word about a domain without
//! SEV.
//!
//! A custom property is a key with `_` for every `.`: VDSM gives properties as environment variables, and oVirt's engine takes
//! letters, digits and `_` in their names (ovirt-engine `CustomPropertiesUtils.java`).

use super::{parse, speaks_of_sev};
use crate::config::value::shown;
use crate::config::{self, KEYS, Key, KeyType, RawConfig, Technology};
use crate::finding::{Finding, Severity};
use crate::host::{HostFacts, Probe};
use crate::launch::verified;
use crate::plan::Options;
use crate::prepare;
use crate::report::clean;
use crate::{Error, Kind, Result};
use std::path::{Path, PathBuf};

/// Where VDSM looks for its hooks: a folder for each point, below this one.
pub const FOLDER: &str = "/usr/libexec/vdsm/hooks";
/// What the name of every custom property of ours begins with.
const PREFIX: &str = "security_sev";
/// What oVirt's engine keeps of a machine's properties together (ovirt-engine `create_tables.sql`, `predefined_properties`).
const MOST: usize = 4000;

/// The points at which VDSM calls. It gives no argument: the folder in which the hook lies is the point's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Before libvirt gets the domain, which the hook may change.
    Start,
    /// Before a paused guest runs: after a start that was paused, and after every other pause.
    Cont,
}

impl Point {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Start, Self::Cont];

    /// Its folder.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Start => "before_vm_start",
            Self::Cont => "before_vm_cont",
        }
    }

    /// Out of the folder in which the hook was called.
    ///
    /// # Errors
    /// `Kind::Usage` for any other.
    pub fn of(folder: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|p| p.folder() == folder).ok_or_else(|| {
            Error::new(Kind::Usage, "the hook does not know at which point it is called")
                .found(shown(folder))
                .wanted(Self::ALL.map(Self::folder).join(" or "))
                .hint("`virt-sev hook install vdsm` makes a link to it in each of these folders.")
        })
    }
}

/// A key's name as a custom property.
#[must_use]
pub fn property(key: &str) -> String {
    key.replace('.', "_")
}

/// True for a variable that is meant for us, spelt right or not.
#[must_use]
pub fn is_ours(variable: &str) -> bool {
    variable.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// Whether the properties or the document speak of SEV at all. What does not passes, whatever it is.
#[must_use]
pub fn concerns(properties: &[(String, String)], xml: &[u8]) -> bool {
    !properties.is_empty() || speaks_of_sev(xml)
}

/// A domain that was made right.
#[derive(Debug)]
pub struct Started {
    /// The document as it should be.
    pub xml: String,
    /// Its owner has not seen its measurement yet: it begins paused.
    pub is_held: bool,
    /// What there is to warn of.
    pub warnings: Vec<Finding>,
}

/// `before_vm_start`, of what [`concerns`] us: the way that every document takes. Where no key asks for SEV the document stays as
/// it is, and `None` is where it has no session either. Of the host only the firmware images are looked into: whether it has SEV, libvirt says by itself.
///
/// # Errors
/// Every problem of the properties; then every one of the document.
pub fn start(properties: &[(String, String)], xml: &[u8], probe: &dyn Probe) -> Result<Option<Started>> {
    let given = keys(properties)?;
    let domain = parse(xml)?;
    let mut raw = match domain.metadata_config() {
        Some(xml) => config::from_metadata(&xml, "metadata")?,
        None => RawConfig::new(),
    };
    raw.overlay(given);
    let Some(config) = config::resolve(&raw)? else {
        // What another hook has made of it: its owner waits all the same.
        let is_held = verified::session(&domain)?.is_some();
        return Ok(is_held.then(|| Started { xml: domain.text().to_owned(), is_held, warnings: Vec::new() }));
    };
    let is_held = matches!(&config.technology, Technology::Sev { session: Some(_), .. });
    let host = HostFacts::of_images(probe, &prepare::images(&domain, &config));
    let done = prepare::prepare(&Options::default(), domain, None, Some(config), &host)?;
    let warnings = done.findings.into_iter().filter(|f| f.severity == Severity::Warning).collect();
    Ok(Some(Started { xml: done.xml, is_held, warnings }))
}

/// `before_vm_cont`, of what [`concerns`] us: a guest with a session runs once its launch was verified.
///
/// # Errors
/// `Kind::State` for one that was not; `Kind::Domain` for a document that cannot be read.
pub fn cont(xml: &[u8]) -> Result<()> {
    let domain = parse(xml)?;
    let session = verified::session(&domain)?.filter(|session| !verified::says(&domain, session));
    let Some(session) = session else { return Ok(()) };
    let name = domain.facts().name.clone().unwrap_or_default();
    Err(Error::new(Kind::State, "the guest waits for its owner: nobody has noted that its launch was verified")
        .at(clean(&name))
        .hint(format!(
            "`virt-sev measurement NAME -o FILE` is the evidence for its owner, whose packet `virt-sev secret inject` \
             delivers, and notes. Where it was verified in another way: {}",
            verified::by_hand(&domain, &session)?
        )))
}

/// The file with the flags that VDSM starts a machine with, below its folder of what runs (VDSM `hooks.py`,
/// `dump_vm_launch_flags_to_file`).
///
/// # Errors
/// `Kind::Usage` for what is no machine's id.
pub fn flags_file(run: &Path, id: &str) -> Result<PathBuf> {
    let is_id = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !is_id {
        return Err(Error::new(Kind::Usage, "the environment variable vmId names no machine")
            .found(shown(id))
            .hint("VDSM sets it, and the guest has to begin paused: look for what takes it away."));
    }
    Ok(run.join(id).join("launchflags"))
}

/// The same flags, and `VIR_DOMAIN_START_PAUSED` (libvirt).
///
/// # Errors
/// `Kind::File` for what is no number.
pub fn paused(flags: &str) -> Result<String> {
    let known: u32 = flags.trim().parse().map_err(|_| {
        Error::new(Kind::File, "the launch flags are no number").found(shown(flags.trim())).hint(
            "A guest with a session begins paused, and VDSM is told so there. Look for another hook that writes them.",
        )
    })?;
    Ok((known | 1).to_string())
}

/// The keys that the properties stand for. With a name that is none nobody can tell what was meant.
fn keys(properties: &[(String, String)]) -> Result<RawConfig> {
    let (mut raw, mut unknown) = (RawConfig::new(), Vec::new());
    for (name, value) in properties {
        if let Some(key) = KEYS.iter().find(|key| property(key.name) == *name) {
            raw.set(key.name, value, format!("custom property {name}"));
        } else {
            let nearest = property(config::nearest_key(&name.replace('_', ".")));
            unknown.push(
                Error::new(Kind::Config, "there is no such custom property")
                    .at(shown(name))
                    .hint(format!("Did you mean {nearest}? docs/hooks.md has all of them.")),
            );
        }
    }
    Error::many(unknown).map_or(Ok(raw), Err)
}

/// The value of the engine's `UserDefinedVMProperties` that lets these properties be set: `NAME=REGEX;…` (oVirt,
/// `engine-config`).
#[must_use]
pub fn engine_config() -> String {
    let all = KEYS
        .iter()
        .filter(|key| fits(key))
        .map(|key| format!("{}={}", property(key.name), pattern(key.kind)));
    all.collect::<Vec<_>>().join(";")
}

/// An ID auth is longer than all that the engine keeps, and an ID block is nothing without one.
fn fits(key: &Key) -> bool {
    !key.name.starts_with("security.sev.snp.id_")
        && key.kind.blob_size().is_none_or(|n| n.div_ceil(3) * 4 < MOST)
}

/// What the engine lets through; the hook reads it again.
fn pattern(kind: KeyType) -> &'static str {
    match kind {
        KeyType::Bool => "^(true|false)$",
        KeyType::BoolOrAuto => "^(true|false|auto)$",
        KeyType::DhCert | KeyType::SessionBlob | KeyType::Blob(_) => "^[A-Za-z0-9+/]+=*$",
        KeyType::Version => "^[0-9]+[.][0-9]+$",
        KeyType::U32 | KeyType::U64 => "^(0x)?[0-9A-Fa-f]+$",
        KeyType::BitNumber => "^[0-9]+$",
        KeyType::Firmware => "^(auto|/.+)$",
        KeyType::MemoryLock => "^(auto|locked|hard_limit|none)$",
        KeyType::SizeOrAuto => "^(auto|[0-9]+ *[A-Za-z]*)$",
        KeyType::MemoryBacking => "^(default|memfd|hugepages(:[0-9]+ *[A-Za-z]*)?)$",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_key_is_one_property_and_back() {
        let names: BTreeSet<String> = KEYS.iter().map(|key| property(key.name)).collect();
        assert_eq!(names.len(), KEYS.len(), "two keys have the same property");
        for key in KEYS {
            let name = property(key.name);
            assert!(is_ours(&name) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{name}");
            let raw = keys(&[(name, "x".to_owned())]).unwrap();
            assert_eq!(raw.entries().next().unwrap().key, key.name);
        }
    }

    /// The document shows what the engine is to be told; a semicolon would end a pattern.
    #[test]
    fn the_engine_is_told_every_property_that_it_can_keep() {
        let line = engine_config();
        // Nor does a setting of the engine hold more (ovirt-engine create_tables.sql, vdc_options).
        assert!(line.len() < 4000, "{}", line.len());
        let parts: Vec<(&str, &str)> = line.split(';').map(|part| part.split_once('=').unwrap()).collect();
        let left_out = ["security_sev_snp_id_block", "security_sev_snp_id_auth"];
        for key in KEYS {
            let name = property(key.name);
            let found = parts.iter().filter(|(n, _)| *n == name).count();
            assert_eq!(found, usize::from(!left_out.contains(&&*name)), "{name}");
        }
        assert!(parts.iter().all(|(_, regex)| regex.starts_with('^') && regex.ends_with('$')));
        let docs = include_str!("../../docs/hooks.md");
        assert!(
            docs.contains(&format!("UserDefinedVMProperties='{line}'")),
            "docs/hooks.md should have:\n{line}"
        );
    }
}
