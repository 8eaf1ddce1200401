//! The encoding of a document. In: bytes as they came. Out: text that says it is UTF-8, and from such text the bytes
//! again. Never: a byte of another encoding in the core, which libvirt speaks to in UTF-8 alone.
//!
//! XML 1.0, section 4.3.3 and appendix F: a byte order mark or the first bytes tell UTF-16, the declaration any other.

use encoding_rs::{Encoding as Charset, SHIFT_JIS, UTF_16BE, UTF_16LE, X_USER_DEFINED};
use std::ops::Range;
use virt_sev::{Error, Kind, Result};

/// How a document came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Encoding {
    form: Form,
    /// What the declaration said, where it said something else than UTF-8.
    declared: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Utf8,
    Utf16Le,
    Utf16Be,
    /// Not as browsers read it: bytes 0x80 to 0x9f are control characters, as for libxml2.
    Latin1,
    Legacy(&'static Charset),
}

const UTF8: &str = "UTF-8";

fn wrong(message: &str, found: &str) -> Error {
    Error::new(Kind::File, message)
        .found(found)
        .wanted("UTF-8, UTF-16, or the encoding that its declaration names")
        .hint("Convert the document to UTF-8, for example with iconv, and take the encoding out of its declaration.")
}

/// The text of a document, its declaration naming no other encoding than UTF-8, and how to go back.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<(String, Encoding)> {
    let form = match bytes.as_slice() {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, b'<', ..] | [b'<', 0, 0, 0, ..] => {
            return Err(wrong("this document is in UTF-32", "UTF-32"));
        }
        [0xff, 0xfe, ..] | [b'<', 0, ..] => Form::Utf16Le,
        [0xfe, 0xff, ..] | [0, b'<', ..] => Form::Utf16Be,
        _ => Form::Utf8,
    };
    if form != Form::Utf8 {
        let charset = if form == Form::Utf16Le { UTF_16LE } else { UTF_16BE };
        let text = strictly(charset, &bytes).filter(|_| bytes.len().is_multiple_of(2));
        let text = text.ok_or_else(|| wrong("not the UTF-16 that it begins with", charset.name()))?;
        if !text.starts_with('\u{feff}') && !text.starts_with("<?xml") {
            return Err(wrong(
                "a document in UTF-16 without a byte order mark and a declaration",
                charset.name(),
            ));
        }
        let declared = declared(&text).map(|at| text[at].to_owned());
        let names = ["UTF-16", charset.name()];
        if let Some(other) = declared.iter().find(|d| !names.iter().any(|n| n.eq_ignore_ascii_case(d))) {
            return Err(wrong("a document in UTF-16 that declares another encoding", other));
        }
        return finish(text, form, declared, &bytes);
    }
    // A byte order mark leaves no choice: what the declaration says of another encoding, the scan refuses.
    let marked = bytes.starts_with("\u{feff}".as_bytes());
    // The declaration itself is ASCII in every encoding that could still be meant.
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(256)]);
    let declared = declared(&head).filter(|_| !marked).map(|at| head[at].to_owned());
    let name = declared.as_deref().unwrap_or(UTF8).to_ascii_lowercase();
    match name.as_str() {
        "utf-8" | "utf8" => {
            let text = String::from_utf8(bytes).map_err(|e| {
                Error::new(Kind::File, "the domain document is not UTF-8 text").because(e.utf8_error())
            })?;
            Ok((text, Encoding { form, declared: None }))
        }
        "us-ascii" | "ascii" => match String::from_utf8(bytes) {
            Ok(text) if text.is_ascii() => Ok((text, Encoding { form, declared: None })),
            _ => Err(wrong("not the ASCII that it declares", &name)),
        },
        "iso-8859-1" | "iso8859-1" | "latin1" | "iso-latin-1" => {
            let text = bytes.iter().map(|b| char::from(*b)).collect();
            finish(text, Form::Latin1, declared, &bytes)
        }
        _ => {
            let charset = Charset::for_label(name.as_bytes());
            // Under another name than its own libxml2 knows another table: browsers take ISO-8859-9 for windows-1254.
            let charset = charset.filter(|c| c.name().eq_ignore_ascii_case(&name) && *c != X_USER_DEFINED);
            let charset = charset.filter(|c| c.output_encoding() == *c);
            let charset = charset
                .ok_or_else(|| wrong("not the encoding that it declares, or one that is not known", &name))?;
            let text = strictly(charset, &bytes).filter(|text| is_plain_to_libxml2(charset, text));
            let text = text.ok_or_else(|| wrong("not the encoding that it declares", &name))?;
            finish(text, Form::Legacy(charset), declared, &bytes)
        }
    }
}

