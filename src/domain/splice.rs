//! From a patch to bytes. In: a document and changes. Out: splices, and the new text. Never: a byte outside them.

use super::escape::push_escaped;
use super::layout::Brother;
use super::node::{Node, Style, push_attribute};
use super::patch::{Change, Step, collect};
use super::{Domain, ElementId, Span, order};
use crate::codes::Kind;
use crate::error::Error;
use std::borrow::Cow;

/// One replacement: these bytes become this text. An empty span inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splice {
    /// What goes.
    pub span: Span,
    /// What comes.
    pub text: String,
}

/// A step and the element that it is at.
type Stepped<'a> = (ElementId, Step<'a>);

/// Every splice of a patch. Their texts lie in one string, end to end.
pub(super) struct Splices<'a> {
    text: String,
    /// What goes, and where in `text` what comes begins and ends.
    list: Vec<(Span, usize, usize)>,
    /// Room for one element's children, kept from element to element.
    brothers: Vec<Brother>,
    /// One step of the document's indentation: looked for once.
    step: &'a str,
}

impl Splices<'_> {
    fn push(&mut self, start: usize, end: usize, write: impl FnOnce(&mut String)) {
        let from = self.text.len();
        write(&mut self.text);
        self.list.push((Span { start, end }, from, self.text.len()));
    }
}

