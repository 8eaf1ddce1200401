//! Many changes as steps. In: changes. Out: for each element what becomes of it, in the document's order. Never: bytes.

use super::{Domain, ElementId, Node, Text};

/// A piece of new XML: most are the same for every document, and need not be copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fragment {
    /// One that never changes.
    Fixed(&'static Node),
    /// One that was made for this document.
    Made(Box<Node>),
}

impl std::ops::Deref for Fragment {
    type Target = Node;

    fn deref(&self) -> &Node {
        match self {
            Fragment::Fixed(node) => node,
            Fragment::Made(node) => node,
        }
    }
}

impl From<&'static Node> for Fragment {
    fn from(node: &'static Node) -> Self {
        Fragment::Fixed(node)
    }
}

impl From<Node> for Fragment {
    fn from(node: Node) -> Self {
        Fragment::Made(Box::new(node))
    }
}

/// One change of a document, by what it means and not by its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Bring `fragment` into the element: its attributes and its text are set, its child elements are united with
    /// those of the same name or added. The fragment's own name is the element's.
    Merge {
        /// Into which element.
        into: ElementId,
        /// What.
        fragment: Fragment,
    },
    /// Unite `fragment` with the child element of its name, or add it where there is none.
    Unite {
        /// Whose child.
        parent: ElementId,
        /// What.
        fragment: Fragment,
    },
    /// Add a child element, even beside others of the same name.
    Add {
        /// Whose child.
        parent: ElementId,
        /// What.
        fragment: Fragment,
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
        name: &'static str,
    },
}

/// One part of a change, at one element.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    Set(&'a (Text, Text)),
    Unset(&'a &'static str),
    Text(&'a Text),
    Unite(&'a Node),
    Add(&'a Node),
    Remove,
}

impl<'a> Step<'a> {
    /// The attribute that it is about.
    pub(super) fn attribute(self) -> Option<&'a str> {
        match self {
            Step::Set((name, _)) => Some(name),
            Step::Unset(name) => Some(name),
            Step::Text(_) | Step::Unite(_) | Step::Add(_) | Step::Remove => None,
        }
    }
}

/// What becomes of the document: each element's steps side by side.
pub(super) type Patch<'a> = Vec<(ElementId, Step<'a>)>;

/// Puts changes together.
pub(super) fn collect<'a>(
    domain: &Domain<'_>,
    changes: impl Iterator<Item = &'a Change> + Clone,
) -> Patch<'a> {
    let mut removed: Vec<_> = changes
        .clone()
        .filter_map(|c| if let Change::Remove { element } = c { Some(*element) } else { None })
        .collect();
    removed.sort_unstable();
    let stays = |element: &ElementId| removed.binary_search(element).is_err();
    let mut patch = Patch::with_capacity(changes.size_hint().0);
    for change in changes {
        domain.steps(change, &stays, &mut |element, step| {
            patch.push((element, step));
            true
        });
    }
    // Stable: at one element the steps stay in the order of the changes.
    patch.sort_by_key(|(element, _)| *element);
    patch
}

/// Takes in a step; says whether to go on.
type Take<'a, 't> = &'t mut dyn FnMut(ElementId, Step<'a>) -> bool;

impl Domain<'_> {
    /// Hands out what a change does, step by step, as long as `take` wants more. What the document already has is no
    /// step. `stays`: false for an element that another change takes away.
    fn steps<'a>(&self, change: &'a Change, stays: &dyn Fn(&ElementId) -> bool, take: Take<'a, '_>) -> bool {
        match change {
            Change::Merge { into, fragment } => self.merge_steps(*into, fragment, stays, take),
            Change::Unite { parent, fragment } => self.unite_steps(*parent, fragment, stays, take),
            Change::Add { parent, fragment } => take(*parent, Step::Add(fragment)),
            Change::Remove { element } => take(*element, Step::Remove),
            Change::RemoveAttribute { element, name } => {
                self.attribute_at(*element, name).is_none() || take(*element, Step::Unset(name))
            }
        }
    }

    fn merge_steps<'a>(
        &self,
        into: ElementId,
        fragment: &'a Node,
        stays: &dyn Fn(&ElementId) -> bool,
        take: Take<'a, '_>,
    ) -> bool {
        for attribute in &fragment.attributes {
            let (name, value) = attribute;
            if !self.attribute_is(into, name, value) && !take(into, Step::Set(attribute)) {
                return false;
            }
        }
        if let Some(text) = &fragment.text
            && self.content(into) != *text
            && !take(into, Step::Text(text))
        {
            return false;
        }
        fragment.children.iter().all(|child| self.unite_steps(into, child, stays, take))
    }

    fn unite_steps<'a>(
        &self,
        parent: ElementId,
        fragment: &'a Node,
        stays: &dyn Fn(&ElementId) -> bool,
        take: Take<'a, '_>,
    ) -> bool {
        match self.children_named(parent, &fragment.name).find(stays) {
            Some(there) => self.merge_steps(there, fragment, stays, take),
            None => take(parent, Step::Unite(fragment)),
        }
    }

    /// True when the document is not yet as the change wants it.
    #[must_use]
    pub fn differs(&self, change: &Change) -> bool {
        !self.steps(change, &|_| true, &mut |_, _| false)
    }

    /// The places that a change touches, each as a path: `/domain/features/smm/@state`. Empty when the document
    /// already is as the change wants it.
    #[must_use]
    pub fn places(&self, change: &Change) -> Vec<String> {
        let mut out = Vec::new();
        self.steps(change, &|_| true, &mut |element, step| {
            let path = self.path(element);
            match step {
                Step::Set((name, _)) => out.push(format!("{path}/@{name}")),
                Step::Unset(name) => out.push(format!("{path}/@{name}")),
                Step::Text(_) => out.push(format!("{path}/text()")),
                Step::Unite(node) => new_places(&format!("{path}/{}", node.name), node, &mut out),
                Step::Add(node) => {
                    out.push(match self.children_named(element, &node.name).count() {
                        0 => format!("{path}/{}", node.name),
                        n => format!("{path}/{}[{}]", node.name, n + 1),
                    });
                }
                Step::Remove => out.push(path),
            }
            true
        });
        out
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
