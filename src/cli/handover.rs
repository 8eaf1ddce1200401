//! From `virt-sev` to `virt-sev-online`. In: the command line. Out: the other program in this one's place.

use crate::args::{ChainCommand, Cli, Command, SecretCommand};
use crate::output::Answer;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
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
        | Command::Secret(SecretCommand::Build(_)) => false,
    }
}

/// Beside this program (a build folder), or where `make install` puts it.
fn places() -> Vec<PathBuf> {
    let Ok(own) = std::env::current_exe() else { return Vec::new() };
    let Some(folder) = own.parent() else { return Vec::new() };
    let mut places = vec![folder.join(ONLINE)];
    if let Some(prefix) = folder.parent() {
        places.push(prefix.join("libexec/virt-sev").join(ONLINE));
        places.push(prefix.join("lib/virt-sev").join(ONLINE));
    }
    places
}

/// Starts the other program with the same arguments. Returns only on failure.
pub(crate) fn to_online() -> Result<Answer> {
    let places = places();
    let Some(program) = places.iter().find(|p| p.is_file()) else {
        return Err(Error::new(Kind::Hypervisor, format!("{ONLINE} is not installed"))
            .wanted(places.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(" or "))
            .hint("It speaks to libvirt. Without it only off-line commands work; install the whole of virt-sev."));
    };
    let e = std::process::Command::new(program).args(std::env::args_os().skip(1)).exec();
    Err(Error::new(Kind::Hypervisor, "virt-sev-online cannot be started")
        .at(program.display().to_string())
        .because(e)
        .hint("Is libvirt's library installed? Debian: libvirt0; Fedora: libvirt-libs."))
}
