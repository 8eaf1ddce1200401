//! How far a long piece of work is. In: the bytes that it has counted. Out: one line on a terminal, gone at the end. Never: a
//! word where standard error is no terminal, with `-q`, or within the first second.

use std::any::Any;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Ends the line when it is dropped.
struct Line {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Line {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Says how much of `total` bytes is done, until what it gives is dropped: a [`virt_sev::owner::Watch`].
pub(crate) fn watch(what: &'static str, total: u64, done: Arc<AtomicU64>) -> Box<dyn Any> {
    // `-q` leaves nothing but errors.
    if !log::log_enabled!(log::Level::Warn) || !stderr().is_terminal() {
        return Box::new(());
    }
    let (end, ended) = channel();
    let thread = std::thread::spawn(move || tell(what, total, &done, ended));
    Box::new(Line { end: Some(end), thread: Some(thread) })
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
