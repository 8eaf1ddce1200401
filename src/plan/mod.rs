//! Which edits make a domain right, each with its rule and its reason.
//!
//! `(SevConfig, Domain, HostFacts) → rules → Plan → text`. A rule decides; `domain` knows how to write; the
//! fragments come from `xml-templates/`. On any error finding there is no output at all.

mod attribute;
mod ctx;
mod edit;
mod firmware;
mod implied;
mod lint;
pub(crate) mod render;
pub mod rules;
pub(crate) mod template;
#[cfg(test)]
mod tests;

pub use ctx::{Ctx, Out};
pub use edit::{Edit, Reason};
pub use firmware::{image_to_be, why_not};
pub use implied::implied_keys;
pub use lint::FIX;
pub use rules::{RULES, Rule};

use crate::codes::Kind;
use crate::config::{SevConfig, value};
use crate::domain::{Domain, Splice};
use crate::error::Error;
use crate::finding::{Cause, Finding, Severity};
use crate::host::HostFacts;
use std::sync::Arc;

/// Ids that `--skip` takes although no rule here has them: checks of the preflight.
pub const CHECKS_ELSEWHERE: &[&str] = &["mode-host", "bundle"];

/// What else a plan depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Rules to leave out (`--skip`).
    pub skip: Vec<String>,
    /// A secret is to be injected at launch, so the firmware must have a place for it.
    pub injects_secret: bool,
    /// The keys are to be recorded in the domain's metadata (`--record`).
    pub record: bool,
}

impl Options {
    /// Refuses a rule to leave out that does not exist.
    ///
    /// # Errors
    /// `Kind::Usage`, for every one.
    pub fn check(&self) -> Result<(), Error> {
        let unknown = self.skip.iter().filter_map(|id| unknown_rule(Kind::Usage, id));
        Error::many(unknown.map(|e| e.at("--skip")).collect()).map_or(Ok(()), Err)
    }
}

/// What the rules decided for one domain.
#[derive(Debug, Clone)]
pub struct Plan {
    edits: Vec<Edit>,
    findings: Vec<Finding>,
    /// The identity of the document.
    source: Arc<()>,
}

/// Asks every rule that is not skipped.
///
/// # Errors
/// `Kind::Usage` for a rule id in `options.skip` that does not exist; `Kind::Config` for a value that no domain
/// can hold.
pub fn plan(
    config: &SevConfig,
    domain: &Domain<'_>,
    host: &HostFacts,
    options: &Options,
) -> Result<Plan, Error> {
    options.check()?;
    let ctx = Ctx::new(config, domain, host, options);
    let mut out = Out::new(domain, RULES[0]);
    for rule in RULES.iter().filter(|r| !ctx.is_skipped(r.id)) {
        out.enter(rule);
        (rule.run)(&ctx, &mut out)?;
    }
    let (edits, findings) = out.finish();
    Ok(Plan { edits, findings, source: Arc::clone(domain.identity()) })
}

impl Plan {
    /// The edits, in the order of the rules. Each changes something.
    #[must_use]
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// The findings, in the order of the rules.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Every error finding as one error: `Kind::Domain` when the document or the keys are the cause of any of
    /// them, `Kind::No` when only the host is. `None` without error findings.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        let errors = || self.findings.iter().filter(|f| f.severity == Severity::Error);
        // The first problem decides the kind: a document that is wrong is wrong on every host.
        let input = errors().filter(|f| f.cause == Cause::Input);
        let host = errors().filter(|f| f.cause == Cause::Host);
        Error::many(input.chain(host).map(Finding::as_error).collect())
    }

    /// The document with every edit made.
    ///
    /// # Errors
    /// [`Plan::error`] when there is an error finding: nothing partial. `Kind::Bug` for another document than the
    /// one that was planned for or a clone of it, and when two rules want the same place.
    pub fn apply(&self, domain: &Domain<'_>) -> Result<String, Error> {
        self.check(domain)?;
        domain.apply(self.edits.iter().map(Edit::change))
    }

    /// The bytes that [`Plan::apply`] replaces.
    ///
    /// # Errors
    /// As [`Plan::apply`].
    pub fn splices(&self, domain: &Domain<'_>) -> Result<Vec<Splice>, Error> {
        self.check(domain)?;
        domain.splices(self.edits.iter().map(Edit::change))
    }

    fn check(&self, domain: &Domain<'_>) -> Result<(), Error> {
        if !Arc::ptr_eq(&self.source, domain.identity()) {
            return Err(Error::new(Kind::Bug, "this plan was made for another document"));
        }
        self.error().map_or(Ok(()), Err)
    }
}

/// What is wrong with this id of a rule or a check, where nothing has it.
pub(crate) fn unknown_rule(kind: Kind, id: &str) -> Option<Error> {
    let known = || RULES.iter().map(|r| r.id).chain(CHECKS_ELSEWHERE.iter().copied());
    if known().any(|k| k == id) {
        return None;
    }
    let error = Error::new(kind, "no such rule")
        .found(value::shown(id))
        .wanted(known().collect::<Vec<_>>().join(", "));
    // A suggestion that shares little with what was typed only misleads.
    let close = known().map(|k| (distance(k, id), k)).min().filter(|(d, k)| *d <= k.len() / 2);
    Some(match close {
        Some((_, nearest)) => error.hint(format!("Did you mean '{nearest}'?")),
        None => error,
    })
}

/// How many letters differ (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = if x == *y { diagonal } else { diagonal + 1 };
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
