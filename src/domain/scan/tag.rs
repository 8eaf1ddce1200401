//! Start and end tags (XML 1.0, section 3.1; Namespaces in XML 1.0). In: where one begins. Out: an element of the scan.

use super::super::escape::unescape_attribute;
use super::super::limits;
use super::super::path::line_column;
use super::super::tree::{Attribute, Element, ElementId, Ns, place, same_name, short};
use super::{Declaration, Scanner, is_blank, name, past};
use crate::error::Error;

/// The namespace that the prefix `xml` always means (Namespaces in XML 1.0, section 3).
const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// The namespace of the declarations themselves, which nothing else may have.
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

impl<'a> Scanner<'a> {
    pub(super) fn start_tag(&mut self) -> Result<(), Error> {
        let (text, start) = (self.text, self.at);
        let index = self.out.elements.len();
        let here = || line_column(text, start);
        limits::check("elements", index + 1, limits::MAX_ELEMENTS, here)?;
        limits::check("elements inside one another", self.open.len() + 1, limits::MAX_DEPTH, here)?;
        if self.open.is_empty() && index > 0 {
            return Err(self.error(start, "a second root element"));
        }
        let run = name::run(self.bytes, start + 1);
        let Some(prefix) = name::prefix(text, start + 1, run) else {
            return Err(self.error(start, "not an XML name").found(&text[start..run.end]));
        };
        let name_length = run.end - start - 1;
        limits::check("bytes of one name", name_length, limits::MAX_NAME, here)?;
        self.at = run.end;
        let first = self.out.attributes.len();
        self.attributes()?;
        let empty = self.peek() == Some(b'/');
        self.at += usize::from(empty);
        if self.peek() != Some(b'>') {
            return Err(self.error(start, "a tag that does not end").wanted("'>'"));
        }
        self.at += 1;
        self.declare(first, start)?;
        let Some(ns) = self.resolve(prefix) else {
            return Err(self.error(start, "an undeclared namespace prefix").found(prefix));
        };
        self.out.elements.push(Element {
            start: place(start),
            end: place(self.at),
            inner_start: place(self.at),
            inner_end: place(self.at),
            parent: self.open.last().copied(),
            after: place(index + 1),
            attributes: place(first),
            name_length: short(name_length),
            ns,
        });
        if empty {
            self.leave_scope(self.open.len() + 1);
        } else {
            self.open.push(ElementId::of_index(index));
        }
        Ok(())
    }

    pub(super) fn end_tag(&mut self) -> Result<(), Error> {
        let start = self.at;
        let end = name::run(self.bytes, start + 2).end;
        let found = start + 2..end;
        let Some(open) = self.open.pop() else {
            let found = format!("</{}>", &self.text[found]);
            return Err(self.error(start, "an end tag without its start tag").found(found));
        };
        let wanted = self.out.element(open).name();
        self.at = past(self.bytes, end, is_blank);
        if !same_name(&self.bytes[found.clone()], wanted.of_bytes(self.text)) || self.peek() != Some(b'>') {
            return Err(self
                .error(start, "not the end tag that is due")
                .found(format!("</{}", &self.text[found]))
                .wanted(format!("</{}>", wanted.of(self.text))));
        }
        self.at += 1;
        let after = place(self.out.elements.len());
        let element = &mut self.out.elements[open.index()];
        element.inner_end = place(start);
        element.end = place(self.at);
        element.after = after;
        self.leave_scope(self.open.len() + 1);
        Ok(())
    }

