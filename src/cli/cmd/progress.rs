//! How far a long piece of work is. In: the bytes that it has counted, or the seconds that it takes. Out: one line on a
//! terminal, gone at the end. Never: a word where standard error is no terminal, with `-q`, or within the first second.

use crate::output::{columns, is_dumb};
use std::any::Any;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use virt_sev::report::clean;

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
    told(FIRST, move |_| {
        let percent = done.load(Ordering::Relaxed).saturating_mul(100) / total.max(1);
        format!("{what}: {} %", percent.min(100))
    })
}

/// Says for how long there is no answer; so much of that is over already.
pub(crate) fn waiting(what: &str, over: Duration) -> Box<dyn Any> {
    let what = what.to_owned();
    told(FIRST.saturating_sub(over), move |since| format!("{what}: {} s", (since + over).as_secs()))
}

const FIRST: Duration = Duration::from_secs(1);

fn told(first: Duration, line: impl Fn(Duration) -> String + Send + 'static) -> Box<dyn Any> {
    // `-q` leaves nothing but errors.
    if !log::log_enabled!(log::Level::Warn) || !stderr().is_terminal() || is_dumb() {
        return Box::new(());
    }
    let (end, ended) = channel();
    let thread = std::thread::spawn(move || tell(first, line, ended));
    Box::new(Line { end: Some(end), thread: Some(thread) })
}

fn tell(first: Duration, line: impl Fn(Duration) -> String, ended: Receiver<()>) {
    let (since, mut wait, mut longest) = (Instant::now(), first, 0);
    while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
        wait = Duration::from_millis(200);
        // A line that is broken cannot be taken back.
        let width = columns(stderr()).map_or(80, |n| n.saturating_sub(1));
        let line: String = clean(&line(since.elapsed())).chars().take(width).collect();
        longest = longest.max(line.chars().count());
        let _ = write!(stderr(), "\r{line}");
    }
    if longest > 0 {
        let _ = write!(stderr(), "\r{:longest$}\r", "");
    }
}
