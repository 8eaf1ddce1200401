//! Places in a document, for people. In: a position or an element. Out: `line 4, column 7` or
//! `/domain/devices/disk[2]`. Never: a search.

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

impl Domain {
    /// The path of an element as XPath writes it, with a number where it has brothers of the same name.
    ///
    /// Numbers are found once for the whole document, so a path costs its depth and nothing more.
    #[must_use]
    pub fn path(&self, id: ElementId) -> String {
        let mut steps = Vec::new();
        let mut at = Some(id);
        while let Some(here) = at {
            let name = self.qualified_name(here);
            // XPath 2.0 writes a name in whatever namespace so; without it this would be an element of libvirt's.
            let any = if self.is_own(here) || name.contains(':') { "" } else { "*:" };
            steps.push(match self.number(here) {
                Some(n) => format!("/{any}{name}[{n}]"),
                None => format!("/{any}{name}"),
            });
            at = self.parent(here);
        }
        steps.reverse();
        steps.concat()
    }
}

impl Domain {
    /// How many child elements already have this name, as a new one would be written: with a prefix of another
    /// namespace, or in none.
    pub(crate) fn namesakes(&self, parent: ElementId, name: &str) -> usize {
        let same = |c: &ElementId| self.qualified_name(*c) == name && self.is_own(*c) != name.contains(':');
        self.all_children(parent).filter(same).count()
    }
}

/// For each element its number among its brothers of the same name; 0 where it is the only one.
pub(super) fn numbers(scan: &super::tree::Scan, text: &str) -> Vec<u32> {
    let mut out = vec![0u32; scan.elements.len()];
    let mut seen = std::collections::HashMap::<(&str, super::tree::Ns), (ElementId, u32)>::new();
    for parent in (0..scan.elements.len()).map(ElementId::of_index) {
        seen.clear();
        let mut child = scan.first_child(parent);
        while let Some(c) = child {
            let e = scan.element(c);
            let entry = seen.entry((e.local().of(text), e.ns)).or_insert((c, 0));
            entry.1 += 1;
            if entry.1 == 2 {
                out[entry.0.index()] = 1;
            }
            if entry.1 > 1 {
                out[c.index()] = entry.1;
            }
            child = e.next;
        }
    }
    out
}
