//! The process that libvirt starts: it asks the relay whether the guest may start, and then becomes QEMU.
//! In: argv. Out: the real QEMU under this process id, its monitor held by the relay. Never: SEV arithmetic.
//!
//! libvirt takes the process it started for QEMU (it reads `/proc/PID/task`, sets affinity, kills it): so QEMU must
//! have this process id, and the relay is the child.

use crate::error::{Context, Error, Result};
use crate::guest::argv::{CommandLine, Guest, Listen, Rewrite};
use crate::relay;
use crate::settings::{Settings, own_program};
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// The first argument of the relay's and the warden's process.
pub const ROLE: &str = "--qemu-sev-sim-role";

/// What the relay is asked before QEMU starts; the first line on its socket.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// The program as libvirt started it: the settings stand beside it.
    pub program: PathBuf,
    /// The real QEMU.
    pub qemu: PathBuf,
    /// The guest.
    pub guest: Guest,
    /// A probe of the emulator: nobody waits for the relay.
    pub probe: bool,
}

/// What the relay answers; QEMU's own greeting follows on the same socket.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Verdict {
    /// Why the guest must not start.
    pub refusal: Option<String>,
    /// More arguments for QEMU.
    pub arguments: Vec<String>,
}

/// Runs the program in the role that its first argument names; without one it becomes QEMU.
///
/// # Errors
/// The guest must not start, or cannot.
pub fn run(args: &[OsString]) -> Result<ExitCode> {
    let argv0 = args.first().map(PathBuf::from).unwrap_or_default();
    let rest = args.get(1..).unwrap_or_default();
    if rest.first().is_some_and(|a| a == ROLE) {
        let rest: Vec<&str> = rest[1..].iter().filter_map(|a| a.to_str()).collect();
        return match rest.as_slice() {
            ["relay"] => relay::run().map(|()| ExitCode::SUCCESS),
            ["warden", relay, qemu] => relay::warden::run(relay, qemu).map(|()| ExitCode::SUCCESS),
            ["setup", program] => {
                let settings = Settings::beside(Path::new(program))?;
                crate::crypto::platform::Platform::load(&settings).map(|_| ExitCode::SUCCESS)
            }
            _ => Err(Error::new(format!("{ROLE}: no such role"))),
        };
    }
    become_qemu(&own_program(&argv0), rest)
}

fn become_qemu(program: &Path, args: &[OsString]) -> Result<ExitCode> {
    let settings = Settings::beside(program)?;
    let qemu = real_qemu(&settings, program)?;
    let line = CommandLine::parse(args)?;
    if line.monitor.is_none() && line.guest.sev.is_none() {
        let error =
            Command::new(&qemu).args(line.rewritten(Rewrite { tcg: !settings.kvm, monitor: None })).exec();
        return Err(error).at(qemu.display());
    }
    if line.guest.sev.is_some() {
        eprintln!(
            "qemu-sev-sim: this is a simulator of AMD SEV for development and tests: the guest's memory is not encrypted, \
             and nothing here is a claim of security"
        );
    }

    let (near, far) = UnixStream::pair()?;
    let listener: Option<OwnedFd> = match &line.monitor {
        None => None,
        Some(Listen::Path(path)) => Some(UnixListener::bind(path).at(path.display())?.into()),
        Some(Listen::Descriptor(fd)) => {
            Some(inherited(*fd).try_clone_to_owned().at(format!("descriptor {fd}"))?)
        }
    };
    // The relay must not hold what libvirt gave to QEMU: tap devices, pipes, the probe's stderr.
    let for_qemu = hide_inherited()?;
    let request = Request {
        program: program.to_path_buf(),
        qemu: qemu.clone(),
        guest: line.guest.clone(),
        probe: line.daemonize,
    };
    let mut relay = Command::new(std::env::current_exe()?);
    relay.arg0("qemu-sev-sim").args([ROLE, "relay"]);
    relay.stdin(OwnedFd::from(near));
    relay.stdout(listener.map_or_else(Stdio::null, Stdio::from));
    relay.stderr(if line.daemonize { Stdio::null() } else { Stdio::inherit() });
    let child = relay.spawn().at("the relay")?;
    drop(relay);
    let verdict = ask(&far, &request)?;
    if let Some(refusal) = verdict.refusal {
        return Err(Error::new(refusal));
    }

    for fd in for_qemu {
        if Some(&Listen::Descriptor(fd)) != line.monitor.as_ref() {
            fcntl_setfd(inherited(fd), FdFlags::empty())?;
        }
    }
    fcntl_setfd(&far, FdFlags::empty())?;
    // The relay writes decrypted secrets into QEMU's memory, and Yama lets a descendant do so only with leave.
    // Without Yama the kernel says EINVAL, and no leave is needed.
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::set_ptracer(rustix::process::PTracer::ProcessID(pid));
    }
    let mut command = Command::new(&qemu);
    command.args(line.rewritten(Rewrite { tcg: !settings.kvm, monitor: Some(far.as_raw_fd()) }));
    command.args(verdict.arguments);
    Err(command.exec()).at(qemu.display())
}

fn ask(mut far: &UnixStream, request: &Request) -> Result<Verdict> {
    let mut line = serde_json::to_vec(request).at("the relay's request")?;
    line.push(b'\n');
    far.write_all(&line).at("the relay")?;
    // Byte by byte: what follows on this socket is QEMU's.
    let mut answer = Vec::new();
    let mut byte = [0];
    while far.read(&mut byte).at("the relay")? == 1 && byte[0] != b'\n' {
        answer.push(byte[0]);
    }
    serde_json::from_slice(&answer).at("the relay ended before it answered")
}

/// The settings' QEMU, else the next `qemu-system-x86_64` in `PATH` that is not this program.
fn real_qemu(settings: &Settings, program: &Path) -> Result<PathBuf> {
    if let Some(qemu) = &settings.qemu {
        return Ok(qemu.clone());
    }
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
    let own = [identity(program), std::env::current_exe().ok().as_deref().and_then(identity)];
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/bin")])
        .map(|folder| folder.join("qemu-system-x86_64"))
        .find(|file| file.is_file() && !own.contains(&identity(file)))
        .ok_or_else(|| Error::new("there is no real qemu-system-x86_64 in PATH"))
}

/// Marks every inherited descriptor above stderr close-on-exec and returns those that were not.
fn hide_inherited() -> Result<Vec<i32>> {
    let mut open = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        if let Some(fd) = entry?.file_name().to_str().and_then(|n| n.parse::<i32>().ok()) {
            open.push(fd);
        }
    }
    let mut hidden = Vec::new();
    for fd in open.into_iter().filter(|fd| *fd > 2) {
        // The folder's own descriptor is in its list and closed by now.
        let Ok(flags) = fcntl_getfd(inherited(fd)) else { continue };
        if !flags.contains(FdFlags::CLOEXEC) {
            fcntl_setfd(inherited(fd), flags | FdFlags::CLOEXEC)?;
            hidden.push(fd);
        }
    }
    Ok(hidden)
}

fn inherited(fd: i32) -> BorrowedFd<'static> {
    // SAFETY: the number is never -1: it was parsed as an unsigned number, or read from /proc/self/fd. It is open:
    // either libvirt left it open for QEMU, and this process closes none of those before exec, or it was in
    // /proc/self/fd just now. Where that is not so, the system call fails with EBADF and touches nothing.
    unsafe { BorrowedFd::borrow_raw(fd) }
}
