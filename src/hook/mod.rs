//! The places where management tools let others in: what a hook program says, as pure functions.
//!
//! `arguments, standard input, environment → judged → Said`. The programs in `src/hooks` read and write, and nothing else;
//! what becomes of a panic is theirs too, since every protocol has its own word for a failure.

pub mod libvirt;
pub mod site;

/// What a hook program prints, and how it ends.
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
    /// Nothing, and all is well.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }
}
