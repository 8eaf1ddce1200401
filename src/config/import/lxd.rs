//! Documents of LXD and Incus, and flat maps of keys. In: nodes. Out: parts. Never: a key that belongs to LXD, nor
//! the meaning of a value.
//!
//! What is read: a flat map of keys; an instance or a profile, whose keys lie in `config`, and in `expanded_config`
//! where profiles are counted in; a list of them, as `lxc list --format json` prints one; a stream of several; the
//! REST API's answer around any of them.

use super::{Part, Reader};
use crate::config::keys;
use crate::config::raw::RawConfig;
use crate::config::value::shown;
use crate::config::yaml::Node;
use crate::finding::Severity;
use crate::{Error, Kind, Result};
use std::rc::Rc;

type Entries = [(Rc<Node>, Rc<Node>)];

/// How many profiles an instance may list.
const MOST_PROFILES: usize = 256;

/// Reads documents.
pub(super) fn read(nodes: &[Rc<Node>], name: &str) -> Result<Vec<Part>> {
    let mut reader = Reader::new(name);
    let mut parts = Vec::new();
    for node in nodes {
        reader.root(node, &mut parts);
    }
    let mut instances = parts.iter().filter_map(|p| match p {
        Part::Instance { place, .. } => Some(place),
        Part::Keys(_) | Part::Profile { .. } | Part::Nova(_) => None,
    });
    if let (Some(first), Some(second)) = (instances.next(), instances.next()) {
        let problem = Error::new(Kind::Config, "more than one instance")
            .at(second)
            .found(format!("another one at {first}"))
            .hint("Give one instance, such as lxc config show NAME prints it.");
        reader.refuse(problem);
    }
    reader.finish(parts)
}

