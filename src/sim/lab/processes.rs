//! Taking everything down.
//! In: this process as the reaper of all its descendants. Out: none of them left. Never: a process that the lab did
//! not start: only descendants of this process are touched, and a daemon's children become this process's own
//! (`PR_SET_CHILD_SUBREAPER`).

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process};
use std::collections::HashMap;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use virt_sev_sim::error::{Context, Result};

/// Makes this process the parent of every orphan below it.
pub(crate) fn adopt() -> Result<()> {
    rustix::process::set_child_subreaper(Some(getpid())).at("PR_SET_CHILD_SUBREAPER")
}

/// Ends every descendant: asks first, then kills, until none is left.
pub(crate) fn end_all() {
    let asked = Instant::now();
    for pid in descendants() {
        let _ = kill_process(pid, Signal::TERM);
    }
    loop {
        reap(None);
        let left = descendants();
        if left.is_empty() {
            return;
        }
        if asked.elapsed() > Duration::from_secs(3) {
            for pid in left {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        if asked.elapsed() > Duration::from_secs(20) {
            eprintln!("sev-lab: some processes do not end: {:?}", descendants());
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Wakes the calling thread whenever a child ends. libvirt asks whether an emulator that has just failed is still there:
/// process 1 would have taken it in at once, and while it is not, the daemon tells less of why it failed.
pub(crate) fn wake_at_ends() -> Result<()> {
    let mut ends = signal_hook::iterator::Signals::new([signal_hook::consts::SIGCHLD]).at("SIGCHLD")?;
    let me = std::thread::current();
    std::thread::spawn(move || ends.forever().for_each(|_| me.unpark()));
    Ok(())
}

/// Takes in every child that has ended, and gives the status of the one asked for, if it is among them.
///
/// Orphans come here instead of to process 1, and libvirt waits for the process id of a guest that it destroys to
/// vanish: so this must run often while COMMAND does.
pub(crate) fn reap(wanted: Option<Pid>) -> Option<WaitStatus> {
    let mut found = None;
    while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
        if Some(pid) == wanted {
            found = Some(status);
        }
    }
    found
}

/// Runs a short command while taking in orphans. `None` when it cannot be started.
pub(crate) fn run_quietly(command: &mut Command) -> Option<WaitStatus> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    loop {
        if let Some(status) = reap(pid) {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn descendants() -> Vec<Pid> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<i32>().ok()) else { continue };
        // "PID (COMMAND) STATE PPID …", and COMMAND may hold brackets and blanks.
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut look = vec![getpid().as_raw_nonzero().get()];
    while let Some(parent) = look.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            found.extend(Pid::from_raw(child));
            look.push(child);
        }
    }
    found
}