impl Domain {
    /// The splices of these changes, in the order of the document, none over another.
    ///
    /// # Errors
    /// `Kind::Bug` when two changes want the same place.
    pub fn splices<'a>(&self, changes: impl Iterator<Item = &'a Change>) -> Result<Vec<Splice>, Error> {
        let all = self.write(changes)?;
        let splice = |(span, from, to): &(Span, usize, usize)| Splice {
            span: *span,
            text: all.text[*from..*to].to_owned(),
        };
        Ok(all.list.iter().map(splice).collect())
    }

    /// The document with these changes made.
    ///
    /// # Errors
    /// `Kind::Bug` when two changes want the same place.
    pub fn apply<'a>(&self, changes: impl Iterator<Item = &'a Change>) -> Result<String, Error> {
        let all = self.write(changes)?;
        let mut out = String::with_capacity(self.text.len() + all.text.len());
        let mut at = 0;
        for (span, from, to) in &all.list {
            out.push_str(&self.text[at..span.start]);
            out.push_str(&all.text[*from..*to]);
            at = span.end;
        }
        out.push_str(&self.text[at..]);
        Ok(out)
    }

    fn write<'a>(&self, changes: impl Iterator<Item = &'a Change>) -> Result<Splices<'_>, Error> {
        let patch = collect(self, changes);
        let mut out = Splices {
            // Most steps bring an attribute or an element as short as <driver iommu='on'/>.
            text: String::with_capacity(patch.len() * 40),
            list: Vec::with_capacity(patch.len()),
            brothers: Vec::new(),
            step: self.step(self.root()).unwrap_or("  "),
        };
        let mut removed: Option<Span> = None;
        for steps in patch.chunk_by(|a, b| a.0 == b.0) {
            let Some((id, first)) = steps.first().copied() else { continue };
            let span = self.span(id);
            if removed.is_some_and(|r| span.start < r.end)
                || (matches!(first, Step::Remove) && steps.len() > 1)
            {
                return Err(self.clash(span.start));
            }
            if matches!(first, Step::Remove) {
                let start = self.line(span.start).map_or(span.start, |l| l.start);
                out.push(start, span.end, |_| {});
                removed = Some(span);
            } else {
                self.element_splices(id, steps, &mut out)?;
            }
        }
        // Stable: what goes in at one place stays in the order in which it was found.
        out.list.sort_by_key(|(span, ..)| *span);
        match out.list.windows(2).find(|pair| pair[0].0.end > pair[1].0.start) {
            Some(pair) => Err(self.clash(pair[1].0.start)),
            None => Ok(out),
        }
    }

    fn clash(&self, at: usize) -> Error {
        let place = super::path::line_column(&self.text, at);
        Error::new(Kind::Bug, "two changes want the same place").at(place)
    }

    fn element_splices(
        &self,
        id: ElementId,
        steps: &[Stepped<'_>],
        out: &mut Splices<'_>,
    ) -> Result<(), Error> {
        if let [(_, Step::Unite(node) | Step::Add(node))] = steps {
            self.content_splices(id, None, &[node], out);
            return Ok(());
        }
        let clash = || self.clash(self.span(id).start);
        let mut text = None;
        // Each with whether a later fragment of its name is united with it.
        let mut added: Vec<(Cow<'_, Node>, bool)> = Vec::new();
        for (_, step) in steps {
            match *step {
                Step::Text(new) if text.is_none() => text = Some(new),
                Step::Text(_) | Step::Remove => return Err(clash()),
                Step::Add(node) => added.push((Cow::Borrowed(node), false)),
                Step::Unite(node) => {
                    match added.iter_mut().find(|(n, unites)| *unites && n.name == node.name) {
                        Some((known, _)) => {
                            if !known.to_mut().merge(node) {
                                return Err(clash());
                            }
                        }
                        None => added.push((Cow::Borrowed(node), true)),
                    }
                }
                Step::Set(..) | Step::Unset(_) => {}
            }
        }
        self.attribute_splices(id, steps, out)?;
        let mut added: Vec<&Node> = added.iter().map(|(node, _)| node.as_ref()).collect();
        let order = order::of(self.name(id));
        added.sort_by_key(|n| order.rank(&n.name));
        self.content_splices(id, text, &added, out);
        Ok(())
    }

    /// New text and new children, these in libvirt's order.
    fn content_splices(&self, id: ElementId, text: Option<&str>, added: &[&Node], out: &mut Splices<'_>) {
        if text.is_none() && added.is_empty() {
            return;
        }
        let element = self.scan.element(id);
        if element.is_empty() {
            self.open_up(id, text, added, out);
            return;
        }
        if let Some(text) = text {
            let inner = element.inner();
            out.push(inner.start, inner.end, |s| push_escaped(text, s));
        }
        let style = self.child_style(id, added.iter().any(|n| !n.children.is_empty()), out.step);
        let order = order::of(self.name(id));
        let mut brothers = std::mem::take(&mut out.brothers);
        self.brothers(id, order, &mut brothers);
        let mut last: Option<(&str, usize)> = None;
        for node in added {
            let at = match last {
                Some((name, at)) if name == node.name => at,
                _ => self.anchor(id, &node.name, order.rank(&node.name), &brothers),
            };
            last = Some((&node.name, at));
            self.insert(id, at, node, &style, out);
        }
        out.brothers = brothers;
    }

    fn attribute_splices(
        &self,
        id: ElementId,
        steps: &[Stepped<'_>],
        out: &mut Splices<'_>,
    ) -> Result<(), Error> {
        // Where new ones go: behind the last that is there.
        let behind = || {
            let last = self.scan.attributes_of(id).last();
            last.map_or(self.scan.element(id).name().end, |a| a.value().end + 1)
        };
        for (n, (_, step)) in steps.iter().enumerate() {
            let name = match *step {
                Step::Set(name, _) | Step::Unset(name) => name,
                Step::Text(_) | Step::Unite(_) | Step::Add(_) | Step::Remove => continue,
            };
            let same = |s: &Stepped<'_>| matches!(s.1, Step::Set(n, _) | Step::Unset(n) if n == name);
            if steps[..n].iter().any(same) {
                return Err(self.clash(self.span(id).start));
            }
            match (step, self.attribute_at(id, name)) {
                (Step::Set(_, value), Some(a)) => {
                    out.push(a.value().start, a.value().end, |s| push_escaped(value, s));
                }
                (Step::Set(_, value), None) => {
                    let at = behind();
                    out.push(at, at, |s| push_attribute(name, value, self.quote(), s));
                }
                (_, Some(a)) => {
                    let before = &self.text[..a.name().start];
                    let start = before.trim_end_matches([' ', '\t', '\r', '\n']).len();
                    out.push(start, a.value().end + 1, |_| {});
                }
                (_, None) => {}
            }
        }
        Ok(())
    }

    /// `<a/>` becomes `<a>…</a>`.
    fn open_up(&self, id: ElementId, text: Option<&str>, added: &[&Node], out: &mut Splices<'_>) {
        let end = self.span(id).end;
        let head = &self.text[..end - 2];
        let start = head.trim_end_matches([' ', '\t', '\r', '\n']).len();
        let style = self.child_style(id, added.iter().any(|n| !n.children.is_empty()), out.step);
        out.push(start, end, |s| {
            s.push('>');
            push_escaped(text.unwrap_or_default(), s);
            for node in added {
                style.push_lead(s);
                node.render(&style, s);
            }
            if !added.is_empty() {
                self.push_close_lead(id, &style, s);
            }
            s.push_str("</");
            s.push_str(self.qualified_name(id));
            s.push('>');
        });
    }

    fn insert(&self, parent: ElementId, at: usize, node: &Node, style: &Style<'_>, out: &mut Splices<'_>) {
        let element = self.scan.element(parent);
        out.push(at, at, |s| {
            style.push_lead(s);
            node.render(style, s);
            if self.scan.first_child(parent).is_none()
                && !self.text[at..element.inner().end].contains(['\n', '\r'])
            {
                self.push_close_lead(parent, style, s);
            }
        });
    }
}
