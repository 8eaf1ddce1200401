//! How new text is laid out. In: a place in the document. Out: the style of its surroundings. Never: an edit.

use super::node::Style;
use super::order::{self, Order};
use super::tree::Ns;
use super::{Domain, ElementId};

/// Bytes of the longest indentation that is copied: eight blanks for each of sixteen elements around.
const LONGEST_INDENT: usize = 128;

/// The line that an element begins.
pub(super) struct Line {
    newline: &'static str,
    /// Where the line end before it begins.
    pub start: usize,
    /// Where the element begins.
    at: usize,
}

/// A child beside which others are to be added.
pub(super) struct Brother {
    element: ElementId,
    /// Its place in the order; `None` for one in a foreign namespace.
    rank: Option<usize>,
}

impl Domain<'_> {
    /// The children of an element, each with its place in the order: found once for all that is to be added.
    pub(super) fn brothers(&self, parent: ElementId, order: Order, out: &mut Vec<Brother>) {
        out.clear();
        out.extend(self.scan.children(parent).map(|(element, e)| Brother {
            element,
            rank: (e.ns == Ns::NONE).then(|| order.rank(e.local(&self.text))),
        }));
    }

    /// Where a new child of this name goes: where libvirt's formatter would put it.
    pub(super) fn anchor(&self, parent: ElementId, name: &str, rank: usize, brothers: &[Brother]) -> usize {
        let fits = |b: &&Brother| b.rank.is_some_and(|r| r <= rank);
        let event = |b: &&Brother| b.rank.is_some() && order::is_event(self.name(b.element));
        let first = if order::is_event(name) { brothers.iter().position(|b| event(&b)) } else { None };
        let before = match first {
            _ if rank == usize::MAX => brothers.last(),
            Some(first) => {
                let among = brothers.iter().filter(event).rfind(fits);
                among.or_else(|| brothers[..first].last())
            }
            None => brothers.iter().rfind(fits),
        };
        let inner = self.scan.element(parent).inner();
        match before {
            Some(brother) => self.after_comments(self.span(brother.element).end, inner.end),
            // Behind the comments that are all there is.
            None if brothers.is_empty() => {
                inner.start + inner.of(&self.text).trim_end_matches(super::BLANKS).len()
            }
            None => self.after_comments(inner.start, inner.end),
        }
    }

    /// A comment on the line that ends here belongs to what stands before it: go behind it.
    fn after_comments(&self, from: usize, limit: usize) -> usize {
        let mut at = from;
        loop {
            let rest = &self.text[at..limit];
            let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            let Some(comment) = rest[blank..].strip_prefix("<!--") else { return at };
            let Some(end) = comment.find("-->") else { return at };
            // A comment that is followed by an element on its line belongs to that one.
            let next = at + blank + 4 + end + 3;
            let tail = self.text[next..limit].trim_start_matches([' ', '\t']);
            if !(tail.is_empty() || tail.starts_with(['\n', '\r']) || tail.starts_with("<!--")) {
                return at;
            }
            at = next;
        }
    }

    /// How new children of an element are laid out: as their brothers are; else one step inside the element; on
    /// one line where the document is.
    ///
    /// `nested`: a new child has children of its own. `step`: the document's own.
    pub(super) fn child_style<'a>(&'a self, id: ElementId, nested: bool, step: &'a str) -> Style<'a> {
        let style = |newline, indent, steps| Style {
            newline,
            indent,
            steps,
            unit: if nested || steps > 0 { self.step(id).unwrap_or(step) } else { "" },
            quote: self.quote(),
        };
        if let Some(line) = self.first_line(id) {
            return style(Some(line.newline), self.blank(&line), 0);
        }
        let childless = self.scan.is_leaf(id);
        match self.line(self.span(id).start) {
            Some(line) if childless => style(Some(line.newline), self.blank(&line), 1),
            Some(_) | None => style(None, "", 0),
        }
    }

    /// The line end and indentation before an end tag.
    pub(super) fn push_close_lead(&self, id: ElementId, style: &Style<'_>, out: &mut String) {
        if let Some(newline) = style.newline {
            out.push_str(newline);
            out.push_str(self.indent(id));
        }
    }

    /// One step of indentation, as between this element and its children.
    pub(super) fn step(&self, id: ElementId) -> Option<&str> {
        let line = self.first_line(id)?;
        self.blank(&line).strip_prefix(self.indent(id)).filter(|step| !step.is_empty())
    }

    /// The white space before an element on its line; nothing when it does not begin its line.
    fn indent(&self, id: ElementId) -> &str {
        self.line(self.span(id).start).map_or("", |line| self.blank(&line))
    }

    /// The first line that a child begins.
    fn first_line(&self, id: ElementId) -> Option<Line> {
        self.scan.children(id).find_map(|(_, e)| self.line(e.span().start))
    }

    /// The white space that a line begins with. It is written again for every new line, so of a very long one only the
    /// end is taken: a document must not grow by more than what is added to it.
    fn blank(&self, line: &Line) -> &str {
        let blank = &self.text[line.start + line.newline.len()..line.at];
        &blank[blank.len().saturating_sub(LONGEST_INDENT)..]
    }

    /// The line that begins with the byte at `at`, if only white space stands before it.
    pub(super) fn line(&self, at: usize) -> Option<Line> {
        let bytes = &self.text.as_bytes()[..at];
        let blanks = bytes.iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let head = &bytes[..at - blanks];
        let newline = ["\r\n", "\n", "\r"].into_iter().find(|n| head.ends_with(n.as_bytes()))?;
        Some(Line { newline, start: head.len() - newline.len(), at })
    }

    /// The quotes that the document uses first.
    pub(super) fn quote(&self) -> char {
        let first = self.scan.attributes.first().map(|a| self.text.as_bytes()[a.value().end]);
        if first == Some(b'"') { '"' } else { '\'' }
    }
}
