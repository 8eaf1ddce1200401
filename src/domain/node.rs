//! A piece of new XML as a tree. In: what a template made. Out: text in the style of its surroundings.
//! Never: a place in a document.

use super::escape::{content_text, push_escaped, unescape_attribute};
use super::path::line_column;
use super::scan;
use super::tree::{ElementId, Scan, Span};
use crate::codes::Kind;
use crate::error::Error;
use std::borrow::Cow;

/// Text that is the program's own, and need not be copied, or that was made.
pub type Text = Cow<'static, str>;

/// One element to be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// Its name, with its prefix.
    pub name: Text,
    /// Its attributes, plain values.
    pub attributes: Vec<(Text, Text)>,
    /// Its text, plain; `None` for an element that has none.
    pub text: Option<Text>,
    /// Its child elements.
    pub children: Vec<Node>,
}

/// How text is laid out where it goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style<'a> {
    /// The line end, or nothing where all stands on one line.
    pub newline: Option<&'static str>,
    /// White space before an element on its line.
    pub indent: &'a str,
    /// Steps further in than `indent`.
    pub steps: usize,
    /// The white space of one step.
    pub unit: &'a str,
    /// Around attribute values.
    pub quote: char,
}

impl Style<'_> {
    /// The style for what stands inside an element of this style.
    fn deeper(self) -> Self {
        Self { steps: self.steps + 1, ..self }
    }

    /// A line end and the indentation, or nothing.
    pub(super) fn push_lead(&self, out: &mut String) {
        if let Some(newline) = self.newline {
            out.push_str(newline);
            out.push_str(self.indent);
            for _ in 0..self.steps {
                out.push_str(self.unit);
            }
        }
    }
}

impl Node {
    /// An element around one other.
    #[must_use]
    pub fn around(name: &str, child: Node) -> Self {
        Self { name: name.to_owned().into(), children: vec![child], ..Self::default() }
    }

    /// Reads one element. White space between child elements is no text.
    ///
    /// # Errors
    /// `Kind::Domain` when it is not well-formed.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Ok(Self::read(&scan::scan(text)?, text, ElementId::ROOT, &|t| Text::Owned(t.into_owned())))
    }

    /// [`Node::parse`] of what is compiled in, which is not copied.
    pub(crate) fn parse_static(text: &'static str) -> Result<Self, Error> {
        Ok(Self::read(&scan::scan(text)?, text, ElementId::ROOT, &|t| t))
    }

    /// Reads one element of which nothing may get lost but comments: text beside child elements is refused.
    ///
    /// # Errors
    /// `Kind::Domain` as [`Node::parse`], and for such text.
    pub(crate) fn parse_data(text: &str) -> Result<Self, Error> {
        let scan = scan::scan(text)?;
        for id in (0..scan.elements.len()).map(ElementId::of_index) {
            if scan.is_leaf(id) {
                continue;
            }
            let inner = scan.element(id).inner();
            let children = scan.children(id).map(|(_, e)| e.span());
            let mut from = inner.start;
            for next in children.chain([Span { start: inner.end, end: inner.end }]) {
                if content_text(&text[from..next.start]).is_none_or(|t| !t.trim().is_empty()) {
                    let e = Error::new(Kind::Domain, "text beside elements").at(line_column(text, from));
                    return Err(e.wanted("an element with either"));
                }
                from = next.end;
            }
        }
        Ok(Self::read(&scan, text, ElementId::ROOT, &|t| Text::Owned(t.into_owned())))
    }

    fn read<'t>(scan: &Scan, text: &'t str, at: ElementId, keep: &dyn Fn(Cow<'t, str>) -> Text) -> Self {
        let e = scan.element(at);
        let name = |span: Span| keep(Cow::Borrowed(span.of(text)));
        let attributes = scan.attributes_of(at).iter().map(|a| {
            let value = unescape_attribute(a.value().of(text)).unwrap_or_default();
            (name(a.name()), keep(value))
        });
        let mut node = Self { name: name(e.name()), attributes: attributes.collect(), ..Self::default() };
        node.children.extend(scan.children(at).map(|(c, _)| Self::read(scan, text, c, keep)));
        if node.children.is_empty() && !e.is_empty() {
            node.text = content_text(e.inner().of(text)).map(keep);
        }
        node
    }

    /// A document of its own, two blanks further in for every step.
    #[must_use]
    pub fn document(&self) -> String {
        let style = Style { newline: Some("\n"), indent: "", steps: 0, unit: "  ", quote: '\'' };
        let mut out = String::new();
        self.render(&style, &mut out);
        out.push('\n');
        out
    }

    /// Takes in another node of the same name: its attributes and its text come to these, children of the same name
    /// are united. False, and half done, when both have the same attribute or a text.
    pub(super) fn merge(&mut self, other: &Node) -> bool {
        for (name, value) in &other.attributes {
            if self.attributes.iter().any(|(n, _)| n == name) {
                return false;
            }
            self.attributes.push((name.clone(), value.clone()));
        }
        if other.text.is_some() {
            if self.text.is_some() {
                return false;
            }
            self.text.clone_from(&other.text);
        }
        other.children.iter().all(|child| match self.children.iter_mut().find(|c| c.name == child.name) {
            Some(known) => known.merge(child),
            None => {
                self.children.push(child.clone());
                true
            }
        })
    }

    pub(super) fn render(&self, style: &Style<'_>, out: &mut String) {
        out.push('<');
        out.push_str(&self.name);
        for (name, value) in &self.attributes {
            push_attribute(name, value, style.quote, out);
        }
        if self.text.is_none() && self.children.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        if let Some(text) = &self.text {
            push_escaped(text, out);
        }
        if !self.children.is_empty() {
            let inside = style.deeper();
            let mut write = |child: &Node| {
                inside.push_lead(out);
                child.render(&inside, out);
            };
            // In libvirt's order; most are.
            let order = super::order::of(&self.name);
            if self.children.is_sorted_by_key(|c| order.rank(&c.name)) {
                self.children.iter().for_each(&mut write);
            } else {
                let mut sorted: Vec<_> = self.children.iter().collect();
                sorted.sort_by_key(|c| order.rank(&c.name));
                sorted.into_iter().for_each(&mut write);
            }
            style.push_lead(out);
        }
        out.push_str("</");
        out.push_str(&self.name);
        out.push('>');
    }
}

/// An attribute with the blank before it.
pub(super) fn push_attribute(name: &str, value: &str, quote: char, out: &mut String) {
    out.push(' ');
    out.push_str(name);
    out.push('=');
    out.push(quote);
    push_escaped(value, out);
    out.push(quote);
}

impl std::fmt::Display for Node {
    /// On one line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let style = Style { newline: None, indent: "", steps: 0, unit: "", quote: '\'' };
        let mut out = String::new();
        self.render(&style, &mut out);
        f.write_str(&out)
    }
}
