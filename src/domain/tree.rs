//! The elements of a document, as the scan finds them: spans and links. In: nothing. Out: one flat list of elements.
//! Never: the document's text.

use super::limits;
use std::num::NonZeroU32;

/// A range of bytes of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    fn new(start: Place, end: Place) -> Self {
        Self { start: start as usize, end: end as usize }
    }

    /// These bytes of the document.
    pub(super) fn of(self, text: &str) -> &str {
        &text[self.start..self.end]
    }
}

/// Which namespace an element is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Ns {
    /// None: libvirt's own elements.
    None,
    /// Another one, by its number in [`Scan::namespaces`].
    Other(u16),
}

/// A place in the document: [`limits::MAX_BYTES`] fits, and half the size is half the memory to walk.
pub(super) type Place = u32;

/// Names one element of one [`Domain`](super::Domain). Means nothing in another.
// One more than its index, so that no element at all takes no room of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementId(NonZeroU32);

impl ElementId {
    /// `<domain>`.
    pub(super) const ROOT: Self = Self(NonZeroU32::MIN);

    pub(super) fn of_index(index: usize) -> Self {
        Self(NonZeroU32::MIN.saturating_add(place(index)))
    }

    pub(super) fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// One element. Small, since a document is mostly these.
#[derive(Debug, Clone)]
pub(super) struct Element {
    pub start: Place,
    pub end: Place,
    pub inner_start: Place,
    pub inner_end: Place,
    /// Its first attribute's index. They end where those of the next element begin.
    pub attributes: u32,
    pub parent: Option<ElementId>,
    /// The next brother.
    pub next: Option<ElementId>,
    pub name_length: u16,
    /// Of the prefix with its colon.
    pub prefix_length: u16,
    pub ns: Ns,
}

impl Element {
    /// The whole element.
    pub(super) fn span(&self) -> Span {
        Span::new(self.start, self.end)
    }

    /// The name in the start tag, with its prefix.
    pub(super) fn name(&self) -> Span {
        Span::new(self.start + 1, self.start + 1 + Place::from(self.name_length))
    }

    /// The name without its prefix.
    pub(super) fn local(&self) -> Span {
        let name = self.name();
        Span { start: name.start + usize::from(self.prefix_length), ..name }
    }

    /// Between the tags; for `<a/>` empty, at the element's end.
    pub(super) fn inner(&self) -> Span {
        Span::new(self.inner_start, self.inner_end)
    }

    /// `<a/>`.
    pub(super) fn is_empty(&self) -> bool {
        self.inner_start == self.end
    }
}

/// One attribute: `name`, then `value` without its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attribute {
    pub name: Place,
    pub name_end: Place,
    pub value: Place,
    pub value_end: Place,
}

impl Attribute {
    pub(super) fn name(&self) -> Span {
        Span::new(self.name, self.name_end)
    }

    pub(super) fn value(&self) -> Span {
        Span::new(self.value, self.value_end)
    }
}

/// What the scan found.
#[derive(Debug, Clone, Default)]
pub(super) struct Scan {
    pub elements: Vec<Element>,
    pub attributes: Vec<Attribute>,
    pub namespaces: Vec<String>,
}

impl Scan {
    pub(super) fn element(&self, id: ElementId) -> &Element {
        &self.elements[id.index()]
    }

    /// The first child, which follows its parent in the list.
    pub(super) fn first_child(&self, id: ElementId) -> Option<ElementId> {
        let next = id.index() + 1;
        self.elements.get(next).filter(|e| e.parent == Some(id)).map(|_| ElementId::of_index(next))
    }

    /// The attributes of an element, in the order in which they stand.
    pub(super) fn attributes_of(&self, id: ElementId) -> &[Attribute] {
        let from = self.element(id).attributes as usize;
        let to = self.elements.get(id.index() + 1).map_or(self.attributes.len(), |e| e.attributes as usize);
        &self.attributes[from..to]
    }
}

/// A place that [`limits::MAX_BYTES`] keeps within range.
#[allow(clippy::cast_possible_truncation, reason = "the document is at most MAX_BYTES long")]
pub(super) fn place(at: usize) -> Place {
    at as Place
}

/// A length or a number that [`limits::MAX_NAME`] or [`limits::MAX_NAMESPACE_NAMES`] keeps within range.
#[allow(clippy::cast_possible_truncation, reason = "the limits hold")]
pub(super) fn short(length: usize) -> u16 {
    length as u16
}

const _: () = assert!(limits::MAX_BYTES < Place::MAX as usize);
const _: () =
    assert!(limits::MAX_NAME <= u16::MAX as usize && limits::MAX_NAMESPACE_NAMES < limits::MAX_NAME);
