//! What a rule sees and what it says. In: the inputs of a plan. Out: edits and findings. Never: a rule's decision.

use super::edit::{Edit, Reason};
use super::firmware::Firmware;
use super::{Options, Rule};
use crate::codes::Kind;
use crate::config::{KernelHashes, Mode, SevConfig};
use crate::domain::{Change, Domain, DomainFacts, ElementId, Node};
use crate::error::Error;
use crate::finding::{Finding, Severity};
use crate::host::HostFacts;
use std::collections::BTreeMap;

/// What a rule looks at.
#[derive(Debug)]
pub struct Ctx<'a> {
    /// The keys.
    pub config: &'a SevConfig,
    /// The document.
    pub domain: &'a Domain,
    /// What the document says.
    pub facts: &'a DomainFacts,
    /// What is known of the host.
    pub host: &'a HostFacts,
    /// What else was asked.
    pub options: &'a Options,
    /// Which firmware the guest will have: decided once, written by several rules.
    pub(crate) firmware: Firmware,
}

impl<'a> Ctx<'a> {
    pub(crate) fn new(
        config: &'a SevConfig,
        domain: &'a Domain,
        host: &'a HostFacts,
        options: &'a Options,
    ) -> Self {
        let facts = domain.facts();
        let mut ctx = Self { config, domain, facts, host, options, firmware: Firmware::libvirts_own(false) };
        ctx.firmware = super::firmware::decide(&ctx);
        ctx
    }

    /// The mode that the keys ask for.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.config.mode()
    }

    /// True for a rule that `--skip` leaves out.
    #[must_use]
    pub fn is_skipped(&self, id: &str) -> bool {
        self.options.skip.iter().any(|s| s == id)
    }

    /// True when the guest boots a kernel directly.
    #[must_use]
    pub fn boots_kernel(&self) -> bool {
        self.facts.os.kernel.is_some()
    }

    /// True when kernel, initrd and command line will be measured.
    #[must_use]
    pub fn hashes_kernel(&self) -> bool {
        match self.config.kernel_hashes {
            KernelHashes::Auto => self.boots_kernel(),
            KernelHashes::Yes => true,
            KernelHashes::No => false,
        }
    }

    /// True for q35 and its versions.
    #[must_use]
    pub fn is_q35(&self) -> bool {
        self.facts.os.machine.as_deref().is_some_and(|m| m.contains("q35"))
    }
}

/// What the rules say.
#[derive(Debug)]
pub struct Out<'a> {
    domain: &'a Domain,
    rule: &'static Rule,
    edits: Vec<Edit>,
    findings: Vec<Finding>,
    /// Every place that is taken, and by which rule.
    taken: BTreeMap<String, &'static str>,
    clash: Option<Error>,
}

impl<'a> Out<'a> {
    /// For the rules of a table, in its order.
    pub(crate) fn new(domain: &'a Domain, first: &'static Rule) -> Self {
        Self {
            domain,
            rule: first,
            edits: Vec::new(),
            findings: Vec::new(),
            taken: BTreeMap::new(),
            clash: None,
        }
    }

    pub(crate) fn enter(&mut self, rule: &'static Rule) {
        self.rule = rule;
    }

    pub(crate) fn finish(self) -> Result<(Vec<Edit>, Vec<Finding>), Error> {
        match self.clash {
            Some(e) => Err(e),
            None => Ok((self.edits, self.findings)),
        }
    }

    /// Makes a change, unless the document already is so.
    pub fn edit(&mut self, change: Change, reason: impl Into<Reason>) {
        let mut places = self.domain.places(&change);
        if places.is_empty() {
            return;
        }
        if let Change::Add { parent, fragment } = &change {
            // Brothers that come in the same plan are counted on.
            let mut number = self.domain.children_named(*parent, &fragment.name).count() + 1;
            while places.iter().any(|p| self.takes(p).is_some()) {
                number += 1;
                places = vec![format!("{}/{}[{number}]", self.domain.path(*parent), fragment.name)];
            }
        }
        for place in &places {
            if let Some(other) = self.takes(place) {
                let e = Error::new(Kind::Bug, "two rules edit the same place").at(place);
                self.clash.get_or_insert(e.found(format!("{other} and {}", self.rule.id)));
            }
            self.taken.insert(place.clone(), self.rule.id);
        }
        let Reason { text, severity } = reason.into();
        // A rule that edits says how much that weighs; a test holds it.
        let severity = severity.or(self.rule.severity).unwrap_or(Severity::Error);
        self.edits.push(Edit { rule: self.rule.id, reason: text, severity, places, change });
    }

    /// The edit that already has this place, one around it or one inside it.
    fn takes(&self, place: &str) -> Option<&'static str> {
        let mut around = place;
        loop {
            if let Some(rule) = self.taken.get(around) {
                return Some(rule);
            }
            match around.rsplit_once('/') {
                Some((head, _)) if !head.is_empty() => around = head,
                Some(_) | None => break,
            }
        }
        let inside = format!("{place}/");
        let next = self.taken.range(inside.clone()..).next();
        next.filter(|(p, _)| p.starts_with(&inside)).map(|(_, rule)| *rule)
    }

    /// Brings a fragment below `<domain>`.
    pub fn in_domain(&mut self, fragment: Node, reason: impl Into<Reason>) {
        self.inside(self.domain.root(), fragment, reason);
    }

    /// Brings a fragment below an element.
    pub fn inside(&mut self, parent: ElementId, fragment: Node, reason: impl Into<Reason>) {
        let fragment = Node::around(self.domain.name(parent), fragment);
        self.edit(Change::Merge { into: parent, fragment }, reason);
    }

    /// Takes an element away.
    pub fn remove(&mut self, element: ElementId, reason: impl Into<Reason>) {
        self.edit(Change::Remove { element }, reason);
    }

    /// Takes an attribute away, if it is there.
    pub fn remove_attribute(&mut self, element: ElementId, name: &str, reason: impl Into<Reason>) {
        self.edit(Change::RemoveAttribute { element, name: name.to_owned() }, reason);
    }

    /// Says something. The rule's own id comes with it.
    pub fn say(
        &mut self,
        severity: Severity,
        title: impl Into<String>,
        with: impl FnOnce(Finding) -> Finding,
    ) {
        self.findings.push(with(Finding::new(self.rule.id, severity, title).source(self.rule.source)));
    }

    /// Says that it cannot work so.
    pub fn error(&mut self, title: impl Into<String>, with: impl FnOnce(Finding) -> Finding) {
        self.say(Severity::Error, title, with);
    }

    /// Says that it works, but likely not as meant.
    pub fn warn(&mut self, title: impl Into<String>, with: impl FnOnce(Finding) -> Finding) {
        self.say(Severity::Warning, title, with);
    }

    /// Says something worth knowing.
    pub fn info(&mut self, title: impl Into<String>, with: impl FnOnce(Finding) -> Finding) {
        self.say(Severity::Info, title, with);
    }
}
