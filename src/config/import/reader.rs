//! What every reader of a document needs. In: nodes. Out: fields, problems with their line. Never: a key.

use crate::config::yaml::Node;
use crate::{Error, Kind, Result};
use std::rc::Rc;

/// Reads one document, and gathers what is wrong with it.
pub(super) struct Reader<'a> {
    name: &'a str,
    pub(super) problems: Vec<Error>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(name: &'a str) -> Self {
        Self { name, problems: Vec::new() }
    }

    /// The document's name.
    pub(super) fn name(&self) -> &'a str {
        self.name
    }

    /// What was read, or every problem.
    pub(super) fn finish<T>(self, read: T) -> Result<T> {
        Error::many(self.problems).map_or(Ok(read), Err)
    }

    /// `guest.yaml:4`.
    pub(super) fn place(&self, node: &Node) -> String {
        format!("{}:{}", self.name, node.line())
    }

    pub(super) fn wrong(&self, line: usize, message: impl Into<String>) -> Error {
        Error::new(Kind::Config, message).at(format!("{}:{line}", self.name))
    }

    pub(super) fn refuse(&mut self, problem: Error) {
        self.problems.push(problem);
    }

    /// A field of a map that is there and not null. To stand twice is an error: to take either would be a guess.
    pub(super) fn field<'n>(&mut self, map: &'n Node, name: &str) -> Option<&'n Rc<Node>> {
        let mut all = map.entries().iter().filter(|(k, _)| k.text() == Some(name));
        let (_, value) = all.next()?;
        if let Some((again, _)) = all.next() {
            let problem = self.wrong(again.line(), format!("{name} stands twice"));
            self.refuse(problem);
        }
        (!value.is_null()).then_some(value)
    }

    /// The field at the end of a path; each on the way must be a map.
    pub(super) fn at<'n>(&mut self, map: &'n Node, path: &[&str]) -> Option<&'n Rc<Node>> {
        let (first, rest) = path.split_first()?;
        let value = self.field(map, first)?;
        if rest.is_empty() {
            return Some(value);
        }
        if self.is_map(value, first) { self.at(value, rest) } else { None }
    }

    /// True for a map; anything else is told.
    pub(super) fn is_map(&mut self, node: &Node, name: &str) -> bool {
        if matches!(node, Node::Map { .. }) {
            return true;
        }
        let problem =
            self.wrong(node.line(), format!("{name} is not a map")).found(node.describe()).wanted("a map");
        self.refuse(problem);
        false
    }

    /// The text of a plain value; anything else is told.
    pub(super) fn scalar<'n>(&mut self, node: &'n Node, name: &str) -> Option<&'n str> {
        let text = node.text();
        if text.is_none() {
            let problem = self
                .wrong(node.line(), format!("{name} is not one value"))
                .found(node.describe())
                .wanted("one value");
            self.refuse(problem);
        }
        text
    }
}
