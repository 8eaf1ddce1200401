//! Topics as text. In: [`Topic`]s, codes. Out: a page for a reader, a few lines below an error, Markdown.
//! Never: a word that is not the table's.

use super::find::messages;
use super::own::advice;
use super::topic::Topic;
use crate::codes::{Code, Kind};
use crate::error::Error;
use crate::report::wrap;
use std::fmt::Write as _;

/// All of a topic, for `virt-sev explain`.
#[must_use]
pub fn message_text(topic: &Topic, width: usize) -> String {
    let mut out = wrap("", &format!("{}: {}", topic.id, topic.title), 0, width);
    for (n, cause) in topic.causes.iter().enumerate() {
        out.push('\n');
        out += &wrap(&format!("{}. ", n + 1), cause.why, 0, width);
        out += &wrap("fix: ", cause.fix, 3, width);
    }
    out.push('\n');
    out += &wrap("Source: ", topic.source, 0, width);
    out
}

/// A code, for `virt-sev explain`.
#[must_use]
pub fn code_text(code: &Code, width: usize) -> String {
    let line = format!("exit {}: {} ({}, {} in C)", code.exit, code.text, code.c_name, code.number);
    wrap("", &line, 0, width) + &wrap("", advice(code.kind), 3, width)
}

/// Every topic: its id and its title.
#[must_use]
pub fn message_list(width: usize) -> String {
    crate::report::list(&messages().map(|t| (t.id, t.title.to_owned())).collect::<Vec<_>>(), width)
}

/// An error that a hypervisor or a host has caused, with what is behind it: what it means, the likely causes, the next
/// step. An error that they have not caused, or of which nothing is known, comes back as it is.
#[must_use]
pub fn brief(error: Error) -> Error {
    // Two reasons are what a reader takes in below an error; the page has them all.
    const TOLD: usize = 2;
    if ![Kind::No, Kind::Hypervisor, Kind::State, Kind::Timeout].contains(&error.kind()) {
        return error;
    }
    let found = error.problems().find_map(|p| super::in_message(&p.alone().to_string()).into_iter().next());
    let Some(topic) = found else { return error };
    let mut error = error.and_hint(format!("{}.", sentence(topic.title)));
    for (n, cause) in topic.causes.iter().take(TOLD).enumerate() {
        let label = if n == 0 { "Most likely" } else { "Or" };
        error = error.and_hint(format!("{label}: {} {}", cause.why, cause.fix));
    }
    error.and_hint(format!("`virt-sev explain {}` tells more.", topic.id))
}

fn sentence(text: &str) -> String {
    // A name keeps its spelling.
    if ["libvirt", "ccp", "kvm_amd", "reducedPhysBits"].iter().any(|name| text.starts_with(name)) {
        return text.to_owned();
    }
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The page of all topics.
#[must_use]
pub fn message_markdown() -> String {
    let mut out = String::from(
        "# Messages and status codes\n\nMade from the program's own tables by `make generate`; `virt-sev explain MESSAGE` \
         looks a whole message up, and a failed `virt-sev launch` does so by itself. Causes: the likely ones first.\n",
    );
    let plain = |text: &str| text.replace('<', "&lt;").replace('*', "\\*");
    for topic in messages() {
        // Writing to a String cannot fail.
        let _ = write!(out, "\n## `{}`\n**{}.**\n", topic.id, plain(&sentence(topic.title)));
        let seen: Vec<String> = topic.patterns.iter().map(|p| format!("`{}`", p.replace('*', "…"))).collect();
        if !seen.is_empty() {
            let _ = write!(out, "\nSeen as {}.\n", seen.join(", "));
        }
        out.push('\n');
        for (n, cause) in topic.causes.iter().enumerate() {
            let _ = writeln!(out, "{}. {} {}", n + 1, plain(cause.why), plain(cause.fix));
        }
        let _ = write!(out, "\nSource: {}.\n", plain(topic.source));
    }
    out
}
