//! `virt-sev-online`: the commands that speak to libvirt. `virt-sev` starts it; it takes the same arguments.
#![forbid(unsafe_code)]

mod args;
mod cmd;
mod online;
mod output;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let debug = matches!(&cli.command, args::Command::Verify(v) if v.debug);
    output::start_log(&cli.common, debug);
    output::finish(online::run(&cli))
}
