//! Keys and values as they were given, with the place of each. In: sources. Out: [`RawConfig`].
//! Never: a judgement of a value.

use super::types::Bundle;
use crate::finding::{About, Finding, Severity};
use std::fmt;

/// What every note about a source has as its id, for `explain`.
pub static ABOUT_CONFIG: About = About {
    id: "config",
    title: "every source of keys is read whole, and what it says beyond them is told",
    text: "Configurations of LXD, Incus, KubeVirt, Nova and Proxmox are read as these programs read them. A setting \
           about SEV that has no key here is a note. So is a profile that an LXD instance names and nobody gave, and a \
           warning where then nothing asks for SEV; a profile that was given and that no instance names does not count.",
    without: "A guest that was meant to be encrypted, or attested, is made without it, and nobody is told.",
    source: "LXD lxd/instance/instancetype, ExpandInstanceConfig; docs/config-sources.md",
    severity: None,
};

/// One key as it was given.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value, trimmed. Empty means unset, as in LXD.
    pub value: String,
    /// Where it stands: `guest.yaml:4`, `--set`, `metadata`.
    pub place: String,
}

impl fmt::Debug for Entry {
    /// Without the value: a blob fills the screen, and a value in the wrong place may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {} characters", self.key, self.place, self.value.chars().count())
    }
}

/// Keys and values in the order in which they came; each key stands once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawConfig {
    entries: Vec<Entry>,
    notes: Vec<Finding>,
    bundle: Option<Bundle>,
}

impl RawConfig {
    /// No keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key, over what was there. An empty value unsets it, and hides what a lower source says.
    pub fn set(&mut self, key: impl Into<String>, value: impl AsRef<str>, place: impl Into<String>) {
        let (key, place) = (key.into(), place.into());
        let value = value.as_ref().trim().to_owned();
        match self.entries.iter_mut().find(|e| e.key == key) {
            Some(entry) => {
                entry.value = value;
                entry.place = place;
            }
            None => self.entries.push(Entry { key, value, place }),
        }
    }

    /// Takes a key back: what a lower source says of it counts again.
    pub fn remove(&mut self, key: &str) {
        self.entries.retain(|e| e.key != key);
    }

    /// Lays a source of higher precedence over this one.
    pub fn overlay(&mut self, higher: RawConfig) {
        for Entry { key, value, place } in higher.entries {
            self.set(key, value, place);
        }
        self.notes.extend(higher.notes);
        self.bundle = higher.bundle.or(self.bundle);
    }

    /// What the guest owner's bundle among the sources says beside its keys.
    #[must_use]
    pub fn bundle(&self) -> Option<&Bundle> {
        self.bundle.as_ref()
    }

    pub(super) fn set_bundle(&mut self, bundle: Bundle) {
        self.bundle = Some(bundle);
    }

    /// What the sources said beyond their keys: what has no key, what was left out.
    #[must_use]
    pub fn notes(&self) -> &[Finding] {
        &self.notes
    }

    /// Says something about a source. The one id of all of them is `config`.
    pub(super) fn note(
        &mut self,
        severity: Severity,
        place: impl Into<String>,
        title: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.notes.push(Finding::new(ABOUT_CONFIG.id, severity, title).path(place).fix(fix));
    }

    /// The entry of a key that is set; a key unset by an empty value has none.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.key == key && !e.value.is_empty())
    }

    /// Every entry, those unset by an empty value too.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// True when there are more keys than any honest source has: the table has some forty. A source of hostile
    /// size is told so, and not judged key by key.
    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= 256
    }

    /// True when no key was given at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_source_wins_and_may_unset() {
        let mut low = RawConfig::new();
        low.set("a", "1", "metadata");
        low.set("b", " 2\n", "metadata");
        let mut high = RawConfig::new();
        high.set("a", "", "--set");
        high.set("c", "3", "--set");
        low.overlay(high);
        assert!(low.get("a").is_none());
        assert_eq!(low.get("b").unwrap().value, "2");
        assert_eq!(low.get("c").unwrap().place, "--set");
        assert_eq!(low.entries().count(), 3);
        low.remove("a");
        assert_eq!(low.entries().map(|e| e.key.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    }

    #[test]
    fn a_value_does_not_show_itself() {
        let mut raw = RawConfig::new();
        raw.set("security.sev.session.data", "c2VjcmV0", "--set");
        assert!(!format!("{raw:?}").contains("c2VjcmV0"));
    }
}
