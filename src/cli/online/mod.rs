//! The commands that speak to libvirt. In: the command line. Out: an answer. Never: a rule about domains.

mod chain;
mod check;
mod connect;
mod define;
mod host;
mod implied;
mod launch;
mod lint;
mod measurement;
mod secret;
mod session;
mod verify;

use crate::args::{ChainCommand, Cli, Command, SecretCommand};
use crate::cmd;
use crate::output::{Answer, Output};
use virt_sev::{Error, Kind, Result};

/// Does what was asked. Off-line commands work here too. What a hypervisor or a guest refuses is explained.
pub(crate) fn run(cli: &Cli) -> Result<Answer> {
    dispatch(cli).map_err(virt_sev::explain::brief)
}

fn dispatch(cli: &Cli) -> Result<Answer> {
    let out = Output::new(&cli.common);
    let uris = &cli.common.connect;
    if let Command::Host(args) = &cli.command {
        return if uris.is_empty() { cmd::run(cli) } else { host::run(args, uris, out.for_host()?) };
    }
    if uris.len() > 1 {
        return Err(Error::new(Kind::Usage, "only `virt-sev host` takes several -c"));
    }
    let uri = uris.first().map(String::as_str);
    match &cli.command {
        Command::Chain(ChainCommand::Fetch(args)) => chain::fetch(args, uri, out.text_or_json()?),
        Command::Check(args) => check::run(args, uri, out.text_or_json()?),
        Command::Define(args) => define::run(args, uri, out.text_or_json()?),
        Command::Launch(args) => launch::run(args, uri, out.text_or_json()?),
        Command::Measurement(args) => measurement::run(args, uri, out.text_or_json()?),
        Command::Secret(SecretCommand::Inject(args)) => secret::run(args, uri, out.text_or_json()?),
        Command::Session(args) if args.chain.is_empty() => session::run(args, uri, out.text_or_json()?),
        Command::Verify(args) if args.domain.is_some() => verify::run(args, uri, out.text_or_json()?),
        Command::Apply(args) if uri.is_some() => {
            cmd::apply::run(args, |domain, config| connect::facts(uri, domain, config), out.text_or_json()?)
        }
        Command::Lint(args) if uri.is_some() => lint::run(args, uri, out.without_md()?),
        Command::Generate(args) if uri.is_some() => cmd::generate::run(
            args,
            |domain, config| connect::facts(uri, domain, config),
            out.text_or_json()?,
        ),
        Command::Keys(_)
        | Command::Explain(_)
        | Command::Digest(_)
        | Command::Host(_)
        | Command::Lint(_)
        | Command::Firmware(_)
        | Command::Apply(_)
        | Command::Generate(_)
        | Command::Chain(_)
        | Command::Session(_)
        | Command::Verify(_)
        | Command::Secret(_)
        | Command::Snp(_)
        | Command::Hook(_) => cmd::run(cli),
    }
}
