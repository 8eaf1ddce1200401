//! `virt-sev session`: its options.

use super::{WaitArgs, number};
use clap::Args;
use std::path::PathBuf;

pub(crate) const EXAMPLES: &str = "\
The chain comes from the host: sevctl export --full chain.cert. A session serves one launch.

Example:
  virt-sev session --chain chain.cert --policy 0x1 -o session/";

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("platform").args(["chain", "connect"]).required(true)))]
pub(crate) struct SessionArgs {
    /// The platform's certificates: PDH, PEK, OCA, CEK, and ASK, ARK where present; as sevctl exports them
    #[arg(long, value_name = "FILE")]
    pub(crate) chain: Option<PathBuf>,
    /// ASK and ARK of another root than AMD's, for a test platform
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Guest policy, hexadecimal with 0x or decimal: 0x1 for SEV, 0x5 for SEV-ES, as the keys give them
    #[arg(long, value_name = "NUMBER", value_parser = number::<u32>)]
    pub(crate) policy: u32,
    /// Folder for tek.bin and tik.bin (yours), godh.b64, session.b64 and keys.yaml (the host's); made if missing
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Proceed although the chain is not verified, or the platform is this machine
    #[arg(short, long)]
    pub(crate) insecure: bool,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}
