//! Findings as text for a person. In: findings, [`Style`]. Out: a string. Never: prints, or judges.

use crate::finding::{Finding, Severity};
use std::fmt::Write as _;

/// How findings are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// With terminal colours.
    pub colour: bool,
    /// What was found right too.
    pub show_ok: bool,
}

/// One paragraph a finding: severity, what, where, more, what to do, source. Empty when there is nothing to say.
#[must_use]
pub fn render(findings: &[Finding], style: Style) -> String {
    let mut out = String::new();
    for finding in findings.iter().filter(|f| style.show_ok || f.severity != Severity::Ok) {
        let (word, colour) = word(finding.severity);
        let word = format!("{word:<7}");
        let word = if style.colour { format!("\x1b[{colour}m{word}\x1b[0m") } else { word };
        // Writing to a String cannot fail.
        let _ = write!(out, "{word} {}", clean(&finding.title));
        if !finding.path.is_empty() {
            let _ = write!(out, " ({})", clean(&finding.path));
        }
        let _ = writeln!(out, " [{}]", finding.id);
        if finding.severity == Severity::Ok {
            continue;
        }
        for (name, text) in
            [("", finding.detail.as_str()), ("fix: ", &finding.fix), ("source: ", finding.source)]
        {
            if !text.is_empty() {
                let _ = writeln!(out, "        {name}{}", clean(text));
            }
        }
    }
    out
}

/// One line: how many errors and warnings.
#[must_use]
pub fn summary(findings: &[Finding]) -> String {
    let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
    let told = |n: usize, one: &str| match n {
        0 => format!("no {one}s"),
        1 => format!("1 {one}"),
        n => format!("{n} {one}s"),
    };
    format!("{}, {}", told(count(Severity::Error), "error"), told(count(Severity::Warning), "warning"))
}

fn word(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::Error => ("error", "1;31"),
        Severity::Warning => ("warning", "1;33"),
        Severity::Info => ("info", "1;34"),
        Severity::Ok => ("ok", "1;32"),
    }
}

/// A text from a document or a host must not steer the terminal, nor begin a line of its own.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings() -> Vec<Finding> {
        vec![
            Finding::new("mode-host", Severity::Ok, "fine").path("/dev/sev"),
            Finding::new("kvm", Severity::Error, "not\x1b[2J good")
                .path("/domain")
                .detail("more")
                .fix("do")
                .source("s"),
            Finding::new("cpu", Severity::Warning, "hm"),
        ]
    }

    #[test]
    fn text_tells_what_where_and_what_to_do() {
        assert_eq!(
            render(&findings(), Style::default()),
            "error   not [2J good (/domain) [kvm]\n        more\n        fix: do\n        source: s\nwarning hm [cpu]\n"
        );
        let all = render(&findings(), Style { colour: true, show_ok: true });
        assert!(all.starts_with("\x1b[1;32mok     \x1b[0m fine (/dev/sev) [mode-host]\n"), "{all}");
    }

    #[test]
    fn the_summary_counts() {
        assert_eq!(summary(&findings()), "1 error, 1 warning");
        assert_eq!(summary(&[]), "no errors, no warnings");
    }
}
