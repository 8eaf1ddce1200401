//! `virt-sev check`: its options.

use super::{ConfigArgs, WaitArgs};
use clap::Args;
use std::path::PathBuf;

pub(crate) const EXAMPLES: &str = "\
Exit 0: a launch can begin; 1: it cannot, and the text says why. Nothing is changed. Without keys a domain is judged by what
its own <launchSecurity> asks for.

Examples:
  virt-sev check -c qemu:///system guest.xml --config session/keys.yaml
  virt-sev check -c qemu+ssh://HOST/system web1
  virt-sev check -c qemu+ssh://HOST/system --host-root report/ web1";

#[derive(Debug, Args)]
// What changes nothing records nothing.
#[command(mut_arg("record", |record| record.hide(true)))]
pub(crate) struct CheckArgs {
    /// Domain document, or the name of a defined domain
    #[arg(value_name = "DOMAIN")]
    pub(crate) domain: String,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Of the host, take all but libvirt's own facts from DIR, as `virt-sev host --collect DIR` wrote it there
    #[arg(long, value_name = "DIR")]
    pub(crate) host_root: Option<PathBuf>,
    /// A secret is to be injected: the firmware must have a place for it
    #[arg(long)]
    pub(crate) injects_secret: bool,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}
