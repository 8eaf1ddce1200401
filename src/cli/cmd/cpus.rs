//! The processors as options describe them. In: [`CpuArgs`]. Out: what `measure` takes, and every combination that makes no
//! sense. Never: a processor that is guessed.

use super::files;
use crate::args::{CpuArgs, OnOff};
use std::path::PathBuf;
use virt_sev::measure::cpu::CpuSignature;
use virt_sev::measure::vmsa::{InitialState, VcpuState, Vmsa};
use virt_sev::{Error, Kind, Result};

/// How a processor is named.
pub(crate) const WAYS: &str = "--vcpu-type, --vcpu-sig, --cpu-family or --vmsa-cpu0";

/// Options that exclude each other, or that need another, as virt-qemu-sev-validate refuses them.
pub(crate) fn problems(c: &CpuArgs) -> Vec<Error> {
    let mut problems = Vec::new();
    let mut wrong = |text: String| problems.push(Error::new(Kind::Usage, text));
    let sku = [c.cpu_family, c.cpu_model, c.cpu_stepping].iter().flatten().count();
    if sku != 0 && sku != 3 {
        wrong("a processor needs all of --cpu-family, --cpu-model and --cpu-stepping".to_owned());
    }
    let names: Vec<&str> = [
        ("--vcpu-type", c.vcpu_type.is_some()),
        ("--vcpu-sig", c.vcpu_sig.is_some()),
        ("--cpu-family, --cpu-model and --cpu-stepping", sku != 0),
    ]
    .into_iter()
    .filter_map(|(name, given)| given.then_some(name))
    .collect();
    if let [one, other, ..] = names.as_slice() {
        wrong(format!("{one} excludes {other}: both name the processor"));
    }
    let described = names.into_iter().chain(c.guest_features.map(|_| "--guest-features"));
    for name in described.chain(c.legacy_vm_type.map(|_| "--legacy-vm-type")) {
        if c.vmsa_cpu0.is_some() || c.vmsa_cpu1.is_some() {
            wrong(format!("VMSA files exclude {name}"));
        }
    }
    if c.vmsa_cpu1.is_some() && c.vmsa_cpu0.is_none() {
        wrong("--vmsa-cpu1 needs --vmsa-cpu0".to_owned());
    }
    problems
}

/// The signature that the options name; `None` where they name none.
///
/// # Errors
/// `Kind::Usage` for a model that is not known and for numbers that no processor has.
pub(crate) fn signature(c: &CpuArgs) -> Result<Option<CpuSignature>> {
    if let Some(name) = &c.vcpu_type {
        return CpuSignature::of_model(name).map(Some).ok_or_else(|| {
            let known: Vec<String> = CpuSignature::model_names().filter(|n| !n.contains("-v")).collect();
            Error::new(Kind::Usage, "not a model of an AMD processor that is known")
                .at("--vcpu-type")
                .found(name.clone())
                .wanted(format!("one of {}, or a version of it, such as EPYC-v4", known.join(", ")))
                .hint("The processor's own numbers serve as well: --cpu-family, --cpu-model and --cpu-stepping.")
        });
    }
    if let Some(eax) = c.vcpu_sig {
        return CpuSignature::from_eax(eax).map(Some).map_err(|e| e.at("--vcpu-sig"));
    }
    match (c.cpu_family, c.cpu_model, c.cpu_stepping) {
        (Some(family), Some(model), Some(stepping)) => CpuSignature::new(family, model, stepping).map(Some),
        _ => Ok(None),
    }
}

/// The initial state that the options name.
pub(crate) fn state(c: &CpuArgs) -> Option<InitialState> {
    c.legacy_vm_type.map(|legacy| match legacy {
        OnOff::On => InitialState::Legacy,
        OnOff::Off => InitialState::Init2,
    })
}

/// The VMSA files; `None` where none is given.
pub(crate) fn files(c: &CpuArgs, count: u32) -> Result<Option<VcpuState>> {
    let Some(cpu0) = &c.vmsa_cpu0 else { return Ok(None) };
    let read = |path: &PathBuf| {
        Vmsa::read(&mut files::open("VMSA", path)?).map_err(|e| e.at(path.display().to_string()))
    };
    let further = c.vmsa_cpu1.as_ref().map(read).transpose()?;
    VcpuState::new(read(cpu0)?, further, count).map(Some)
}