impl Reader<'_> {
    fn root(&mut self, root: &Node, parts: &mut Vec<Part>) {
        match rest_answer(root) {
            Node::Scalar { null: true, .. } => {}
            node @ Node::Map { entries, .. } => {
                let part = self.document(node, entries, false);
                parts.push(part);
            }
            Node::List { items, .. }
                if !items.is_empty() && items.iter().all(|i| matches!(&**i, Node::Map { .. })) =>
            {
                for item in items {
                    let part = self.document(item, item.entries(), true);
                    parts.push(part);
                }
            }
            node @ (Node::Scalar { .. } | Node::List { .. }) => {
                let mut problem = self
                    .wrong(node.line(), "not a map of keys")
                    .found(node.describe())
                    .wanted("lines such as security.sev: \"true\", or a document of LXD, KubeVirt, Nova or Proxmox")
                    .hint("--config-format names the form of a file that is not recognised.");
                if matches!(node, Node::List { .. }) {
                    problem = problem.hint("The REST API answers with whole documents to ?recursion=1.");
                }
                self.refuse(problem);
            }
        }
    }

    /// One document: an instance with profiles still to be counted in, a profile, or what has its keys in itself.
    fn document(&mut self, node: &Node, entries: &Entries, listed: bool) -> Part {
        let is_map = |name: &str| matches!(node.get(name).map(|n| &**n), Some(Node::Map { .. }));
        let place = self.place(node);
        let keys = self.instance(entries);
        if is_map("expanded_config") {
            return Part::Keys(keys);
        }
        match node.get("profiles").map(|p| &**p) {
            Some(Node::List { items, .. }) if node.get("config").is_some() => {
                Part::Instance { keys, profiles: self.profile_names(items), place }
            }
            // An instance has an architecture; what `lxc profile show` prints has none.
            None if node.get("architecture").is_none() && is_map("config") => {
                match node.get("name").and_then(|n| n.text()) {
                    Some(name) => Part::Profile { name: name.to_owned(), keys, listed, place },
                    None => Part::Keys(keys),
                }
            }
            _ if listed && !is_map("config") => {
                let problem = self
                    .wrong(node.line(), "not an instance or a profile")
                    .wanted("config, as lxc list and lxc profile list print it with --format json or yaml");
                self.refuse(problem);
                Part::Keys(keys)
            }
            _ => Part::Keys(keys),
        }
    }

    fn profile_names(&mut self, items: &[Rc<Node>]) -> Vec<String> {
        if let Some(item) = items.get(MOST_PROFILES) {
            let problem =
                self.wrong(item.line(), "too many profiles").wanted(format!("at most {MOST_PROFILES}"));
            self.refuse(problem);
        }
        let items = items.iter().take(MOST_PROFILES);
        items.filter_map(|i| self.scalar(i, "a profile's name").map(str::to_owned)).collect()
    }

    /// An LXD document, or a flat map.
    fn instance(&mut self, entries: &Entries) -> RawConfig {
        let config = self.part(entries, "config");
        let expanded = self.part(entries, "expanded_config");
        let (effective, inner) = match (config, expanded) {
            (None, None) => return self.flat(entries),
            (Some(config), None) => (self.keys(config), None),
            (config, Some(expanded)) => (self.keys(expanded), config),
        };
        // LXD computes expanded_config from the profiles and config, so it holds every key of config. Where it
        // does not, somebody edited one of the two, and to follow either would be a guess.
        if let Some(config) = inner {
            for entry in self.keys(config).entries() {
                let there = effective.get(&entry.key).map_or("", |e| e.value.as_str());
                if there != entry.value {
                    let problem = Error::new(Kind::Config, "config and expanded_config differ")
                        .at(format!("{} ({})", entry.key, entry.place))
                        .found(format!("{} in expanded_config", shown(there)))
                        .wanted(shown(&entry.value))
                        .hint("Take expanded_config out of an edited document; LXD makes it anew.");
                    self.refuse(problem);
                }
            }
        }
        for entry in self.keys(entries).entries() {
            let problem = Error::new(Kind::Config, "stands beside config, where LXD does not read it")
                .at(format!("{} ({})", entry.key, entry.place))
                .hint("Move the key below config, or leave config out and give a flat map of keys.");
            self.refuse(problem);
        }
        effective
    }

    /// A flat map of keys. Keys of LXD may stand beside ours, but a slip in a name, and a file that is of another form
    /// altogether, would start a guest without SEV, so they are told.
    fn flat(&mut self, entries: &Entries) -> RawConfig {
        let mut raw = self.keys(entries);
        let mut slips = 0;
        // To compare names is dear, and no flat map that a person wrote is longer.
        for (key, _) in entries.iter().take(256) {
            if let Some((name, meant)) = key.text().and_then(|n| Some((n, keys::mistyped(n)?)))
                && !keys::is_ours(name)
            {
                slips += 1;
                let title = format!("{} is no key of virt-sev, and does not count", shown(name));
                raw.note(Severity::Warning, self.place(key), title, format!("Did you mean {meant}?"));
            }
        }
        if let Some((first, _)) = entries.first()
            && slips == 0
            && raw.is_empty()
        {
            raw.note(
                Severity::Warning,
                self.place(first),
                "no key begins with security.sev, so nothing in this document counts",
                "`virt-sev keys` lists the keys; --config-format names the form of a file that is not recognised.",
            );
        }
        raw
    }

    /// `config` or `expanded_config` of an LXD document. A plain value under that name makes no LXD document.
    fn part<'n>(&mut self, entries: &'n Entries, name: &str) -> Option<&'n Entries> {
        let mut found = None;
        for (key, value) in entries {
            if key.text() != Some(name) {
                continue;
            }
            let this: Option<&Entries> = match &**value {
                Node::Map { entries, .. } => Some(entries),
                // `config:` with nothing behind it: an instance without keys.
                Node::Scalar { null: true, .. } => Some(&[]),
                Node::Scalar { .. } => None,
                Node::List { line, .. } => {
                    let problem =
                        self.wrong(*line, format!("{name} is a list")).wanted("a map of keys and values");
                    self.refuse(problem);
                    None
                }
            };
            if this.is_some() && found.is_some() {
                let problem = self.wrong(key.line(), format!("{name} stands twice"));
                self.refuse(problem);
            }
            found = this.or(found);
        }
        found
    }

    /// Our keys of one map.
    fn keys(&mut self, entries: &Entries) -> RawConfig {
        let mut raw = RawConfig::new();
        for (key, value) in entries {
            let Some(name) = key.text() else { continue };
            if name == "security" {
                self.refuse_nested(value);
            }
            if name == "<<" {
                let problem = self
                    .wrong(key.line(), "a merge key (<<) is not read")
                    .hint("Write the keys out, or give the shared part as a --config of its own.");
                self.refuse(problem);
            }
            if !keys::is_ours(name) {
                continue;
            }
            if raw.is_full() {
                let problem = self.wrong(key.line(), "too many keys begin with security.sev");
                self.refuse(problem);
                break;
            }
            let place = self.place(key);
            if raw.entries().any(|e| e.key == name) {
                let problem =
                    Error::new(Kind::Config, "the key stands twice").at(format!("{name} ({place})"));
                self.refuse(problem);
                continue;
            }
            match &**value {
                Node::Scalar { null: true, .. } => raw.set(name, "", place),
                Node::Scalar { text, tag: None, .. } => raw.set(name, text, place),
                Node::Scalar { tag: Some(tag), .. } => {
                    let problem = Error::new(Kind::Config, "a tag that virt-sev does not know")
                        .at(format!("{name} ({place})"))
                        .found(shown(tag))
                        .wanted("a plain value");
                    self.refuse(problem);
                }
                Node::Map { .. } | Node::List { .. } => {
                    let problem = Error::new(Kind::Config, "not one value")
                        .at(format!("{name} ({place})"))
                        .found(value.describe())
                        .wanted("one value: keys are flat, such as security.sev.policy.es: \"true\"");
                    self.refuse(problem);
                }
            }
        }
        raw
    }

    /// `security: {sev: …}` is no key of LXD's, and to ignore it would start a guest without SEV.
    fn refuse_nested(&mut self, value: &Node) {
        let Node::Map { entries, .. } = value else { return };
        let line = entries
            .iter()
            .find(|(k, _)| k.text().is_some_and(|t| t == "sev" || t.starts_with("sev.")))
            .map(|(k, _)| k.line());
        if let Some(line) = line {
            let problem = self
                .wrong(line, "keys are not nested")
                .found("sev inside security")
                .wanted("the whole name on one line, such as security.sev: \"true\"");
            self.refuse(problem);
        }
    }
}

/// What is inside `{"type": "sync", "metadata": …}`, as LXD's and Incus's REST API answers.
fn rest_answer(root: &Node) -> &Node {
    match (root.get("type").and_then(|n| n.text()), root.get("metadata")) {
        (Some("sync"), Some(inner)) if !matches!(&**inner, Node::Scalar { .. }) => inner,
        _ => root,
    }
}

#[cfg(test)]
#[path = "lxd_tests.rs"]
mod tests;
