//! From text to elements with byte spans. In: the document. Out: one flat list of elements, each with its span,
//! its attributes' spans and its links. Never: a copy of the document, a meaning.

use super::escape::is_xml_char;
use super::limits;
use crate::codes::Kind;
use crate::error::Error;
use quick_xml::events::{BytesDecl, BytesStart, Event};
use quick_xml::reader::Reader;

/// A range of bytes of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// Which namespace an element is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Ns {
    /// None: libvirt's own elements.
    None,
    /// Another one, by its number in [`Scan::namespaces`].
    Other(usize),
}

/// One element.
#[derive(Debug, Clone)]
pub(super) struct Element {
    /// The name in the start tag, with its prefix.
    pub name: Span,
    /// Where the local name begins.
    pub local: usize,
    pub ns: Ns,
    pub parent: Option<usize>,
    pub first_child: Option<usize>,
    pub next: Option<usize>,
    /// The whole element.
    pub span: Span,
    /// Between the tags; for `<a/>` empty, at the element's end.
    pub inner: Span,
    /// `<a/>`.
    pub empty: bool,
    /// Its attributes in [`Scan::attributes`].
    pub attributes: (usize, usize),
}

/// One attribute: `name`, then `value` without its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attribute {
    pub name: Span,
    pub value: Span,
}

/// What the scan found.
#[derive(Debug, Clone, Default)]
pub(super) struct Scan {
    pub elements: Vec<Element>,
    pub attributes: Vec<Attribute>,
    pub namespaces: Vec<String>,
}

struct Scanner<'a> {
    text: &'a str,
    out: Scan,
    /// Open elements.
    stack: Vec<usize>,
    /// The last finished child of each open element, and at index 0 the last root.
    last: Vec<Option<usize>>,
    /// Namespace declarations in scope: depth, prefix, number in `namespaces` (none: undeclared again).
    scope: Vec<(usize, &'a str, Option<usize>)>,
}

