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
    pub(super) fn new(start: Place, end: Place) -> Self {
        Self { start: start as usize, end: end as usize }
    }

    /// These bytes of the document.
    pub(super) fn of(self, text: &str) -> &str {
        &text[self.start..self.end]
    }

    /// [`Span::of`] where characters do not matter.
    pub(super) fn of_bytes(self, text: &str) -> &[u8] {
        &text.as_bytes()[self.start..self.end]
    }
}

/// Equality of names. Length and first letter tell nearly all apart, sooner than a comparison of whole names.
pub(super) fn same_name(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.first() == other.first() && one == other
}

/// Which namespace an element is in: one more than its number in [`Scan::namespaces`], 0 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ns(u16);

impl Ns {
    /// That of libvirt's own elements.
    pub(super) const NONE: Self = Self(0);

    /// The namespace of this number.
    pub(super) fn of_number(number: usize) -> Self {
        Self(short(number + 1))
    }
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
    /// The index behind its last descendant's: its next brother's, if it has one.
    pub after: u32,
    pub name_length: u16,
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
    #[inline]
    pub(super) fn local<'t>(&self, text: &'t str) -> &'t str {
        let name = self.name().of(text);
        // A prefix always means a namespace.
        if self.ns == Ns::NONE { name } else { name.split_once(':').map_or(name, |(_, local)| local) }
    }

    /// True for one in no namespace and of this name.
    pub(super) fn is_own_named(&self, name: &str, text: &str) -> bool {
        self.ns == Ns::NONE && same_name(self.name().of_bytes(text), name.as_bytes())
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
    pub(super) fn is_named(&self, name: &str, text: &str) -> bool {
        same_name(self.name().of_bytes(text), name.as_bytes())
    }

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

    /// The child elements, of whatever namespace. The first follows its parent in the list.
    pub(super) fn children(&self, id: ElementId) -> impl Iterator<Item = (ElementId, &Element)> {
        let mut next = id.index() + 1;
        let end = self.element(id).after as usize;
        std::iter::from_fn(move || {
            let here = next;
            let element = self.elements[..end].get(here)?;
            next = element.after as usize;
            Some((ElementId::of_index(here), element))
        })
    }

    /// True for an element without child elements.
    pub(super) fn is_leaf(&self, id: ElementId) -> bool {
        self.element(id).after as usize == id.index() + 1
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
// A hundred devices are some five hundred elements: what one more field costs, all of them cost.
const _: () = assert!(size_of::<Element>() == 32 && size_of::<Attribute>() == 16);
