//! What an owner may have got wrong, one thing at a time. In: the description of a launch. Out: the change that makes it
//! fit. Never: two changes at once.

use super::mismatch::Cause;
use crate::measure::Digest32;
use crate::measure::cpu::CpuSignature;
use crate::measure::expected::Processors;
use crate::measure::kernel_hashes::KernelHashes;
use crate::measure::vmsa::{DEBUG_SWAP, InitialState, SNP_ACTIVE, VcpuState};
use sha2::{Digest, Sha256};

/// SEV_FEATURES that kernels and QEMU set: none, SNP, DebugSwap, both.
const FEATURES: [u64; 4] = [0, SNP_ACTIVE, DEBUG_SWAP, SNP_ACTIVE | DEBUG_SWAP];
/// As many processors as are tried.
const MOST_VCPUS: u32 = 256;
/// Up to so many processors every signature of AMD's server families is tried, not only those of QEMU's models: each try
/// hashes a page a processor.
const FEW_VCPUS: u32 = 16;
/// Naples and Rome, Milan and Genoa, Turin.
const FAMILIES: [u32; 3] = [23, 25, 26];

/// What a launch is measured from, besides its firmware.
#[derive(Debug, Clone, Default)]
pub struct Description {
    /// The hashes of a direct boot.
    pub kernel: Option<KernelHashes>,
    /// Its command line, as it was given.
    pub cmdline: Vec<u8>,
    /// The processors, for SEV-ES and SEV-SNP.
    pub processors: Option<Processors>,
}

impl Description {
    /// The same processors, started where another image says.
    pub(super) fn with_reset_addr(&self, addr: Option<u32>) -> Self {
        let mut other = self.clone();
        if let Some(Processors::Built { reset_addr, .. }) = &mut other.processors {
            *reset_addr = addr;
        }
        other
    }
}

/// The first single change with which the description fits.
pub(super) fn single(said: &Description, fits: &mut dyn FnMut(&Description) -> bool) -> Option<Cause> {
    boots(said)
        .into_iter()
        .find_map(|(kernel, cause)| fits(&Description { kernel, ..said.clone() }).then_some(cause))
        .or_else(|| {
            let processors = said.processors.as_ref()?;
            processor_changes(processors).find_map(|(other, cause)| {
                fits(&Description { processors: Some(other), ..said.clone() })
                    .then(|| Cause::new(cause.0, cause.1))
            })
        })
}

/// Other ways to boot the same kernel.
fn boots(said: &Description) -> Vec<(Option<KernelHashes>, Cause)> {
    let Some(kernel) = said.kernel else { return Vec::new() };
    let mut all = vec![
        (
            None,
            Cause::new(
                "kernel-hashes",
                "kernel hashes are off: kernel, initrd and command line are not measured",
            ),
        ),
        (
            Some(KernelHashes { initrd: Sha256::digest([]).into(), ..kernel }),
            Cause::new("initrd", "the guest was started without the initrd"),
        ),
    ];
    let commands = cmdlines(&said.cmdline).into_iter();
    all.extend(
        commands
            .map(|(cmdline, text)| (Some(KernelHashes { cmdline, ..kernel }), Cause::new("cmdline", text))),
    );
    all
}

/// Hashes of command lines that look like this one.
fn cmdlines(given: &[u8]) -> Vec<(Digest32, &'static str)> {
    let with = |before: &[u8], after: &[u8]| KernelHashes::of_cmdline(&[before, given, after].concat());
    let words: Vec<&[u8]> = given.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    vec![
        (
            KernelHashes::of_cmdline(given.trim_ascii_end()),
            "the guest's command line has no blanks at its end",
        ),
        (
            KernelHashes::of_cmdline(given.trim_ascii_start()),
            "the guest's command line has no blanks at its start",
        ),
        (KernelHashes::of_cmdline(given.trim_ascii()), "the guest's command line has no blanks around it"),
        (
            KernelHashes::of_cmdline(&words.join(&b' ')),
            "the guest's command line has single blanks between its words",
        ),
        (with(b"", b" "), "the guest's command line has a blank at its end"),
        (with(b"", b"\n"), "the guest's command line has a line end at its end"),
        (with(b" ", b""), "the guest's command line has a blank at its start"),
        (with(b" ", b" "), "the guest's command line has a blank at its start and one at its end"),
        (with(b"", b"\0"), "the guest's command line is hashed with a NUL more at its end"),
        (Sha256::digest(given).into(), "the guest's command line is hashed without the NUL at its end"),
        (KernelHashes::of_cmdline(b""), "the guest was started without the command line"),
    ]
}

type Changed = (Processors, (&'static str, String));

fn processor_changes(said: &Processors) -> Box<dyn Iterator<Item = Changed> + '_> {
    match said {
        Processors::Given(vcpus) => Box::new((1..=MOST_VCPUS).filter_map(move |n| {
            let other = VcpuState::new(vcpus.boot().clone(), vcpus.further().cloned(), n).ok()?;
            let said = u32::try_from(vcpus.pages().count()).unwrap_or(u32::MAX);
            Some((Processors::Given(other), ("vcpus", counted(n, said))))
        })),
        Processors::Built { cpu, count, reset_addr, state, features } => {
            let built = move |cpu, count, state, features| Processors::Built {
                cpu,
                count,
                reset_addr: *reset_addr,
                state,
                features,
            };
            let by_features = FEATURES.into_iter().map(move |n| {
                (
                    built(*cpu, *count, *state, n),
                    ("sev-features", format!("SEV_FEATURES is {n:#x}, not {features:#x}")),
                )
            });
            let by_state = InitialState::ALL.into_iter().map(move |s| {
                let text = format!("the processors start as after {s}");
                (built(*cpu, *count, Some(s), *features), ("initial-state", text))
            });
            let by_count = (1..=MOST_VCPUS)
                .map(move |n| (built(*cpu, n, *state, *features), ("vcpus", counted(n, *count))));
            let by_signature = signatures(*count).map(move |(other, name)| {
                let text = format!("the guest's processor is {other}{name}, not {cpu}");
                (built(other, *count, *state, *features), ("cpu", text))
            });
            Box::new(by_features.chain(by_state).chain(by_count).chain(by_signature))
        }
    }
}

fn counted(found: u32, said: u32) -> String {
    format!("the guest has {found} processor{}, not {said}", if found == 1 { "" } else { "s" })
}

/// Signatures, each with the name of a model that has it.
fn signatures(vcpus: u32) -> impl Iterator<Item = (CpuSignature, String)> {
    let models = CpuSignature::model_names()
        .filter_map(|name| Some((CpuSignature::of_model(&name)?, format!(" ({name})"))));
    let families = if vcpus <= FEW_VCPUS { &FAMILIES[..] } else { &[] };
    let all = families.iter().flat_map(|family| {
        (0..=0xffu32).flat_map(move |model| {
            (0..=0xfu32)
                .map(move |stepping| (CpuSignature { family: *family, model, stepping }, String::new()))
        })
    });
    models.chain(all)
}
