//! What a rule sees and what it says. In: the inputs of a plan. Out: edits and findings. Never: a rule's decision.

use super::edit::{Edit, Reason};
use super::firmware::Firmware;
use super::{Options, Rule};
use crate::config::{KernelHashes, Mode, SevConfig};
use crate::domain::{Change, Domain, DomainFacts, ElementId, Fragment, Text};
use crate::finding::{Finding, Severity};
use crate::host::HostFacts;

/// What a rule looks at.
#[derive(Debug)]
pub struct Ctx<'a> {
    /// The keys.
    pub config: &'a SevConfig,
    /// The document.
    pub domain: &'a Domain<'a>,
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
        domain: &'a Domain<'a>,
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
    domain: &'a Domain<'a>,
    rule: &'static Rule,
    edits: Vec<Edit>,
    findings: Vec<Finding>,
    /// Where elements are added beside others: parent, name, how many are there by now.
    beside: Vec<(ElementId, Text, u32)>,
}

impl<'a> Out<'a> {
    /// For the rules of a table, of which this is the first.
    pub(crate) fn new(domain: &'a Domain<'a>, first: &'static Rule) -> Self {
        // Room for what a bare domain needs: an edit or two for each device, and some for the rest.
        let edits = Vec::with_capacity(16 + 2 * domain.facts().devices.len());
        Self { domain, rule: first, edits, findings: Vec::with_capacity(8), beside: Vec::new() }
    }

    pub(crate) fn enter(&mut self, rule: &'static Rule) {
        self.rule = rule;
    }

    pub(crate) fn finish(self) -> (Vec<Edit>, Vec<Finding>) {
        (self.edits, self.findings)
    }

    /// Makes a change, unless the document already is so.
    pub fn edit(&mut self, change: Change, reason: impl Into<Reason>) {
        if !self.domain.differs(&change) {
            return;
        }
        let mut before = 0;
        if let Change::Add { parent, fragment } = &change {
            match self.beside.iter_mut().find(|(p, name, _)| p == parent && *name == fragment.name) {
                Some((.., count)) => {
                    before = *count;
                    *count += 1;
                }
                None => {
                    before = self.domain.namesakes(*parent, &fragment.name);
                    self.beside.push((*parent, fragment.name.clone(), before + 1));
                }
            }
        }
        let Reason { text, severity } = reason.into();
        // A rule that edits says how much that weighs; a test holds it.
        let severity = severity.or(self.rule.severity).unwrap_or(Severity::Error);
        self.edits.push(Edit { rule: self.rule, reason: text, severity, change, before });
    }

    /// Brings a fragment below `<domain>`.
    pub fn in_domain(&mut self, fragment: impl Into<Fragment>, reason: impl Into<Reason>) {
        self.inside(self.domain.root(), fragment, reason);
    }

    /// Brings a fragment below an element.
    pub fn inside(&mut self, parent: ElementId, fragment: impl Into<Fragment>, reason: impl Into<Reason>) {
        self.edit(Change::Unite { parent, fragment: fragment.into() }, reason);
    }

    /// Takes an element away.
    pub fn remove(&mut self, element: ElementId, reason: impl Into<Reason>) {
        self.edit(Change::Remove { element }, reason);
    }

    /// Takes an attribute away, if it is there.
    pub fn remove_attribute(&mut self, element: ElementId, name: &'static str, reason: impl Into<Reason>) {
        self.edit(Change::RemoveAttribute { element, name }, reason);
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
