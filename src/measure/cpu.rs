//! The signature of a guest's processor, which the first state of every processor holds. In: numbers, or the name of a
//! model. Out: [`CpuSignature`]. Never: a guess at a model that is not in the table.
//!
//! The table: QEMU, `target/i386/cpu.c`, `builtin_x86_defs` (read in 10.0; the newest versions asked of 11.1).
//! libvirt and sev-snp-measure name them alike. A test asks the real QEMU.

use crate::{Error, Kind, Result};
use std::fmt;

/// Family, model and stepping of the guest's processor, as `virsh capabilities` and `lscpu` print them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuSignature {
    /// Base and extended family together, such as 25 for Milan and Genoa.
    pub family: u32,
    /// Base and extended model together.
    pub model: u32,
    /// Stepping.
    pub stepping: u32,
}

impl CpuSignature {
    /// Checks that the three numbers fit into a processor's signature.
    ///
    /// # Errors
    /// `Kind::Usage` when one of them does not.
    pub fn new(family: u32, model: u32, stepping: u32) -> Result<Self> {
        let mut problems = Vec::new();
        for (name, value, highest) in
            [("family", family, 0xf + 0xff), ("model", model, 0xff), ("stepping", stepping, 0xf)]
        {
            if value > highest {
                problems.push(
                    Error::new(Kind::Usage, format!("no processor has this {name}"))
                        .found(value.to_string())
                        .wanted(format!("at most {highest}")),
                );
            }
        }
        Error::many(problems).map_or(Ok(Self { family, model, stepping }), Err)
    }

    /// The signature as CPUID function 1 gives it in EAX (APM volume 3, E.3.2), which RDX holds after INIT.
    #[must_use]
    pub fn eax(&self) -> u32 {
        let base_family = self.family.min(0xf);
        let extended_family = self.family - base_family;
        self.stepping & 0xf
            | (self.model & 0xf) << 4
            | base_family << 8
            | (self.model >> 4 & 0xf) << 16
            | extended_family << 20
    }

    /// The signature from that number.
    ///
    /// # Errors
    /// `Kind::Usage` when no processor has it: a reserved bit is set, or an extended family without the base family 15.
    pub fn from_eax(eax: u32) -> Result<Self> {
        let found = Self {
            family: (eax >> 8 & 0xf) + (eax >> 20 & 0xff),
            model: (eax >> 4 & 0xf) | (eax >> 12 & 0xf0),
            stepping: eax & 0xf,
        };
        if found.eax() == eax {
            return Ok(found);
        }
        Err(Error::new(Kind::Usage, "no processor has this signature")
            .found(format!("{eax:#x}"))
            .wanted("EAX of CPUID function 1, such as 0xa00f11 for EPYC-Milan"))
    }

    /// The signature of one of QEMU's models. `None` for a model that is not AMD's, and for one that is not known.
    #[must_use]
    pub fn of_model(name: &str) -> Option<Self> {
        let (base, version) = match name.rsplit_once("-v") {
            Some((base, digits)) => (base, digits.parse::<u8>().ok().filter(|v| v.to_string() == digits)?),
            None => (if name == "EPYC-IBPB" { "EPYC" } else { name }, 1),
        };
        let found = MODELS.iter().find(|m| m.name == base)?;
        let (family, model, stepping) = found.signature;
        (1..=found.versions).contains(&version).then_some(Self { family, model, stepping })
    }

    /// Every name that [`Self::of_model`] knows.
    pub fn model_names() -> impl Iterator<Item = String> {
        let versions = |m: &'static Model| (1..=m.versions).map(|v| format!("{}-v{v}", m.name));
        MODELS
            .iter()
            .flat_map(move |m| std::iter::once(m.name.to_owned()).chain(versions(m)))
            .chain(std::iter::once("EPYC-IBPB".to_owned()))
    }
}

impl fmt::Display for CpuSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "family {} model {} stepping {}", self.family, self.model, self.stepping)
    }
}

/// A model of QEMU's. Its versions differ in features and have one signature.
struct Model {
    name: &'static str,
    versions: u8,
    signature: (u32, u32, u32),
}

const fn model(name: &'static str, versions: u8, signature: (u32, u32, u32)) -> Model {
    Model { name, versions, signature }
}

/// AMD's processors, and the generic ones that run on them.
const MODELS: &[Model] = &[
    model("EPYC", 5, (23, 1, 2)),
    model("EPYC-Rome", 5, (23, 49, 0)),
    model("EPYC-Milan", 4, (25, 1, 1)),
    model("EPYC-Genoa", 3, (25, 17, 0)),
    model("EPYC-Turin", 2, (26, 0, 0)),
    model("Opteron_G1", 1, (15, 6, 1)),
    model("Opteron_G2", 1, (15, 6, 1)),
    model("Opteron_G3", 1, (16, 2, 3)),
    model("Opteron_G4", 1, (21, 1, 2)),
    model("Opteron_G5", 1, (21, 2, 0)),
    model("phenom", 1, (16, 2, 3)),
    model("athlon", 1, (6, 2, 3)),
    model("qemu64", 1, (15, 107, 1)),
    model("kvm64", 1, (15, 6, 1)),
];

#[cfg(test)]
#[path = "cpu_tests.rs"]
mod tests;
