//! No wait without an end. In: a call that may block for ever. Out: its answer, `Kind::Timeout` or `Kind::Cancelled`.

use crate::codes::Kind;
use crate::error::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Asks a launch, from any thread, to stop: the next wait ends with `Kind::Cancelled` and everything is undone.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Stops the launch.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// The flag itself, for a signal handler.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Nothing, as long as nobody has asked.
    ///
    /// # Errors
    /// `Kind::Cancelled` naming `what`.
    pub fn refuse(&self, what: &str) -> Result<()> {
        if self.is_asked() { Err(Error::new(Kind::Cancelled, format!("{what}: cancelled"))) } else { Ok(()) }
    }

    fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often a wait looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(50);

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
    let (answer, wait) = mpsc::channel();
    let thread = std::thread::Builder::new().name(what.to_owned()).spawn(move || {
        // The receiver is gone when the time was up: then nobody wants the answer.
        let _ = answer.send(call());
    });
    if let Err(e) = thread {
        return Err(Error::new(Kind::Bug, format!("no thread for: {what}")).because(e));
    }
    let end = Instant::now() + limit;
    loop {
        match wait.recv_timeout(LOOK.min(end.saturating_duration_since(Instant::now()))) {
            Ok(result) => return result,
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(Error::new(Kind::Bug, format!("{what}: the thread ended without an answer")));
            }
            Err(mpsc::RecvTimeoutError::Timeout) if cancel.is_asked() => cancel.refuse(what)?,
            Err(mpsc::RecvTimeoutError::Timeout) if Instant::now() >= end => {
                return Err(Error::new(Kind::Timeout, format!("{what}: the hypervisor has not answered"))
                    .wanted(format!("an answer within {} s", limit.as_secs()))
                    .hint("--timeout SECONDS waits longer."));
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Counts calls under way, those that nobody waits for any more among them: such a call may still change something.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls(Arc<AtomicUsize>);

struct OneCall(Calls);

impl Drop for OneCall {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Calls {
    /// [`within`], counted.
    pub(super) fn within<T: Send + 'static>(
        &self,
        limit: Duration,
        cancel: &Cancel,
        what: &str,
        call: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let one = OneCall(self.clone());
        within(limit, cancel, what, move || {
            let _one = one;
            call()
        })
    }

    /// True when every call has come back, at the latest after `limit`.
    pub(super) fn have_ended(&self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        while self.0.load(Ordering::SeqCst) > 0 {
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
