//! Processor generations, and the versions of what a chip trusts (TCB). In: the 8 bytes of a report, an owner's floor.
//! Out: [`Tcb`]. Never: a layout that is guessed: the generation decides it.
//!
//! AMD SEV-SNP ABI (56860), section 2.2: Milan and Genoa have one layout of TCB_VERSION, Turin another.

use crate::{Error, Kind, Result};
use serde::Serialize;
use std::fmt;

/// A generation with keys of its own. Bergamo and Siena have Genoa's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Product {
    /// Third generation of EPYC.
    Milan,
    /// Fourth generation, with Bergamo and Siena.
    Genoa,
    /// Fifth generation.
    Turin,
}

impl Product {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Milan, Self::Genoa, Self::Turin];

    /// AMD's name, as certificates and addresses have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Milan => "Milan",
            Self::Genoa => "Genoa",
            Self::Turin => "Turin",
        }
    }

    /// By the name in a certificate: `Milan-B0`, `Genoa`, `Turin`.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let name = name.split('-').next().unwrap_or(name);
        Self::ALL.into_iter().find(|p| p.name() == name)
    }

    /// By family and model, as CPUID has them (56860, CPUID_FAM_ID and CPUID_MOD_ID; 57230).
    #[must_use]
    pub fn of_cpuid(family: u8, model: u8) -> Option<Self> {
        match (family, model) {
            (0x19, 0..=0xf) => Some(Self::Milan),
            (0x19, 0x10..=0x1f | 0xa0..=0xaf) => Some(Self::Genoa),
            (0x1a, 0..=0x11) => Some(Self::Turin),
            _ => None,
        }
    }

    /// Bytes of a chip's identity in its certificate and in KDS's address (57230: 8 from Turin on).
    pub(super) fn hwid_size(self) -> usize {
        if self == Self::Turin { 8 } else { 64 }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// TCB_VERSION as it stands in a report: its layout is the generation's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawTcb(pub [u8; 8]);

impl RawTcb {
    /// Its parts.
    #[must_use]
    pub fn read(self, product: Product) -> Tcb {
        let b = self.0;
        match product {
            Product::Milan | Product::Genoa => {
                Tcb { fmc: None, bootloader: b[0], tee: b[1], snp: b[6], microcode: b[7] }
            }
            Product::Turin => {
                Tcb { fmc: Some(b[0]), bootloader: b[1], tee: b[2], snp: b[3], microcode: b[7] }
            }
        }
    }
}

/// The security versions of what a chip runs before and below the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Tcb {
    /// The first mutable code; from Turin on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fmc: Option<u8>,
    /// The Secure Processor's boot loader.
    pub bootloader: u8,
    /// The Secure Processor's operating system.
    pub tee: u8,
    /// The SNP firmware.
    pub snp: u8,
    /// The microcode of all cores.
    pub microcode: u8,
}

/// The parts by the names that people type, in the order in which they are shown.
const NAMES: [&str; 5] = ["fmc", "bl", "tee", "snp", "ucode"];

impl Tcb {
    fn parts(self) -> [Option<u8>; 5] {
        [self.fmc, Some(self.bootloader), Some(self.tee), Some(self.snp), Some(self.microcode)]
    }

    /// Where this is another than `other`: one text a part, `name` saying whose each is.
    pub(super) fn differences(self, own: &str, other: Self, others: &str) -> Vec<String> {
        let (a, b) = (self.parts(), other.parts());
        let text = |v: Option<u8>| v.map_or("none".to_owned(), |n| n.to_string());
        (0..NAMES.len())
            .filter(|n| a[*n] != b[*n])
            .map(|n| format!("{}: {own} {}, {others} {}", NAMES[n], text(a[n]), text(b[n])))
            .collect()
    }
}

impl fmt::Display for Tcb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sep = "";
        for (name, part) in NAMES.into_iter().zip(self.parts()) {
            if let Some(part) = part {
                write!(f, "{sep}{name}={part}")?;
                sep = ",";
            }
        }
        Ok(())
    }
}

