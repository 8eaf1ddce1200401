//! `virt-sev digest`: its options.

use super::boot::{BootArgs, CpuArgs};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

pub(crate) const EXAMPLES: &str = "\
The digest is that of a guest which QEMU starts. No kernel means no kernel hashes; the command line is taken exactly. For \
SEV-ES the initial state is QEMU's own choice unless --legacy-vm-type is given: KVM_SEV_INIT, or KVM_SEV_INIT2 where a \
feature is asked for. With `--mode snp:ovmf-hash` the firmware's part of an SEV-SNP digest is printed, which \
--snp-ovmf-hash takes.

Examples:
  virt-sev digest --mode sev --firmware OVMF.amdsev.fd \\
    --kernel vmlinuz --initrd initrd.img --cmdline 'console=ttyS0'
  virt-sev digest --mode sev-es --firmware OVMF.amdsev.fd \\
    --num-cpus 4 --vcpu-type EPYC-Milan --save-vmsa vmsa/
  virt-sev digest --mode snp --firmware OVMF.amdsev.fd \\
    --num-cpus 4 --vcpu-sig 0xa10f10 --output-format base64";

#[derive(Debug, Args)]
pub(crate) struct DigestArgs {
    /// What the guest is
    #[arg(long, value_enum, value_name = "MODE")]
    pub(crate) mode: DigestMode,
    #[command(flatten)]
    pub(crate) boot: BootArgs,
    #[command(flatten)]
    pub(crate) cpus: CpuArgs,
    /// The firmware's part of an SEV-SNP digest, in place of hashing the image: its sections are read from it still
    #[arg(long, value_name = "HEX")]
    pub(crate) snp_ovmf_hash: Option<String>,
    /// Write the VMSA pages that are measured to DIR: vmsa-cpu0.bin, vmsa-cpu1.bin
    #[arg(long, value_name = "DIR")]
    pub(crate) save_vmsa: Option<PathBuf>,
    /// How the digest is written
    #[arg(long, value_enum, default_value_t = DigestFormat::Hex, value_name = "FORMAT")]
    pub(crate) output_format: DigestFormat,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DigestMode {
    Sev,
    SevEs,
    Snp,
    #[value(name = "snp:ovmf-hash")]
    SnpOvmfHash,
}

/// How a digest is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DigestFormat {
    Hex,
    Base64,
}
