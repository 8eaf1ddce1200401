//! The processors as their owner describes them. In: [`Cpus`]. Out: what `measure` takes, and every combination that makes no
//! sense. Never: a processor that is guessed.

use super::given;
use crate::files;
use crate::measure::cpu::CpuSignature;
use crate::measure::expected::Processors;
use crate::measure::vmsa::{InitialState, VcpuState, Vmsa};
use crate::{Error, Kind, Result};
use std::path::PathBuf;

/// The processors, which are measured for SEV-ES and SEV-SNP. Each field is the option of its name.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)] // each is the option of its name
pub struct Cpus {
    pub num_cpus: Option<u32>,
    pub vmsa_cpu0: Option<PathBuf>,
    pub vmsa_cpu1: Option<PathBuf>,
    pub vcpu_type: Option<String>,
    pub vcpu_sig: Option<u32>,
    pub cpu_family: Option<u32>,
    pub cpu_model: Option<u32>,
    pub cpu_stepping: Option<u32>,
    pub guest_features: Option<u64>,
    /// `--legacy-vm-type`.
    pub state: Option<InitialState>,
}

/// How a processor is named.
pub const WAYS: &str = "--vcpu-type, --vcpu-sig, --cpu-family or --vmsa-cpu0";

impl Cpus {
    /// The options that were given.
    pub fn given(&self) -> impl Iterator<Item = &'static str> {
        given([
            ("--num-cpus", self.num_cpus.is_some()),
            ("--vmsa-cpu0", self.vmsa_cpu0.is_some()),
            ("--vmsa-cpu1", self.vmsa_cpu1.is_some()),
            ("--vcpu-type", self.vcpu_type.is_some()),
            ("--vcpu-sig", self.vcpu_sig.is_some()),
            ("--cpu-family", self.cpu_family.is_some()),
            ("--cpu-model", self.cpu_model.is_some()),
            ("--cpu-stepping", self.cpu_stepping.is_some()),
            ("--guest-features", self.guest_features.is_some()),
            ("--legacy-vm-type", self.state.is_some()),
        ])
    }

    /// True where a processor is named, in any of the four ways.
    #[must_use]
    pub fn named(&self) -> bool {
        self.vcpu_type.is_some()
            || self.vcpu_sig.is_some()
            || self.cpu_family.is_some()
            || self.vmsa_cpu0.is_some()
    }

    /// Options that exclude each other, or that need another, as virt-qemu-sev-validate refuses them.
    #[must_use]
    pub fn problems(&self) -> Vec<Error> {
        let mut problems = Vec::new();
        let mut wrong = |text: String| problems.push(Error::new(Kind::Usage, text));
        let sku = [self.cpu_family, self.cpu_model, self.cpu_stepping].iter().flatten().count();
        if sku != 0 && sku != 3 {
            wrong("a processor needs all of --cpu-family, --cpu-model and --cpu-stepping".to_owned());
        }
        let names: Vec<&str> = [
            ("--vcpu-type", self.vcpu_type.is_some()),
            ("--vcpu-sig", self.vcpu_sig.is_some()),
            ("--cpu-family, --cpu-model and --cpu-stepping", sku != 0),
        ]
        .into_iter()
        .filter_map(|(name, given)| given.then_some(name))
        .collect();
        if let [one, other, ..] = names.as_slice() {
            wrong(format!("{one} excludes {other}: both name the processor"));
        }
        let described = names.into_iter().chain(self.guest_features.map(|_| "--guest-features"));
        for name in described.chain(self.state.map(|_| "--legacy-vm-type")) {
            if self.vmsa_cpu0.is_some() || self.vmsa_cpu1.is_some() {
                wrong(format!("VMSA files exclude {name}"));
            }
        }
        if self.vmsa_cpu1.is_some() && self.vmsa_cpu0.is_none() {
            wrong("--vmsa-cpu1 needs --vmsa-cpu0".to_owned());
        }
        problems
    }

    /// The signature that the options name; `None` where they name none.
    ///
    /// # Errors
    /// `Kind::Usage` for a model that is not known and for numbers that no processor has.
    pub fn signature(&self) -> Result<Option<CpuSignature>> {
        if let Some(name) = &self.vcpu_type {
            return CpuSignature::of_model(name).map(Some).ok_or_else(|| {
            let known: Vec<String> = CpuSignature::model_names().filter(|n| !n.contains("-v")).collect();
            Error::new(Kind::Usage, "not a model of an AMD processor that is known")
                .at("--vcpu-type")
                .found(name.clone())
                .wanted(format!("one of {}, or a version of it, such as EPYC-v4", known.join(", ")))
                .hint("The processor's own numbers serve as well: --cpu-family, --cpu-model and --cpu-stepping.")
        });
        }
        if let Some(eax) = self.vcpu_sig {
            return CpuSignature::from_eax(eax).map(Some).map_err(|e| e.at("--vcpu-sig"));
        }
        match (self.cpu_family, self.cpu_model, self.cpu_stepping) {
            (Some(family), Some(model), Some(stepping)) => {
                CpuSignature::new(family, model, stepping).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The VMSA files; `None` where none is given.
    ///
    /// # Errors
    /// `Kind::File` for one that cannot be read or is none; `Kind::Usage` for a count that they do not fit.
    pub fn files(&self, count: u32) -> Result<Option<VcpuState>> {
        let Some(cpu0) = &self.vmsa_cpu0 else { return Ok(None) };
        let read = |path: &PathBuf| {
            Vmsa::read(&mut files::open("VMSA", path)?).map_err(|e| e.at(path.display().to_string()))
        };
        let further = self.vmsa_cpu1.as_ref().map(read).transpose()?;
        VcpuState::new(read(cpu0)?, further, count).map(Some)
    }

    /// As `measure` takes them, for SEV-ES; `None` where no processor is named. `host_says` is one that the host names, which
    /// goes behind the options.
    ///
    /// # Errors
    /// As [`Cpus::files`] and [`Cpus::signature`].
    pub fn processors(
        &self,
        count: u32,
        host_says: Option<CpuSignature>,
        reset_addr: impl FnOnce() -> Result<Option<u32>>,
    ) -> Result<Option<Processors>> {
        if let Some(given) = self.files(count)? {
            return Ok(Some(Processors::Given(given)));
        }
        let Some(cpu) = self.signature()?.or(host_says) else { return Ok(None) };
        Ok(Some(Processors::Built {
            cpu,
            count,
            reset_addr: reset_addr()?,
            state: self.state,
            features: self.guest_features.unwrap_or_default(),
        }))
    }
}
