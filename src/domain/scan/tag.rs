//! Start and end tags (XML 1.0, section 3.1; Namespaces in XML 1.0). In: where one begins. Out: an element of the scan.

use super::super::escape::unescape_attribute;
use super::super::limits;
use super::super::path::line_column;
use super::super::tree::{Attribute, Element, ElementId, Ns, place, short};
use super::{Declaration, Open, Scanner, name};
use crate::error::Error;

/// The namespace that the prefix `xml` always means (Namespaces in XML 1.0, section 3).
const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// The namespace of the declarations themselves, which nothing else may have.
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

impl<'a> Scanner<'a> {
    pub(super) fn start_tag(&mut self) -> Result<(), Error> {
        let (text, start) = (self.text, self.at);
        let index = self.out.elements.len();
        limits::check("elements", index + 1, limits::MAX_ELEMENTS, || "document".into())?;
        limits::check("elements inside one another", self.stack.len() + 1, limits::MAX_DEPTH, || {
            line_column(text, start)
        })?;
        if self.stack.is_empty() && index > 0 {
            return Err(self.error(start, "a second root element"));
        }
        let run = name::run(text, start + 1);
        let name_end = run.end;
        let Some((prefix, local)) = name::split(run, &text[start + 1..name_end]) else {
            return Err(self
                .error(start, "not an XML name")
                .found(format!("<{}", &text[start + 1..name_end])));
        };
        let name_length = name_end - start - 1;
        limits::check("bytes of one name", name_length, limits::MAX_NAME, || line_column(text, start))?;
        self.at = name_end;
        let first = self.out.attributes.len();
        while self.attribute(first)? {}
        let empty = self.peek() == Some(b'/');
        self.at += usize::from(empty);
        if self.peek() != Some(b'>') {
            return Err(self.error(start, "a tag that does not end").wanted("'>'"));
        }
        self.at += 1;
        self.declare(first, start)?;
        let ns = match self.resolve(prefix) {
            Some(None) => Ns::None,
            Some(Some(n)) => Ns::Other(n),
            None => return Err(self.error(start, "an undeclared namespace prefix").found(prefix)),
        };
        let id = ElementId::of_index(index);
        let parent = self.stack.last().map(|open| open.element);
        if let Some(before) = self.stack.last_mut().and_then(|open| open.last_child.replace(id)) {
            self.out.elements[before.index()].next = Some(id);
        }
        self.out.elements.push(Element {
            start: place(start),
            end: place(self.at),
            inner_start: place(self.at),
            inner_end: place(self.at),
            parent,
            next: None,
            attributes: place(first),
            name_length: short(name_length),
            prefix_length: short(name_length - local.len()),
            ns,
        });
        if empty {
            self.leave_scope(self.stack.len() + 1);
        } else {
            self.stack.push(Open { element: id, last_child: None });
        }
        Ok(())
    }

    pub(super) fn end_tag(&mut self) -> Result<(), Error> {
        let start = self.at;
        let end = name::run(self.text, start + 2).end;
        let found = &self.text[start + 2..end];
        let Some(open) = self.stack.pop() else {
            return Err(self.error(start, "an end tag without its start tag").found(format!("</{found}>")));
        };
        let wanted = self.out.element(open.element).name().of(self.text);
        self.at = end;
        self.skip_blank();
        if found != wanted || self.peek() != Some(b'>') {
            let wanted = format!("</{wanted}>");
            return Err(self
                .error(start, "not the end tag that is due")
                .found(format!("</{found}"))
                .wanted(wanted));
        }
        self.at += 1;
        let element = &mut self.out.elements[open.element.index()];
        element.inner_end = place(start);
        element.end = place(self.at);
        self.leave_scope(self.stack.len() + 1);
        Ok(())
    }

    /// Reads one attribute, and says whether there was one: not at `>`, `/` and `?`. `first` is the tag's first.
    pub(super) fn attribute(&mut self, first: usize) -> Result<bool, Error> {
        let text = self.text;
        let before = self.at;
        self.skip_blank();
        let start = self.at;
        match self.peek() {
            Some(b'>' | b'/' | b'?') => return Ok(false),
            Some(_) => {}
            None => return Err(self.error(before, "a tag that does not end").wanted("'>'")),
        }
        let run = name::run(text, start);
        let name_end = run.end;
        let name = &text[start..name_end];
        self.at = name_end;
        self.skip_blank();
        if start == before || name::split(run, name).is_none() || self.peek() != Some(b'=') {
            return Err(self.error(start, "not an attribute").wanted("NAME=\"VALUE\" after a blank"));
        }
        self.at += 1;
        self.skip_blank();
        let Some(quote @ (b'"' | b'\'')) = self.peek() else {
            return Err(self.error(start, "an attribute without quotes"));
        };
        self.at += 1;
        let value = self.at;
        loop {
            self.skip_while(|b| !matches!(b, b'"' | b'\'' | b'<' | b'&'));
            match self.peek() {
                Some(b) if b == quote => break,
                Some(b'<') => {
                    return Err(self.error(start, "'<' in an attribute").hint("Write &lt; for it."));
                }
                Some(b'&') => self.at = self.reference(self.at)?,
                Some(_) => self.at += 1,
                None => return Err(self.error(start, "an attribute whose quotes do not end")),
            }
        }
        let value_end = self.at;
        self.at += 1;
        let known = &self.out.attributes[first..];
        if known.iter().any(|a| a.name().of(text) == name) {
            return Err(self.error(start, "an attribute that stands twice").found(name));
        }
        limits::check("attributes of one element", known.len() + 1, limits::MAX_ATTRIBUTES, || {
            line_column(text, start)
        })?;
        self.out.attributes.push(Attribute {
            name: place(start),
            name_end: place(name_end),
            value: place(value),
            value_end: place(value_end),
        });
        Ok(true)
    }

    /// Takes in the namespace declarations of a start tag (Namespaces in XML 1.0, section 3).
    fn declare(&mut self, first: usize, at: usize) -> Result<(), Error> {
        let depth = self.stack.len() + 1;
        for i in first..self.out.attributes.len() {
            let attribute = self.out.attributes[i];
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
            let namespace = if uri.is_empty() { None } else { Some(self.number(&uri)) };
            self.scope.push(Declaration { depth, prefix, namespace });
            let here = || line_column(self.text, at);
            let (names, scope) = (self.out.namespaces.len(), self.scope.len());
            limits::check("namespaces", names, limits::MAX_NAMESPACE_NAMES, here)?;
            limits::check("namespace declarations", scope, limits::MAX_NAMESPACES, here)?;
        }
        Ok(())
    }

    fn number(&mut self, uri: &str) -> u16 {
        let known = self.out.namespaces.iter().position(|u| u == uri);
        short(known.unwrap_or_else(|| {
            self.out.namespaces.push(uri.to_owned());
            self.out.namespaces.len() - 1
        }))
    }

    /// The namespace of a prefix: `None` when it is not declared, `Some(None)` for no namespace.
    fn resolve(&mut self, prefix: &str) -> Option<Option<u16>> {
        match self.scope.iter().rev().find(|d| d.prefix == prefix) {
            Some(d) if prefix.is_empty() || d.namespace.is_some() => Some(d.namespace),
            Some(_) => None,
            None if prefix.is_empty() => Some(None),
            None if prefix == "xml" => Some(Some(self.number(XML))),
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
