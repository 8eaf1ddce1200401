//! What the hook programs share: answers, panics.

use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;
use virt_sev::Result;
use virt_sev::hook::Said;

/// The answer of `work`, or its panic as an error.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T> {
    virt_sev::hook::caught(|| {
        provoked();
        work()
    })
}

/// Fails inside where a test wants it. Not in what ships.
fn provoked() {
    #[cfg(debug_assertions)]
    #[allow(clippy::panic)] // what it is for
    if std::env::var_os("VIRT_SEV_HOOK_PANIC").is_some() {
        panic!("provoked");
    }
}

/// Gives an answer.
pub(crate) fn say(said: &Said) -> ExitCode {
    // Nobody who went away is told; the exit code is what counts.
    let _ = stderr().write_all(said.stderr.as_bytes());
    let _ = stdout().write_all(said.stdout.as_bytes()).and_then(|()| stdout().flush());
    ExitCode::from(said.exit)
}
