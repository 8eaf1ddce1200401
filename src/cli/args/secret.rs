//! `virt-sev secret`: its options.

use super::{KeyArgs, WaitArgs, number};
use clap::{Args, Subcommand};
use std::path::PathBuf;

const BUILD_EXAMPLES: &str = "\
Off line: whoever has the measurement and the keys makes the packet, and the host's administrator injects it.

Aliases: luks-key; kbs-bundle (simple-kbs); sev-kbc (attestation-agent's offline_sev_kbc). Where PATH is a folder, \
its files become one bundle, as simple-kbs makes it: a JSON object of their names and their contents in base64.

Examples:
  virt-sev secret build --secret luks-key:disk.key --measurement BASE64 \\
    --tik session/tik.bin --tek session/tek.bin --packet packet.json
  virt-sev secret build --secret sev-kbc:keys/ --measurement BASE64 \\
    --tk session.tk --secret-header header.b64 --secret-payload payload.b64";

const INJECT_EXAMPLES: &str = "\
Examples:
  virt-sev secret inject -c qemu:///system web1 --packet packet.json --resume
  virt-sev secret inject -c qemu:///system web1 \\
    --secret-header header.b64 --secret-payload payload.b64";

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Builds the packet for a measured guest: header and encrypted payload
    #[command(after_help = BUILD_EXAMPLES)]
    Build(SecretBuildArgs),
    /// Injects a packet into a paused guest
    #[command(after_help = INJECT_EXAMPLES)]
    Inject(SecretInjectArgs),
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("to").args(["packet", "secret_header"]).required(true)))]
pub(crate) struct SecretBuildArgs {
    /// Secret: luks-key:disk.key, or GUID:PATH, or a folder of keys (repeatable); the table holds them in this order
    #[arg(short, long, required = true, value_name = "NAME:PATH")]
    pub(crate) secret: Vec<String>,
    /// Measurement of the guest, base64
    #[arg(short, long, value_name = "BASE64")]
    pub(crate) measurement: String,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
    #[command(flatten)]
    pub(crate) to: PacketArgs,
}

/// Where an encrypted secret is written.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PacketArgs {
    /// Write the encrypted secret with its header to one FILE, for `secret inject --packet`
    #[arg(long, value_name = "FILE", conflicts_with = "secret_header")]
    pub(crate) packet: Option<PathBuf>,
    /// Write the secret's header to FILE, as virt-qemu-sev-validate does
    #[arg(long, value_name = "FILE", requires = "secret_payload")]
    pub(crate) secret_header: Option<PathBuf>,
    /// Write the encrypted secret to FILE
    #[arg(long, value_name = "FILE", requires = "secret_header")]
    pub(crate) secret_payload: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").args(["packet", "secret_header"]).required(true)))]
pub(crate) struct SecretInjectArgs {
    /// Name of a paused guest
    #[arg(value_name = "DOMAIN")]
    pub(crate) domain: String,
    /// File with header and encrypted secret, as `verify --packet` writes it
    #[arg(long, value_name = "FILE")]
    pub(crate) packet: Option<PathBuf>,
    /// File with the header, as `secret build`, `verify` or virt-qemu-sev-validate writes it
    #[arg(long, value_name = "FILE", requires = "secret_payload")]
    pub(crate) secret_header: Option<PathBuf>,
    /// File with the encrypted secret
    #[arg(long, value_name = "FILE", requires = "secret_header")]
    pub(crate) secret_payload: Option<PathBuf>,
    /// Guest physical address, hexadecimal with 0x or decimal; the firmware's own place unless given
    #[arg(long, value_name = "NUMBER", value_parser = number::<u64>)]
    pub(crate) set_address: Option<u64>,
    /// Let the guest run then
    #[arg(long)]
    pub(crate) resume: bool,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}
