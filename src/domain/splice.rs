//! From a patch to bytes. In: a document and changes. Out: splices, and the new text. Never: a byte outside them.

use super::escape::escape;
use super::node::{Node, Style, attribute};
use super::patch::{Change, ElementPatch, collect};
use super::scan::Span;
use super::{Domain, ElementId};
use crate::codes::Kind;
use crate::error::Error;

/// One replacement: these bytes become this text. An empty span inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splice {
    /// What goes.
    pub span: Span,
    /// What comes.
    pub text: String,
}

/// The line that an element begins.
struct Line {
    newline: &'static str,
    /// Where the line end before it begins.
    start: usize,
    /// Where the element begins.
    at: usize,
}

impl Domain {
    /// The splices of these changes, in the order of the document, none over another.
    ///
    /// # Errors
    /// `Kind::Bug` when two changes want the same bytes.
    pub fn splices<'a>(&self, changes: impl Iterator<Item = &'a Change>) -> Result<Vec<Splice>, Error> {
        let patch = collect(self, changes);
        let mut out = Vec::new();
        for (id, element) in &patch {
            let mut above = self.parent(*id);
            let mut gone = false;
            while let Some(p) = above {
                gone |= patch.get(&p).is_some_and(|e| e.removed);
                above = self.parent(p);
            }
            if !gone {
                self.element_splices(*id, element, &mut out);
            }
        }
        // Stable: what goes in at one place stays in the order in which it was found.
        out.sort_by_key(|s| s.span);
        for pair in out.windows(2) {
            if pair[0].span.end > pair[1].span.start {
                let at = super::path::line_column(&self.text, pair[1].span.start);
                return Err(Error::new(Kind::Bug, "two changes want the same place").at(at));
            }
        }
        Ok(out)
    }

    /// The document with these changes made.
    ///
    /// # Errors
    /// `Kind::Bug` when two changes want the same bytes.
    pub fn apply<'a>(&self, changes: impl Iterator<Item = &'a Change>) -> Result<String, Error> {
        let splices = self.splices(changes)?;
        let grown: usize = splices.iter().map(|s| s.text.len()).sum();
        let mut out = String::with_capacity(self.text.len() + grown);
        let mut at = 0;
        for splice in &splices {
            out.push_str(&self.text[at..splice.span.start]);
            out.push_str(&splice.text);
            at = splice.span.end;
        }
        out.push_str(&self.text[at..]);
        Ok(out)
    }

    fn element_splices(&self, id: ElementId, patch: &ElementPatch, out: &mut Vec<Splice>) {
        if patch.removed {
            let span = self.span(id);
            let start = self.line(span.start).map_or(span.start, |l| l.start);
            out.push(Splice { span: Span { start, end: span.end }, text: String::new() });
            return;
        }
        self.attribute_splices(id, patch, out);
        let mut added = patch.added.clone();
        for node in &mut added {
            node.sort();
        }
        let parent = self.name(id);
        added.sort_by_key(|n| super::order::rank(parent, &n.name));
        let element = &self.scan.elements[id.0];
        if element.empty && (patch.text.is_some() || !added.is_empty()) {
            out.push(self.open_up(id, patch.text.as_deref(), &added));
            return;
        }
        if let Some(text) = &patch.text {
            out.push(Splice { span: element.inner, text: escape(text) });
        }
        let style = self.child_style(id);
        for node in &added {
            out.push(self.insertion(id, node, &style));
        }
    }

    fn attribute_splices(&self, id: ElementId, patch: &ElementPatch, out: &mut Vec<Splice>) {
        let element = &self.scan.elements[id.0];
        let attributes = &self.scan.attributes[element.attributes.0..element.attributes.1];
        let mut new = String::new();
        for (name, value) in &patch.set {
            match self.attribute_at(id, name) {
                Some(a) => out.push(Splice { span: a.value, text: escape(value) }),
                None => new.push_str(&attribute(name, value, self.quote())),
            }
        }
        if !new.is_empty() {
            let at = attributes.last().map_or(element.name.end, |a| a.value.end + 1);
            out.push(Splice { span: Span { start: at, end: at }, text: new });
        }
        for name in &patch.unset {
            if let Some(a) = self.attribute_at(id, name) {
                let before = &self.text[..a.name.start];
                let start = before.trim_end_matches([' ', '\t', '\r', '\n']).len();
                out.push(Splice { span: Span { start, end: a.value.end + 1 }, text: String::new() });
            }
        }
    }

    /// `<a/>` becomes `<a>…</a>`.
    fn open_up(&self, id: ElementId, text: Option<&str>, added: &[Node]) -> Splice {
        let end = self.span(id).end;
        let head = &self.text[..end - 2];
        let start = head.trim_end_matches([' ', '\t', '\r', '\n']).len();
        let style = self.child_style(id);
        let mut new = String::from(">");
        new.push_str(&text.map(escape).unwrap_or_default());
        for node in added {
            new.push_str(&style.lead());
            node.render(&style, &mut new);
        }
        if !added.is_empty() {
            new.push_str(&self.close_lead(id, &style));
        }
        new.push_str(&format!("</{}>", self.qualified_name(id)));
        Splice { span: Span { start, end }, text: new }
    }

    /// The line end and indentation before an end tag.
    fn close_lead(&self, id: ElementId, style: &Style) -> String {
        let indent = self.indent(id);
        style.newline.map(|n| format!("{n}{indent}")).unwrap_or_default()
    }

    fn insertion(&self, parent: ElementId, node: &Node, style: &Style) -> Splice {
        let rank = super::order::rank(self.name(parent), &node.name);
        let fits = |c: &ElementId| super::order::rank(self.name(parent), self.name(*c)) <= rank;
        let together = |c: &ElementId| super::order::stand_together(self.name(*c), &node.name);
        let before = if rank == usize::MAX {
            self.all_children(parent).last()
        } else if let Some(first) = self.children(parent).find(together) {
            let among = self.children(parent).filter(together).filter(fits).last();
            among.or_else(|| self.all_children(parent).take_while(|c| *c != first).last())
        } else {
            self.children(parent).filter(fits).last()
        };
        let inner = self.scan.elements[parent.0].inner;
        let childless = self.scan.elements[parent.0].first_child.is_none();
        let at = match before {
            Some(c) => self.after_comments(self.span(c).end, inner.end),
            None if childless => {
                // Behind the comments that are all there is.
                inner.start
                    + self.text[inner.start..inner.end].trim_end_matches([' ', '\t', '\r', '\n']).len()
            }
            None => self.after_comments(inner.start, inner.end),
        };
        let mut text = style.lead();
        node.render(style, &mut text);
        if childless && !self.text[at..inner.end].contains(['\n', '\r']) {
            text.push_str(&self.close_lead(parent, style));
        }
        Splice { span: Span { start: at, end: at }, text }
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
    fn child_style(&self, id: ElementId) -> Style {
        let flat = |newline, indent: &str| Style {
            newline,
            indent: indent.to_owned(),
            unit: self.unit(id),
            quote: self.quote(),
        };
        if let Some(line) = self.all_children(id).find_map(|c| self.line(self.span(c).start)) {
            return flat(Some(line.newline), &self.text[line.start + line.newline.len()..line.at]);
        }
        let childless = self.scan.elements[id.0].first_child.is_none();
        match self.line(self.span(id).start) {
            Some(line) if childless => {
                flat(Some(line.newline), &format!("{}{}", self.indent(id), self.unit(id)))
            }
            Some(_) | None => flat(None, ""),
        }
    }

    /// One step of indentation: as between this element and its children, or the root and its children.
    fn unit(&self, id: ElementId) -> String {
        for parent in [id, self.root()] {
            let outer = self.indent(parent);
            let inner = self.all_children(parent).find_map(|c| self.line(self.span(c).start));
            if let Some(line) = inner {
                let indent = &self.text[line.start + line.newline.len()..line.at];
                if let Some(step) = indent.strip_prefix(outer)
                    && !step.is_empty()
                {
                    return step.to_owned();
                }
            }
        }
        "  ".to_owned()
    }

    /// The white space before an element on its line; nothing when it does not begin its line.
    fn indent(&self, id: ElementId) -> &str {
        match self.line(self.span(id).start) {
            Some(line) => &self.text[line.start + line.newline.len()..line.at],
            None => "",
        }
    }

    /// The line that begins with the byte at `at`, if only white space stands before it.
    fn line(&self, at: usize) -> Option<Line> {
        let head = self.text[..at].trim_end_matches([' ', '\t']);
        let newline = ["\r\n", "\n", "\r"].into_iter().find(|n| head.ends_with(n))?;
        Some(Line { newline, start: head.len() - newline.len(), at })
    }

    /// The quotes that the document uses first.
    fn quote(&self) -> char {
        let first = self.scan.attributes.first().map(|a| self.text.as_bytes()[a.value.end]);
        if first == Some(b'"') { '"' } else { '\'' }
    }
}
