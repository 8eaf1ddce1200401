//! A libvirt domain document: read into facts, edited without touching a byte that no edit names.
//! No SEV knowledge lives here.
//!
//! `text → scan (spans) → facts` and `changes → patch → splices → text`. Only the splices of a change replace
//! bytes; the document itself is never written anew.

mod devices;
pub mod escape;
mod facts;
mod foreign;
mod layout;
pub mod limits;
mod node;
mod order;
mod patch;
mod path;
mod piece;
mod places;
mod scan;
mod splice;
#[cfg(test)]
mod tests;
mod tree;
mod units;
mod word;

pub use devices::{BootOrder, Device, DeviceKind, Rom};
pub use facts::{
    DomainFacts, Features, FirmwareFeature, LaunchSecurityFacts, Loader, MemoryBackingFacts, Nvram, OsFacts,
};
pub use node::{Node, Text};
pub use patch::{Change, Fragment};
pub use places::{Places, Position};
pub use splice::Splice;
pub use tree::{ElementId, Span};
pub use units::scale;
pub use word::Word;

use crate::codes::Kind;
use crate::error::Error;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use tree::{Attribute, Element, Ns, Scan};

/// White space (XML 1.0, section 2.3).
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// One domain document, read once.
#[derive(Debug, Clone)]
pub struct Domain<'a> {
    text: Cow<'a, str>,
    /// The same for every clone, and for no other document.
    identity: Arc<()>,
    scan: Scan,
    /// See [`path::numbers`]: found when a path is asked for that needs them.
    numbers: OnceLock<Vec<u32>>,
    facts: DomainFacts,
}

/// The namespace of virt-sev's own element in `<metadata>`.
const METADATA_NAMESPACE: &str = "urn:virt-sev:config:1";

impl<'a> Domain<'a> {
    /// Reads a document. A text that is lent is not copied; one that is given away makes a `Domain<'static>`.
    ///
    /// # Errors
    /// `Kind::Domain` when it is not well-formed, over a limit, not a `<domain>`, has an element twice that
    /// libvirt reads once, or another namespace where libvirt would not see that it is one.
    pub fn parse(text: impl Into<Cow<'a, str>>) -> Result<Self, Error> {
        Self::read(text.into())
    }

    fn read(text: Cow<'a, str>) -> Result<Self, Error> {
        let scan = scan::scan(&text)?;
        let (identity, numbers) = (Arc::new(()), OnceLock::new());
        let mut domain = Self { text, identity, scan, numbers, facts: DomainFacts::default() };
        domain.check_root()?;
        domain.refuse_foreign()?;
        domain.facts = facts::read(&domain)?;
        Ok(domain)
    }
}