/// The lowest versions that the owner takes; a part that is not named is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcbFloor([Option<u8>; 5]);

impl TcbFloor {
    /// `bl=3,tee=0,snp=8,ucode=115`, from Turin on with `fmc=1` too. Any of them, each once.
    ///
    /// # Errors
    /// `Kind::Usage`.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str, part: &str| {
            Error::new(Kind::Usage, format!("a TCB floor {what}"))
                .found(format!("'{part}'"))
                .wanted("such as bl=3,tee=0,snp=8,ucode=115, from Turin on with fmc=1 too")
        };
        let mut floor = Self::default();
        for part in text.split(',') {
            let Some((name, value)) = part.split_once('=') else {
                return Err(wrong("names each part with its number", part));
            };
            let Some(n) = NAMES.iter().position(|known| *known == name.trim()) else {
                return Err(wrong("has a part that does not exist", part));
            };
            let Ok(value) = value.trim().parse() else {
                return Err(wrong("has numbers from 0 to 255", part));
            };
            if floor.0[n].replace(value).is_some() {
                return Err(wrong("names a part twice", part));
            }
        }
        Ok(floor)
    }

    /// The parts that lie below the floor: one text a part.
    #[must_use]
    pub fn below(&self, tcb: Tcb) -> Vec<String> {
        let parts = tcb.parts();
        let mut out = Vec::new();
        for (n, name) in NAMES.iter().enumerate() {
            match (self.0[n], parts[n]) {
                (Some(least), Some(found)) if found < least => {
                    out.push(format!("{name} is {found}, wanted {least} or more"));
                }
                (Some(least), None) => out.push(format!("{name} is none, wanted {least} or more")),
                _ => {}
            }
        }
        out
    }
}

impl fmt::Display for TcbFloor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = NAMES.iter().zip(self.0).filter_map(|(n, v)| v.map(|v| format!("{n}={v}")));
        f.write_str(&named.collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generation_decides_the_layout() {
        let raw = RawTcb([1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(raw.read(Product::Milan).to_string(), "bl=1,tee=2,snp=7,ucode=8");
        assert_eq!(raw.read(Product::Genoa), raw.read(Product::Milan));
        assert_eq!(raw.read(Product::Turin).to_string(), "fmc=1,bl=2,tee=3,snp=4,ucode=8");
    }

    #[test]
    fn a_floor_holds_for_each_part_that_it_names() {
        let milan = RawTcb([3, 0, 0, 0, 0, 0, 8, 115]).read(Product::Milan);
        for text in ["bl=3,tee=0,snp=8,ucode=115", "ucode=115", "snp=8, bl=0"] {
            assert!(TcbFloor::parse(text).unwrap().below(milan).is_empty(), "{text}");
        }
        let floor = TcbFloor::parse("bl=4,snp=9,ucode=116,fmc=1").unwrap();
        assert_eq!(floor.to_string(), "fmc=1,bl=4,snp=9,ucode=116");
        assert_eq!(floor.below(milan).len(), 4);
        for text in ["", "bl", "bl=256", "bl=-1", "xy=1", "bl=1,bl=1", "bl=1,"] {
            assert_eq!(TcbFloor::parse(text).unwrap_err().kind(), Kind::Usage, "{text}");
        }
    }

    #[test]
    fn models_have_their_generation() {
        for (family, model, product) in [
            (0x19, 0x01, Some(Product::Milan)),
            (0x19, 0x11, Some(Product::Genoa)),
            (0x19, 0xa0, Some(Product::Genoa)),
            (0x1a, 0x02, Some(Product::Turin)),
            (0x1a, 0x50, None),
            (0x17, 0x31, None),
        ] {
            assert_eq!(Product::of_cpuid(family, model), product);
        }
        assert_eq!(Product::of_name("Milan-B0"), Some(Product::Milan));
        assert_eq!(Product::of_name("Milano"), None);
    }
}
