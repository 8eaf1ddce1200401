//! `virt-sev generate`: its options.

use super::ConfigArgs;
use clap::Args;
use std::path::PathBuf;

pub(crate) const EXAMPLES: &str = "\
NAME, --memory and --vcpus are needed. No UUID and no MAC address are made up: libvirt does it at the definition. \
docs/generate.md says more.

Examples:
  virt-sev generate web1 --memory 4GiB --vcpus 2 --network default \\
    --disk /var/lib/libvirt/images/web1.qcow2,20GiB \\
    --set security.sev=true --record | virt-sev define -c qemu:///system -
  virt-sev generate job1 --memory 1GiB --vcpus 1 --template direct-kernel \\
    --kernel /srv/vmlinuz --initrd /srv/initrd.img --cmdline 'console=ttyS0' \\
    --set security.sev.snp=true -o job1.xml
  virt-sev generate db1 --memory 8GiB --vcpus 4 --template cloud-image \\
    --disk /srv/db1.qcow2,40GiB,backing=/srv/debian-13.qcow2 \\
    --cloud-init /srv/db1-seed.iso,user-data=db1.yaml --set security.sev=true";

#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// Name of the new domain
    #[arg(value_name = "NAME", required_unless_present = "list")]
    pub(crate) name: Option<String>,
    /// Memory, such as 4GiB
    #[arg(long, value_name = "SIZE", required_unless_present = "list")]
    pub(crate) memory: Option<String>,
    /// Virtual processors
    #[arg(long, value_name = "N", required_unless_present = "list")]
    pub(crate) vcpus: Option<u32>,
    // `help`, for in a comment rustdoc takes the brackets for links.
    #[arg(
        long,
        value_name = "DISK",
        help = "PATH[,SIZE][,format=raw|qcow2][,backing=PATH]: a disk (repeatable); \
        with SIZE or backing it is created, by qemu-img"
    )]
    pub(crate) disk: Vec<String>,
    /// NAME, bridge=NAME or user, with ,mac=MAC: a network interface (repeatable)
    #[arg(long, value_name = "NETWORK")]
    pub(crate) network: Vec<String>,
    /// Boot this kernel
    #[arg(long, value_name = "PATH")]
    pub(crate) kernel: Option<String>,
    /// Its initial RAM disk
    #[arg(long, value_name = "PATH", requires = "kernel")]
    pub(crate) initrd: Option<String>,
    /// Its command line, taken exactly
    #[arg(long, value_name = "TEXT", requires = "kernel", allow_hyphen_values = true)]
    pub(crate) cmdline: Option<String>,
    #[arg(
        long,
        value_name = "SEED",
        help = "PATH[,user-data=FILE[,meta-data=FILE][,network-config=FILE]]: \
        cloud-init's seed; with user-data it is created, by xorriso"
    )]
    pub(crate) cloud_init: Option<String>,
    /// Model, or host-passthrough, host-model, maximum; unless given, what suits the keys
    #[arg(long, value_name = "CPU")]
    pub(crate) cpu: Option<String>,
    /// NUMA cells, of equal size as far as that goes
    #[arg(long, value_name = "N")]
    pub(crate) numa: Option<u32>,
    /// Huge pages, of the host's default size or of SIZE
    #[arg(long, value_name = "SIZE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) hugepages: Option<String>,
    /// An emulated TPM 2.0; its state lies on the host
    #[arg(long)]
    pub(crate) tpm: bool,
    /// A socket to the host
    #[arg(long)]
    pub(crate) vsock: bool,
    /// UUID, where it must not be libvirt's choice
    #[arg(long, value_name = "UUID")]
    pub(crate) uuid: Option<String>,
    /// Template, by the name that --list gives it
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) template: String,
    /// Your own templates: every DIR/NAME.xml; they come before the built-in ones (repeatable)
    #[arg(long, value_name = "DIR")]
    pub(crate) template_dir: Vec<PathBuf>,
    /// List the templates
    #[arg(long)]
    pub(crate) list: bool,
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Domain capabilities of the host, as `virsh domcapabilities` prints them
    #[arg(long, value_name = "FILE", conflicts_with = "connect")]
    pub(crate) domcaps: Option<PathBuf>,
    /// Read the host's facts below DIR: its files, and CPUID from DIR/cpuid
    #[arg(long, value_name = "DIR", conflicts_with = "connect")]
    pub(crate) host_root: Option<PathBuf>,
}
