//! `virt-sev chain`, and what `session` shares with it: their options.

use super::WaitArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use virt_sev::session::chain::CEK_SERVICE;
use virt_sev::session::make::Trust;

const FETCH_EXAMPLES: &str = "\
PDH, PEK, OCA and CEK, and ASK and ARK where the chain leads to a known root: the form of `sevctl export --full`. A host has \
its CEK unsigned; AMD has the signed one.

Examples:
  virt-sev chain fetch -c qemu+ssh://HOST/system --fetch -o chain.cert
  virt-sev chain fetch -c qemu:///system > chain.cert";

const VERIFY_EXAMPLES: &str = "\
Files of sevctl and sev-tool, whole chains or one certificate each, in any order, binary or base64, and what \
`virsh nodesevinfo` prints. Exit 0: every signature holds, up to a trusted root; 4: one does not.

Examples:
  virt-sev chain verify chain.cert
  virt-sev chain verify pdh.cert pek.cert oca.cert cek.cert
  virsh -c qemu+ssh://HOST/system nodesevinfo | virt-sev chain verify - --fetch";

#[derive(Debug, Subcommand)]
pub(crate) enum ChainCommand {
    /// Reads a platform's certificates over libvirt
    #[command(after_help = FETCH_EXAMPLES)]
    Fetch(ChainFetchArgs),
    /// Shows and verifies a platform's certificates: PDH, PEK, OCA, CEK, ASK, ARK
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(ChainVerifyArgs),
}

#[derive(Debug, Args)]
#[command(mut_arg("timeout", |timeout| timeout.help(WAIT_BOTH)))]
pub(crate) struct ChainFetchArgs {
    /// File for the chain; standard output unless given
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

#[derive(Debug, Args)]
#[command(mut_arg("timeout", |timeout| timeout.help("Longest wait for the key service")))]
pub(crate) struct ChainVerifyArgs {
    /// Certificates; - is standard input
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// For the help of commands that wait for both.
pub(super) const WAIT_BOTH: &str = "Longest wait for one answer of the hypervisor, and for the key service";

/// What a chain has to lead to, and where its signed CEK comes from.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Trust")]
pub(crate) struct TrustArgs {
    /// ASK and ARK of another root than AMD's, for a test platform
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// The chip's CEK with AMD's signature, from a file
    #[arg(long, value_name = "FILE", conflicts_with = "fetch")]
    pub(crate) cek: Option<PathBuf>,
    /// Get it from AMD's key service with curl, unless it is here already, and keep it
    #[arg(long)]
    pub(crate) fetch: bool,
    /// Another key service, such as a mirror: the address without the chip's identity
    #[arg(long, value_name = "URL", requires = "fetch", default_value = CEK_SERVICE)]
    pub(crate) cek_url: String,
    /// The chip's identity in hexadecimal, where the files do not tell it
    #[arg(long, value_name = "ID")]
    pub(crate) chip_id: Option<String>,
}

impl TrustArgs {
    /// As the library takes them.
    pub(crate) fn trust(&self) -> Trust {
        Trust { ca: self.ca.clone(), cek: self.cek.clone(), chip_id: self.chip_id.clone() }
    }
}
