//! A message of ours, of QEMU, of KVM or of libvirt, and what is behind it. In: nothing. Out: [`Topic`], [`Cause`].
//! Never: a match; that is `find`'s.

use serde::Serialize;

/// One reason, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Cause {
    /// Why it happened.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
}

/// What there is to know of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Topic {
    /// Stable; `virt-sev explain` takes it.
    pub id: &'static str,
    /// What it means, in one line.
    pub title: &'static str,
    /// Texts that say it, as their programs print them; `*` stands for anything.
    pub patterns: &'static [&'static str],
    /// The firmware's status code that it is about, where it is about one.
    pub status: Option<u16>,
    /// Most likely first.
    pub causes: &'static [Cause],
    /// Where the fact comes from.
    pub source: &'static str,
}

pub(super) const fn cause(why: &'static str, fix: &'static str) -> Cause {
    Cause { why, fix }
}

pub(super) const fn topic(
    id: &'static str,
    title: &'static str,
    patterns: &'static [&'static str],
    causes: &'static [Cause],
    source: &'static str,
) -> Topic {
    Topic { id, title, patterns, status: None, causes, source }
}
