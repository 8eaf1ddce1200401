//! Which rule changed which bytes. In: a [`Plan`] and its document. Out: each splice with its rules.
//! Never: other splices than those that `apply` makes.

use super::{Edit, Plan};
use crate::domain::{Domain, Span, Splice};
use crate::error::Error;
use std::collections::HashSet;

impl Plan {
    /// The splices of [`Plan::splices`], each with the rules that want it.
    ///
    /// # Errors
    /// As [`Plan::apply`].
    pub fn splices_by_rule(&self, domain: &Domain<'_>) -> Result<Vec<(Splice, Vec<&'static str>)>, Error> {
        let mut all: Vec<(Splice, Vec<&'static str>)> =
            self.splices(domain)?.into_iter().map(|s| (s, Vec::new())).collect();
        let mut homeless = Vec::new();
        for edits in self.edits().chunk_by(|a, b| a.rule() == b.rule()) {
            let Some(rule) = edits.first().map(Edit::rule) else { continue };
            // Alone a rule makes the same splices, or parts of them, or some at the same places.
            let alone = domain.splices(edits.iter().map(Edit::change))?;
            for own in alone.chunk_by(|a, b| a.span == b.span) {
                if !mark(&mut all, own, rule) {
                    homeless.push(rule);
                }
            }
        }
        homeless.dedup();
        for (_, rules) in all.iter_mut().filter(|(_, rules)| rules.is_empty()) {
            rules.extend(&homeless);
        }
        for (_, rules) in &mut all {
            rules.dedup();
        }
        Ok(all)
    }
}

/// Adds the rule to the splices that are its own, given those that it makes at one place: the same ones; else every one
/// at that place; else every one over the same bytes.
fn mark(all: &mut [(Splice, Vec<&'static str>)], own: &[Splice], rule: &'static str) -> bool {
    let Some(span) = own.first().map(|s| s.span) else { return true };
    let overlap = |a: Span, b: Span| a.start < b.end && b.start < a.end;
    let first = all.partition_point(|(s, _)| s.span.end < span.start);
    let near = || (first..all.len()).take_while(|n| all[*n].0.span.start <= span.end);
    let beside: Vec<usize> = near().filter(|n| all[*n].0.span == span).collect();
    let texts: HashSet<&str> = own.iter().map(|s| s.text.as_str()).collect();
    let same: Vec<usize> =
        beside.iter().copied().filter(|n| texts.contains(all[*n].0.text.as_str())).collect();
    let there: HashSet<&str> = same.iter().map(|n| all[*n].0.text.as_str()).collect();
    let over: Vec<usize> = near().filter(|n| overlap(all[*n].0.span, span)).collect();
    let found = match (beside.is_empty(), there.len() == texts.len()) {
        (false, true) => same,
        (false, false) => beside,
        (true, _) => over,
    };
    for n in &found {
        all[*n].1.push(rule);
    }
    !found.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Sources};
    use crate::host::HostFacts;
    use crate::plan::{Options, plan};

    /// Each controller that is added was looked for among all others, in a document made anew for it.
    #[test]
    fn many_additions_at_one_place_are_attributed_in_linear_time() {
        let sets = ["security.sev=true".to_owned()];
        let config =
            config::load_and_resolve(Sources { sets: &sets, ..Sources::default() }).unwrap().unwrap();
        for newline in ["\n", ""] {
            let channel = |n| {
                format!(
                    "{newline}<channel type='pty'><target type='virtio'/>\
                     <address type='virtio-serial' controller='{n}'/></channel>"
                )
            };
            let channels: String = (0..20_000).map(channel).collect();
            let domain = Domain::parse(format!(
                "<domain type='kvm'><os><type machine='q35'>hvm</type></os><devices>{channels}</devices></domain>"
            ))
            .unwrap();
            let plan = plan(&config, &domain, &HostFacts::not_asked(), &Options::default()).unwrap();
            let begin = std::time::Instant::now();
            let all = plan.splices_by_rule(&domain).unwrap();
            assert!(begin.elapsed().as_secs() < 20, "{:?}", begin.elapsed());
            assert_eq!(all.iter().filter(|(_, rules)| *rules == ["virtio-iommu"]).count(), 20_001);
            assert!(all.iter().all(|(_, rules)| rules.len() == 1), "{all:?}");
        }
    }
}
