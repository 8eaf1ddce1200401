//! The places where management tools let others in: what a hook program says, as pure functions.
//!
//! `arguments, standard input, environment → Said`. The programs in `src/hooks` read and write, and nothing else; what
//! becomes of a panic is theirs too, since every protocol has its own word for a failure.

pub mod libvirt;
pub mod site;
pub mod vdsm;

use crate::domain::Domain;
use crate::{Error, Kind, Result, config};

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

/// Whether the bytes speak of SEV at all. What does not is none of a hook's business, whatever it is.
#[must_use]
pub fn speaks_of_sev(xml: &[u8]) -> bool {
    let holds = |word: &[u8]| xml.windows(word.len()).any(|w| w == word);
    holds(b"launchSecurity") || holds(config::NAMESPACE.as_bytes())
}

fn parse(xml: &[u8]) -> Result<Domain<'static>> {
    let text = std::str::from_utf8(xml)
        .map_err(|e| Error::new(Kind::Domain, "the domain is not UTF-8").because(e))?;
    Domain::parse(text.to_owned())
}
