//! From what somebody has in hand to what is behind it. In: an id, a code, a whole message. Out: topics, best first.
//! Never: a guess: what no pattern fits is not found.

use super::topic::Topic;
use super::{firmware, hypervisor, kernel, launch, libvirt, own, owner, snp};

/// Every topic; the special before the general.
pub fn messages() -> impl Iterator<Item = &'static Topic> {
    special().chain(general())
}

fn special() -> impl Iterator<Item = &'static Topic> {
    let tables: [&'static [Topic]; 8] = [
        own::TOPICS,
        owner::TOPICS,
        snp::TOPICS,
        hypervisor::TOPICS,
        launch::TOPICS,
        kernel::TOPICS,
        libvirt::TOPICS,
        firmware::TOPICS,
    ];
    tables.into_iter().flatten()
}

/// What is said around another message: it counts where nothing else is said.
fn general() -> impl Iterator<Item = &'static Topic> {
    libvirt::GENERAL.iter()
}

/// The topics behind an id, a firmware status code or a message. Best first; empty where nothing fits.
#[must_use]
pub fn look_up(text: &str) -> Vec<&'static Topic> {
    let wanted = text.trim();
    if let Some(topic) = messages().find(|t| t.id == wanted) {
        return vec![topic];
    }
    if let Some(number) = number(wanted) {
        return firmware::TOPICS.iter().filter(|t| t.status == Some(number)).collect();
    }
    if let Some(topic) = firmware::by_name(wanted) {
        return vec![topic];
    }
    in_message(wanted)
}

/// The topics of a whole message. A name or a bare number in it means nothing.
#[must_use]
pub fn in_message(text: &str) -> Vec<&'static Topic> {
    let text = plain(text);
    let statuses = statuses(&text);
    let fits = |t: &&Topic| {
        t.patterns.iter().any(|p| is_in(&plain(p), &text)) || t.status.is_some_and(|s| statuses.contains(&s))
    };
    let found: Vec<_> = special().filter(fits).collect();
    if found.is_empty() { general().filter(fits).collect() } else { found }
}

fn number(text: &str) -> Option<u16> {
    let lower = text.to_ascii_lowercase();
    match lower.strip_prefix("0x") {
        Some(hex) => u16::from_str_radix(hex, 16).ok(),
        None => lower.parse().ok(),
    }
}

/// Small letters, one kind of blank and quote, no control characters: as messages differ between logs and versions.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let c = match c {
            '’' | '‘' | '"' | '`' => '\'',
            c if c.is_whitespace() || c.is_control() => ' ',
            c => c,
        };
        if c != ' ' || !out.ends_with(' ') {
            out.extend(c.to_lowercase());
        }
    }
    out
}

/// The status codes that a message carries: `fw_error=11`, `fw_err=11`, `fw_error='11: …'`, `failed to INIT error 0xb`.
fn statuses(text: &str) -> Vec<u16> {
    let mut out = Vec::new();
    for mark in ["fw_error=", "fw_err=", "fw_error ", " init error ", ", error "] {
        for (at, _) in text.match_indices(mark) {
            let rest = text[at + mark.len()..].trim_start_matches('\'');
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            // 0 is success: the kernel refused before the firmware was asked.
            out.extend(number(&rest[..end]).filter(|n| *n != 0));
        }
    }
    out
}

/// True when the pieces between the `*` are in the text, one after another. A number must be a whole one.
fn is_in(pattern: &str, text: &str) -> bool {
    let mut rest = 0;
    pattern.split('*').all(|piece| {
        let found = text[rest..].match_indices(piece).map(|(at, _)| rest + at).find(|at| {
            let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
            let end = at + piece.len();
            let starts_inside = digit(piece.chars().next()) && digit(text[..*at].chars().next_back());
            let ends_inside = digit(piece.chars().next_back()) && digit(text[end..].chars().next());
            !starts_inside && !ends_inside
        });
        if let Some(at) = found {
            rest = at + piece.len();
        }
        found.is_some()
    })
}

#[cfg(test)]
#[path = "find_tests.rs"]
mod tests;
