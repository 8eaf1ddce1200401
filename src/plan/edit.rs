//! One edit as data. In: a rule's decision. Out: [`Edit`]. Never: bytes of the document.

use super::Rule;
use crate::domain::{Change, Domain};
use crate::finding::Severity;
use std::borrow::Cow;

/// Why an edit is made, and how much the lack of it weighs where that is not the rule's own weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    pub(crate) text: Cow<'static, str>,
    pub(crate) severity: Option<Severity>,
}

impl Reason {
    /// A reason that weighs more than the rule in general.
    pub fn error(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), severity: Some(Severity::Error) }
    }

    /// A reason that weighs less than the rule in general.
    pub fn warning(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), severity: Some(Severity::Warning) }
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self { text: text.into(), severity: None }
    }
}

impl From<&'static str> for Reason {
    fn from(text: &'static str) -> Self {
        Self { text: text.into(), severity: None }
    }
}

/// One change of a domain, with the rule that wants it and the reason.
#[derive(Debug, Clone)]
pub struct Edit {
    pub(crate) rule: &'static Rule,
    pub(crate) reason: Cow<'static, str>,
    pub(crate) severity: Severity,
    pub(crate) change: Change,
    /// How many elements of the same name stand before one that is added: in the document, and by edits of this plan.
    pub(crate) before: u32,
}

impl Edit {
    /// The rule's id.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        self.rule.id
    }

    /// Why, in one sentence or more.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// How much it weighs that the document is not so.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Every place that it touches in the document that was planned for, as paths: `/domain/features/smm/@state`.
    /// Never empty, and no place is in two edits of one plan.
    #[must_use]
    pub fn places(&self, domain: &Domain<'_>) -> Vec<String> {
        let Change::Add { parent, fragment } = &self.change else { return domain.places(&self.change) };
        let place = format!("{}/{}", domain.path(*parent), fragment.name);
        vec![if self.before == 0 { place } else { format!("{place}[{}]", self.before + 1) }]
    }

    /// What is written, on one line; empty for a removal.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.change {
            Change::Merge { fragment, .. }
            | Change::Unite { fragment, .. }
            | Change::Add { fragment, .. } => fragment.to_string(),
            Change::Remove { .. } | Change::RemoveAttribute { .. } => String::new(),
        }
    }

    /// The change itself.
    #[must_use]
    pub fn change(&self) -> &Change {
        &self.change
    }
}
