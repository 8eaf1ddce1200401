//! The commands that need no hypervisor. In: the command line. Out: an answer.

pub(crate) mod apply;
mod encoding;
pub(crate) mod files;
mod firmware;
pub(crate) mod generate;
mod keys;
pub(crate) mod owner;
pub(crate) mod prepare;
mod secret;
pub(crate) mod session;
pub(crate) mod verify;

use crate::args::{Cli, Command, Format, SecretCommand};
use crate::output::{Answer, Output};
use virt_sev::{Error, Kind, Result};

/// Does what was asked.
pub(crate) fn run(cli: &Cli) -> Result<Answer> {
    let out = Output::new(&cli.common);
    match &cli.command {
        Command::Keys(args) => keys::run(args, out),
        Command::Apply(args) => {
            let host = (args.host_root.as_deref(), args.domcaps.as_deref());
            apply::run(args, |domain, config| apply::offline_facts(host, domain, config), out.without_md()?)
        }
        Command::Generate(args) => {
            let host = (args.host_root.as_deref(), args.domcaps.as_deref());
            generate::run(
                args,
                |domain, config| apply::offline_facts(host, domain, config),
                out.without_md()?,
            )
        }
        Command::Session(args) => session::run(args, out.without_md()?),
        Command::Verify(args) => {
            let mut out = out.without_md()?;
            if args.json {
                out.format = Format::Json;
            }
            verify::run(args, out)
        }
        Command::Firmware(args) => firmware::run(args, out.without_md()?),
        Command::Secret(SecretCommand::Build(args)) => secret::build(args, out.without_md()?),
        Command::Define(_) | Command::Launch(_) | Command::Measurement(_) | Command::Secret(_) => {
            Err(Error::new(Kind::Bug, "this command needs a hypervisor and was not handed over"))
        }
    }
}
