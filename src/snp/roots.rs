//! The keys that are trusted for SEV-SNP: AMD's, built in, and those that `--ca` names. In: files. Out: [`Roots`].
//! Never: a root that came with the report it should prove.

use super::cert::{Cert, Role};
use super::certs;
use crate::{Error, Kind, Result};

/// A trusted ARK with the signing keys that are known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// `Milan`, or the name that was given for a root of `--ca`.
    pub name: String,
    /// One of AMD's, built into the program.
    pub built_in: bool,
    pub(super) ark: Cert,
    pub(super) signers: Vec<Cert>,
}

/// The trusted roots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots(Vec<Root>);

macro_rules! built_in {
    ($($name:literal: $ark:literal, $ask:literal, $asvk:literal;)*) => {
        &[$(($name, [include_bytes!(concat!("roots/", $ark)), include_bytes!(concat!("roots/", $ask)),
            include_bytes!(concat!("roots/", $asvk))])),*]
    };
}

/// Name, ARK, ASK and ASVK of each generation, in DER.
const BUILT_IN: &[(&str, [&[u8]; 3])] = built_in! {
    "Milan": "milan-ark.der", "milan-ask.der", "milan-asvk.der";
    "Genoa": "genoa-ark.der", "genoa-ask.der", "genoa-asvk.der";
    "Turin": "turin-ark.der", "turin-ask.der", "turin-asvk.der";
};

impl Roots {
    /// AMD's own: Milan, Genoa and Turin.
    ///
    /// # Errors
    /// `Kind::Certificate` when a file in the program is damaged.
    pub fn built_in() -> Result<Self> {
        let mut roots = Vec::with_capacity(BUILT_IN.len());
        for (name, [ark, ask, asvk]) in BUILT_IN {
            roots.push(Root {
                name: (*name).to_owned(),
                built_in: true,
                ark: Cert::parse(name, ark)?,
                signers: vec![Cert::parse(name, ask)?, Cert::parse(name, asvk)?],
            });
        }
        Ok(Self(roots))
    }

    /// Trusts another root as well: its ARK, and the ASK and ASVK that it signed where the file has them.
    ///
    /// # Errors
    /// `Kind::Certificate`: malformed, no ARK, or a signature that does not verify.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let wrong = |what: String| Error::new(Kind::Certificate, what).at(name);
        let (mut arks, signers): (Vec<_>, Vec<_>) =
            certs::read(name, bytes)?.into_iter().partition(|c| c.role() == Role::Ark);
        let Some(ark) = arks.pop().filter(|_| arks.is_empty()) else {
            return Err(wrong("a root is one ARK, with the ASK and ASVK that it signed".into()));
        };
        if !ark.is_signed_by(&ark) {
            return Err(wrong(format!("{} does not sign itself", ark.subject())));
        }
        if let Some(other) =
            signers.iter().find(|s| s.role() != Role::Signer || !s.names(&ark) || !s.is_signed_by(&ark))
        {
            return Err(wrong(format!("{} is not signed by {}", other.subject(), ark.subject())));
        }
        // A root that is built in stays AMD's even where it is named again.
        if !self.0.iter().any(|r| r.ark == ark) {
            self.0.push(Root { name: name.to_owned(), built_in: false, ark, signers });
        }
        Ok(())
    }

    /// The roots, AMD's first.
    pub fn iter(&self) -> impl Iterator<Item = &Root> {
        self.0.iter()
    }
}

#[cfg(test)]
#[path = "roots_tests.rs"]
mod tests;
