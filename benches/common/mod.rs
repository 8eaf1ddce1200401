//! Whole processes, timed. In: commands. Out: times, the peak of their memory.

// Not every benchmark needs everything.
#![allow(dead_code)]

use std::io::{Error, Result};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// One run; it must succeed.
pub(crate) fn time(command: &mut Command) -> Result<Duration> {
    time_to(command, 0)
}

/// One run, which must end with this code.
pub(crate) fn time_to(command: &mut Command, code: i32) -> Result<Duration> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let status = command.status()?;
    let taken = begin.elapsed();
    if status.code() == Some(code) { Ok(taken) } else { Err(Error::other(format!("{command:?}: {status}"))) }
}

/// The most memory that a run has, in MiB: what the kernel says of it until it ends.
pub(crate) fn peak(command: &mut Command) -> Result<f64> {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let mut most = 0u32;
    while child.try_wait()?.is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
        most = most.max(line.trim().trim_end_matches(" kB").parse().unwrap_or_default());
        std::thread::sleep(Duration::from_micros(300));
    }
    Ok(f64::from(most) / 1024.0)
}

pub(crate) fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(f64::NAN, Duration::as_secs_f64)
}

/// A program in PATH.
pub(crate) fn found(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = std::env::split_paths(&path).map(|folder| folder.join(name));
    all.find(|file| file.is_file()).ok_or_else(|| missing(name))
}

/// A file that `make setup` brings.
pub(crate) fn setup(variable: &str) -> Result<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|p| p.exists()).ok_or_else(|| missing(variable))
}

fn missing(what: &str) -> Error {
    Error::other(format!("{what} is missing: run `make setup`, then `make bench`"))
}
