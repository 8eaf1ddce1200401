//! What a guest starts from and on which processors: options that `verify`, `launch` and `digest` share, under the names
//! and letters of virt-qemu-sev-validate and sev-snp-measure.

use super::number;
use crate::cmd::progress;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use virt_sev::measure::vmsa::InitialState;
use virt_sev::owner::{BootFiles, Cpus};

/// What is measured besides the processors.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct BootArgs {
    /// Firmware image
    #[arg(short, long, value_name = "FILE")]
    pub(crate) firmware: Option<PathBuf>,
    /// Kernel
    #[arg(short, long, value_name = "FILE")]
    pub(crate) kernel: Option<PathBuf>,
    /// Initial ram disk
    #[arg(short = 'r', long, value_name = "FILE")]
    pub(crate) initrd: Option<PathBuf>,
    /// Kernel command line, exactly as the guest gets it
    #[arg(short = 'e', long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) cmdline: Option<String>,
}

/// The processors, which are measured for SEV-ES and SEV-SNP.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct CpuArgs {
    /// Number of virtual processors, for SEV-ES and SEV-SNP
    #[arg(short = 'n', long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) num_cpus: Option<u32>,
    /// VMSA page of the boot processor, as a file
    #[arg(short = '0', long, value_name = "FILE")]
    pub(crate) vmsa_cpu0: Option<PathBuf>,
    /// VMSA page of every other processor, as a file
    #[arg(short = '1', long, value_name = "FILE")]
    pub(crate) vmsa_cpu1: Option<PathBuf>,
    /// Processor, as a model of QEMU and libvirt: EPYC-Milan
    #[arg(long, value_name = "MODEL")]
    pub(crate) vcpu_type: Option<String>,
    /// Processor, as EAX of CPUID function 1: 0xa00f11
    #[arg(long, value_name = "NUMBER", value_parser = number::<u32>)]
    pub(crate) vcpu_sig: Option<u32>,
    /// Processor family; model and stepping too
    #[arg(long, value_name = "NUMBER")]
    pub(crate) cpu_family: Option<u32>,
    /// Processor model
    #[arg(long, value_name = "NUMBER")]
    pub(crate) cpu_model: Option<u32>,
    /// Processor stepping
    #[arg(long, value_name = "NUMBER")]
    pub(crate) cpu_stepping: Option<u32>,
    /// SEV_FEATURES of the processors, unless given 0x1 for SEV-SNP and 0 for SEV-ES
    #[arg(long, value_name = "NUMBER", value_parser = number::<u64>)]
    pub(crate) guest_features: Option<u64>,
    /// Initial state of SEV-ES processors: on for KVM_SEV_INIT, off for KVM_SEV_INIT2; named as QEMU's property
    #[arg(long, value_enum, value_name = "WHICH")]
    pub(crate) legacy_vm_type: Option<OnOff>,
}

impl BootArgs {
    /// As the library takes them; a terminal sees how far the hashing is.
    pub(crate) fn files(&self) -> BootFiles {
        BootFiles {
            firmware: self.firmware.clone(),
            kernel: self.kernel.clone(),
            initrd: self.initrd.clone(),
            cmdline: self.cmdline.clone(),
            watch: Some(progress::watch),
        }
    }
}

impl CpuArgs {
    /// As the library takes them.
    pub(crate) fn cpus(&self) -> Cpus {
        Cpus {
            num_cpus: self.num_cpus,
            vmsa_cpu0: self.vmsa_cpu0.clone(),
            vmsa_cpu1: self.vmsa_cpu1.clone(),
            vcpu_type: self.vcpu_type.clone(),
            vcpu_sig: self.vcpu_sig,
            cpu_family: self.cpu_family,
            cpu_model: self.cpu_model,
            cpu_stepping: self.cpu_stepping,
            guest_features: self.guest_features,
            state: self.legacy_vm_type.map(|legacy| match legacy {
                OnOff::On => InitialState::Legacy,
                OnOff::Off => InitialState::Init2,
            }),
        }
    }
}

/// QEMU's words for a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnOff {
    On,
    Off,
}
