//! `virt-sev host`: its options.

use super::WaitArgs;
use clap::Args;
use std::path::PathBuf;

pub(crate) const EXAMPLES: &str = "\
Each layer is looked at by itself: the processor, the kernel module, the Secure Processor, the limits, libvirt. A mode is
available only where every one of them has it; each that has not comes with the fix. Nothing here needs root.

Examples:
  virt-sev host
  virt-sev host -c qemu:///system
  virt-sev host -c qemu+ssh://a/system -c qemu+ssh://b/system
  virt-sev host --collect report/
  virt-sev host --host-root report/ --format json
  virt-sev host -c qemu+ssh://a/system --host-root report/
  virt-sev host --format prometheus > virt-sev.prom";

#[derive(Debug, Args)]
pub(crate) struct HostArgs {
    /// Domain capabilities of the host, as `virsh domcapabilities` prints them
    #[arg(long, value_name = "FILE", conflicts_with = "connect")]
    pub(crate) domcaps: Option<PathBuf>,
    /// Read the host's facts below DIR: its files, and CPUID from DIR/cpuid
    #[arg(long, value_name = "DIR")]
    pub(crate) host_root: Option<PathBuf>,
    /// Write what was read into a new folder that --host-root reads on any machine; no secrets, no firmware images
    #[arg(long, value_name = "DIR", conflicts_with_all = ["connect", "host_root"])]
    pub(crate) collect: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}
