//! `virt-sev`: everything that needs no hypervisor. What needs one is done by `virt-sev-online`, which is started in
//! its place: loading libvirt costs about 10 ms at every start, and this program runs where libvirt is not.
#![forbid(unsafe_code)]

mod args;
mod cmd;
mod diff;
mod guarded;
mod handover;
mod output;

use clap::Parser as _;
use std::process::ExitCode;
use virt_sev::report::clean;

fn main() -> ExitCode {
    guarded::guard();
    let cli = args::Cli::try_parse().unwrap_or_else(|e| refuse(e));
    let out = output::Output::new(&cli.common);
    if handover::needs_connection(&cli) {
        return out.finish(handover::to_online());
    }
    output::start_log(&cli);
    out.finish(cmd::run(&cli))
}

/// Tells what is wrong with the arguments, or the help. An argument may be a file's name, which must not steer a terminal.
fn refuse(e: clap::Error) -> ! {
    let harmless = std::env::args_os().map(|argument| clean(&argument.to_string_lossy()));
    args::Cli::try_parse_from(harmless).err().unwrap_or(e).exit()
}
