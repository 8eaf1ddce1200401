//! `virt-sev lint` and `virt-sev explain`: their options.

use super::ConfigArgs;
use clap::Args;
use std::path::PathBuf;

pub(crate) const EXAMPLES: &str = "\
Without keys of its own, given or in its metadata, a domain is judged by what its <launchSecurity> asks for. \
Exit code 1 where a domain has an error, with --strict also where it has a warning; 4 or 5 where one could not be judged.

Examples:
  virt-sev lint guests/*.xml
  virt-sev lint --set security.sev=true --explain guest.xml
  virt-sev lint -c qemu:///system --all
  virt-sev lint -c qemu:///system --domain web1 --format sarif > lint.sarif";

// What changes nothing records nothing: refused where it is given.
#[derive(Debug, Args)]
#[command(mut_arg("record", |record| record.hide(true)))]
pub(crate) struct LintArgs {
    /// Domain documents; - is standard input
    #[arg(value_name = "DOMAIN.xml", required_unless_present_any = ["domain", "all"])]
    pub(crate) files: Vec<PathBuf>,
    /// A domain of the hypervisor that -c names (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) domain: Vec<String>,
    /// Every domain of the hypervisor that -c names
    #[arg(long, conflicts_with_all = ["domain", "files"])]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// After the findings of each rule: why it is, what breaks without it, and the source
    #[arg(long)]
    pub(crate) explain: bool,
    /// Exit 1 for warnings too
    #[arg(long)]
    pub(crate) strict: bool,
    /// Domain capabilities of the host, as `virsh domcapabilities` prints them
    #[arg(long, value_name = "FILE", conflicts_with = "connect")]
    pub(crate) domcaps: Option<PathBuf>,
    /// Read the host's facts below DIR: its files, and CPUID from DIR/cpuid
    #[arg(long, value_name = "DIR", conflicts_with = "connect")]
    pub(crate) host_root: Option<PathBuf>,
}

pub(crate) const EXPLAIN_EXAMPLES: &str = "\
Examples:
  virt-sev explain virtio-iommu
  virt-sev explain 'sev_launch_start: LAUNCH_START ret=1 fw_error=11'
  virt-sev explain 0x15
  virt-sev explain exit 5
  virt-sev explain --list";

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A rule or a check, as findings name it in brackets; a message of QEMU, KVM, libvirt or virt-sev, whole or in
    /// part; a status code of the SEV firmware; `exit N`; a constant of virtsev.h
    #[arg(value_name = "WHAT", required_unless_present_any = ["list", "list_messages"], allow_negative_numbers = true)]
    pub(crate) code: Vec<String>,
    /// Every rule with its title; with --format md or json everything about them
    #[arg(long, conflicts_with_all = ["code", "list_messages"])]
    pub(crate) list: bool,
    /// Every message and status code with its title; with --format md or json everything about them
    #[arg(long, conflicts_with = "code")]
    pub(crate) list_messages: bool,
}
