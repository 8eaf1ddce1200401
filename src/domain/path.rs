//! Places in a document, for people. In: a position or an element. Out: `line 4, column 7` or
//! `/domain/devices/disk[2]`. Never: a search.

use super::tree::{Element, Ns, Scan};
use super::{Domain, ElementId};

/// Line and column of a byte, both from 1.
pub(super) fn line_column(text: &str, at: usize) -> String {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    format!("line {line}, column {column}")
}

impl Domain<'_> {
    /// The path of an element as XPath writes it, with a number where it has brothers of the same name.
    ///
    /// Numbers are found once for the whole document, so a path costs its depth and nothing more.
    #[must_use]
    pub fn path(&self, id: ElementId) -> String {
        let mut out = String::new();
        self.push_path(id, &mut out);
        out
    }

    /// An element, or something of it, for an error: `/domain/os[2] (line 23, column 3)`.
    #[cold]
    pub(super) fn named(&self, id: ElementId, part: &str, at: usize) -> String {
        format!("{}{part} ({})", self.path(id), line_column(&self.text, at))
    }

    /// As deep as [`super::limits::MAX_DEPTH`].
    fn push_path(&self, id: ElementId, out: &mut String) {
        if let Some(parent) = self.parent(id) {
            self.push_path(parent, out);
        }
        let name = self.qualified_name(id);
        out.push('/');
        // XPath 2.0 writes a name in whatever namespace so; without it this would be an element of libvirt's.
        if !self.is_own(id) && !name.contains(':') {
            out.push_str("*:");
        }
        out.push_str(name);
        if let Some(number) = self.number(id) {
            out.push_str(&format!("[{number}]"));
        }
    }
}

impl Domain<'_> {
    /// How many child elements already have this name, as a new one would be written: with a prefix of another
    /// namespace, or in none.
    pub(crate) fn namesakes(&self, parent: ElementId, name: &str) -> u32 {
        let own = !name.contains(':');
        let same =
            |(_, e): &(ElementId, &Element)| e.name().of(&self.text) == name && (e.ns == Ns::NONE) == own;
        self.scan.children(parent).filter(same).map(|_| 1).sum()
    }
}

/// Brothers that are looked at for one number, before the numbers of all elements are found at once.
const NEARBY: usize = 64;

/// As [`numbers`], for one element; `None` where that takes more than a look at the brothers nearby.
pub(super) fn number_nearby(scan: &Scan, text: &str, id: ElementId) -> Option<u32> {
    let element = scan.element(id);
    let Some(parent) = element.parent else { return Some(0) };
    let name = element.local(text);
    let mut number = 0;
    for (seen, (brother, other)) in scan.children(parent).enumerate() {
        if brother > id && number > 1 {
            return Some(number);
        }
        if seen == NEARBY {
            return None;
        }
        if other.ns == element.ns && other.local(text) == name {
            if brother > id {
                return Some(number);
            }
            number += 1;
        }
    }
    Some(if number > 1 { number } else { 0 })
}

/// For each element its number among its brothers of the same name; 0 where it is the only one.
pub(super) fn numbers(scan: &Scan, text: &str) -> Vec<u32> {
    let mut out = vec![0u32; scan.elements.len()];
    let mut seen = std::collections::HashMap::<(&str, Ns), (ElementId, u32)>::new();
    for parent in (0..scan.elements.len()).map(ElementId::of_index) {
        seen.clear();
        for (c, e) in scan.children(parent) {
            let entry = seen.entry((e.local(text), e.ns)).or_insert((c, 0));
            entry.1 += 1;
            if entry.1 == 2 {
                out[entry.0.index()] = 1;
            }
            if entry.1 > 1 {
                out[c.index()] = entry.1;
            }
        }
    }
    out
}
