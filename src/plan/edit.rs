//! One edit as data. In: a rule's decision. Out: [`Edit`]. Never: bytes of the document.

use crate::domain::Change;

/// One change of a domain, with the rule that wants it and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub(crate) rule: &'static str,
    pub(crate) reason: String,
    pub(crate) places: Vec<String>,
    pub(crate) change: Change,
}

impl Edit {
    /// The rule's id.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// Why, in one sentence or more.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Every place that it touches, as paths: `/domain/features/smm/@state`. Never empty, and no place is in two
    /// edits of one plan.
    #[must_use]
    pub fn places(&self) -> &[String] {
        &self.places
    }

    /// What is written, on one line; empty for a removal.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.change {
            Change::Merge { fragment, .. } | Change::Add { fragment, .. } => fragment.to_string(),
            Change::Remove { .. } | Change::RemoveAttribute { .. } => String::new(),
        }
    }

    /// The change itself.
    #[must_use]
    pub fn change(&self) -> &Change {
        &self.change
    }
}
