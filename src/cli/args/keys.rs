//! `virt-sev keys`: its options; and how a configuration is written.

use clap::{Args, ValueEnum};
use std::path::PathBuf;
use virt_sev::config::Format;

pub(crate) const EXAMPLES: &str = "\
A file may hold several documents. LXD's profiles, one by one or as lxc profile list --format json prints them, go \
below the instance that names them, in its order; its own config stands above.

Examples:
  virt-sev keys --format md
  virt-sev keys --convert vmi.yaml > keys.yaml
  lxc config show web1 | virt-sev keys --convert - --convert profiles.yaml
  qm config 100 | virt-sev keys --convert - --config-format proxmox";

#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    /// Print what FILE means as keys that --config takes; - is standard input (repeatable: as with --config)
    #[arg(long, value_name = "FILE")]
    pub(crate) convert: Vec<PathBuf>,
    /// How every FILE is written, where it is not to be recognised
    #[arg(long, value_enum, default_value_t = ConfigFormat::Auto, value_name = "FORMAT", requires = "convert")]
    pub(crate) config_format: ConfigFormat,
}

/// How a configuration is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConfigFormat {
    // Comments of values would make clap print --help with a paragraph for every option.
    #[default]
    Auto,
    Lxd,
    Kubevirt,
    Nova,
    Proxmox,
    Metadata,
}

impl From<ConfigFormat> for Format {
    fn from(format: ConfigFormat) -> Self {
        match format {
            ConfigFormat::Auto => Format::Auto,
            ConfigFormat::Lxd => Format::Lxd,
            ConfigFormat::Kubevirt => Format::KubeVirt,
            ConfigFormat::Nova => Format::Nova,
            ConfigFormat::Proxmox => Format::Proxmox,
            ConfigFormat::Metadata => Format::Metadata,
        }
    }
}
