//! No wait without an end. In: a call that may block for ever. Out: its answer, `Kind::Timeout` or `Kind::Cancelled`.

use crate::codes::Kind;
use crate::error::{Error, Result};
use std::any::Any;
use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Told what is waited for, once a wait has lasted a second. What it gives is dropped when the wait ends.
pub type Waiting = fn(&str) -> Box<dyn Any>;

/// Asks a launch, from any thread, to stop: the next wait ends with `Kind::Cancelled` and everything is undone.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    asked: Arc<AtomicBool>,
    waiting: Option<Waiting>,
}

impl Cancel {
    /// One that says how its waits go.
    #[must_use]
    pub fn watched(waiting: Waiting) -> Self {
        Self { waiting: Some(waiting), ..Self::default() }
    }

    /// Stops the launch.
    pub fn cancel(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// The flag itself, for a signal handler.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.asked)
    }

    /// Nothing, as long as nobody has asked.
    ///
    /// # Errors
    /// `Kind::Cancelled` naming `what`.
    pub fn refuse(&self, what: &str) -> Result<()> {
        if self.is_asked() { Err(Error::new(Kind::Cancelled, format!("{what}: cancelled"))) } else { Ok(()) }
    }

    fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

/// How often a wait looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(50);

/// From when on it is told that something is waited for.
const LONG: Duration = Duration::from_secs(1);

/// Runs `call` on a thread of its own and waits at most `limit`, or until `cancel`.
///
/// A call that does not come back keeps its thread: libvirt has no way to cancel one. The caller then ends the
/// guest over another connection, which is what lets such a call return.
///
/// # Errors
/// The call's own; `Kind::Timeout` or `Kind::Cancelled` naming `what`.
pub fn within<T: Send + 'static>(
    limit: Duration,
    cancel: &Cancel,
    what: &str,
    call: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    cancel.refuse(what)?;
    // Not a channel: who waits for one gets a handle of its thread, which a program's main thread never frees.
    let place = Arc::new((Mutex::new(None), Condvar::new()));
    let answer = Arc::clone(&place);
    let thread = std::thread::Builder::new().name(what.to_owned()).spawn(move || {
        let told = call();
        // Where the time was up nobody wants it.
        *answer.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
        answer.1.notify_one();
    });
    if let Err(e) = thread {
        return Err(Error::new(Kind::Bug, format!("no thread for: {what}")).because(e));
    }
    let (start, end) = (Instant::now(), Instant::now() + limit);
    let mut told = None;
    loop {
        if told.is_none() && start.elapsed() >= LONG {
            told = cancel.waiting.map(|waiting| waiting(what));
        }
        let ended = Arc::strong_count(&place) == 1;
        let wait = LOOK.min(end.saturating_duration_since(Instant::now()));
        let empty = place.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = place.1.wait_timeout_while(empty, wait, |answer| answer.is_none() && !ended);
        if let Some(result) = waited.unwrap_or_else(PoisonError::into_inner).0.take() {
            return result;
        }
        if ended {
            return Err(Error::new(Kind::Bug, format!("{what}: the thread ended without an answer")));
        }
        cancel.refuse(what)?;
        if Instant::now() >= end {
            return Err(Error::new(Kind::Timeout, format!("{what}: the hypervisor has not answered"))
                .wanted(format!("an answer within {} s", limit.as_secs()))
                .hint("--timeout SECONDS waits longer."));
        }
    }
}

/// Counts calls under way, those that nobody waits for any more among them: such a call may still change something.
#[derive(Debug, Clone)]
pub(super) struct Calls {
    count: Arc<AtomicUsize>,
    /// The lock of the launch's record: while a call is under way, so is the launch.
    _record: Arc<File>,
}

struct OneCall(Calls);

impl Drop for OneCall {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Calls {
    pub(super) fn new(record: Arc<File>) -> Self {
        Self { count: Arc::default(), _record: record }
    }

    /// [`within`], counted.
    pub(super) fn within<T: Send + 'static>(
        &self,
        limit: Duration,
        cancel: &Cancel,
        what: &str,
        call: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.count.fetch_add(1, Ordering::SeqCst);
        let one = OneCall(self.clone());
        within(limit, cancel, what, move || {
            let _one = one;
            call()
        })
    }

    /// True when every call has come back, at the latest after `limit`.
    pub(super) fn have_ended(&self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        while self.count.load(Ordering::SeqCst) > 0 {
            if Instant::now() >= end {
                return false;
            }
            std::thread::sleep(LOOK);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> Result<()> {
        std::thread::sleep(Duration::from_secs(2));
        Ok(())
    }

    #[test]
    fn an_answer_in_time_comes_through() {
        assert_eq!(within(Duration::from_secs(5), &Cancel::default(), "answer", || Ok(7)).unwrap(), 7);
    }

    #[test]
    fn a_silent_call_ends_in_a_timeout() {
        let e = within(Duration::from_millis(20), &Cancel::default(), "silence", sleeper).unwrap_err();
        assert_eq!(e.kind(), Kind::Timeout);
        assert!(e.to_string().contains("silence"));
    }

    #[test]
    fn a_call_that_panics_is_an_error() {
        let call = || -> Result<()> { panic!("inside a test") };
        let e = within(Duration::from_secs(5), &Cancel::default(), "panic", call).unwrap_err();
        assert_eq!(e.kind(), Kind::Bug);
    }

    #[test]
    fn a_cancelled_wait_ends_at_once() {
        let cancel = Cancel::default();
        let other = cancel.clone();
        let begin = Instant::now();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            other.cancel();
        });
        let e = within(Duration::from_secs(60), &cancel, "wait", sleeper).unwrap_err();
        assert_eq!(e.kind(), Kind::Cancelled);
        assert!(begin.elapsed() < Duration::from_secs(2));
    }
}
