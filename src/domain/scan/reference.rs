//! `&…;` (XML 1.0, section 4.1). In: where one begins. Out: where it ends. Never: its text.

use super::{Scanner, is_xml_char, name};
use crate::error::Error;

/// The entities that need no declaration (XML 1.0, section 4.6).
const PREDEFINED: &[&str] = &["lt", "gt", "amp", "apos", "quot"];

impl Scanner<'_> {
    /// Checks the reference at `at` and goes behind it.
    pub(super) fn reference(&self, at: usize) -> Result<usize, Error> {
        let from = at + 1;
        let number = self.bytes.get(from) == Some(&b'#');
        let end = name::run(self.bytes, if number { from + 1 } else { from }).end;
        let body = &self.text[from..end];
        if end == from || self.bytes.get(end) != Some(&b';') {
            return Err(self
                .error(at, "'&' that begins no reference")
                .hint("Write &amp; for the character itself."));
        }
        let known = match body.strip_prefix('#') {
            Some(number) => character(number).is_some_and(is_xml_char),
            None => PREDEFINED.contains(&body),
        };
        if known {
            return Ok(end + 1);
        }
        let what = if number {
            "a character that XML does not permit"
        } else {
            "an entity that XML does not predefine"
        };
        Err(self.error(at, what).found(format!("&{body};")))
    }
}

/// `65` or `x41`: digits and nothing else.
fn character(number: &str) -> Option<char> {
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
    let plain = digits.bytes().all(|b| char::from(b).is_digit(radix));
    plain.then(|| u32::from_str_radix(digits, radix).ok()).flatten().and_then(char::from_u32)
}
