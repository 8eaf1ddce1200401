//! New text where it is written. In: a place, and what comes there. Out: text in the style of its surroundings.
//! Never: a choice of the place.

use super::Domain;
use super::escape::push_escaped;
use super::node::{Node, Style, Text, push_attribute};
use super::tree::{ElementId, Place, Span};

/// One replacement, not yet written: there may be thousands of them.
pub(super) struct Piece<'a> {
    pub start: Place,
    pub end: Place,
    /// The element that it changes.
    pub element: ElementId,
    pub what: What<'a>,
}

/// What comes.
pub(super) enum What<'a> {
    Nothing,
    /// The value of an attribute, or the text of an element.
    Plain(&'a Text),
    /// An attribute that is not there yet.
    Attribute(&'a (Text, Text)),
    Child(Child<'a>),
    /// `<a/>` becomes `<a>…</a>`.
    Inside(Box<Inside<'a>>),
}

/// A child element that is not there yet.
pub(super) enum Child<'a> {
    Of(&'a Node),
    /// Of what several changes bring.
    United(Box<Node>),
}

/// Text or child elements of an element that has had no end tag.
pub(super) struct Inside<'a> {
    pub text: Option<&'a Text>,
    pub children: Vec<Child<'a>>,
}

impl std::ops::Deref for Child<'_> {
    type Target = Node;

    fn deref(&self) -> &Node {
        match self {
            Self::Of(node) => node,
            Self::United(node) => node,
        }
    }
}

impl Child<'_> {
    /// [`Node::merge`].
    pub(super) fn merge(&mut self, other: &Node) -> bool {
        if let Self::Of(node) = self {
            *self = Self::United(Box::new(node.clone()));
        }
        match self {
            Self::Of(_) => false,
            Self::United(node) => node.merge(other),
        }
    }
}

impl Piece<'_> {
    pub(super) fn span(&self) -> Span {
        Span::new(self.start, self.end)
    }
}

/// Writes pieces of one document, in its order.
pub(super) struct Writer<'d> {
    domain: &'d Domain<'d>,
    /// One step of the document's indentation.
    step: &'d str,
    /// How children of an element are laid out, and whether those with children of their own: found once for as many
    /// as come one after another.
    style: Option<(ElementId, bool, Style<'d>)>,
}

impl<'d> Writer<'d> {
    pub(super) fn new(domain: &'d Domain<'_>) -> Self {
        Self { domain, step: domain.step(domain.root()).unwrap_or("  "), style: None }
    }

    pub(super) fn write(&mut self, piece: &Piece<'_>, out: &mut String) {
        match &piece.what {
            What::Nothing => {}
            What::Plain(text) => push_escaped(text, out),
            What::Attribute((name, value)) => push_attribute(name, value, self.domain.quote(), out),
            What::Child(node) => self.child(piece, node, out),
            What::Inside(inside) => self.inside(piece.element, inside, out),
        }
    }

    fn style(&mut self, parent: ElementId, nested: bool) -> Style<'d> {
        match self.style {
            Some((element, n, style)) if (element, n) == (parent, nested) => style,
            _ => {
                let style = self.domain.child_style(parent, nested, self.step);
                self.style = Some((parent, nested, style));
                style
            }
        }
    }

    fn child(&mut self, piece: &Piece<'_>, node: &Node, out: &mut String) {
        let domain = self.domain;
        let style = self.style(piece.element, !node.children.is_empty());
        style.push_lead(out);
        node.render(&style, out);
        let behind = piece.end as usize..domain.scan.element(piece.element).inner().end;
        if domain.scan.is_leaf(piece.element) && !domain.text[behind].contains(['\n', '\r']) {
            domain.push_close_lead(piece.element, &style, out);
        }
    }

    fn inside(&mut self, element: ElementId, inside: &Inside<'_>, out: &mut String) {
        let nested = inside.children.iter().any(|node| !node.children.is_empty());
        let style = self.style(element, nested);
        out.push('>');
        push_escaped(inside.text.map_or("", |text| text), out);
        for node in &inside.children {
            style.push_lead(out);
            node.render(&style, out);
        }
        if !inside.children.is_empty() {
            self.domain.push_close_lead(element, &style, out);
        }
        out.push_str("</");
        out.push_str(self.domain.qualified_name(element));
        out.push('>');
    }
}
