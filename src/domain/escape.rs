//! Text in and out of XML. In: raw or plain text. Out: the other one. Never: markup.

use std::borrow::Cow;

use quick_xml::events::Event;
use quick_xml::reader::Reader;

/// Plain text for an element's content or an attribute's value, safe in either kind of quotes.
///
/// What is not ASCII becomes a character reference, so the result fits whatever encoding the document declares.
#[must_use]
pub fn escape(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len());
    push_escaped(plain, &mut out);
    out
}

/// [`escape`], behind what is there.
pub(super) fn push_escaped(plain: &str, out: &mut String) {
    if plain.bytes().all(|b| matches!(b, b' '..=b'~') && !matches!(b, b'&' | b'<' | b'>' | b'"' | b'\'')) {
        out.push_str(plain);
        return;
    }
    for c in plain.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            ' '..='~' => out.push(c),
            other => out.push_str(&format!("&#x{:x};", u32::from(other))),
        }
    }
}

/// True for what XML 1.0 lets stand in a document (XML 1.0, section 2.2 "Characters").
#[must_use]
pub fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// An attribute's raw value as libxml2 hands it to libvirt. `None` for an entity that is not predefined.
pub(super) fn unescape_attribute(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.bytes().any(|b| matches!(b, b'&' | b'\t' | b'\n' | b'\r')) {
        return Some(Cow::Borrowed(raw));
    }
    // XML 1.0, 2.11 and 3.3.3: a line end is one blank, every other white space too; references stay as they are.
    let blank = raw.replace("\r\n", " ").replace(['\t', '\n', '\r'], " ");
    quick_xml::escape::unescape(&blank).ok().map(|v| Cow::Owned(v.into_owned()))
}

/// The text of an element whose raw content this is, as XPath's `string()` gives it: CDATA and references are
/// resolved, comments left out. `None` for an entity that is not predefined.
pub(super) fn content_text(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.bytes().any(|b| matches!(b, b'&' | b'<' | b'\r')) {
        return Some(Cow::Borrowed(raw));
    }
    let mut out = String::new();
    let mut reader = Reader::from_str(raw);
    loop {
        match reader.read_event().ok()? {
            Event::Text(t) => out.push_str(&t.xml10_content()),
            Event::CData(t) => out.push_str(&t.xml10_content()),
            Event::GeneralRef(r) => match r.resolve_char_ref().ok()? {
                Some(c) => out.push(c),
                None => out.push_str(quick_xml::escape::resolve_predefined_entity(&r.into_inner())?),
            },
            Event::Eof => return Some(Cow::Owned(out)),
            Event::Start(_)
            | Event::End(_)
            | Event::Empty(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_comes_back() {
        for plain in ["a<b>&\"'c", "späße \u{1f600}", "]]>", "line\nand\ttab\rend", ""] {
            assert_eq!(content_text(&escape(plain)).as_deref(), Some(plain));
            assert_eq!(unescape_attribute(&escape(plain)).as_deref(), Some(plain));
            assert!(escape(plain).is_ascii());
        }
    }

    #[test]
    fn cdata_comments_and_references_are_read_as_libxml2_reads_them() {
        assert_eq!(content_text("a<!-- no -->b<![CDATA[<&]]>&#x41;&amp;\r\n").as_deref(), Some("ab<&A&\n"));
        assert_eq!(content_text("&nope;"), None);
        assert_eq!(unescape_attribute("a\nb&lt;").as_deref(), Some("a b<"));
        assert_eq!(unescape_attribute("&nope;"), None);
    }
}
