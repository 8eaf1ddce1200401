//! `virt-sev hook`: its options.

use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

pub(crate) const INSTALL_EXAMPLES: &str = "\
libvirt knows its hooks from when its daemon began: tell it afterwards to read them again. VDSM looks for its hooks
each time.

Examples:
  virt-sev hook install libvirt
  systemctl reload virtqemud || systemctl reload libvirtd
  virt-sev hook install vdsm";

pub(crate) const REMOVE_EXAMPLES: &str = "\
Example:
  virt-sev hook remove libvirt";

#[derive(Debug, Subcommand)]
pub(crate) enum HookCommand {
    /// Lets a hook program have its say
    #[command(after_help = INSTALL_EXAMPLES)]
    Install(HookArgs),
    /// Takes it away again
    #[command(after_help = REMOVE_EXAMPLES)]
    Remove(HookArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct HookArgs {
    /// Whose hook: libvirt's vetoes SEV guests that are not right; that of VDSM (oVirt) makes them right
    #[arg(value_enum)]
    pub(crate) whose: Whose,
    /// Folder of the hooks [default: /etc/libvirt/hooks, /usr/libexec/vdsm/hooks]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

/// Who calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Whose {
    Libvirt,
    Vdsm,
}
