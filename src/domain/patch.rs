//! Many changes as one patch. In: changes. Out: for each element what becomes of it. Never: bytes.

use super::{Domain, ElementId, Node};
use std::collections::BTreeMap;

/// One change of a document, by what it means and not by its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Bring `fragment` into the element: its attributes and its text are set, its child elements are united with
    /// those of the same name or added. The fragment's own name is the element's.
    Merge {
        /// Into which element.
        into: ElementId,
        /// What.
        fragment: Node,
    },
    /// Add a child element, even beside others of the same name.
    Add {
        /// Whose child.
        parent: ElementId,
        /// What.
        fragment: Node,
    },
    /// Take an element away.
    Remove {
        /// Which.
        element: ElementId,
    },
    /// Take an attribute away.
    RemoveAttribute {
        /// Whose.
        element: ElementId,
        /// Which.
        name: String,
    },
}

/// What becomes of one element.
#[derive(Debug, Clone, Default)]
pub(super) struct ElementPatch {
    pub removed: bool,
    pub set: Vec<(String, String)>,
    pub unset: Vec<String>,
    pub text: Option<String>,
    pub added: Vec<Node>,
}

/// What becomes of the document.
pub(super) type Patch = BTreeMap<ElementId, ElementPatch>;

/// Puts changes together.
pub(super) fn collect<'a>(domain: &Domain, changes: impl Iterator<Item = &'a Change>) -> Patch {
    let mut patch = Patch::new();
    for change in changes {
        match change {
            Change::Merge { into, fragment } => merge(domain, &mut patch, *into, fragment),
            Change::Add { parent, fragment } => {
                patch.entry(*parent).or_default().added.push(fragment.clone());
            }
            Change::Remove { element } => patch.entry(*element).or_default().removed = true,
            Change::RemoveAttribute { element, name } => {
                if domain.attribute_at(*element, name).is_some() {
                    patch.entry(*element).or_default().unset.push(name.clone());
                }
            }
        }
    }
    patch
}

fn merge(domain: &Domain, patch: &mut Patch, into: ElementId, fragment: &Node) {
    for (name, value) in &fragment.attributes {
        if domain.attribute(into, name).as_ref() != Some(value) {
            patch.entry(into).or_default().set.push((name.clone(), value.clone()));
        }
    }
    if let Some(text) = &fragment.text
        && domain.element_text(into) != *text
    {
        patch.entry(into).or_default().text = Some(text.clone());
    }
    for child in &fragment.children {
        let there =
            domain.children_named(into, &child.name).find(|c| !patch.get(c).is_some_and(|p| p.removed));
        match there {
            Some(c) => merge(domain, patch, c, child),
            None => {
                let added = &mut patch.entry(into).or_default().added;
                match added.iter_mut().find(|n| n.name == child.name) {
                    Some(known) => known.merge(child.clone()),
                    None => added.push(child.clone()),
                }
            }
        }
    }
}

impl Domain {
    /// The places that a change touches, each as a path: `/domain/features/smm/@state`. Empty when the document
    /// already is as the change wants it.
    #[must_use]
    pub fn places(&self, change: &Change) -> Vec<String> {
        let mut out = Vec::new();
        match change {
            Change::Merge { into, fragment } => self.merge_places(*into, fragment, &mut out),
            Change::Add { parent, fragment } => out.push(self.new_place(*parent, &fragment.name)),
            Change::Remove { element } => out.push(self.path(*element)),
            Change::RemoveAttribute { element, name } => {
                if self.attribute_at(*element, name).is_some() {
                    out.push(format!("{}/@{name}", self.path(*element)));
                }
            }
        }
        out
    }

    /// The path of a child that comes beside those that are there.
    fn new_place(&self, parent: ElementId, name: &str) -> String {
        match self.children_named(parent, name).count() {
            0 => format!("{}/{name}", self.path(parent)),
            n => format!("{}/{name}[{}]", self.path(parent), n + 1),
        }
    }

    fn merge_places(&self, into: ElementId, fragment: &Node, out: &mut Vec<String>) {
        for (name, value) in &fragment.attributes {
            if self.attribute(into, name).as_ref() != Some(value) {
                out.push(format!("{}/@{name}", self.path(into)));
            }
        }
        if let Some(text) = &fragment.text
            && self.element_text(into) != *text
        {
            out.push(format!("{}/text()", self.path(into)));
        }
        for child in &fragment.children {
            match self.child(into, &child.name) {
                Some(c) => self.merge_places(c, child, out),
                None => new_places(&format!("{}/{}", self.path(into), child.name), child, out),
            }
        }
    }
}

/// The places of a new element: its parts, so that two rules may each bring a part of one new element.
fn new_places(path: &str, node: &Node, out: &mut Vec<String>) {
    for (name, _) in &node.attributes {
        out.push(format!("{path}/@{name}"));
    }
    if node.text.is_some() {
        out.push(format!("{path}/text()"));
    }
    for child in &node.children {
        new_places(&format!("{path}/{}", child.name), child, out);
    }
    if node.attributes.is_empty() && node.text.is_none() && node.children.is_empty() {
        out.push(path.to_owned());
    }
}
