//! The keys that are trusted: AMD's, built in, and those that `--ca` names. In: files. Out: [`Roots`].
//! Never: a root that came with the chain it should prove.

use super::ca::CaCert;
use super::cert::Usage;
use crate::{Error, Kind, Result};

/// One trusted pair of ASK and ARK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// `Milan`, or the name that was given for a root of `--ca`.
    pub name: String,
    /// One of AMD's, built into the program.
    pub built_in: bool,
    pub(super) ask: CaCert,
    pub(super) ark: CaCert,
}

impl Root {
    /// Its ASK and ARK, for showing them.
    #[must_use]
    pub fn ca(&self) -> (&CaCert, &CaCert) {
        (&self.ask, &self.ark)
    }
}

/// The trusted roots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots(Vec<Root>);

macro_rules! built_in {
    ($($name:literal, $ask:literal, $ark:literal;)*) => {
        &[$(($name, include_bytes!(concat!("roots/", $ask)), include_bytes!(concat!("roots/", $ark)))),*]
    };
}

/// Name, ASK and ARK of each processor generation.
const BUILT_IN: &[(&str, &[u8], &[u8])] = built_in! {
    "Naples", "naples-ask.cert", "naples-ark.cert";
    "Rome", "rome-ask.cert", "rome-ark.cert";
    "Milan", "milan-ask.cert", "milan-ark.cert";
    "Genoa", "genoa-ask.cert", "genoa-ark.cert";
    "Turin", "turin-ask.cert", "turin-ark.cert";
};

impl Roots {
    /// AMD's own: Naples, Rome, Milan, Genoa and Turin.
    ///
    /// # Errors
    /// `Kind::Certificate` when a file in the program is damaged.
    pub fn built_in() -> Result<Self> {
        let mut roots = Vec::with_capacity(BUILT_IN.len());
        for (name, ask, ark) in BUILT_IN {
            roots.push(Root {
                name: (*name).to_owned(),
                built_in: true,
                ask: CaCert::parse(Usage::Ask, ask)?.0,
                ark: CaCert::parse(Usage::Ark, ark)?.0,
            });
        }
        Ok(Self(roots))
    }

    /// Trusts another root as well: ASK, then ARK, as `sevctl verify --ca` takes them.
    ///
    /// # Errors
    /// `Kind::Certificate` when they are malformed or their signatures do not verify.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let bytes = super::decode_if_base64(bytes);
        let (ask, ark) = parse_pair(&bytes).map_err(|e| e.at(name))?;
        ark.verify_signed_by(&ark).map_err(|e| e.at(name))?;
        ask.verify_signed_by(&ark).map_err(|e| e.at(name))?;
        // A root that is built in stays AMD's even where it is named again.
        if !self.0.iter().any(|r| r.ask == ask && r.ark == ark) {
            self.0.push(Root { name: name.to_owned(), built_in: false, ask, ark });
        }
        Ok(())
    }

    /// Keeps only some of the roots, for example to trust nothing but the root of `--ca`.
    pub fn retain(&mut self, keep: impl FnMut(&Root) -> bool) {
        self.0.retain(keep);
    }

    /// The roots, AMD's first.
    pub fn iter(&self) -> impl Iterator<Item = &Root> {
        self.0.iter()
    }
}

/// ASK, then ARK, and nothing behind them.
fn parse_pair(bytes: &[u8]) -> Result<(CaCert, CaCert)> {
    let (ask, rest) = CaCert::parse(Usage::Ask, bytes)?;
    let (ark, rest) = CaCert::parse(Usage::Ark, rest)?;
    if rest.is_empty() {
        return Ok((ask, ark));
    }
    Err(Error::new(Kind::Certificate, "there is something behind the ARK certificate")
        .found(format!("{} more bytes", rest.len())))
}

#[cfg(test)]
#[path = "roots_tests.rs"]
mod tests;
