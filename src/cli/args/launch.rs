//! `virt-sev define`, `launch` and `measurement`: their options.

use super::{ConfigArgs, VerifyArgs, WaitArgs};
use clap::Args;
use std::path::PathBuf;

pub(crate) const EXAMPLES: &str = "\
Without a session the guest runs unverified. With one, and without --tik and --tek, it stays paused for its owner.

Examples:
  virt-sev launch -c qemu:///system guest.xml --config bundle.json \\
    --evidence evidence.json
  virt-sev launch -c qemu+ssh://HOST/system web1 --config session/keys.yaml \\
    --firmware OVMF.amdsev.fd --tik session/tik.bin --tek session/tek.bin \\
    --inject-secret luks-key:disk.key
  virt-sev launch -c qemu:///system --recover";

pub(crate) const DEFINE_EXAMPLES: &str = "\
Without keys, given or in the domain's metadata, the domain is defined as it is: where its own <launchSecurity> \
can be on this host, and unasked where it has none.

Examples:
  virt-sev define -c qemu:///system --set security.sev=true guest.xml
  virt-sev define -c qemu:///system --config keys.yaml --record guest.xml";

pub(crate) const MEASUREMENT_EXAMPLES: &str = "\
Examples:
  virt-sev measurement -c qemu:///system web1
  virt-sev measurement -c qemu+ssh://HOST/system web1 -o evidence.json";

#[derive(Debug, Args)]
pub(crate) struct DefineArgs {
    /// Domain document; - is standard input
    #[arg(value_name = "DOMAIN.xml")]
    pub(crate) domain: PathBuf,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

#[derive(Debug, Args)]
// It is read from the guest, and refused with a text that says so.
#[command(mut_arg("measurement", |measurement| measurement.hide(true)))]
pub(crate) struct LaunchArgs {
    /// Domain document, or the name of a defined domain
    #[arg(value_name = "DOMAIN", required_unless_present = "recover")]
    pub(crate) domain: Option<String>,
    /// Write what the owner needs for `verify --evidence` to FILE
    #[arg(long, value_name = "FILE", conflicts_with_all = ["tik", "tek", "tk", "recover"])]
    pub(crate) evidence: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    /// Destroy what launches that were cut off have left on this hypervisor, and put the definitions back
    #[arg(long, conflicts_with_all = ["domain", "config", "set", "inject_secret"])]
    pub(crate) recover: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) verify: VerifyArgs,
}

#[derive(Debug, Args)]
pub(crate) struct MeasurementArgs {
    /// Name of an active guest
    #[arg(value_name = "DOMAIN")]
    pub(crate) domain: String,
    /// Write the evidence to FILE as JSON
    #[arg(short, long, value_name = "EVIDENCE.json")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}
