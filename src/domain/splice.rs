//! From a patch to bytes. In: a document and changes. Out: splices, and the new text. Never: a byte outside them.

use super::layout::Brother;
use super::node::{Node, Text};
use super::order::{self, Order};
use super::patch::{Change, Step, collect};
use super::piece::{Child, Inside, Piece, What, Writer};
use super::tree::place;
use super::{BLANKS, Domain, ElementId, Span};
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

/// A step and the element that it is at.
type Stepped<'a> = (ElementId, Step<'a>);

/// A new child element and its place among its brothers.
struct Added<'a> {
    node: Child<'a>,
    rank: usize,
    /// A later fragment of its name is united with it.
    unites: bool,
}

/// All pieces so far, and room for what one element gets: kept from element to element.
struct Pieces<'a> {
    all: Vec<Piece<'a>>,
    added: Vec<Added<'a>>,
    brothers: Vec<Brother>,
}

impl<'a> Pieces<'a> {
    fn push(&mut self, element: ElementId, start: usize, end: usize, what: What<'a>) {
        self.all.push(Piece { start: place(start), end: place(end), element, what });
    }
}

impl Domain<'_> {
    /// The splices of these changes, in the order of the document, none over another.
    ///
    /// # Errors
    /// `Kind::Bug` when two changes want the same place.
    pub fn splices<'a>(
        &self,
        changes: impl Iterator<Item = &'a Change> + Clone,
    ) -> Result<Vec<Splice>, Error> {
        let mut writer = Writer::new(self);
        let splice = |piece: &Piece<'_>| {
            let mut text = String::new();
            writer.write(piece, &mut text);
            Splice { span: piece.span(), text }
        };
        Ok(self.pieces(changes)?.iter().map(splice).collect())
    }

    /// The document with these changes made.
    ///
    /// # Errors
    /// `Kind::Bug` when two changes want the same place.
    pub fn apply<'a>(&self, changes: impl Iterator<Item = &'a Change> + Clone) -> Result<String, Error> {
        let pieces = self.pieces(changes)?;
        let mut writer = Writer::new(self);
        // Most pieces are an attribute or an element as short as <driver iommu='on'/> on a line of its own.
        let mut out = String::with_capacity(self.text.len() + 256 + pieces.len() * 48);
        let mut at = 0;
        for piece in &pieces {
            let span = piece.span();
            out.push_str(&self.text[at..span.start]);
            writer.write(piece, &mut out);
            at = span.end;
        }
        out.push_str(&self.text[at..]);
        Ok(out)
    }

    /// The pieces of these changes, in the order of the document, none over another.
    fn pieces<'a>(&self, changes: impl Iterator<Item = &'a Change> + Clone) -> Result<Vec<Piece<'a>>, Error> {
        let all = Vec::with_capacity(changes.size_hint().0);
        let mut out = Pieces { all, added: Vec::new(), brothers: Vec::new() };
        let patch = collect(self, changes);
        let mut removed: Option<Span> = None;
        for steps in patch.chunk_by(|a, b| a.0 == b.0) {
            let Some((element, first)) = steps.first().copied() else { continue };
            let span = self.span(element);
            if removed.is_some_and(|r| span.start < r.end)
                || (matches!(first, Step::Remove) && steps.len() > 1)
            {
                return Err(self.clash(span.start));
            }
            if matches!(first, Step::Remove) {
                let start = self.line(span.start).map_or(span.start, |l| l.start);
                out.push(element, start, span.end, What::Nothing);
                removed = Some(span);
            } else {
                self.element_pieces(element, steps, &mut out)?;
            }
        }
        let mut all = out.all;
        // Stable: what goes in at one place stays in the order in which it was found.
        all.sort_by_key(|piece| (piece.start, piece.end));
        match all.windows(2).find(|pair| pair[0].end > pair[1].start) {
            Some(pair) => Err(self.clash(pair[1].start as usize)),
            None => Ok(all),
        }
    }

    fn clash(&self, at: usize) -> Error {
        let place = super::path::line_column(&self.text, at);
        Error::new(Kind::Bug, "two changes want the same place").at(place)
    }

    fn element_pieces<'a>(
        &self,
        id: ElementId,
        steps: &[Stepped<'a>],
        out: &mut Pieces<'a>,
    ) -> Result<(), Error> {
        let clash = || self.clash(self.span(id).start);
        let order = order::of(self.name(id));
        let new =
            |node: &'a Node, unites| Added { node: Child::Of(node), rank: order.rank(&node.name), unites };
        let mut text = None;
        for (_, step) in steps {
            match *step {
                Step::Text(new) if text.is_none() => text = Some(new),
                Step::Text(_) | Step::Remove => return Err(clash()),
                Step::Add(node) => out.added.push(new(node, false)),
                Step::Unite(node) => {
                    let known = out.added.iter_mut().find(|a| a.unites && a.node.name == node.name);
                    match known.map(|known| known.node.merge(node)) {
                        Some(true) => {}
                        Some(false) => return Err(clash()),
                        None => out.added.push(new(node, true)),
                    }
                }
                Step::Set(..) | Step::Unset(_) => {}
            }
        }
        self.attribute_pieces(id, steps, out)?;
        if text.is_some() || !out.added.is_empty() {
            out.added.sort_by_key(|a| a.rank);
            self.content_pieces(id, text, order, out);
        }
        Ok(())
    }

    /// New text and new children, these in libvirt's order.
    fn content_pieces<'a>(&self, id: ElementId, text: Option<&'a Text>, order: Order, out: &mut Pieces<'a>) {
        let element = self.scan.element(id);
        if element.is_empty() {
            let end = element.span().end;
            let start = self.text[..end - 2].trim_end_matches(BLANKS).len();
            let children = out.added.drain(..).map(|a| a.node).collect();
            out.push(id, start, end, What::Inside(Box::new(Inside { text, children })));
            return;
        }
        if let Some(text) = text {
            let inner = element.inner();
            out.push(id, inner.start, inner.end, What::Plain(text));
        }
        self.brothers(id, order, &mut out.brothers);
        let mut last: Option<(Text, usize)> = None;
        for new in out.added.drain(..) {
            let name = &new.node.name;
            let at = match &last {
                Some((namesake, at)) if namesake == name => *at,
                _ => self.anchor(id, name, new.rank, &out.brothers),
            };
            last = Some((name.clone(), at));
            let (start, end) = (place(at), place(at));
            out.all.push(Piece { start, end, element: id, what: What::Child(new.node) });
        }
    }

    fn attribute_pieces<'a>(
        &self,
        id: ElementId,
        steps: &[Stepped<'a>],
        out: &mut Pieces<'a>,
    ) -> Result<(), Error> {
        // Where new ones go: behind the last that is there.
        let behind = || {
            let last = self.scan.attributes_of(id).last();
            last.map_or(self.scan.element(id).name().end, |a| a.value().end + 1)
        };
        for (n, (_, step)) in steps.iter().enumerate() {
            let Some(name) = step.attribute() else { continue };
            if steps[..n].iter().any(|(_, s)| s.attribute() == Some(name)) {
                return Err(self.clash(self.span(id).start));
            }
            match (*step, self.attribute_at(id, name)) {
                (Step::Set((_, value)), Some(a)) => {
                    out.push(id, a.value().start, a.value().end, What::Plain(value));
                }
                (Step::Set(attribute), None) => {
                    let at = behind();
                    out.push(id, at, at, What::Attribute(attribute));
                }
                (_, Some(a)) => {
                    let start = self.text[..a.name().start].trim_end_matches(BLANKS).len();
                    out.push(id, start, a.value().end + 1, What::Nothing);
                }
                (_, None) => {}
            }
        }
        Ok(())
    }
}
