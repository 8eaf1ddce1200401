//! `virt-sev`: everything that needs no hypervisor. What needs one is done by `virt-sev-online`, which is started in
//! its place: loading libvirt costs about 10 ms at every start, and this program runs where libvirt is not.
#![forbid(unsafe_code)]

mod args;
mod cmd;
mod diff;
mod guarded;
mod handover;
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
    let out = output::Output::new(&cli.common);
    if handover::needs_connection(&cli) {
        return out.finish(handover::to_online());
    }
    output::start_log(&cli);
    out.finish(cmd::run(&cli))
}
