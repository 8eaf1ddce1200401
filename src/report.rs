//! Findings as text for a person: the one way in which every command shows them. In: [`Note`]s, [`Style`].
//! Out: a string. Never: prints, or judges.
//!
//! `PLACE: severity: what [rule]`, as compilers write it and editors read it. What several places have in common
//! (why, what to do) stands once, below the last of them.

pub use crate::error::{clean, clean_json, clean_lines, clean_xml};
use crate::explain;
use crate::finding::{Finding, Severity};
use std::fmt::Write as _;

/// How findings are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// With terminal colours.
    pub colour: bool,
    /// Each finding's details.
    pub details: bool,
    /// The rule behind each finding: why, what breaks without it, source.
    pub explain: bool,
    /// The longest line of running text.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { colour: false, details: true, explain: false, width: 100 }
    }
}

/// A finding for a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    /// Where the reader finds it: `guest.xml:12:5`. The finding's own path where it is empty.
    pub place: String,
    /// A word in place of the severity.
    pub word: Option<&'static str>,
    /// What was found.
    pub finding: &'a Finding,
}

impl<'a> Note<'a> {
    /// At the finding's own path.
    #[must_use]
    pub fn new(finding: &'a Finding) -> Self {
        Self { place: String::new(), word: None, finding }
    }

    fn body(&self) -> (&str, &str, &str) {
        (self.finding.id, &self.finding.detail, &self.finding.fix)
    }
}

/// The notes, in their order.
#[must_use]
pub fn render(notes: &[Note<'_>], style: Style) -> String {
    let mut out = String::new();
    for (n, note) in notes.iter().enumerate() {
        let finding = note.finding;
        out += &head(note, style);
        let next = notes.get(n + 1);
        if next.is_some_and(|next| next.body() == note.body()) {
            continue;
        }
        out += &advice(finding, style, 4);
        if style.explain && next.is_none_or(|next| next.finding.id != finding.id) {
            if let Some(about) = explain::find(finding.id) {
                out += &explain::paragraphs(&about, 4, style.width);
            }
            out.push('\n');
        }
    }
    out
}

fn head(note: &Note<'_>, style: Style) -> String {
    let finding = note.finding;
    let place = if note.place.is_empty() { &finding.path } else { &note.place };
    let word = note.word.unwrap_or(finding.severity.as_str());
    let severity = if note.word.is_some() { Severity::Ok } else { finding.severity };
    let mut line = String::new();
    // Writing to a String cannot fail.
    if !place.is_empty() {
        let _ = write!(line, "{} ", style.paint(BOLD, &format!("{}:", clean(place))));
    }
    let _ = writeln!(
        line,
        "{} {} {}",
        style.paint(colour(severity), &format!("{word}:")),
        clean(&finding.title),
        style.paint(DIM, &format!("[{}]", finding.id))
    );
    line
}

/// What a reader is told below a finding's line: why, with details; what to do.
pub(crate) fn advice(finding: &Finding, style: Style, indent: usize) -> String {
    let detail = if style.details { wrap("", &finding.detail, indent, style.width) } else { String::new() };
    detail + &wrap("fix: ", &finding.fix, indent, style.width)
}

pub(crate) const RED: &str = "1;31";
pub(crate) const YELLOW: &str = "1;33";
pub(crate) const GREEN: &str = "1;32";
pub(crate) const BLUE: &str = "1;34";
pub(crate) const BOLD: &str = "1";
pub(crate) const DIM: &str = "2";

/// The colour of a finding's word.
pub(crate) fn colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => RED,
        Severity::Warning => YELLOW,
        Severity::Info => BLUE,
        Severity::Ok => GREEN,
    }
}

