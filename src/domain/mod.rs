//! A libvirt domain document: read into facts, edited without touching a byte that no edit names.
//! No SEV knowledge lives here.
//!
//! `text → scan (spans) → facts` and `changes → patch → splices → text`. Only the splices of a change replace
//! bytes; the document itself is never written anew.

mod devices;
pub mod escape;
mod facts;
pub mod limits;
mod node;
mod order;
mod patch;
mod path;
mod places;
mod scan;
mod splice;
#[cfg(test)]
mod tests;
mod units;

pub use devices::{BootOrder, Device, DeviceKind, Rom};
pub use facts::{
    DomainFacts, Features, FirmwareFeature, LaunchSecurityFacts, Loader, MemoryBackingFacts, Nvram, OsFacts,
};
pub use node::Node;
pub use patch::Change;
pub use places::{Places, Position};
pub use scan::Span;
pub use splice::Splice;
pub use units::scale;

use crate::codes::Kind;
use crate::error::Error;
use scan::{Ns, Scan};

/// Names one element of one [`Domain`]. Means nothing in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementId(usize);

/// One domain document, read once.
#[derive(Debug, Clone)]
pub struct Domain {
    text: String,
    scan: Scan,
    numbers: Vec<u32>,
    facts: DomainFacts,
}

/// The namespace of virt-sev's own element in `<metadata>`.
const METADATA_NAMESPACE: &str = "urn:virt-sev:config:1";

impl Domain {
    /// Reads a document.
    ///
    /// # Errors
    /// `Kind::Domain` when it is not well-formed, over a limit, not a `<domain>`, or has an element twice that
    /// libvirt reads once.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let scan = scan::scan(text)?;
        let numbers = path::numbers(&scan, text);
        let mut domain = Self { text: text.to_owned(), scan, numbers, facts: DomainFacts::default() };
        domain.check_root()?;
        domain.facts = facts::read(&domain)?;
        Ok(domain)
    }

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

    /// What it says, as plain values.
    #[must_use]
    pub fn facts(&self) -> &DomainFacts {
        &self.facts
    }

    /// `<domain>`.
    #[must_use]
    pub fn root(&self) -> ElementId {
        ElementId(0)
    }

    /// The local name of an element.
    #[must_use]
    pub fn name(&self, id: ElementId) -> &str {
        let e = &self.scan.elements[id.0];
        &self.text[e.local..e.name.end]
    }

    fn qualified_name(&self, id: ElementId) -> &str {
        let e = &self.scan.elements[id.0];
        &self.text[e.name.start..e.name.end]
    }

    /// The bytes of an element.
    #[must_use]
    pub fn span(&self, id: ElementId) -> Span {
        self.scan.elements[id.0].span
    }

    /// The text of an element, tags and all, as it stands in the document.
    #[must_use]
    pub fn raw(&self, id: ElementId) -> &str {
        let span = self.span(id);
        &self.text[span.start..span.end]
    }

    /// The element around this one.
    #[must_use]
    pub fn parent(&self, id: ElementId) -> Option<ElementId> {
        self.scan.elements[id.0].parent.map(ElementId)
    }

    fn number(&self, id: ElementId) -> Option<u32> {
        Some(self.numbers[id.0]).filter(|n| *n > 0)
    }

    /// True for an element in no namespace, as all of libvirt's own are.
    fn is_own(&self, id: ElementId) -> bool {
        self.scan.elements[id.0].ns == Ns::None
    }

    /// Every child element, of whatever namespace.
    fn all_children(&self, id: ElementId) -> impl Iterator<Item = ElementId> + '_ {
        let mut next = self.scan.elements[id.0].first_child;
        std::iter::from_fn(move || {
            let here = next?;
            next = self.scan.elements[here].next;
            Some(ElementId(here))
        })
    }

    /// The child elements in no namespace.
    pub fn children(&self, id: ElementId) -> impl Iterator<Item = ElementId> + '_ {
        self.all_children(id).filter(|c| self.is_own(*c))
    }

    /// The child elements in no namespace of this name.
    pub fn children_named<'a>(
        &'a self,
        id: ElementId,
        name: &'a str,
    ) -> impl Iterator<Item = ElementId> + 'a {
        self.children(id).filter(move |c| self.name(*c) == name)
    }

    /// The first child element in no namespace of this name.
    #[must_use]
    pub fn child(&self, id: ElementId, name: &str) -> Option<ElementId> {
        self.children_named(id, name).next()
    }

    fn attribute_at(&self, id: ElementId, name: &str) -> Option<scan::Attribute> {
        let (from, to) = self.scan.elements[id.0].attributes;
        self.scan.attributes[from..to].iter().find(|a| &self.text[a.name.start..a.name.end] == name).copied()
    }

    /// The value of an attribute, its references resolved.
    #[must_use]
    pub fn attribute(&self, id: ElementId, name: &str) -> Option<String> {
        let a = self.attribute_at(id, name)?;
        // The scan has refused what cannot be resolved.
        Some(escape::unescape_attribute(&self.text[a.value.start..a.value.end]).unwrap_or_default())
    }

    /// The text inside an element, as XPath's `string()` gives it for one without child elements.
    #[must_use]
    pub fn element_text(&self, id: ElementId) -> String {
        let inner = self.scan.elements[id.0].inner;
        escape::content_text(&self.text[inner.start..inner.end]).unwrap_or_default()
    }

    /// The element of this namespace and name directly in `<metadata>`, as text that stands on its own: a prefix
    /// that is declared further up is declared in it too.
    #[must_use]
    pub fn metadata_element(&self, namespace: &str, name: &str) -> Option<String> {
        let metadata = self.child(self.root(), "metadata")?;
        let number = self.scan.namespaces.iter().position(|u| u == namespace)?;
        let wanted = Ns::Other(number);
        let id = self
            .all_children(metadata)
            .find(|c| self.scan.elements[c.0].ns == wanted && self.name(*c) == name)?;
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
