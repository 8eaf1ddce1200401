//! `virt-sev session`: its options.

use super::chain::WAIT_BOTH;
use super::{TrustArgs, WaitArgs, number};
use clap::Args;
use std::path::PathBuf;

pub(crate) const EXAMPLES: &str = "\
The chain comes from the host: `virt-sev chain fetch`, or there `sevctl export --full`. A session serves one launch.

Examples:
  virt-sev session --chain chain.cert --policy 0x1 -o session/
  virt-sev session --chain chain.cert --policy 0x5 -o session/ \\
    --bundle bundle.json --firmware OVMF.amdsev.fd";

#[derive(Debug, Args)]
#[command(mut_arg("timeout", |timeout| timeout.help(WAIT_BOTH)))]
#[command(group(clap::ArgGroup::new("platform").args(["chain", "connect"]).required(true)))]
pub(crate) struct SessionArgs {
    /// The platform's certificates, in any of the forms that `chain verify` reads (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(crate) chain: Vec<PathBuf>,
    /// Guest policy, hexadecimal with 0x or decimal: 0x1 for SEV, 0x5 for SEV-ES, as the keys give them
    #[arg(long, value_name = "NUMBER", value_parser = number::<u32>)]
    pub(crate) policy: u32,
    /// Folder for tek.bin and tik.bin (yours), godh.b64, session.b64 and keys.yaml (the host's); made if missing
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Write all that the host needs into one more file, for `launch --config FILE` there
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,
    /// Your copy of the firmware image: the bundle has its digest, and the host sees before the start whether it has it
    #[arg(short, long, value_name = "FILE", requires = "bundle")]
    pub(crate) firmware: Option<PathBuf>,
    /// Proceed although the chain is not verified, or the platform is this machine
    #[arg(short, long)]
    pub(crate) insecure: bool,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}
