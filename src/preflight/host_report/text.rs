//! A report for people: the modes, then a tree with a line for each layer, what fails below it, and the fix.
//! In: [`HostReport`], [`Style`]. Out: a string.

use super::{Decision, HostReport, Layer, Row, State, Told};
use crate::finding::Severity;
use crate::report::{self, BOLD, DIM, GREEN, RED, Style, YELLOW, clean, wrap};
use std::fmt::Write as _;

impl HostReport {
    /// The whole report. With `details`, notes and reasons too.
    #[must_use]
    pub fn text(&self, style: Style) -> String {
        let mut out = format!("{}\n", style.paint(BOLD, &clean(&self.name)));
        for verdict in &self.verdicts {
            let (word, colour) = match verdict.decision {
                Decision::Available => ("available", GREEN),
                Decision::Unavailable => ("not available", RED),
                Decision::Unknown => ("not known", YELLOW),
            };
            let blockers = self.blockers(verdict);
            let why = if blockers.is_empty() { String::new() } else { format!(": {}", blockers.join(", ")) };
            // Writing to a String cannot fail.
            let _ = writeln!(out, "  {:8} {}{why}", verdict.mode.as_str(), style.paint(colour, word));
        }
        let last = self.layers.len().saturating_sub(1);
        for (n, layer) in self.layers.iter().enumerate() {
            out += &self.layer(layer, n == last, style);
        }
        let root = self.for_root();
        if !root.is_empty() {
            out += &wrap("", &format!("As root these are read too: {}.", root.join(", ")), 0, style.width);
        }
        out
    }

    fn layer(&self, layer: &Layer, last: bool, style: Style) -> String {
        let told = self.of(layer);
        let (mark, colour) = mark(layer, &told);
        let (branch, stem) = if last { ("└─", "  ") } else { ("├─", "│ ") };
        let head = format!("{:16}", layer.name);
        // The first line hangs on the tree; what does not fit goes on below it.
        let text = wrap("", &facts(layer), 0, style.width.saturating_sub(22).max(40));
        let mut out = String::new();
        for (n, line) in text.lines().enumerate() {
            let _ = if n == 0 {
                writeln!(out, "{branch} {} {} {line}", style.paint(colour, mark), style.paint(BOLD, &head))
            } else {
                writeln!(out, "{stem} {:18} {line}", "")
            };
        }
        for (n, told_here) in told.iter().enumerate() {
            let shown = match told_here.finding.severity {
                Severity::Error | Severity::Warning => true,
                Severity::Info => style.details,
                Severity::Ok => false,
            };
            if !shown {
                continue;
            }
            // A step that several findings share stands once, below the last of them.
            let shared = told.get(n + 1).is_some_and(|next| next.finding.fix == told_here.finding.fix);
            out += &finding(told_here, stem, shared, style);
        }
        out
    }
}

fn finding(told: &Told, stem: &str, shared: bool, style: Style) -> String {
    let style = Style { width: style.width.saturating_sub(5).max(40), ..style };
    let modes = told.modes.join(", ");
    let head = wrap(&format!("{modes}: "), &told.finding.title, 0, style.width);
    let mut body = head.replacen(&modes, &style.paint(report::colour(told.finding.severity), &modes), 1);
    let told = if shared { &told.finding.clone().fix("") } else { &told.finding };
    body += &report::advice(told, style, 2);
    body.lines().fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "{stem}   {line}");
        out
    })
}

fn mark(layer: &Layer, told: &[&Told]) -> (&'static str, &'static str) {
    match told.first().map(|t| t.finding.severity) {
        Some(Severity::Error) => ("✗", RED),
        Some(Severity::Warning) => ("!", YELLOW),
        Some(Severity::Info | Severity::Ok) => ("✓", GREEN),
        None if layer.facts.iter().any(|f| f.state == State::Unreadable) => ("?", YELLOW),
        None => ("·", DIM),
    }
}

/// What is known, then the names of what is not.
fn facts(layer: &Layer) -> String {
    let of = |state: State| layer.facts.iter().filter(move |row| row.state == state);
    let mut parts: Vec<String> = of(State::Known).map(|row| format!("{} {}", row.name, row.text)).collect();
    parts.extend(of(State::Unreadable).map(|row| format!("{} unreadable: {}", row.name, row.text)));
    for (state, word) in [(State::Absent, "absent"), (State::NotAsked, "not asked")] {
        let names: Vec<&str> = of(state).map(|row: &Row| row.name.as_str()).collect();
        if !names.is_empty() {
            parts.push(format!("{word}: {}", names.join(", ")));
        }
    }
    parts.join("; ")
}

/// Several hosts as a table: a line each, with what stands in the way of the modes that do not work.
#[must_use]
pub fn fleet(reports: &[HostReport], style: Style) -> String {
    let width = reports.iter().map(|r| clean(&r.name).chars().count()).max().unwrap_or(0).max("host".len());
    let head = format!("{:width$}  {:7} {:7} {:7} failing", "host", "sev", "sev-es", "sev-snp");
    let mut out = format!("{}\n", style.paint(BOLD, &head));
    for report in reports {
        let name = clean(&report.name);
        let mut line = format!("{name:width$} ");
        for verdict in &report.verdicts {
            let (word, colour) = match verdict.decision {
                Decision::Available => ("yes", GREEN),
                Decision::Unavailable => ("no", RED),
                Decision::Unknown => ("?", YELLOW),
            };
            let _ = write!(line, " {}", style.paint(colour, &format!("{word:7}")));
        }
        let mut failing: Vec<&str> = report.verdicts.iter().flat_map(|v| report.blockers(v)).collect();
        failing.sort_unstable();
        failing.dedup();
        let _ = write!(line, " {}", failing.join(", "));
        out += line.trim_end();
        out.push('\n');
    }
    out
}
