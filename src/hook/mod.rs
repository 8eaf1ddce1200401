//! The places where management tools let others in: what a hook program says, as pure functions.
//!
//! `arguments, standard input, environment → Said`. The programs in `src/hooks` read and write, and nothing else; what
//! becomes of a panic is theirs too, since every protocol has its own word for a failure.

pub mod libvirt;
pub mod site;

use crate::Error;

/// What a hook program prints, and how it ends. The default is silence: all is well.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// Standard output: part of the protocol.
    pub stdout: String,
    /// Standard error: for people. No document and no secret is in it.
    pub stderr: String,
    /// The exit code.
    pub exit: u8,
}

impl Said {
    /// That something is wrong: every problem on standard error, nothing on standard output.
    #[must_use]
    pub fn refused(error: &Error, exit: u8) -> Self {
        let stderr = error.problems().map(|p| format!("virt-sev: {}\n", p.alone())).collect();
        Self { stderr, exit, ..Self::default() }
    }
}
