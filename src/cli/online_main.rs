//! `virt-sev-online`: the commands that speak to libvirt. `virt-sev` starts it; it takes the same arguments.
#![forbid(unsafe_code)]

mod args;
mod cmd;
mod diff;
mod guarded;
mod online;
mod output;
mod refused;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    guarded::guard();
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => return refused::tell(e),
    };
    output::start_log(&cli);
    output::Output::new(&cli.common).finish(online::run(&cli))
}