fn strictly(charset: &'static Charset, bytes: &[u8]) -> Option<String> {
    charset.decode_without_bom_handling_and_without_replacement(bytes).map(std::borrow::Cow::into_owned)
}

/// False where libxml2 reads a character otherwise that could stand in a value: it takes Shift_JIS's backslash and tilde
/// for yen and overline, and refuses the bytes that windows-125x leaves open, here control characters.
fn is_plain_to_libxml2(charset: &'static Charset, text: &str) -> bool {
    if charset == SHIFT_JIS {
        return !text.contains(['\\', '~']);
    }
    !(charset.name().starts_with("windows-") && text.contains(|c: char| c.is_control() && !c.is_ascii()))
}

/// Where the declaration names an encoding. Only looked for: the scan judges the declaration.
fn declared(text: &str) -> Option<Range<usize>> {
    let declaration = &text[..text.find("?>")?];
    declaration
        .trim_start_matches('\u{feff}')
        .strip_prefix("<?xml")?
        .starts_with([' ', '\t', '\r', '\n'])
        .then_some(())?;
    let mut at = declaration.find("encoding")? + "encoding".len();
    for part in ["=", ""] {
        at += declaration[at..].len() - declaration[at..].trim_start().len();
        at += declaration[at..].strip_prefix(part).map(|_| part.len())?;
    }
    let quote = declaration[at..].chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let length = declaration[at + 1..].find(quote)?;
    Some(at + 1..at + 1 + length)
}

/// Takes the text only when it goes back to the very same bytes.
fn finish(
    mut text: String,
    form: Form,
    declared_name: Option<String>,
    bytes: &[u8],
) -> Result<(String, Encoding)> {
    if let Some(at) = declared(&text) {
        text.replace_range(at, UTF8);
    }
    let encoding = Encoding { form, declared: declared_name };
    match encoding.encode(&text) {
        Ok(same) if same == bytes => Ok((text, encoding)),
        _ => Err(wrong(
            "this document would not come back as it was",
            encoding.declared.as_deref().unwrap_or("UTF-16"),
        )),
    }
}

