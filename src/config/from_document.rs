//! Keys from a YAML or JSON document. In: text and its name. Out: [`RawConfig`]. Never: a key that belongs
//! to LXD, nor the meaning of a value.
//!
//! Three shapes are read: a flat map of keys; an LXD or Incus instance or profile, whose keys lie in
//! `config`, and in `expanded_config` where profiles are counted in; the REST API's answer around one.

use super::keys;
use super::raw::RawConfig;
use super::value::shown;
use super::yaml::{self, Node};
use crate::{Error, Kind, Result};
use std::rc::Rc;

type Entries = [(Rc<Node>, Rc<Node>)];

/// Reads a document. An empty one has no keys.
///
/// # Errors
/// Every problem of the document's form: not YAML, not a map, a key twice, a value that is a map or a list.
pub fn from_document(text: &str, name: &str) -> Result<RawConfig> {
    let Some(root) = yaml::parse(text, name)? else { return Ok(RawConfig::new()) };
    let mut reader = Reader { name, problems: Vec::new() };
    let raw = reader.root(&root);
    match Error::many(reader.problems) {
        Some(error) => Err(error),
        None => Ok(raw),
    }
}

struct Reader<'a> {
    name: &'a str,
    problems: Vec<Error>,
}

impl Reader<'_> {
    fn root(&mut self, root: &Node) -> RawConfig {
        match root {
            Node::Scalar { null: true, .. } => RawConfig::new(),
            Node::Map { entries, .. } => self.instance(rest_answer(entries)),
            Node::Scalar { line, .. } | Node::List { line } => {
                let problem = self
                    .wrong(*line, "not a map of keys")
                    .found(root.describe())
                    .wanted("lines such as security.sev: \"true\", or an LXD instance document");
                self.problems.push(problem);
                RawConfig::new()
            }
        }
    }

    /// An LXD document, or a flat map.
    fn instance(&mut self, entries: &Entries) -> RawConfig {
        let config = self.part(entries, "config");
        let expanded = self.part(entries, "expanded_config");
        let (effective, inner) = match (config, expanded) {
            (None, None) => return self.keys(entries),
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
                    self.problems.push(problem);
                }
            }
        }
        for entry in self.keys(entries).entries() {
            let problem = Error::new(Kind::Config, "stands beside config, where LXD does not read it")
                .at(format!("{} ({})", entry.key, entry.place))
                .hint("Move the key below config, or leave config out and give a flat map of keys.");
            self.problems.push(problem);
        }
        effective
    }

    /// `config` or `expanded_config` of an LXD document. A plain value under that name makes no LXD document.
    fn part<'n>(&mut self, entries: &'n Entries, name: &str) -> Option<&'n Entries> {
        let mut found = None;
        for (key, value) in entries {
            if text_of(key) != Some(name) {
                continue;
            }
            let this: Option<&Entries> = match &**value {
                Node::Map { entries, .. } => Some(entries),
                // `config:` with nothing behind it: an instance without keys.
                Node::Scalar { null: true, .. } => Some(&[]),
                Node::Scalar { .. } => None,
                Node::List { line } => {
                    let problem =
                        self.wrong(*line, format!("{name} is a list")).wanted("a map of keys and values");
                    self.problems.push(problem);
                    None
                }
            };
            if this.is_some() && found.is_some() {
                let problem = self.wrong(key.line(), format!("{name} stands twice"));
                self.problems.push(problem);
            }
            found = this.or(found);
        }
        found
    }

    /// Our keys of one map.
    fn keys(&mut self, entries: &Entries) -> RawConfig {
        let mut raw = RawConfig::new();
        for (key, value) in entries {
            let Some(name) = text_of(key) else { continue };
            if name == "security" {
                self.refuse_nested(value);
            }
            if name == "<<" {
                let problem = self
                    .wrong(key.line(), "a merge key (<<) is not read")
                    .hint("Write the keys out, or give the shared part as a --config of its own.");
                self.problems.push(problem);
            }
            if !keys::is_ours(name) {
                continue;
            }
            if raw.is_full() {
                let problem = self.wrong(key.line(), "too many keys begin with security.sev");
                self.problems.push(problem);
                break;
            }
            let place = format!("{}:{}", self.name, key.line());
            if raw.entries().any(|e| e.key == name) {
                let problem =
                    Error::new(Kind::Config, "the key stands twice").at(format!("{name} ({place})"));
                self.problems.push(problem);
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
                    self.problems.push(problem);
                }
                Node::Map { .. } | Node::List { .. } => {
                    let problem = Error::new(Kind::Config, "not one value")
                        .at(format!("{name} ({place})"))
                        .found(value.describe())
                        .wanted("one value: keys are flat, such as security.sev.policy.es: \"true\"");
                    self.problems.push(problem);
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
            .find(|(k, _)| text_of(k).is_some_and(|t| t == "sev" || t.starts_with("sev.")))
            .map(|(k, _)| k.line());
        if let Some(line) = line {
            let problem = self
                .wrong(line, "keys are not nested")
                .found("sev inside security")
                .wanted("the whole name on one line, such as security.sev: \"true\"");
            self.problems.push(problem);
        }
    }

    fn wrong(&self, line: usize, message: impl Into<String>) -> Error {
        Error::new(Kind::Config, message).at(format!("{}:{line}", self.name))
    }
}

fn text_of(node: &Node) -> Option<&str> {
    match node {
        Node::Scalar { text, .. } => Some(text),
        Node::Map { .. } | Node::List { .. } => None,
    }
}

/// The instance inside `{"type": "sync", "metadata": {…}}`, as LXD's and Incus's REST API answers.
fn rest_answer(entries: &Entries) -> &Entries {
    let get = |name: &str| entries.iter().find(|(k, _)| text_of(k) == Some(name)).map(|(_, v)| &**v);
    match (get("type").and_then(text_of), get("metadata")) {
        (Some("sync"), Some(Node::Map { entries: inner, .. })) => inner,
        _ => entries,
    }
}

#[cfg(test)]
#[path = "from_document_tests.rs"]
mod tests;
