//! From text to elements with byte spans. In: the document. Out: one flat list of elements, each with its span,
//! its attributes' spans and its links. Never: a copy of the document, a meaning.
//!
//! Written here and not taken from a library: every byte is looked at once, and all that an editor of spans needs is
//! noted on the way. The tests hold it to two others, quick-xml and libxml2.

mod name;
mod reference;
mod tag;

use super::escape::is_xml_char;
use super::limits;
use super::path::line_column;
use super::tree::{ElementId, Ns, Scan};
use crate::codes::Kind;
use crate::error::Error;

/// A namespace declaration in scope.
struct Declaration<'a> {
    /// How deep the element stands that it is written at.
    depth: usize,
    prefix: &'a str,
    namespace: Ns,
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    /// The next byte to be read.
    at: usize,
    out: Scan,
    /// The elements whose ends are still to come.
    open: Vec<ElementId>,
    scope: Vec<Declaration<'a>>,
}

/// Reads the document once, from its first byte to its last.
pub(super) fn scan(text: &str) -> Result<Scan, Error> {
    limits::check("bytes", text.len(), limits::MAX_BYTES, || "document".into())?;
    // Room for what an ordinary document of this size holds.
    let out = Scan {
        elements: Vec::with_capacity(text.len() / 40),
        attributes: Vec::with_capacity(text.len() / 20),
        namespaces: Vec::new(),
    };
    let base = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut scanner =
        Scanner { text, bytes: text.as_bytes(), at: base, out, open: Vec::new(), scope: Vec::new() };
    if let Some((at, c)) = forbidden(text, base) {
        let found = format!("U+{:04X}", u32::from(c));
        return Err(scanner.error(at, "a character that XML does not permit").found(found));
    }
    scanner.document()?;
    Ok(scanner.out)
}

/// The first character that XML does not permit. Control characters, and U+FFFE and U+FFFF, which begin with 0xEF in
/// UTF-8: a document without either byte, as nearly all are, is not read character by character.
fn forbidden(text: &str, base: usize) -> Option<(usize, char)> {
    let suspicious = |b: u8| (b < b' ' && !is_blank(b)) || b == 0xef;
    // Without an early end the compiler looks at many bytes at once.
    if !text.as_bytes()[base..].iter().fold(false, |any, b| any | suspicious(*b)) {
        return None;
    }
    text[base..].char_indices().map(|(at, c)| (base + at, c)).find(|(_, c)| !is_xml_char(*c))
}

/// The first place from `from` on whose byte is not like that.
fn past(bytes: &[u8], from: usize, like: impl Fn(u8) -> bool) -> usize {
    let mut at = from;
    while bytes.get(at).is_some_and(|b| like(*b)) {
        at += 1;
    }
    at
}

/// White space (XML 1.0, section 2.3).
fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r')
}

