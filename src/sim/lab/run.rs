//! `sev-lab run`.
//! In: options and a command. Out: its exit code, after everything is taken down again. Never: a lab that outlives it.

use crate::folder::Lab;
use crate::{RunOptions, daemon, file_and_name, processes};
use rustix::process::{Pid, Signal, WaitStatus, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use virt_sev_sim::cpuid::LIBRARY;
use virt_sev_sim::crypto::platform::FOLDER as PLATFORM;
use virt_sev_sim::error::{Context, Error, Result};
use virt_sev_sim::settings::Settings;
use virt_sev_sim::start::ROLE;

pub(crate) fn run(options: &RunOptions) -> Result<ExitCode> {
    // The number of the last signal; 0 for none.
    let signal = Arc::new(AtomicUsize::new(0));
    for number in [SIGINT, SIGTERM, SIGHUP] {
        let value = usize::try_from(number).unwrap_or_default();
        signal_hook::flag::register_usize(number, Arc::clone(&signal), value).at("signals")?;
    }
    processes::adopt()?;
    let (simulator, hooks) = (!options.no_simulator, options.hook.is_some());
    let lab = Lab::create(options.dir.as_deref(), simulator, options.private_kvm, hooks)?;
    let result = inside(&lab, options, &signal).map_err(|e| match signal.load(Ordering::SeqCst) {
        0 => e,
        // A terminal's interrupt ends what is asked meanwhile too.
        _ => Error::new("interrupted"),
    });
    processes::end_all();
    if options.keep {
        eprintln!("sev-lab: {} stays", lab.dir.display());
    } else {
        lab.remove();
    }
    result
}

fn inside(lab: &Lab, options: &RunOptions, signal: &AtomicUsize) -> Result<ExitCode> {
    let say = |text: String| {
        if options.verbose {
            eprintln!("sev-lab: {text}");
        }
    };
    for argument in &options.files {
        let (source, name) = file_and_name(argument)?;
        lab.copy(&source, &lab.dir.join("files").join(name), 0o644)?;
    }
    if let Some(hook) = &options.hook {
        let folder = lab.hooks().join("qemu.d");
        std::fs::create_dir_all(&folder).at(folder.display())?;
        lab.copy(hook, &folder.join("hook"), 0o755)?;
    }
    if lab.simulator {
        install(lab, options)?;
    }
    lab.give()?;
    let started = Instant::now();
    let pid = daemon::start(lab)?;
    daemon::wait(lab, pid, || signal.load(Ordering::SeqCst) != 0)?;
    say(format!(
        "{} answers at {} after {:.1} s, as {}, {} KVM",
        lab.daemon.display(),
        lab.uri(),
        started.elapsed().as_secs_f64(),
        lab.user.as_ref().map_or("this user", |u| u.name.as_str()),
        if lab.kvm { "with" } else { "without" },
    ));
    let status = command(lab, options, pid, signal)?;
    Ok(exit_code(status))
}

/// The simulator under QEMU's name, its settings, and the platform's keys.
fn install(lab: &Lab, options: &RunOptions) -> Result<()> {
    let simulator = match &options.simulator {
        Some(file) => file.clone(),
        None => simulator()?,
    };
    lab.copy(&simulator, &lab.emulator(), 0o755)?;
    let library = simulator.with_file_name(LIBRARY);
    if library.is_file() {
        lab.copy(&library, &lab.preload(), 0o755)?;
    } else {
        eprintln!(
            "sev-lab: {} is not there: libvirt counts guests by this machine's processor",
            library.display()
        );
    }
    let mut settings = match &options.settings {
        Some(file) => Settings::read(file)?,
        None => Settings::default(),
    };
    settings.state = "../state".into();
    settings.faults.extend(&options.faults);
    // Where libvirt sees a usable /dev/kvm, guests of type 'kvm' must be possible: the simulator says KVM, runs TCG.
    if lab.kvm && options.settings.is_none() {
        settings.report_kvm = true;
    }
    settings.write(&lab.settings_file())?;
    let inside = lab.state().join(PLATFORM);
    if let Some(outside) = options.platform.as_deref().filter(|p| p.join("pdh.key").exists()) {
        copy_all(outside, &inside)?;
    }
    let setup = Command::new(lab.emulator()).args([ROLE, "setup"]).arg(lab.emulator()).status();
    if !setup.at(lab.emulator().display())?.success() {
        return Err(Error::new("the simulator cannot make its platform"));
    }
    match &options.platform {
        Some(outside) if !outside.join("pdh.key").exists() => copy_all(&inside, outside),
        _ => Ok(()),
    }
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).at(to.display())?;
    for entry in fs::read_dir(from).at(from.display())? {
        let entry = entry.at(from.display())?;
        // fs::copy keeps the permissions: the private key stays private.
        fs::copy(entry.path(), to.join(entry.file_name())).at(entry.path().display())?;
    }
    Ok(())
}

fn simulator() -> Result<PathBuf> {
    let beside = std::env::current_exe()?.with_file_name("qemu-sev-sim");
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::iter::once(beside)
        .chain(std::env::split_paths(&path).map(|folder| folder.join("qemu-sev-sim")))
        .find(|file| file.is_file())
        .ok_or_else(|| Error::new("qemu-sev-sim is neither beside sev-lab nor in PATH"))
}

fn command(lab: &Lab, options: &RunOptions, pid: u32, signal: &AtomicUsize) -> Result<WaitStatus> {
    let program = options.command.first().ok_or_else(|| Error::new("there is no command"))?;
    let mut command = Command::new(program);
    command.args(&options.command[1..]);
    command.env("VIRT_SEV_LAB_URI", lab.uri()).env("LIBVIRT_DEFAULT_URI", lab.uri());
    command.env("VIRT_SEV_LAB_DIR", &lab.dir).env("VIRT_SEV_LAB_FILES", lab.dir.join("files"));
    command.env("VIRT_SEV_LAB_STATE", lab.state());
    command.env("VIRT_SEV_LAB_PID", pid.to_string());
    command.env("VIRT_SEV_LAB_KVM", if lab.kvm { "yes" } else { "no" });
    processes::wake_at_ends()?;
    let child = command.spawn().at(program.display())?;
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let mut asked: Option<Instant> = None;
    loop {
        if let Some(status) = processes::reap(id) {
            return Ok(status);
        }
        daemon::start_if_asked(lab)?;
        if let (true, Some(id)) = (signal.load(Ordering::SeqCst) != 0, id) {
            let since = *asked.get_or_insert_with(|| {
                let _ = kill_process(id, Signal::TERM);
                Instant::now()
            });
            if since.elapsed() > Duration::from_secs(5) {
                let _ = kill_process(id, Signal::KILL);
            }
        }
        // Less, where a child ends meanwhile.
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// COMMAND's code, or 128 and the signal that ended it, as a shell says it.
fn exit_code(status: WaitStatus) -> ExitCode {
    let code = status.exit_status().or(status.terminating_signal().map(|s| 128 + s)).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
