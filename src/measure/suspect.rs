//! Why a measurement differs, where that can be told: the host reports a version, a build or a policy that the chip did
//! not sign. In: evidence, expected digests, the TIK. Out: the one number that would make it right.
//! Never: a verdict: a measurement that is right for another number is still wrong.

use super::verify::{Evidence, Expected, check};
use crate::redact::Secret;
use std::fmt;

/// The number that the host reports, and the one that the chip signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspect {
    what: &'static str,
    reported: u32,
    signed: u32,
}

impl fmt::Display for Suspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, reported, signed } = self;
        write!(f, "The measurement is right for {what} {signed:#x}, and the host reports {reported:#x}.")
    }
}

/// Tries every build and API version, and every policy that differs in one bit. `None` where none of them fits: then
/// something that was measured is another, or the keys are.
#[must_use]
pub fn find(evidence: &Evidence, expected: &Expected, tik: &Secret<[u8; 16]>) -> Option<Suspect> {
    let e = *evidence;
    let builds = (0..=u8::MAX).map(|n| (Evidence { build_id: n, ..e }, "build", e.build_id.into(), n.into()));
    let minors =
        (0..=u8::MAX).map(|n| (Evidence { api_minor: n, ..e }, "API minor", e.api_minor.into(), n.into()));
    let majors =
        (0..=u8::MAX).map(|n| (Evidence { api_major: n, ..e }, "API major", e.api_major.into(), n.into()));
    let policies = (0..u32::BITS).map(|bit| {
        let policy = e.policy ^ (1 << bit);
        (Evidence { policy, ..e }, "policy", e.policy, policy)
    });
    builds
        .chain(minors)
        .chain(majors)
        .chain(policies)
        .find(|(other, ..)| check(other, expected, tik).is_ok_and(|verdict| verdict.matched()))
        .map(|(_, what, reported, signed)| Suspect { what, reported, signed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::verify::expected_mac;

    #[test]
    fn the_one_number_that_was_changed_is_named() {
        let (tik, digest) = (Secret::new([7; 16]), [9; 32]);
        let mut signed =
            Evidence { measurement: [3; 48], api_major: 1, api_minor: 55, build_id: 21, policy: 1 };
        let mac = expected_mac(&signed, &digest, &tik).unwrap();
        signed.measurement[..32].copy_from_slice(&mac);
        let find = |e: Evidence| find(&e, &Expected::one(digest), &tik).map(|s| s.to_string());
        assert_eq!(
            find(Evidence { build_id: 22, ..signed }).unwrap(),
            "The measurement is right for build 0x15, and the host reports 0x16."
        );
        assert!(find(Evidence { policy: 0, ..signed }).unwrap().contains("policy 0x1,"));
        assert!(find(Evidence { api_minor: 58, ..signed }).unwrap().contains("API minor 0x37,"));
        assert_eq!(find(Evidence { build_id: 22, policy: 0, ..signed }), None);
    }
}