impl Encoding {
    /// The bytes of a text in the document's own encoding, under the name that its declaration had.
    ///
    /// # Errors
    /// `Kind::Bug` for a character that the encoding does not have: new text is ASCII.
    pub(crate) fn encode(&self, text: &str) -> Result<Vec<u8>> {
        let mut text = std::borrow::Cow::Borrowed(text);
        if let (Some(name), Some(at)) = (&self.declared, declared(&text)) {
            text.to_mut().replace_range(at, name);
        }
        let lacks = || Error::new(Kind::Bug, "a character that the document's encoding does not have");
        Ok(match self.form {
            Form::Utf8 => text.into_owned().into_bytes(),
            Form::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Form::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Form::Latin1 => {
                let byte = |c| u8::try_from(u32::from(c)).map_err(|_| lacks());
                text.chars().map(byte).collect::<Result<_>>()?
            }
            Form::Legacy(charset) => match charset.encode(&text) {
                (bytes, _, false) => bytes.into_owned(),
                (_, _, true) => return Err(lacks()),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(bytes: Vec<u8>) -> String {
        let (text, encoding) = decode(bytes.clone()).unwrap();
        assert_eq!(encoding.encode(&text).unwrap(), bytes);
        virt_sev::domain::Domain::parse(&text).unwrap();
        text
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    const NAMED: &str = "<domain><name>\u{e9}</name></domain>";

    #[test]
    fn every_encoding_comes_back() {
        for head in
            ["\u{feff}", "<?xml version='1.0'?>", "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n"]
        {
            let text = format!("{head}{NAMED}");
            assert!(back(utf16(&text, u16::to_le_bytes)).ends_with(NAMED));
            assert!(back(utf16(&text, u16::to_be_bytes)).ends_with(NAMED));
        }
        for (name, byte) in [("ISO-8859-1", 0xe9), ("windows-1252", 0xe9), ("koi8-r", 0xc5), ("IBM866", 0xa5)]
        {
            let head = format!("<?xml version='1.0' encoding = \"{name}\"?>\r\n<domain><name>");
            let bytes = [head.as_bytes(), &[byte], b"</name></domain>"].concat();
            assert!(back(bytes).contains("encoding = \"UTF-8\""));
        }
        let japanese =
            b"<?xml version='1.0' encoding='Shift_JIS'?><domain><name>\x83\x65</name></domain>".to_vec();
        assert!(back(japanese).contains('\u{30c6}'));
        for head in ["", "\u{feff}", "<?xml version='1.0' encoding='utf8'?>"] {
            assert_eq!(back(format!("{head}{NAMED}").into_bytes()), format!("{head}{NAMED}"));
        }
    }

    #[test]
    fn new_text_goes_into_the_same_encoding() {
        let (text, encoding) = decode(utf16("\u{feff}<domain/>", u16::to_be_bytes)).unwrap();
        let more = text.replace("/>", "><a/></domain>");
        assert_eq!(encoding.encode(&more).unwrap(), utf16("\u{feff}<domain><a/></domain>", u16::to_be_bytes));
    }

    /// libvirt would have read other characters, or nothing at all.
    #[test]
    fn what_libxml2_reads_otherwise_is_refused() {
        for (name, text) in [
            ("iso-ir-100", &b"\x85"[..]),
            ("ANSI_X3.4-1968", b"\xe9"),
            ("ISO-8859-9", b"\x85"),
            (" windows-1252", b"a"),
            ("windows-1252", b"\x81"),
            ("x-user-defined", b"\xe9"),
            ("Shift_JIS", b"a~b"),
            ("Shift_JIS", b"a\\b"),
        ] {
            let head = format!("<?xml version='1.0' encoding='{name}'?><domain><name>");
            let e = decode([head.as_bytes(), text, b"</name></domain>"].concat()).unwrap_err();
            assert_eq!(e.kind(), Kind::File, "{name} {text:?}");
        }
        for text in [
            "<domain/>",
            "\u{feff}<?xml version='1.0' encoding='UTF-16FOO'?><domain/>",
            "\u{feff}<?xml version='1.0' encoding='UTF-16BE'?><domain/>",
        ] {
            let e = decode(utf16(text, u16::to_le_bytes)).unwrap_err();
            assert_eq!(e.kind(), Kind::File, "{text}");
        }
        back(utf16("\u{feff}<?xml version='1.0' encoding='utf-16le'?><domain/>", u16::to_le_bytes));
    }

    /// It was read as ISO-8859-1, and the byte order mark was "text outside the root element".
    #[test]
    fn a_byte_order_mark_leaves_no_choice() {
        let text = format!("\u{feff}<?xml version='1.0' encoding='ISO-8859-1'?>{NAMED}");
        let (same, encoding) = decode(text.clone().into_bytes()).unwrap();
        assert_eq!((same.as_str(), encoding.form), (text.as_str(), Form::Utf8));
        let e = virt_sev::domain::Domain::parse(&same).unwrap_err();
        assert!(e.to_string().contains("an encoding other than UTF-8"), "{e}");
    }

    #[test]
    fn what_is_not_what_it_says_is_refused() {
        for bytes in [
            b"<domain>\xff</domain>".to_vec(),
            b"<?xml version='1.0' encoding='ascii'?><domain>\xe9</domain>".to_vec(),
            b"<?xml version='1.0' encoding='utf-16'?><domain/>".to_vec(),
            b"<?xml version='1.0' encoding='no-such'?><domain/>".to_vec(),
            b"<?xml version='1.0' encoding='Shift_JIS'?><domain>\x83</domain>".to_vec(),
            b"<?xml version='1.0' encoding='ISO-2022-JP'?><domain>\x1b$B\x1b(B</domain>".to_vec(),
            utf16("<?xml version='1.0' encoding='UTF-8'?><domain/>", u16::to_le_bytes),
            [utf16("<domain/>", u16::to_le_bytes), vec![b' ']].concat(),
            b"\xff\xfe\0\0<\0\0\0".to_vec(),
        ] {
            let e = decode(bytes.clone()).unwrap_err();
            assert_eq!(e.kind(), Kind::File, "{bytes:?}");
        }
    }
}
