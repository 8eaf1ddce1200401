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

/// Bytes after which characters are counted anew: a column costs no more than this.
const BLOCK: usize = 1024;

/// A step of a path: below which element, the name, the number where there are brothers of the name.
type Step<'a> = (ElementId, &'a str, Option<u32>);

/// Every path of one document, read once for as many questions as there are findings.
#[derive(Debug)]
pub struct Places<'a> {
    domain: &'a Domain<'a>,
    /// Where each line begins.
    lines: Vec<usize>,
    /// How many characters stand before each block of the text.
    blocks: Vec<usize>,
    // Not whole paths: names may be long, and elements many.
    steps: HashMap<Step<'a>, ElementId>,
}

impl<'a> Places<'a> {
    /// Looks through a document.
    #[must_use]
    pub fn new(domain: &'a Domain<'a>) -> Self {
        let mut steps = HashMap::new();
        let mut open = vec![domain.root()];
        while let Some(parent) = open.pop() {
            for id in domain.children(parent) {
                steps.insert((parent, domain.name(id), domain.number(id)), id);
                open.push(id);
            }
        }
        let ends = domain.text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        let mut before = 0;
        let block = |bytes: &[u8]| {
            let here = before;
            before += characters(bytes);
            here
        };
        let blocks = domain.text.as_bytes().chunks(BLOCK).map(block).collect();
        Self { domain, lines, blocks, steps }
    }

    /// Where a path begins and ends: an attribute, or the start tag of an element. What is not there stands for the
    /// nearest element around it, and what is no path of the document for its root.
    #[must_use]
    pub fn find(&self, path: &str) -> (Position, Position) {
        let span = self.span(path);
        (self.position(span.start), self.position(span.end))
    }

    fn span(&self, path: &str) -> Span {
        let mut element = self.domain.root();
        for step in path.strip_prefix("/domain/").unwrap_or_default().split('/') {
            if let Some(a) = step.strip_prefix('@').and_then(|name| self.domain.attribute_at(element, name)) {
                return Span { start: a.name().start, end: a.value().end + 1 };
            }
            let (name, number) = match step.strip_suffix(']').and_then(|s| s.rsplit_once('[')) {
                Some((name, number)) => (name, number.parse().ok()),
                None => (step, None),
            };
            match self.steps.get(&(element, name, number)) {
                Some(id) => element = *id,
                None => break,
            }
        }
        // Of `<a/>` the inside begins at its end.
        let scanned = self.domain.scan.element(element);
        Span { start: scanned.span().start, end: scanned.inner().start }
    }

    /// Line and column of a byte.
    #[must_use]
    pub fn position(&self, at: usize) -> Position {
        let line = self.lines.partition_point(|start| *start <= at);
        let before = self.before(at) - self.before(self.lines[line - 1]);
        Position { line, column: before + 1 }
    }

    /// How many characters stand before a byte.
    fn before(&self, at: usize) -> usize {
        let bytes = self.domain.text.as_bytes();
        let Some(counted) = self.blocks.get(at / BLOCK) else { return characters(bytes) };
        counted + characters(&bytes[at / BLOCK * BLOCK..at])
    }
}

/// How many characters begin in these bytes of UTF-8.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| **b & 0xc0 != 0x80).count()
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

    #[test]
    fn columns_count_characters_however_far_the_line_goes() {
        let text = format!("<domain><name>{}</name><x/></domain>", "\u{e4}".repeat(5000));
        let domain = Domain::parse(&text).unwrap();
        let places = Places::new(&domain);
        assert_eq!(places.find("/domain/x").0, Position { line: 1, column: 14 + 5000 + 7 + 1 });
        assert_eq!(places.position(text.len()).column, text.chars().count() + 1);
    }

    /// A path for each element, with every name above it: 12 GB.
    #[test]
    fn long_names_are_not_copied_for_every_element() {
        let names: Vec<String> = (0..60).map(|n| format!("{}{n}", "n".repeat(40_000))).collect();
        let open: String = names.iter().map(|n| format!("<{n}>")).collect();
        let close: String = names.iter().rev().map(|n| format!("</{n}>")).collect();
        let text = format!("<domain>{open}{}{close}<x/></domain>", "<a/>".repeat(5000));
        let domain = Domain::parse(&text).unwrap();
        let begin = std::time::Instant::now();
        assert_eq!(Places::new(&domain).find("/domain/x").0.column, text.len() - 12);
        assert!(begin.elapsed().as_secs() < 5, "{:?}", begin.elapsed());
    }
}