impl Domain<'_> {
    fn check_root(&self) -> Result<(), Error> {
        let root = self.root();
        let name = self.name(root);
        if self.is_own(root) && name == "domain" {
            return Ok(());
        }
        let error = Error::new(Kind::Domain, "not a domain document")
            .at(path::line_column(&self.text, self.span(root).start))
            .found(format!("<{}>", self.qualified_name(root)))
            .wanted("<domain> in no namespace");
        let hint = match name {
            "domstatus" => {
                "This is libvirt's own run-time state. Take the output of `virsh dumpxml --inactive`."
            }
            "domainsnapshot" | "domaincheckpoint" | "domainbackup" => {
                "A snapshot wraps its domain. Take the output of `virsh dumpxml --inactive`."
            }
            "domainCapabilities" => "Domain capabilities are given with --domcaps.",
            "domain" => "libvirt's elements are in no namespace. Remove the xmlns attribute.",
            _ => "Take the output of `virsh dumpxml --inactive` or of `virt-install --print-xml`.",
        };
        Err(error.hint(hint))
    }

    /// The document as it was read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What tells this document from every other, even from one of the same text.
    pub(crate) fn identity(&self) -> &Arc<()> {
        &self.identity
    }

    /// What it says, as plain values.
    #[must_use]
    pub fn facts(&self) -> &DomainFacts {
        &self.facts
    }

    /// `<domain>`.
    #[must_use]
    pub fn root(&self) -> ElementId {
        ElementId::ROOT
    }

    /// The local name of an element.
    #[must_use]
    pub fn name(&self, id: ElementId) -> &str {
        self.scan.element(id).local(&self.text)
    }

    fn qualified_name(&self, id: ElementId) -> &str {
        self.scan.element(id).name().of(&self.text)
    }

    /// The bytes of an element.
    #[must_use]
    pub fn span(&self, id: ElementId) -> Span {
        self.scan.element(id).span()
    }

    /// The text of an element, tags and all, as it stands in the document.
    #[must_use]
    pub fn raw(&self, id: ElementId) -> &str {
        self.span(id).of(&self.text)
    }

    /// The element around this one.
    #[must_use]
    pub fn parent(&self, id: ElementId) -> Option<ElementId> {
        self.scan.element(id).parent
    }

    /// The number of an element among its brothers of the same name; `None` where it is the only one.
    fn number(&self, id: ElementId) -> Option<u32> {
        let of_all = || self.numbers.get_or_init(|| path::numbers(&self.scan, &self.text))[id.index()];
        let nearby =
            if self.numbers.get().is_none() { path::number_nearby(&self.scan, &self.text, id) } else { None };
        Some(nearby.unwrap_or_else(of_all)).filter(|n| *n > 0)
    }

    /// True for an element in no namespace, as all of libvirt's own are.
    fn is_own(&self, id: ElementId) -> bool {
        self.scan.element(id).ns == Ns::NONE
    }

    /// [`Domain::children`], with what the scan found of each.
    fn own_children(&self, id: ElementId) -> impl Iterator<Item = (ElementId, &Element)> {
        self.scan.children(id).filter(|(_, e)| e.ns == Ns::NONE)
    }

    /// The child elements in no namespace.
    pub fn children(&self, id: ElementId) -> impl Iterator<Item = ElementId> + '_ {
        self.own_children(id).map(|(c, _)| c)
    }

    /// The child elements in no namespace of this name.
    pub fn children_named<'a>(
        &'a self,
        id: ElementId,
        name: &'a str,
    ) -> impl Iterator<Item = ElementId> + 'a {
        self.scan.children(id).filter(move |(_, e)| e.is_own_named(name, &self.text)).map(|(c, _)| c)
    }

    /// The first child element in no namespace of this name.
    #[must_use]
    pub fn child(&self, id: ElementId, name: &str) -> Option<ElementId> {
        self.children_named(id, name).next()
    }

    fn attribute_at(&self, id: ElementId, name: &str) -> Option<&Attribute> {
        self.scan.attributes_of(id).iter().find(|a| a.is_named(name, &self.text))
    }

    fn value(&self, attribute: &Attribute) -> Cow<'_, str> {
        // The scan has refused what cannot be resolved.
        escape::unescape_attribute(attribute.value().of(&self.text)).unwrap_or_default()
    }

    /// The attributes of an element, with their names as they stand.
    fn attributes(&self, id: ElementId) -> impl Iterator<Item = (&str, &Attribute)> {
        self.scan.attributes_of(id).iter().map(|a| (a.name().of(&self.text), a))
    }

    /// The value of an attribute, its references resolved.
    #[must_use]
    pub fn attribute(&self, id: ElementId, name: &str) -> Option<String> {
        self.attribute_at(id, name).map(|a| self.value(a).into_owned())
    }

    fn attribute_is(&self, id: ElementId, name: &str, value: &str) -> bool {
        self.attribute_at(id, name).is_some_and(|a| self.value(a) == value)
    }

    /// The text inside an element, as XPath's `string()` gives it for one without child elements.
    #[must_use]
    pub fn element_text(&self, id: ElementId) -> String {
        self.content(id).into_owned()
    }

    fn content(&self, id: ElementId) -> Cow<'_, str> {
        escape::content_text(self.scan.element(id).inner().of(&self.text)).unwrap_or_default()
    }

    /// The elements of this namespace and name directly in `<metadata>`.
    pub fn metadata_elements<'a>(
        &'a self,
        namespace: &str,
        name: &'a str,
    ) -> impl Iterator<Item = ElementId> + 'a {
        let number = self.scan.namespaces.iter().position(|u| u == namespace);
        let metadata = self.child(self.root(), "metadata");
        number.zip(metadata).into_iter().flat_map(move |(number, metadata)| {
            let wanted = Ns::of_number(number);
            self.scan
                .children(metadata)
                .filter(move |(_, e)| e.ns == wanted && e.local(&self.text) == name)
                .map(|(c, _)| c)
        })
    }

    /// The element of this namespace and name directly in `<metadata>`, as text that stands on its own: a prefix
    /// that is declared further up is declared in it too.
    #[must_use]
    pub fn metadata_element(&self, namespace: &str, name: &str) -> Option<String> {
        let id = self.metadata_elements(namespace, name).next()?;
        let qualified = self.qualified_name(id);
        let declaration = match qualified.split_once(':') {
            Some((prefix, _)) => format!("xmlns:{prefix}"),
            None => "xmlns".to_owned(),
        };
        let raw = self.raw(id);
        if self.attribute_at(id, &declaration).is_some() {
            return Some(raw.to_owned());
        }
        let (head, tail) = raw.split_at(1 + qualified.len());
        Some(format!("{head} {declaration}=\"{}\"{tail}", escape::escape(namespace)))
    }

    /// `<virtsev:config>` in `<metadata>`: the keys that a domain carries itself.
    #[must_use]
    pub fn metadata_config(&self) -> Option<String> {
        self.metadata_element(METADATA_NAMESPACE, "config")
    }
}
