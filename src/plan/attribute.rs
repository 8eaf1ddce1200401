//! Which rule changed which bytes. In: a [`Plan`] and its document. Out: each splice with its rules.
//! Never: other splices than those that `apply` makes.

use super::{Edit, Plan};
use crate::domain::{Domain, Span, Splice};
use crate::error::Error;

impl Plan {
    /// The splices of [`Plan::splices`], each with the rules that want it.
    ///
    /// # Errors
    /// As [`Plan::apply`].
    pub fn splices_by_rule(&self, domain: &Domain) -> Result<Vec<(Splice, Vec<&'static str>)>, Error> {
        let mut all: Vec<(Splice, Vec<&'static str>)> =
            self.splices(domain)?.into_iter().map(|s| (s, Vec::new())).collect();
        let mut homeless = Vec::new();
        for edit in self.edits() {
            // Alone an edit makes the same splice, or a part of it, or one at the same place.
            let alone = domain.splices(std::iter::once(edit.change()))?;
            if alone.iter().filter(|own| mark(&mut all, own, edit)).count() == 0 {
                homeless.push(edit.rule());
            }
        }
        for (_, rules) in all.iter_mut().filter(|(_, rules)| rules.is_empty()) {
            rules.extend(&homeless);
        }
        for (_, rules) in &mut all {
            rules.dedup();
        }
        Ok(all)
    }
}

/// Adds the edit's rule to the splices that are its own: the same one; else every one at the same place; else every one
/// over the same bytes.
fn mark(all: &mut [(Splice, Vec<&'static str>)], own: &Splice, edit: &Edit) -> bool {
    let overlap = |a: Span, b: Span| a.start < b.end && b.start < a.end;
    let first = all.partition_point(|(s, _)| s.span.end < own.span.start);
    let near = || (first..all.len()).take_while(|n| all[*n].0.span.start <= own.span.end);
    let same: Vec<usize> = near().filter(|n| all[*n].0 == *own).collect();
    let beside: Vec<usize> = near().filter(|n| all[*n].0.span == own.span).collect();
    let over: Vec<usize> = near().filter(|n| overlap(all[*n].0.span, own.span)).collect();
    let Some(found) = [same, beside, over].into_iter().find(|f| !f.is_empty()) else { return false };
    for n in found {
        all[n].1.push(edit.rule());
    }
    true
}
