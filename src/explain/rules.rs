//! What there is to know of a finding's id. In: an id. Out: the rule's or the check's own text, plain or as Markdown.
//! Never: a text that is not the rule's.

use crate::config::ABOUT_CONFIG;
use crate::finding::{About, Severity};
use crate::plan::RULES;
use crate::preflight::{ABOUT_BUNDLE, ABOUT_MODE_HOST};
use crate::report::wrap;
use std::fmt::Write as _;

/// Every rule, in the order in which they are asked, and every check.
pub fn topics() -> impl Iterator<Item = About> {
    RULES.iter().map(|rule| rule.about()).chain([ABOUT_MODE_HOST, ABOUT_BUNDLE, ABOUT_CONFIG])
}

/// The text behind an id.
#[must_use]
pub fn find(id: &str) -> Option<About> {
    topics().find(|about| about.id == id)
}

/// What `apply` does about it, and how much the lack weighs in `lint`.
fn weight(about: &About) -> &'static str {
    match about.severity {
        Some(Severity::Error) => "`apply` makes it right; what it would edit is an error to `lint`.",
        Some(Severity::Info | Severity::Ok) => {
            "`apply` makes it right; what it would edit is a note to `lint`."
        }
        Some(Severity::Warning) => "`apply` makes it right; what it would edit is a warning to `lint`.",
        None => "`apply` never edits for it: it says what it finds, and refuses what is an error.",
    }
}

/// Title, reason, what breaks without it, source.
#[must_use]
pub fn paragraphs(about: &About, indent: usize, width: usize) -> String {
    [
        ("rule: ", about.title),
        ("why: ", about.text),
        ("without it: ", about.without),
        ("source: ", about.source),
    ]
    .map(|(label, text)| wrap(label, text, indent, width))
    .concat()
}

/// All of it, for `virt-sev explain`.
#[must_use]
pub fn text(about: &About, width: usize) -> String {
    let mut out = wrap("", &format!("{}: {}", about.id, about.title), 0, width);
    for (label, text) in
        [("", about.text), ("Without it: ", about.without), ("", weight(about)), ("Source: ", about.source)]
    {
        out.push('\n');
        out += &wrap(label, text, 0, width);
    }
    out
}

/// Every topic: its id and its title.
#[must_use]
pub fn list(width: usize) -> String {
    crate::report::list(&topics().map(|a| (a.id, a.title.to_owned())).collect::<Vec<_>>(), width)
}

/// The page of all topics.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from(
        "# The rules\n\nMade from the program's own table by `make generate`; `virt-sev explain RULE` prints the same. \
         `apply` makes the edits of every rule, `lint` says which rules a domain breaks, and `--skip RULE` leaves one \
         out.\n",
    );
    // What looks like markup is text here: <launchSecurity>.
    let plain = |text: &str| text.replace('<', "&lt;").replace('*', "\\*");
    for about in topics() {
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "\n## `{}`\n**{}.** {}\n\nWithout it: {}\n\n{}\n\nSource: {}.\n",
            about.id,
            plain(about.title),
            plain(about.text),
            plain(about.without),
            weight(&about),
            plain(about.source)
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_has_its_text() {
        assert_eq!(find("mode-host").map(|a| a.id), Some("mode-host"));
        assert_eq!(find("kvn"), None);
        let lines = list(usize::MAX);
        assert_eq!(lines.lines().count(), topics().count());
        assert_eq!(
            topics().count(),
            RULES.len() + crate::plan::CHECKS_ELSEWHERE.len() + 1,
            "config is no rule"
        );
        for about in topics() {
            assert!(about.without.len() > 20 && about.without.ends_with('.'), "{}", about.id);
            assert!(!about.without.contains("  "), "{}", about.id);
            assert!(text(&about, 80).contains(&format!("{}: ", about.id)));
            assert!(markdown().contains(&format!("\n## `{}`\n", about.id)));
        }
    }
}
