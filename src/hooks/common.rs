//! What the hook programs share: standard streams, panics.

use std::io::{Write as _, stderr, stdout};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use virt_sev::hook::Said;
use virt_sev::{Error, Kind};

/// The answer of `work`, or its panic as an error.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Error> {
    std::panic::set_hook(Box::new(|_| {}));
    let work = || {
        provoked();
        work()
    };
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text");
        Error::new(Kind::Bug, "the hook failed inside")
            .because(text)
            .hint("This is a fault of virt-sev: please report it with this text.")
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
