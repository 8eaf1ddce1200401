//! A document of known keys. In: YAML or JSON. Out: typed values, and every problem in one run. Never: a key that is not known
//! or stands twice, or a list that is empty: each would allow more than somebody thinks.

use super::{value, yaml};
use crate::{Error, Kind, Result};
use std::rc::Rc;

/// A document, and what is wrong with it so far.
pub(crate) struct Strict<'a> {
    name: &'a str,
    root: Rc<yaml::Node>,
    problems: Vec<Error>,
}

impl<'a> Strict<'a> {
    /// Reads it; `what` says what it is: `policy file`.
    pub(crate) fn parse(text: &str, name: &'a str, what: &str, keys: &[&str]) -> Result<Self> {
        let roots = yaml::parse(text, name)?;
        let [root] = roots.as_slice() else {
            return Err(Error::new(Kind::Config, format!("a {what} is one document"))
                .at(name)
                .found(format!("{} documents", roots.len())));
        };
        let mut this = Self { name, root: Rc::clone(root), problems: Vec::new() };
        if root.is_null() || !matches!(**root, yaml::Node::Map { .. }) {
            return Err(this.wrong(root, &format!("a {what} is a map of keys")).wanted(keys.join(", ")));
        }
        for (n, (key, _)) in root.entries().iter().enumerate() {
            let found = value::shown(key.text().unwrap_or_default());
            if key.text().is_some() && root.entries()[..n].iter().any(|(k, _)| k.text() == key.text()) {
                let e = this.wrong(key, &format!("a key stands twice in the {what}")).found(found.clone());
                this.problems.push(e);
            }
            if !key.text().is_some_and(|k| keys.contains(&k)) {
                let e = this.wrong(key, &format!("an unknown key in the {what}"));
                this.problems.push(e.found(found).wanted(keys.join(", ")));
            }
        }
        Ok(this)
    }

    fn wrong(&self, node: &yaml::Node, what: &str) -> Error {
        Error::new(Kind::Config, what).at(format!("{}:{}", self.name, node.line()))
    }

    /// Whether this key is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.root.get(key).is_some()
    }

    /// Something is wrong with this key.
    pub(crate) fn refuse(&mut self, key: &str, what: &str, wanted: &str) {
        if let Some(node) = self.root.get(key) {
            let e = self.wrong(node, what).wanted(wanted);
            self.problems.push(e);
        }
    }

    /// One value.
    pub(crate) fn one<T>(&mut self, key: &str, read: fn(&str) -> Result<T>) -> Option<T> {
        let node = Rc::clone(self.root.get(key)?);
        self.item(key, &node, read)
    }

    fn item<T>(&mut self, key: &str, node: &yaml::Node, read: fn(&str) -> Result<T>) -> Option<T> {
        let result = match node.text().filter(|_| !node.is_null()) {
            Some(text) => read(text),
            None => Err(Error::new(Kind::Config, "not a plain value").found(node.describe())),
        };
        result.map_err(|e| self.problems.push(e.at(format!("{}:{}: {key}", self.name, node.line())))).ok()
    }

    /// A list, which has at least one value.
    pub(crate) fn list<T>(&mut self, key: &str, read: fn(&str) -> Result<T>) -> Option<Vec<T>> {
        let node = Rc::clone(self.root.get(key)?);
        let items = match &*node {
            yaml::Node::List { items, .. } => items.as_slice(),
            yaml::Node::Scalar { .. } | yaml::Node::Map { .. } => {
                let e = self.wrong(&node, "a list is wanted here").found(node.describe());
                self.problems.push(e.hint(format!("Write: {key}: [VALUE, VALUE]")));
                return Some(Vec::new());
            }
        };
        if items.is_empty() {
            let e = self.wrong(&node, "an empty list allows nothing");
            self.problems.push(e.hint(format!("Leave {key} out where anything is allowed.")));
        }
        Some(items.iter().filter_map(|item| self.item(key, item, read)).collect())
    }

    /// The result, unless anything is wrong.
    pub(crate) fn finish<T>(self, result: T) -> Result<T> {
        Error::many(self.problems).map_or(Ok(result), Err)
    }
}