impl Style {
    /// The text in a colour, where colours are wanted.
    pub(crate) fn paint(self, colour: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// How many errors and warnings: `1 error, no warnings`.
#[must_use]
pub fn summary<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> String {
    let (mut errors, mut warnings) = (0, 0);
    for finding in findings {
        match finding.severity {
            Severity::Error => errors += 1,
            Severity::Warning => warnings += 1,
            Severity::Info | Severity::Ok => {}
        }
    }
    format!("{}, {}", count(errors, "error"), count(warnings, "warning"))
}

/// `no errors`, `1 error`, `2 errors`.
#[must_use]
pub fn count(n: usize, one: &str) -> String {
    match n {
        0 => format!("no {one}s"),
        1 => format!("1 {one}"),
        n => format!("{n} {one}s"),
    }
}

/// Running text after a label, indented, no line longer than `width` where its words allow it. Nothing for no text.
#[must_use]
pub fn wrap(label: &str, text: &str, indent: usize, width: usize) -> String {
    let text = clean(text);
    let mut out = String::new();
    let mut line = " ".repeat(indent) + label;
    let mut fresh = true;
    for word in text.split_whitespace() {
        let longer = line.chars().count() + usize::from(!fresh) + word.chars().count();
        if !fresh && longer > width {
            out += &line;
            out.push('\n');
            line = " ".repeat(indent);
            fresh = true;
        }
        if !fresh {
            line.push(' ');
        }
        line += word;
        fresh = false;
    }
    if fresh {
        return out;
    }
    out + &line + "\n"
}

/// Names and what they are, in two columns; what does not fit goes on below itself.
#[must_use]
pub fn list(rows: &[(&str, String)], width: usize) -> String {
    let column = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0) + 2;
    let row = |(name, text): &(&str, String)| {
        let told = wrap("", text, column, width.max(column + 20));
        format!("{:column$}{}", clean(name), told.trim_start())
    };
    rows.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_its_columns() {
        let rows = [("a", "one two".to_owned()), ("long", "three".to_owned())];
        assert_eq!(list(&rows, usize::MAX), "a     one two\nlong  three\n");
        let rows = [("a", "one two three four five six".to_owned())];
        assert_eq!(list(&rows, 10), "a  one two three four\n   five six\n");
        assert_eq!(list(&[("a\x1b\n", "b".to_owned())], 10), "a    b\n");
    }

    fn findings() -> Vec<Finding> {
        let disk = |n: u32| {
            Finding::new("virtio-iommu", Severity::Warning, format!("<disk> {n}")).detail("Why.").fix("Do.")
        };
        vec![
            Finding::new("kvm", Severity::Error, "not\x1b[2J good").path("/domain").detail("More."),
            disk(1),
            disk(2),
            Finding::new("mode-host", Severity::Ok, "fine"),
        ]
    }

    fn notes(findings: &[Finding]) -> Vec<Note<'_>> {
        findings
            .iter()
            .enumerate()
            .map(|(n, f)| {
                let place = if f.id == "virtio-iommu" { format!("a.xml:{n}:1") } else { String::new() };
                Note { place, ..Note::new(f) }
            })
            .collect()
    }

    #[test]
    fn a_line_says_where_and_what_and_what_places_share_stands_once() {
        let findings = findings();
        let plain = render(&notes(&findings), Style::default());
        assert_eq!(
            plain,
            "/domain: error: not [2J good [kvm]\n    More.\na.xml:1:1: warning: <disk> 1 [virtio-iommu]\n\
             a.xml:2:1: warning: <disk> 2 [virtio-iommu]\n    Why.\n    fix: Do.\nok: fine [mode-host]\n"
        );
        let colour = render(&notes(&findings), Style { colour: true, details: false, ..Style::default() });
        assert!(
            colour.starts_with("\x1b[1m/domain:\x1b[0m \x1b[1;31merror:\x1b[0m not [2J good"),
            "{colour}"
        );
        assert!(!colour.contains("Why."), "{colour}");
    }

    #[test]
    fn explained_each_rule_is_told_once() {
        let findings = findings();
        let text = render(&notes(&findings), Style { explain: true, ..Style::default() });
        assert_eq!(text.matches("rule: every virtio device has iommu='on'").count(), 1, "{text}");
        assert_eq!(text.matches("without it: ").count(), 3, "{text}");
        assert!(text.lines().all(|l| l.chars().count() <= 100), "{text}");
    }

    #[test]
    fn text_is_wrapped_and_long_words_stay_whole() {
        assert_eq!(
            wrap("fix: ", "aa bb ccccccccccccccc dd", 2, 12),
            "  fix: aa bb\n  ccccccccccccccc\n  dd\n"
        );
        assert_eq!(wrap("fix: ", "", 2, 12), "");
    }

    #[test]
    fn the_summary_counts() {
        assert_eq!(summary(&findings()), "1 error, 2 warnings");
        assert_eq!(summary(&[]), "no errors, no warnings");
    }
}
