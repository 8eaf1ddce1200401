//! `cpu`: the guest's processor is AMD's, and known where it is measured. In: `<cpu>`. Out: findings.
//! Never: an edit, the features of a model.

use super::{Ctx, Out, Rule};
use crate::config::Mode;
use crate::error::Error;

pub(super) static RULE: Rule = Rule {
    id: "cpu",
    title: "the CPU model is AMD's, and named where the launch is measured",
    text: "SEV exists on AMD's processors only, so a model of another vendor is one that the host does not have: \
           libvirt refuses to start it, or the guest sees AMD's vendor with another vendor's family and model and \
           takes the wrong path for its memory encryption. A 32-bit model cannot run the x86-64 firmware that SEV \
           needs. With SEV-ES and SEV-SNP the first state of each virtual processor is measured, and it holds the \
           processor's signature: with host-passthrough, host-model, maximum or no model the measurement \
           differs from host to host, so a digest that was computed for one fails on another.",
    without: "libvirt refuses to start the guest, or its measurement is another one on every kind of host.",
    source: "libvirt src/cpu_map (11.3); AMD APM volume 2, table B-4 and section 14.1.3 (RDX after reset); \
             sev-snp-measure, --vcpu-type",
    severity: None,
    run,
};

/// What is known of a model that is not for SEV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    Intel,
    Hygon,
    /// No 64-bit mode, whoever made it.
    Bits32,
}

/// libvirt's `cpu_map`, without the endings that [`wrong`] takes off.
const INTEL: &[&str] = &[
    "Broadwell",
    "Cascadelake-Server",
    "Conroe",
    "Cooperlake",
    "Denverton",
    "GraniteRapids",
    "Haswell",
    "Icelake-Client",
    "Icelake-Server",
    "IvyBridge",
    "KnightsMill",
    "Nehalem",
    "Penryn",
    "SandyBridge",
    "SapphireRapids",
    "SierraForest",
    "Skylake-Client",
    "Skylake-Server",
    "Snowridge",
    "Westmere",
    "core2duo",
];
const HYGON: &[&str] = &["Dhyana"];
const BITS_32: &[&str] =
    &["486", "athlon", "coreduo", "kvm32", "n270", "pentium", "pentium2", "pentium3", "pentiumpro", "qemu32"];

/// Why a model of libvirt's is not one for SEV. `None` for AMD's, for the generic 64-bit ones, and for a model that
/// libvirt 11.3 does not know.
pub(super) fn wrong(model: &str) -> Option<Wrong> {
    let mut base = model;
    if let Some((head, version)) = model.rsplit_once("-v")
        && !version.is_empty()
        && version.bytes().all(|b| b.is_ascii_digit())
    {
        base = head;
    }
    for ending in ["-IBRS", "-noTSX"] {
        base = base.strip_suffix(ending).unwrap_or(base);
    }
    let of = |list: &[&str]| list.contains(&base);
    if of(BITS_32) {
        Some(Wrong::Bits32)
    } else if of(INTEL) {
        Some(Wrong::Intel)
    } else if of(HYGON) {
        Some(Wrong::Hygon)
    } else {
        None
    }
}

const FIX: &str = "Name a model that the host has, such as EPYC-Milan: <cpu mode='custom' \
                   match='exact'><model>EPYC-Milan</model></cpu>.";

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    let facts = ctx.facts;
    // Without a mode a <cpu> with a model is a custom one (virCPUDefParseXML).
    let by_name = matches!(facts.cpu_mode.as_deref(), None | Some("custom"));
    let model = facts.cpu_model.as_deref().filter(|_| by_name);
    let plain = ctx.mode() == Mode::Sev;
    if let Some(model) = model {
        let Some(wrong) = wrong(model) else { return Ok(()) };
        let why = match wrong {
            Wrong::Intel => "is Intel's, and SEV is AMD's",
            Wrong::Hygon => "is Hygon's, and SEV is AMD's",
            Wrong::Bits32 => "has no 64-bit mode, which SEV needs",
        };
        let title = format!("the CPU model {model} {why}");
        if plain {
            out.info(title, |f| f.path("/domain/cpu/model").fix(FIX));
        } else {
            out.error(title, |f| f.path("/domain/cpu/model").fix(FIX));
        }
        return Ok(());
    }
    if plain || !ctx.config.is_measured() {
        return Ok(());
    }
    let now = match facts.cpu_mode.as_deref() {
        Some(mode @ ("host-passthrough" | "host-model" | "maximum")) => format!("is {mode}"),
        Some(_) | None => "has no model".to_owned(),
    };
    out.warn(format!("the guest's CPU {now}, so the measurement depends on the host's processor"), |f| {
        f.path("/domain/cpu")
            .detail("The first state of each virtual CPU is measured, and it holds the CPU's signature.")
            .fix(FIX)
    });
    Ok(())
}
