//! From a path to its place in the text. In: a document, paths such as `/domain/features/smm/@state`.
//! Out: lines and columns. Never: a judgement of what stands there.

use super::{Domain, ElementId, Span};
use std::collections::HashMap;

/// Line and column of a character, both from 1; a column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// Every path of one document, read once for as many questions as there are findings.
#[derive(Debug)]
pub struct Places<'a> {
    domain: &'a Domain,
    /// Where each line begins.
    lines: Vec<usize>,
    elements: HashMap<String, ElementId>,
    ascii: bool,
}

impl<'a> Places<'a> {
    /// Looks through a document.
    #[must_use]
    pub fn new(domain: &'a Domain) -> Self {
        let mut elements = HashMap::new();
        let mut open = vec![domain.root()];
        while let Some(id) = open.pop() {
            elements.insert(domain.path(id), id);
            open.extend(domain.children(id));
        }
        let ends = domain.text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        Self { domain, lines, elements, ascii: domain.text.is_ascii() }
    }

    /// Where a path begins and ends: an attribute, or the start tag of an element. What is not there stands for the
    /// nearest element around it, and what is no path of the document for its root.
    #[must_use]
    pub fn find(&self, path: &str) -> (Position, Position) {
        let span = self.span(path);
        (self.position(span.start), self.position(span.end))
    }

    fn span(&self, path: &str) -> Span {
        let mut around = path;
        let element = loop {
            match (self.elements.get(around), around.rsplit_once('/')) {
                (Some(id), _) => break *id,
                (None, Some((head, _))) => around = head,
                (None, None) => break self.domain.root(),
            }
        };
        let rest = path.strip_prefix(around).and_then(|r| r.strip_prefix("/@"));
        if let Some(a) = rest.and_then(|name| self.domain.attribute_at(element, name)) {
            return Span { start: a.name().start, end: a.value().end + 1 };
        }
        // Of `<a/>` the inside begins at its end.
        let scanned = self.domain.scan.element(element);
        Span { start: scanned.span().start, end: scanned.inner().start }
    }

    /// Line and column of a byte.
    #[must_use]
    pub fn position(&self, at: usize) -> Position {
        let line = self.lines.partition_point(|start| *start <= at);
        let start = self.lines[line - 1];
        let before = if self.ascii {
            at - start
        } else {
            self.domain.text.get(start..at).map_or(at - start, |t| t.chars().count())
        };
        Position { line, column: before + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_in_the_text_or_what_is_nearest_to_it() {
        let text = "<domain type='kvm'>\n  <name>späße</name><title>t</title>\r\n  <devices>\n    <disk/>\n    \
                    <disk type='file'>\n    </disk>\n  </devices>\n</domain>\n";
        let domain = Domain::parse(text).unwrap();
        let places = Places::new(&domain);
        let at = |path: &str| {
            let (from, to) = places.find(path);
            (from.line, from.column, to.line, to.column)
        };
        assert_eq!(at("/domain"), (1, 1, 1, 20));
        assert_eq!(at("/domain/@type"), (1, 9, 1, 19));
        assert_eq!(at("/domain/title"), (2, 21, 2, 28));
        assert_eq!(at("/domain/devices/disk[2]"), (5, 5, 5, 23));
        assert_eq!(at("/domain/devices/disk[2]/@type"), (5, 11, 5, 22));
        assert_eq!(at("/domain/devices/disk[1]/driver/@iommu"), (4, 5, 4, 12));
        assert_eq!(at("/domain/devices/disk[3]"), (3, 3, 3, 12));
        assert_eq!(at("/domain/features/smm/@state"), (1, 1, 1, 20));
        assert_eq!(at("security.sev.policy"), (1, 1, 1, 20));
        assert_eq!(at("/dev/sev"), (1, 1, 1, 20));
    }
}
