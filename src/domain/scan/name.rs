//! XML names (XML 1.0, section 2.3; Namespaces in XML 1.0, section 4). In: text. Out: where a name ends, its parts.

use super::past;

const START: u8 = 1;
const PLAIN: u8 = 2;
const RUN: u8 = 4;

/// What a byte may do in a name: begin one that is plain, be in one, be in any. Bytes above 0x7f belong to characters
/// that [`is_name`] looks at.
static CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut b = 0u8;
    loop {
        class[b as usize] = match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => START | PLAIN | RUN,
            b'0'..=b'9' | b'-' | b'.' => PLAIN | RUN,
            b':' | 0x80.. => RUN,
            _ => 0,
        };
        if b == u8::MAX {
            break class;
        }
        b += 1;
    }
};

/// A run of bytes that could be a name.
#[derive(Clone, Copy)]
pub(super) struct Run {
    /// One past its last byte.
    pub end: usize,
    /// It is a name without a prefix and of ASCII, as nearly all of libvirt's are.
    plain: bool,
}

/// The run of bytes at `from` that could be a name.
pub(super) fn run(bytes: &[u8], from: usize) -> Run {
    let is = |b: u8, class: u8| CLASS[usize::from(b)] & class != 0;
    let end = past(bytes, from, |b| is(b, PLAIN));
    let longer = past(bytes, end, |b| is(b, RUN));
    let plain = longer == end && bytes.get(from).is_some_and(|b| is(*b, START));
    Run { end: longer, plain }
}

/// The prefix of the name that this run at `from` is, or nothing; `None` where it is no name.
pub(super) fn prefix(text: &str, from: usize, run: Run) -> Option<&str> {
    if run.plain { Some("") } else { prefix_of(&text[from..run.end]) }
}

#[cold]
fn prefix_of(qname: &str) -> Option<&str> {
    match qname.split_once(':') {
        Some((prefix, local)) => (is_name(prefix) && is_name(local)).then_some(prefix),
        None => is_name(qname).then_some(""),
    }
}

/// True for a name without a prefix.
pub(super) fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(begins) && chars.all(|c| begins(c) || continues(c))
}

fn begins(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '_'
        | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}'
        | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}'
        | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

fn continues(c: char) -> bool {
    matches!(c, '0'..='9' | '-' | '.' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}