/// Reads the document once, from its first byte to its last.
pub(super) fn scan(text: &str) -> Result<Scan, Error> {
    limits::check("bytes", text.len(), limits::MAX_BYTES, || "document".into())?;
    let base = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut scanner =
        Scanner { text, out: Scan::default(), stack: Vec::new(), last: vec![None], scope: Vec::new() };
    if let Some((at, c)) = text[base..].char_indices().find(|(_, c)| !is_xml_char(*c)) {
        let found = format!("U+{:04X}", u32::from(c));
        return Err(scanner.error(base + at, "a character that XML does not permit").found(found));
    }
    let mut reader = Reader::from_str(&text[base..]);
    reader.config_mut().check_comments = true;
    loop {
        let start = base + position(reader.buffer_position());
        let event = reader.read_event().map_err(|e| {
            scanner.error(base + position(reader.error_position()), "not well-formed XML").because(e)
        })?;
        let span = Span { start, end: base + position(reader.buffer_position()) };
        match event {
            Event::Start(tag) => scanner.open(&tag, span, false)?,
            Event::Empty(tag) => scanner.open(&tag, span, true)?,
            Event::End(_) => scanner.close(span)?,
            Event::Text(t) => scanner.text(span, t.trim_ascii().is_empty() && !t.contains("]]>"))?,
            Event::CData(_) => scanner.text(span, false)?,
            Event::GeneralRef(r) => {
                let known = matches!(r.resolve_char_ref(), Ok(Some(c)) if is_xml_char(c))
                    || quick_xml::escape::resolve_predefined_entity(&r).is_some();
                if !known {
                    return Err(scanner.entity(span.start, &r));
                }
                scanner.text(span, false)?;
            }
            Event::DocType(_) => {
                return Err(scanner
                    .error(span.start, "a document type declaration is refused")
                    .wanted("a document without <!DOCTYPE> and without entities of its own")
                    .hint("libvirt writes none. Remove it."));
            }
            Event::Decl(d) => scanner.declaration(&d, span.start == base)?,
            Event::PI(p) if p.target().eq_ignore_ascii_case("xml") => {
                return Err(scanner.error(span.start, "not an XML declaration"));
            }
            Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    if let Some(open) = scanner.stack.last() {
        let at = scanner.out.elements[*open].span.start;
        return Err(scanner.error(at, "this element is never closed"));
    }
    if scanner.out.elements.is_empty() {
        return Err(Error::new(Kind::Domain, "no element at all").at("document").wanted("<domain>"));
    }
    Ok(scanner.out)
}

fn position(p: u64) -> usize {
    // A position within a &str always fits.
    usize::try_from(p).unwrap_or(usize::MAX)
}

impl<'a> Scanner<'a> {
    fn error(&self, at: usize, message: &str) -> Error {
        Error::new(Kind::Domain, message).at(super::path::line_column(self.text, at))
    }

    /// `<?xml …?>` stands first or nowhere (XML 1.0, section 2.8). libvirt follows an encoding that it names, so it must
    /// be the one in which the document was read here.
    fn declaration(&self, declaration: &BytesDecl<'_>, first: bool) -> Result<(), Error> {
        if !first {
            return Err(self.error(0, "an XML declaration that is not at the beginning"));
        }
        let known =
            |name: &str| ["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|k| name.eq_ignore_ascii_case(k));
        match declaration.encoding() {
            None => Ok(()),
            Some(Ok(name)) if known(&name) => Ok(()),
            Some(Ok(name)) => Err(self
                .error(0, "an encoding other than UTF-8")
                .found(name)
                .wanted("UTF-8")
                .hint("Convert the document, for example with iconv, and declare no encoding.")),
            Some(Err(e)) => Err(self.error(0, "not an XML declaration").because(e)),
        }
    }

    fn entity(&self, at: usize, name: &str) -> Error {
        self.error(at, "an entity that XML does not predefine").found(format!("&{name};"))
    }

    fn text(&self, span: Span, blank_only: bool) -> Result<(), Error> {
        if self.stack.is_empty() && !blank_only {
            return Err(self.error(span.start, "text outside the root element"));
        }
        if !blank_only && self.text[span.start..span.end].contains("]]>") && !self.is_cdata(span) {
            return Err(self.error(span.start, "']]>' in text"));
        }
        Ok(())
    }

    fn is_cdata(&self, span: Span) -> bool {
        self.text[span.start..span.end].starts_with("<![CDATA[")
    }

    fn open(&mut self, tag: &BytesStart<'_>, span: Span, empty: bool) -> Result<(), Error> {
        let index = self.out.elements.len();
        limits::check("elements", index + 1, limits::MAX_ELEMENTS, || "document".into())?;
        let here = || super::path::line_column(self.text, span.start);
        limits::check("elements inside one another", self.stack.len() + 1, limits::MAX_DEPTH, here)?;
        if self.stack.is_empty() && index > 0 {
            return Err(self.error(span.start, "a second root element"));
        }
        let name = Span { start: span.start + 1, end: span.start + 1 + tag.name().into_inner().len() };
        let first_attribute = self.out.attributes.len();
        let tag_end = span.end - if empty { 2 } else { 1 };
        self.attributes(name.end, tag_end)?;
        let attributes = (first_attribute, self.out.attributes.len());
        self.declare(attributes, name.start)?;
        let qname = &self.text[name.start..name.end];
        let (prefix, local) = split(qname).ok_or_else(|| self.error(name.start, "not an XML name"))?;
        let ns = match self.resolve(prefix) {
            Some(None) => Ns::None,
            Some(Some(n)) => Ns::Other(n),
            None => return Err(self.error(name.start, "an undeclared namespace prefix").found(prefix)),
        };
        let parent = self.stack.last().copied();
        self.out.elements.push(Element {
            name,
            local: name.end - local.len(),
            ns,
            parent,
            first_child: None,
            next: None,
            span,
            inner: Span { start: span.end, end: span.end },
            empty,
            attributes,
        });
        if let Some(before) = self.last.last().copied().flatten() {
            self.out.elements[before].next = Some(index);
        } else if let Some(p) = parent {
            self.out.elements[p].first_child = Some(index);
        }
        if let Some(last) = self.last.last_mut() {
            *last = Some(index);
        }
        if empty {
            self.leave_scope(self.stack.len() + 1);
        } else {
            self.stack.push(index);
            self.last.push(None);
        }
        Ok(())
    }

    fn close(&mut self, span: Span) -> Result<(), Error> {
        let Some(index) = self.stack.pop() else {
            return Err(self.error(span.start, "an end tag without its start tag"));
        };
        self.last.pop();
        let element = &mut self.out.elements[index];
        element.inner.end = span.start;
        element.span.end = span.end;
        self.leave_scope(self.stack.len() + 1);
        Ok(())
    }

    /// Forgets the declarations of the element at this depth, which is being left.
    fn leave_scope(&mut self, depth: usize) {
        while self.scope.last().is_some_and(|(d, _, _)| *d >= depth) {
            self.scope.pop();
        }
    }

    /// The attributes between a start tag's name and its end (XML 1.0, section 3.1).
    fn attributes(&mut self, from: usize, to: usize) -> Result<(), Error> {
        let first = self.out.attributes.len();
        let bytes = self.text.as_bytes();
        let blank = |i: &mut usize| {
            let before = *i;
            while *i < to && bytes[*i].is_ascii_whitespace() {
                *i += 1;
            }
            *i > before
        };
        let mut i = from;
        loop {
            let separated = blank(&mut i);
            if i >= to {
                return Ok(());
            }
            let start = i;
            while i < to && bytes[i] != b'=' && !bytes[i].is_ascii_whitespace() {
                i += 1;
            }
            let name = Span { start, end: i };
            blank(&mut i);
            if !separated || split(&self.text[start..name.end]).is_none() || i >= to || bytes[i] != b'=' {
                return Err(self.error(start, "not an attribute"));
            }
            i += 1;
            blank(&mut i);
            let quote = if i < to { bytes[i] } else { 0 };
            if quote != b'"' && quote != b'\'' {
                return Err(self.error(start, "an attribute without quotes"));
            }
            let value = i + 1;
            let Some(length) = bytes[value..to].iter().position(|b| *b == quote) else {
                return Err(self.error(start, "an attribute whose quotes do not end"));
            };
            i = value + length + 1;
            let raw = &self.text[value..value + length];
            if raw.contains('<') {
                return Err(self.error(start, "'<' in an attribute"));
            }
            if raw.contains('&') && super::escape::unescape_attribute(raw).is_none() {
                return Err(self.error(start, "an entity that XML does not predefine").found(raw));
            }
            let known = &self.out.attributes[first..];
            if known.iter().any(|a| self.text[a.name.start..a.name.end] == self.text[start..name.end]) {
                return Err(self.error(start, "an attribute that stands twice"));
            }
            limits::check("attributes of one element", known.len() + 1, limits::MAX_ATTRIBUTES, || {
                super::path::line_column(self.text, from)
            })?;
            self.out.attributes.push(Attribute { name, value: Span { start: value, end: value + length } });
        }
    }

    /// Takes in the namespace declarations of a start tag (Namespaces in XML 1.0, section 3).
    fn declare(&mut self, attributes: (usize, usize), at: usize) -> Result<(), Error> {
        let depth = self.stack.len() + 1;
        for i in attributes.0..attributes.1 {
            let attribute = self.out.attributes[i];
            let name = &self.text[attribute.name.start..attribute.name.end];
            let prefix = match name.strip_prefix("xmlns") {
                Some("") => "",
                Some(rest) => match rest.strip_prefix(':') {
                    Some(prefix) => prefix,
                    None => continue,
                },
                None => continue,
            };
            let raw = &self.text[attribute.value.start..attribute.value.end];
            let uri = super::escape::unescape_attribute(raw).unwrap_or_default();
            let number = if uri.is_empty() { None } else { Some(self.number(uri)) };
            self.scope.push((depth, prefix, number));
            limits::check("namespace declarations", self.scope.len(), limits::MAX_NAMESPACES, || {
                super::path::line_column(self.text, at)
            })?;
        }
        Ok(())
    }

    fn number(&mut self, uri: String) -> usize {
        match self.out.namespaces.iter().position(|u| *u == uri) {
            Some(n) => n,
            None => {
                self.out.namespaces.push(uri);
                self.out.namespaces.len() - 1
            }
        }
    }

    /// The namespace of a prefix: `None` when it is not declared, `Some(None)` for no namespace.
    fn resolve(&mut self, prefix: &str) -> Option<Option<usize>> {
        if let Some((_, _, ns)) = self.scope.iter().rev().find(|(_, p, _)| *p == prefix) {
            return if prefix.is_empty() || ns.is_some() { Some(*ns) } else { None };
        }
        match prefix {
            "" => Some(None),
            "xml" => Some(Some(self.number("http://www.w3.org/XML/1998/namespace".into()))),
            _ => None,
        }
    }
}

/// Prefix and local name, or `None` where the text is no name.
fn split(qname: &str) -> Option<(&str, &str)> {
    let (prefix, local) = qname.split_once(':').unwrap_or(("", qname));
    let fits = |part: &str| {
        let mut chars = part.chars();
        chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
            && chars.all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\u{b7}') || !c.is_ascii())
    };
    (fits(local) && (prefix.is_empty() && !qname.starts_with(':') || fits(prefix))).then_some((prefix, local))
}