/// `1.0`, and whatever comes after it (XML 1.0, section 2.8, production 26).
fn is_version(text: &str) -> bool {
    text.strip_prefix("1.").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

impl<'a> Scanner<'a> {
    #[cold]
    fn error(&self, at: usize, message: &str) -> Error {
        Error::new(Kind::Domain, message).at(line_column(self.text, at))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Goes behind `mark`, which ends what began at `start`.
    fn skip_past(&mut self, mark: &str, start: usize, what: &str) -> Result<(), Error> {
        match self.rest().find(mark) {
            Some(n) => {
                self.at += n + mark.len();
                Ok(())
            }
            None => Err(self.error(start, what).wanted(format!("'{mark}' at its end"))),
        }
    }

    fn document(&mut self) -> Result<(), Error> {
        if self.rest().starts_with("<?xml") && self.bytes.get(self.at + 5).is_some_and(|b| is_blank(*b)) {
            self.declaration()?;
        }
        loop {
            self.text_run()?;
            match self.bytes.get(self.at + 1) {
                Some(b'/') => self.end_tag()?,
                Some(b'!') => self.bang()?,
                Some(b'?') => self.instruction()?,
                Some(_) => self.start_tag()?,
                None if self.at < self.bytes.len() => {
                    return Err(self.error(self.at, "the document ends with '<'"));
                }
                None => break,
            }
        }
        if let Some(open) = self.open.last() {
            let span = self.out.element(*open).span();
            return Err(self.error(span.start, "this element is never closed"));
        }
        if self.out.elements.is_empty() {
            return Err(Error::new(Kind::Domain, "no element at all").at("document").wanted("<domain>"));
        }
        Ok(())
    }

    /// Text up to the next markup or the end (XML 1.0, section 2.4).
    fn text_run(&mut self) -> Result<(), Error> {
        let start = past(self.bytes, self.at, is_blank);
        let mut at = start;
        loop {
            at = past(self.bytes, at, |b| !matches!(b, b'<' | b'&' | b']'));
            match self.bytes.get(at) {
                None | Some(b'<') => break,
                Some(b'&') => at = self.reference(at)?,
                Some(b']') if self.bytes[at..].starts_with(b"]]>") => {
                    return Err(self.error(at, "']]>' in text"));
                }
                Some(_) => at += 1,
            }
        }
        if self.open.is_empty() && at > start {
            return Err(self.error(start, "text outside the root element"));
        }
        self.at = at;
        Ok(())
    }

    /// `<!--…-->`, `<![CDATA[…]]>`, `<!DOCTYPE…>` (XML 1.0, sections 2.5, 2.7, 2.8).
    fn bang(&mut self) -> Result<(), Error> {
        let start = self.at;
        let rest = self.rest();
        if rest.starts_with("<!--") {
            self.at += 4;
            self.skip_past("--", start, "a comment that does not end")?;
            if self.peek() != Some(b'>') {
                return Err(self.error(start, "'--' inside a comment"));
            }
            self.at += 1;
        } else if rest.starts_with("<![CDATA[") {
            if self.open.is_empty() {
                return Err(self.error(start, "text outside the root element"));
            }
            self.at += 9;
            self.skip_past("]]>", start, "a CDATA section that does not end")?;
        } else if rest.starts_with("<!DOCTYPE") {
            return Err(self
                .error(start, "a document type declaration is refused")
                .wanted("a document without <!DOCTYPE> and without entities of its own")
                .hint("libvirt writes none. Remove it."));
        } else {
            return Err(self.error(start, "not well-formed XML").found("'<!'"));
        }
        Ok(())
    }

    /// `<?…?>` (XML 1.0, section 2.6).
    fn instruction(&mut self) -> Result<(), Error> {
        let start = self.at;
        let end = name::run(self.bytes, start + 2).end;
        let target = &self.text[start + 2..end];
        if target.eq_ignore_ascii_case("xml") {
            return Err(self.error(start, "an XML declaration that is not at the beginning"));
        }
        self.at = end;
        if !name::is_name(target) || !(self.rest().starts_with("?>") || self.peek().is_some_and(is_blank)) {
            return Err(self.error(start, "a processing instruction without a name"));
        }
        self.skip_past("?>", start, "a processing instruction that does not end")
    }

    /// `<?xml …?>` stands first or nowhere (XML 1.0, section 2.8).
    fn declaration(&mut self) -> Result<(), Error> {
        let start = self.at;
        self.at += "<?xml".len();
        let first = self.out.attributes.len();
        self.attributes()?;
        let parts = self.out.attributes.split_off(first);
        let part = |n: usize| parts.get(n).map(|a| (a.name().of(self.text), a.value().of(self.text)));
        let standalone = |p| matches!(p, None | Some(("standalone", "yes" | "no")));
        let known = matches!(part(0), Some(("version", v)) if is_version(v))
            && match part(1) {
                Some(("encoding", _)) => standalone(part(2)) && parts.len() <= 3,
                other => standalone(other) && parts.len() <= 2,
            };
        if !known || !self.rest().starts_with("?>") {
            return Err(self.error(start, "not an XML declaration"));
        }
        self.at += 2;
        // libvirt follows an encoding that is named, so it must be the one in which the document was read here.
        let utf8 =
            |name: &str| ["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|k| name.eq_ignore_ascii_case(k));
        match part(1) {
            Some(("encoding", name)) if !utf8(name) => Err(self
                .error(start, "an encoding other than UTF-8")
                .found(name)
                .wanted("UTF-8")
                .hint("Convert the document, for example with iconv, and declare no encoding.")),
            _ => Ok(()),
        }
    }
}
