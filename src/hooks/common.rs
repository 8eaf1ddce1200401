//! What the hook programs share: how they answer.

use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;
use virt_sev::hook::Said;

/// Gives an answer.
pub(crate) fn say(said: &Said) -> ExitCode {
    // Nobody who went away is told; the exit code is what counts.
    let _ = stderr().write_all(said.stderr.as_bytes());
    let _ = stdout().write_all(said.stdout.as_bytes()).and_then(|()| stdout().flush());
    ExitCode::from(said.exit)
}