    /// Reads attributes up to `>`, `/` or `?`.
    pub(super) fn attributes(&mut self) -> Result<(), Error> {
        let (text, bytes) = (self.text, self.bytes);
        let first = self.out.attributes.len();
        let mut at = self.at;
        loop {
            let start = past(bytes, at, is_blank);
            match bytes.get(start) {
                Some(b'>' | b'/' | b'?') => {
                    self.at = start;
                    return Ok(());
                }
                Some(_) => {}
                None => return Err(self.error(at, "a tag that does not end").wanted("'>'")),
            }
            let run = name::run(bytes, start);
            let equals = past(bytes, run.end, is_blank);
            let named = start > at && name::prefix(text, start, run).is_some();
            if !named || bytes.get(equals) != Some(&b'=') {
                return Err(self.error(start, "not an attribute").wanted("NAME=\"VALUE\" after a blank"));
            }
            let opening = past(bytes, equals + 1, is_blank);
            let Some(quote @ (b'"' | b'\'')) = bytes.get(opening).copied() else {
                return Err(self.error(start, "an attribute without quotes"));
            };
            let mut end = opening + 1;
            loop {
                end = past(bytes, end, |b| !matches!(b, b'"' | b'\'' | b'<' | b'&'));
                match bytes.get(end).copied() {
                    Some(b) if b == quote => break,
                    Some(b'<') => {
                        return Err(self.error(start, "'<' in an attribute").hint("Write &lt; for it."));
                    }
                    Some(b'&') => end = self.reference(end)?,
                    Some(_) => end += 1,
                    None => return Err(self.error(start, "an attribute whose quotes do not end")),
                }
            }
            let known = &self.out.attributes[first..];
            let name = &bytes[start..run.end];
            if known.iter().any(|a| same_name(a.name().of_bytes(text), name)) {
                let found = &text[start..run.end];
                return Err(self.error(start, "an attribute that stands twice").found(found));
            }
            limits::check("attributes of one element", known.len() + 1, limits::MAX_ATTRIBUTES, || {
                line_column(text, start)
            })?;
            self.out.attributes.push(Attribute {
                name: place(start),
                name_end: place(run.end),
                value: place(opening + 1),
                value_end: place(end),
            });
            at = end + 1;
        }
    }

    /// Takes in the namespace declarations of a start tag (Namespaces in XML 1.0, section 3).
    fn declare(&mut self, first: usize, at: usize) -> Result<(), Error> {
        let depth = self.open.len() + 1;
        for i in first..self.out.attributes.len() {
            let attribute = self.out.attributes[i];
            if self.bytes[attribute.name as usize] != b'x' {
                continue;
            }
            let prefix = match attribute.name().of(self.text).strip_prefix("xmlns") {
                Some("") => "",
                Some(rest) => match rest.strip_prefix(':') {
                    Some(prefix) => prefix,
                    None => continue,
                },
                None => continue,
            };
            let uri = unescape_attribute(attribute.value().of(self.text)).unwrap_or_default();
            // libxml2 leaves such a declaration out, and the element is libvirt's own.
            if prefix == "xmlns" || uri == XMLNS || (prefix == "xml") != (uri == XML) {
                return Err(self
                    .error(attribute.name().start, "a namespace that XML keeps for itself")
                    .found(attribute.name().of(self.text)));
            }
            let namespace = if uri.is_empty() { Ns::NONE } else { self.number(&uri) };
            self.scope.push(Declaration { depth, prefix, namespace });
            let here = || line_column(self.text, at);
            let (names, scope) = (self.out.namespaces.len(), self.scope.len());
            limits::check("namespaces", names, limits::MAX_NAMESPACE_NAMES, here)?;
            limits::check("namespace declarations", scope, limits::MAX_NAMESPACES, here)?;
        }
        Ok(())
    }

    fn number(&mut self, uri: &str) -> Ns {
        let known = self.out.namespaces.iter().position(|u| u == uri);
        Ns::of_number(known.unwrap_or_else(|| {
            self.out.namespaces.push(uri.to_owned());
            self.out.namespaces.len() - 1
        }))
    }

    /// The namespace of a prefix: `None` when it is not declared.
    fn resolve(&mut self, prefix: &str) -> Option<Ns> {
        match self.scope.iter().rev().find(|d| d.prefix == prefix) {
            Some(d) if prefix.is_empty() || d.namespace != Ns::NONE => Some(d.namespace),
            Some(_) => None,
            None if prefix.is_empty() => Some(Ns::NONE),
            None if prefix == "xml" => Some(self.number(XML)),
            None => None,
        }
    }

    /// Forgets the declarations of the element at this depth, which is being left.
    fn leave_scope(&mut self, depth: usize) {
        while self.scope.last().is_some_and(|d| d.depth >= depth) {
            self.scope.pop();
        }
    }
}
