//! The commands that need no hypervisor. In: the command line. Out: an answer.

mod apparmor;
pub(crate) mod apply;
pub(crate) mod chain;
mod digest;
mod download;
mod encoding;
mod explain;
pub(crate) mod files;
mod firmware;
mod firmware_list;
pub(crate) mod generate;
mod hook;
pub(crate) mod host;
mod keys;
pub(crate) mod lint;
pub(crate) mod packet;
pub(crate) mod prepare;
pub(crate) mod programs;
pub(crate) mod progress;
mod sarif;
mod secret;
pub(crate) mod session;
mod snp;
pub(crate) mod trust;
pub(crate) mod verify;

use crate::args::{ChainCommand, Cli, Command, Format, LintArgs, SecretCommand, SnpCommand};
use crate::output::{Answer, Output};
use virt_sev::config::SevConfig;
use virt_sev::domain::Domain;
use virt_sev::{Error, Kind, Result};

/// Does what was asked.
pub(crate) fn run(cli: &Cli) -> Result<Answer> {
    let out = Output::new(&cli.common);
    match &cli.command {
        Command::Keys(args) => keys::run(args, out.without_sarif()?),
        Command::Apply(args) => {
            let host = (args.host_root.as_deref(), args.domcaps.as_deref());
            apply::run(args, |domain, config| apply::offline_facts(host, domain, config), out.text_or_json()?)
        }
        Command::Generate(args) => {
            let host = (args.host_root.as_deref(), args.domcaps.as_deref());
            generate::run(
                args,
                |domain, config| apply::offline_facts(host, domain, config),
                out.text_or_json()?,
            )
        }
        Command::Lint(args) => lint_files(args, out.without_md()?),
        Command::Host(args) => host::run(args, out.for_host()?),
        Command::Hook(command) => hook::run(command, out.text_or_json()?),
        Command::Explain(args) => explain::run(args, out.without_sarif()?),
        Command::Chain(ChainCommand::Verify(args)) => chain::verify(args, out.text_or_json()?),
        Command::Session(args) => session::run(args, out.text_or_json()?),
        Command::Verify(args) => {
            let mut out = out.text_or_json()?;
            if args.json {
                out.format = Format::Json;
            }
            verify::run(args, out)
        }
        Command::Digest(args) => digest::run(args, out.text_or_json()?),
        Command::Firmware(args) => {
            firmware::run(args, cli.common.connect.first().map(String::as_str), out.text_or_json()?)
        }
        Command::Snp(SnpCommand::IdBlock(args)) => snp::id_block::run(args, out.text_or_json()?),
        Command::Snp(SnpCommand::Report(args)) => snp::report::run(args, out.text_or_json()?),
        Command::Secret(SecretCommand::Build(args)) => secret::build(args, out.text_or_json()?),
        Command::Chain(ChainCommand::Fetch(_))
        | Command::Check(_)
        | Command::Define(_)
        | Command::Launch(_)
        | Command::Measurement(_)
        | Command::Secret(_) => {
            Err(Error::new(Kind::Bug, "this command needs a hypervisor and was not handed over"))
        }
    }
}

fn lint_files(args: &LintArgs, out: Output) -> Result<Answer> {
    if args.all || !args.domain.is_empty() {
        return Err(Error::new(Kind::Usage, "--all and --domain need a hypervisor")
            .hint("Name it with -c, such as -c qemu:///system."));
    }
    let host = (args.host_root.as_deref(), args.domcaps.as_deref());
    let facts = |domain: &Domain<'_>, config: &SevConfig| apply::offline_facts(host, domain, config);
    lint::run(args, lint::files(args)?, facts, None, out)
}
