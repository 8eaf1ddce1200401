//! A piece of new XML as a tree. In: what a template made. Out: text in the style of its surroundings.
//! Never: a place in a document.

use super::escape::{content_text, escape, unescape_attribute};
use super::scan;
use crate::error::Error;

/// One element to be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// Its name, with its prefix.
    pub name: String,
    /// Its attributes, plain values.
    pub attributes: Vec<(String, String)>,
    /// Its text, plain; `None` for an element that has none.
    pub text: Option<String>,
    /// Its child elements.
    pub children: Vec<Node>,
}

/// How text is laid out where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Style {
    /// The line end, or nothing where all stands on one line.
    pub newline: Option<&'static str>,
    /// White space before the element itself.
    pub indent: String,
    /// One step further in.
    pub unit: String,
    /// Around attribute values.
    pub quote: char,
}

impl Style {
    /// The style for what stands inside an element of this style.
    pub(super) fn deeper(&self) -> Self {
        Self { indent: format!("{}{}", self.indent, self.unit), ..self.clone() }
    }

    /// A line end and the indentation, or nothing.
    pub(super) fn lead(&self) -> String {
        self.newline.map(|n| format!("{n}{}", self.indent)).unwrap_or_default()
    }
}

impl Node {
    /// An element around one other.
    #[must_use]
    pub fn around(name: &str, child: Node) -> Self {
        Self { name: name.to_owned(), children: vec![child], ..Self::default() }
    }

    /// Reads one element. White space between child elements is no text.
    ///
    /// # Errors
    /// `Kind::Domain` when it is not well-formed.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let scan = scan::scan(text)?;
        Ok(Self::read(&scan, text, 0))
    }

    fn read(scan: &scan::Scan, text: &str, at: usize) -> Self {
        let e = &scan.elements[at];
        let attributes = scan.attributes[e.attributes.0..e.attributes.1].iter().map(|a| {
            let value = unescape_attribute(&text[a.value.start..a.value.end]);
            (text[a.name.start..a.name.end].to_owned(), value.unwrap_or_default())
        });
        let mut node = Self {
            name: text[e.name.start..e.name.end].to_owned(),
            attributes: attributes.collect(),
            ..Self::default()
        };
        let mut child = e.first_child;
        while let Some(c) = child {
            node.children.push(Self::read(scan, text, c));
            child = scan.elements[c].next;
        }
        if node.children.is_empty() && !e.empty {
            node.text = content_text(&text[e.inner.start..e.inner.end]);
        }
        node
    }

    /// A document of its own, two blanks further in for every step.
    #[must_use]
    pub fn document(&self) -> String {
        let style = Style { newline: Some("\n"), indent: String::new(), unit: "  ".to_owned(), quote: '\'' };
        let mut out = String::new();
        self.render(&style, &mut out);
        out.push('\n');
        out
    }

    /// Takes in another node of the same name: attributes and text are set, children of the same name are united.
    pub(super) fn merge(&mut self, other: Node) {
        for (name, value) in other.attributes {
            match self.attributes.iter_mut().find(|(n, _)| *n == name) {
                Some(known) => known.1 = value,
                None => self.attributes.push((name, value)),
            }
        }
        if other.text.is_some() {
            self.text = other.text;
        }
        for child in other.children {
            match self.children.iter_mut().find(|c| c.name == child.name) {
                Some(known) => known.merge(child),
                None => self.children.push(child),
            }
        }
    }

    /// Puts the children, and theirs, into libvirt's order.
    pub(super) fn sort(&mut self) {
        let parent = self.name.clone();
        self.children.sort_by_key(|c| super::order::rank(&parent, &c.name));
        for child in &mut self.children {
            child.sort();
        }
    }

    pub(super) fn render(&self, style: &Style, out: &mut String) {
        out.push('<');
        out.push_str(&self.name);
        for (name, value) in &self.attributes {
            out.push_str(&attribute(name, value, style.quote));
        }
        if self.text.is_none() && self.children.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        if let Some(text) = &self.text {
            out.push_str(&escape(text));
        }
        let inside = style.deeper();
        for child in &self.children {
            out.push_str(&inside.lead());
            child.render(&inside, out);
        }
        if !self.children.is_empty() {
            out.push_str(&style.lead());
        }
        out.push_str("</");
        out.push_str(&self.name);
        out.push('>');
    }
}

/// An attribute with the blank before it.
pub(super) fn attribute(name: &str, value: &str, quote: char) -> String {
    format!(" {name}={quote}{}{quote}", escape(value))
}

impl std::fmt::Display for Node {
    /// On one line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let style = Style { newline: None, indent: String::new(), unit: String::new(), quote: '\'' };
        let mut out = String::new();
        self.render(&style, &mut out);
        f.write_str(&out)
    }
}
