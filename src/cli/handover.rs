//! From `virt-sev` to `virt-sev-online`. In: the command line. Out: the other program in this one's place.

use crate::args::{ChainCommand, Cli, Command, SecretCommand};
use crate::cmd::programs::beside;
use crate::output::Answer;
use std::os::unix::process::CommandExt as _;
use virt_sev::{Error, Kind, Result};

/// The program that links libvirt.
const ONLINE: &str = "virt-sev-online";

/// True for what cannot be done without a hypervisor.
pub(crate) fn needs_connection(cli: &Cli) -> bool {
    let connect = !cli.common.connect.is_empty();
    match &cli.command {
        Command::Check(_) | Command::Define(_) | Command::Launch(_) | Command::Measurement(_) => true,
        Command::Secret(SecretCommand::Inject(_)) | Command::Chain(ChainCommand::Fetch(_)) => true,
        Command::Apply(_) | Command::Lint(_) | Command::Host(_) => connect,
        Command::Generate(args) => connect && !args.list,
        Command::Session(args) => args.chain.is_empty(),
        Command::Verify(args) => args.domain.is_some(),
        Command::Keys(_)
        | Command::Explain(_)
        | Command::Digest(_)
        | Command::Firmware(_)
        | Command::Chain(ChainCommand::Verify(_))
        | Command::Snp(_)
        | Command::Hook(_)
        | Command::Secret(SecretCommand::Build(_)) => false,
    }
}

/// Starts the other program with the same arguments. Returns only on failure.
pub(crate) fn to_online() -> Result<Answer> {
    let program = beside(ONLINE, Kind::Hypervisor).map_err(|e| {
        e.hint("It speaks to libvirt. Without it only off-line commands work; install the whole of virt-sev.")
    })?;
    let e = std::process::Command::new(&program).args(std::env::args_os().skip(1)).exec();
    Err(Error::new(Kind::Hypervisor, "virt-sev-online cannot be started")
        .at(program.display().to_string())
        .because(e)
        .hint("Is libvirt's library installed? Debian: libvirt0; Fedora: libvirt-libs."))
}
