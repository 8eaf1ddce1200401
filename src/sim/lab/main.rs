//! `sev-lab`: a private libvirtd around the simulator, for one command.
//! In: `run -- COMMAND`. Out: COMMAND's exit code. Never: a process or a file left behind, or the machine's own libvirt
//! touched.

mod daemon;
mod folder;
#[cfg(test)]
mod man_tests;
mod processes;
mod run;

use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use virt_sev_sim::error::{Error, Result};
use virt_sev_sim::settings::{FAULTS, Fault, Mode};

/// A private libvirtd around qemu-sev-sim, for development and tests. Nothing here is a claim of security.
#[derive(Debug, Parser)]
#[command(name = "sev-lab", version, after_help = after_help())]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Starts the lab, runs COMMAND in it, and takes everything down.
    Run(RunOptions),
    /// Starts the lab's daemon again after it was killed.
    Restart {
        /// The lab's folder.
        #[arg(long, env = "VIRT_SEV_LAB_DIR")]
        dir: PathBuf,
    },
    /// Makes something go wrong from now on.
    Fault {
        /// What goes wrong.
        #[arg(required = true)]
        faults: Vec<Fault>,
        /// Only for this guest.
        #[arg(long)]
        guest: Option<String>,
        /// The lab's folder.
        #[arg(long, env = "VIRT_SEV_LAB_DIR")]
        dir: PathBuf,
    },
    /// Tells the platform what it offers from now on.
    Offer {
        /// sev, es, snp; none of them: nothing.
        modes: Vec<Mode>,
        /// The lab's folder.
        #[arg(long, env = "VIRT_SEV_LAB_DIR")]
        dir: PathBuf,
    },
    /// Takes faults back: this guest's, or all of them.
    Forget {
        /// Only this guest's.
        #[arg(long)]
        guest: Option<String>,
        /// The lab's folder.
        #[arg(long, env = "VIRT_SEV_LAB_DIR")]
        dir: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
struct RunOptions {
    /// The lab's folder, which must not exist yet; a short path. Without it a new one under /tmp.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Leave the folder behind. The processes end nevertheless.
    #[arg(long)]
    keep: bool,
    /// A fault for every guest from the start.
    #[arg(long = "fault", value_name = "NAME")]
    faults: Vec<Fault>,
    /// A settings file for the simulator instead of the defaults.
    #[arg(long, value_name = "FILE", conflicts_with = "no_simulator")]
    settings: Option<PathBuf>,
    /// Copy a file to where guests can read it: $VIRT_SEV_LAB_FILES/NAME.
    #[arg(long = "file", value_name = "SRC[=NAME]")]
    files: Vec<OsString>,
    /// A folder of platform keys to use; made when it is empty or missing. Without it every lab has a new platform.
    #[arg(long, value_name = "DIR")]
    platform: Option<PathBuf>,
    /// The simulator. Without it: the one beside sev-lab, or in PATH.
    #[arg(long, value_name = "FILE")]
    simulator: Option<PathBuf>,
    /// Root only: give the daemon a /dev/kvm of its own where the machine's is not for ordinary users, so that guests
    /// can be of type 'kvm'. The machine's own device stays as it is.
    #[arg(long)]
    private_kvm: bool,
    /// Root only: a program that the daemon runs as its hook for QEMU domains. The machine's own hooks stay as they are.
    #[arg(long, value_name = "FILE")]
    hook: Option<PathBuf>,
    /// Leave QEMU alone.
    #[arg(long)]
    no_simulator: bool,
    /// Say what happens.
    #[arg(short, long)]
    verbose: bool,
    /// The command and its arguments.
    #[arg(required = true, last = true)]
    command: Vec<OsString>,
}

fn after_help() -> String {
    let names: Vec<&str> = FAULTS.iter().map(|(name, _)| *name).collect();
    format!(
        "Faults: {}.\n\nCOMMAND finds in its environment: VIRT_SEV_LAB_URI and LIBVIRT_DEFAULT_URI (the lab's libvirtd), \
         VIRT_SEV_LAB_DIR, VIRT_SEV_LAB_FILES, VIRT_SEV_LAB_STATE (what the simulator keeps), VIRT_SEV_LAB_PID (the \
         daemon's process id), VIRT_SEV_LAB_KVM (yes or no).",
        names.join(", ")
    )
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match perform(cli.command) {
        Ok(code) => code,
        Err(e) => {
            eprintln!("sev-lab: {e}");
            // As env(1) and timeout(1) do: a code that COMMAND hardly uses says that the lab itself failed.
            ExitCode::from(125)
        }
    }
}

fn perform(task: Task) -> Result<ExitCode> {
    match task {
        Task::Run(options) => run::run(&options),
        Task::Restart { dir } => {
            let lab = folder::Lab::open(&dir)?;
            let pid = daemon::ask_for_another(&lab)?;
            daemon::wait(&lab, pid, || false)?;
            println!("{pid}");
            Ok(ExitCode::SUCCESS)
        }
        Task::Fault { faults, guest, dir } => {
            let lab = folder::Lab::open(&dir)?;
            lab.change(|settings| {
                let list = match &guest {
                    Some(guest) => settings.guests.entry(guest.clone()).or_default(),
                    None => &mut settings.faults,
                };
                for fault in &faults {
                    if !list.contains(fault) {
                        list.push(*fault);
                    }
                }
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Task::Offer { modes, dir } => {
            folder::Lab::open(&dir)?.change(|settings| settings.modes = modes)?;
            Ok(ExitCode::SUCCESS)
        }
        Task::Forget { guest, dir } => {
            let lab = folder::Lab::open(&dir)?;
            lab.change(|settings| match &guest {
                Some(guest) => {
                    settings.guests.remove(guest);
                }
                None => {
                    settings.faults.clear();
                    settings.guests.clear();
                }
            })?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Splits `SRC=NAME`; without a name it is the source's.
fn file_and_name(argument: &OsString) -> Result<(PathBuf, OsString)> {
    let wrong = || Error::new(format!("--file {}: wanted SRC or SRC=NAME", argument.display()));
    let missing = || Error::new(format!("--file {}: there is no such file", argument.display()));
    let path = PathBuf::from(argument);
    if path.exists() {
        let name = path.file_name().ok_or_else(wrong)?.to_owned();
        return Ok((path, name));
    }
    let (source, name) = argument.to_str().and_then(|a| a.rsplit_once('=')).ok_or_else(missing)?;
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return Err(wrong());
    }
    Ok((source.into(), name.into()))
}
