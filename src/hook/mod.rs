//! The places where management tools let others in: what a hook program says, as pure functions.
//!
//! `arguments, standard input, environment → Said`. The programs in `src/hooks` read and write, and nothing else; what
//! becomes of a panic is theirs too, since every protocol has its own word for a failure.

pub mod kubevirt;
pub mod libvirt;
pub mod site;
pub mod vdsm;

use crate::domain::Domain;
use crate::{Error, Kind, Result, config};
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};

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

/// The answer of `work`; or its panic as an error, which tells where it was and not what it said: that may be a piece of a
/// document. Silences what Rust prints of panics, for the whole process.
///
/// # Errors
/// `Kind::Bug`.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T> {
    thread_local!(static PLACE: RefCell<String> = const { RefCell::new(String::new()) });
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        PLACE.with(|cell| cell.replace(place));
    }));
    let work = || {
        provoked();
        work()
    };
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
        Error::new(Kind::Bug, "the hook failed inside")
            .at(PLACE.with(RefCell::take))
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
