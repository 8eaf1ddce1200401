//! How far a long piece of work is. In: work that counts its bytes. Out: one line on a terminal, gone at the end. Never: a
//! word where standard error is no terminal, with `-q`, or within the first second.

use std::fs::File;
use std::io::{IsTerminal as _, Read, Result, Write as _, stderr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// A file that counts what is read of it.
#[derive(Debug)]
pub(crate) struct Counted<'a> {
    pub(crate) file: File,
    pub(crate) done: &'a AtomicU64,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let n = self.file.read(into)?;
        self.done.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Does the work, and says how much of `total` bytes it has counted.
pub(crate) fn watched<T>(what: &str, total: u64, work: impl FnOnce(&AtomicU64) -> T) -> T {
    let done = AtomicU64::new(0);
    // `-q` leaves nothing but errors.
    if !log::log_enabled!(log::Level::Warn) || !stderr().is_terminal() {
        return work(&done);
    }
    std::thread::scope(|scope| {
        let (end, ended) = channel();
        scope.spawn(|| tell(what, total, &done, ended));
        let answer = work(&done);
        drop(end);
        answer
    })
}

fn tell(what: &str, total: u64, done: &AtomicU64, ended: Receiver<()>) {
    let mut wait = Duration::from_secs(1);
    let mut told = false;
    while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
        wait = Duration::from_millis(200);
        told = true;
        let percent = done.load(Ordering::Relaxed).saturating_mul(100) / total.max(1);
        let _ = write!(stderr(), "\r{what}: {} %", percent.min(100));
    }
    if told {
        let _ = write!(stderr(), "\r{:1$}\r", "", what.chars().count() + 8);
    }
}
