//! `virt-sev apply`: its options.

use super::ConfigArgs;
use clap::Args;
use std::path::PathBuf;

pub(crate) const EXAMPLES: &str = "\
With --diff and --explain nothing is written, unless -i or -o says so too.

Examples:
  virt-sev apply --set security.sev=true --diff guest.xml
  virt-sev apply --set security.sev=true --record -i guest.xml
  lxc config show web1 | virt-sev apply --config - web1.xml -o web1-sev.xml
  virsh dumpxml --inactive web1 | virt-sev apply --config keys.yaml | \\
    virsh define /dev/stdin";

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// Domain document; - is standard input
    #[arg(value_name = "DOMAIN.xml", default_value = "-")]
    pub(crate) domain: PathBuf,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Write the file in place, at once or not at all
    #[arg(short, long, conflicts_with_all = ["output", "check"])]
    pub(crate) in_place: bool,
    /// Write the document to FILE instead of standard output
    #[arg(short, long, value_name = "FILE", conflicts_with = "check")]
    pub(crate) output: Option<PathBuf>,
    /// Print nothing; exit 1 if the document would change
    #[arg(long)]
    pub(crate) check: bool,
    /// Print a unified diff instead of the document; hunks name their rules
    #[arg(long, conflicts_with = "check")]
    pub(crate) diff: bool,
    /// Print every edit and finding with rule, reason and source instead
    #[arg(long, conflicts_with_all = ["check", "diff"])]
    pub(crate) explain: bool,
    /// Domain capabilities of the host, as `virsh domcapabilities` prints them
    #[arg(long, value_name = "FILE", conflicts_with = "connect")]
    pub(crate) domcaps: Option<PathBuf>,
    /// Read the host's facts below DIR: its files, and CPUID from DIR/cpuid
    #[arg(long, value_name = "DIR", conflicts_with = "connect")]
    pub(crate) host_root: Option<PathBuf>,
}
