//! What libvirt takes for its own although it is in another namespace. In: a document. Out: the first such place, as an error.
//! Never: a look into `<metadata>`, which libvirt keeps as it is.

use super::path::line_column;
use super::{Domain, ElementId};
use crate::codes::Kind;
use crate::error::Error;

impl Domain<'_> {
    /// Refuses elements and attributes of other namespaces inside libvirt's own elements. libvirt compares local names
    /// there (`virXMLNodeNameEqual`, and libxml2's `xmlGetProp`): `<x:smm state='on'/>` in `<features>` is SMM, and of
    /// `x:iommu` and `iommu` the first one counts (seen with libvirt 11.3). Below `<domain>` itself it uses XPath.
    pub(super) fn refuse_foreign(&self) -> Result<(), Error> {
        if self.scan.namespaces.is_empty() {
            return Ok(());
        }
        let metadata = self.child(self.root(), "metadata").map(|id| self.span(id));
        let kept =
            |id| metadata.is_some_and(|m| m.start < self.span(id).start && self.span(id).start < m.end);
        let read = |id| self.is_own(id) && !kept(id);
        for id in (0..self.scan.elements.len()).map(ElementId::of_index) {
            let parent = self.parent(id).filter(|p| *p != self.root());
            if !self.is_own(id) && !kept(id) && parent.is_some_and(read) {
                return Err(self.foreign(self.span(id).start, &format!("<{}>", self.qualified_name(id))));
            }
            if !read(id) {
                continue;
            }
            for attribute in self.scan.attributes_of(id) {
                let name = attribute.name().of(&self.text);
                // XML's own attributes are none of libvirt's.
                if name.split_once(':').is_some_and(|(prefix, _)| prefix != "xmlns" && prefix != "xml") {
                    return Err(self.foreign(attribute.name().start, name));
                }
            }
        }
        Ok(())
    }

    fn foreign(&self, at: usize, found: &str) -> Error {
        Error::new(Kind::Domain, "another namespace inside an element of libvirt's")
            .at(line_column(&self.text, at))
            .found(found)
            .hint("libvirt would read it as its own. What is for other programs stands in <metadata>.")
    }
}
