//! Where words go: the answer to stdout, everything else to stderr. In: answers, findings, errors. Out: text.

use crate::args::{Cli, Command, Common, Format, When};
use std::io::{IsTerminal, Write as _};
use std::os::fd::AsFd;
use std::process::ExitCode;
use terminal_size::terminal_size_of;
use virt_sev::answer::document;
use virt_sev::report::{Note, Style, clean_json, clean_lines, clean_xml, render, wrap};
use virt_sev::{Error, Finding, Kind, Result, Severity};

/// How to speak.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) quiet: bool,
    verbose: bool,
    color: When,
}

/// The yes or no of a command that succeeded in finding out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
}

impl Output {
    pub(crate) fn new(common: &Common) -> Self {
        Self {
            format: common.format,
            quiet: common.quiet,
            verbose: common.verbose > 0 && !common.quiet,
            color: common.color,
        }
    }

    /// For what is told before the options are known.
    pub(crate) fn coloured(color: When) -> Self {
        Self { format: Format::Text, quiet: false, verbose: false, color }
    }

    pub(crate) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    pub(crate) fn is_verbose(self) -> bool {
        self.verbose
    }

    /// Refuses the formats that only some commands have.
    pub(crate) fn text_or_json(self) -> Result<Self> {
        self.without_md()?.without_sarif()
    }

    pub(crate) fn without_md(self) -> Result<Self> {
        if self.format == Format::Md {
            return Err(Error::new(Kind::Usage, "--format md is for `virt-sev keys` and `virt-sev explain`"));
        }
        self.without_prometheus()
    }

    fn without_prometheus(self) -> Result<Self> {
        if self.format == Format::Prometheus {
            return Err(Error::new(Kind::Usage, "--format prometheus is for `virt-sev host`"));
        }
        Ok(self)
    }

    /// What `host` speaks.
    pub(crate) fn for_host(self) -> Result<Self> {
        if self.format == Format::Prometheus { Ok(self) } else { self.text_or_json() }
    }

    pub(crate) fn without_sarif(self) -> Result<Self> {
        if self.format == Format::Sarif {
            return Err(Error::new(Kind::Usage, "--format sarif is for `virt-sev lint`"));
        }
        self.without_prometheus()
    }

    fn color(self, terminal: bool) -> bool {
        match self.color {
            When::Always => true,
            When::Never => false,
            When::Auto => terminal && !is_dumb() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        }
    }

    pub(crate) fn stdout_color(self) -> bool {
        self.color(std::io::stdout().is_terminal())
    }

    /// The longest line of running text in the answer: the terminal's, or 100 columns.
    pub(crate) fn width(self) -> usize {
        running(std::io::stdout()).unwrap_or(100)
    }

    /// The longest row of a table: the terminal's. Programs that read one get a line a row.
    pub(crate) fn table_width(self) -> usize {
        columns(std::io::stdout()).unwrap_or(usize::MAX)
    }

    /// How findings are shown that are the answer.
    pub(crate) fn answer_style(self) -> Style {
        Style { colour: self.stdout_color(), width: self.width(), ..Style::default() }
    }

    /// The answer. A reader that went away is not an error.
    pub(crate) fn answer(self, text: &str) -> Result<()> {
        self.answer_bytes(text.as_bytes())
    }

    /// The same with lines of a document: nothing in them steers a terminal, and `patch` has them as they are.
    pub(crate) fn answer_lines(self, text: &str) -> Result<()> {
        if std::io::stdout().is_terminal() { self.answer(&clean_xml(text)) } else { self.answer(text) }
    }

    /// The answer, in whatever encoding the input was.
    pub(crate) fn answer_bytes(self, bytes: &[u8]) -> Result<()> {
        let mut out = std::io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            Err(e) => {
                Err(Error::new(Kind::File, "the answer cannot be written").at("standard output").because(e))
            }
        }
    }

    /// The answer as JSON: one document, `schema` first.
    pub(crate) fn answer_json(self, kind: &str, value: serde_json::Value) -> Result<()> {
        self.answer_document(&document(kind, value))
    }

    /// The answer as a JSON document of another schema than ours.
    pub(crate) fn answer_document(self, document: &serde_json::Value) -> Result<()> {
        let text = serde_json::to_string_pretty(document)
            .map_err(|e| Error::new(Kind::Bug, "the answer cannot be written as JSON").because(e))?;
        self.answer(&format!("{}\n", clean_json(&text)))
    }

    /// A message for people, on stderr; nothing with `-q`.
    pub(crate) fn say(self, text: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr(), "{}", clean_lines(text));
        }
    }

    /// Findings that are not the answer, on stderr: warnings always, notes with `-v`, and with it their details too.
    pub(crate) fn findings<'a>(self, findings: impl IntoIterator<Item = &'a Finding>) {
        self.tell(findings, self.verbose);
    }

    /// The same, where the notes belong to the answer: they are left out with `-q` only.
    pub(crate) fn notes<'a>(self, findings: impl IntoIterator<Item = &'a Finding>) {
        self.tell(findings, !self.quiet);
    }

    fn tell<'a>(self, findings: impl IntoIterator<Item = &'a Finding>, info: bool) {
        let told = |f: &&Finding| match f.severity {
            Severity::Error | Severity::Warning => true,
            Severity::Info => info,
            Severity::Ok => false,
        };
        let notes: Vec<Note<'_>> = findings.into_iter().filter(told).map(Note::new).collect();
        let width = running(std::io::stderr()).unwrap_or(100);
        let style = Style { colour: self.stderr_color(), details: self.verbose, width, ..Style::default() };
        let _ = write!(std::io::stderr(), "{}", render(&notes, style));
    }

    pub(crate) fn stderr_color(self) -> bool {
        self.color(std::io::stderr().is_terminal())
    }

    /// Why the answer is no, as an error is told; nothing with `-q`.
    pub(crate) fn say_error(self, error: &Error) {
        if !self.quiet {
            self.tell_error(error);
        }
    }

    fn tell_error(self, error: &Error) {
        let text = error_text(error, self.stderr_color(), running(std::io::stderr()));
        let _ = write!(std::io::stderr(), "{text}");
    }

    /// The end of the program: errors told, exit code of the contract.
    pub(crate) fn finish(self, result: Result<Answer>) -> ExitCode {
        match result {
            Ok(Answer::Yes) => ExitCode::SUCCESS,
            Ok(Answer::No) => ExitCode::from(Kind::No.code().exit),
            Err(e) => {
                self.tell_error(&e);
                ExitCode::from(e.kind().code().exit)
            }
        }
    }
}

/// What went wrong in one line, as long as it is, for `grep`; what to do below it, as wide as the terminal.
fn error_text(error: &Error, colour: bool, width: Option<usize>) -> String {
    let name = if colour { "\x1b[1;31mvirt-sev:\x1b[0m" } else { "virt-sev:" };
    let mut out = String::new();
    for text in paragraphs(error) {
        let (what, next) = text.split_once('\n').unwrap_or((&text, ""));
        out += &format!("{name} {}\n", clean_lines(what));
        for line in next.lines() {
            match width {
                Some(width) => out += &wrap("", line, 2, width),
                None => out += &format!("{}\n", clean_lines(line)),
            }
        }
    }
    out
}

/// A terminal that shows escape sequences and takes nothing back.
pub(crate) fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// How wide a terminal is; nothing where there is none.
pub(crate) fn columns(stream: impl AsFd + IsTerminal) -> Option<usize> {
    let (width, _) = stream.is_terminal().then(|| terminal_size_of(stream)).flatten()?;
    Some(usize::from(width.0))
}

/// The same for running text, which is hard to read where it is very long.
fn running(stream: impl AsFd + IsTerminal) -> Option<usize> {
    Some(columns(stream)?.clamp(40, 120))
}

/// A text for each problem. Where several in a row have the same next step, it is told once, after the last.
fn paragraphs(error: &Error) -> Vec<String> {
    let problems: Vec<&Error> = error.problems().collect();
    let hint = |n: usize| problems.get(n).and_then(|p: &&Error| p.hint_text());
    let told = |(n, problem): (usize, &&Error)| match hint(n) {
        Some(next) if hint(n + 1) == Some(next) => problem.placed_line(),
        _ => problem.alone().to_string(),
    };
    problems.iter().enumerate().map(told).collect()
}

/// `-v`, `-vv`, and `verify -d`: the log goes to stderr.
pub(crate) fn start_log(cli: &Cli) {
    let common = &cli.common;
    let debug = matches!(&cli.command, Command::Verify(args) if args.debug);
    let level = match common.verbose + if debug { 2 } else { 0 } {
        _ if common.quiet => log::LevelFilter::Error,
        0 => log::LevelFilter::Warn,
        1 => log::LevelFilter::Info,
        2 => log::LevelFilter::Debug,
        _ => log::LevelFilter::Trace,
    };
    if log::set_logger(&StderrLog).is_ok() {
        log::set_max_level(level);
    }
}

/// The levels as words for people.
fn word(level: log::Level) -> &'static str {
    match level {
        log::Level::Error => "error",
        log::Level::Warn => "warning",
        log::Level::Info => "note",
        log::Level::Debug => "debug",
        log::Level::Trace => "trace",
    }
}

struct StderrLog;

impl log::Log for StderrLog {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let text = clean_lines(&record.args().to_string());
            let _ = writeln!(std::io::stderr(), "{}: {text}", word(record.level()));
        }
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_step_that_several_problems_share_is_told_once() {
        let problem = |text: &str, hint: &str| Error::new(Kind::File, text).hint(hint);
        let e = Error::many(vec![problem("a", "x"), problem("b", "x"), problem("c", "y")]);
        assert_eq!(e.map(|e| paragraphs(&e)), Some(vec!["a".into(), "b\n  x".into(), "c\n  y".into()]));
    }
    #[test]
    fn the_next_step_fits_the_terminal_and_the_error_stays_one_line() {
        let e = Error::new(Kind::File, "one two three").hint("four five six");
        assert_eq!(error_text(&e, false, None), "virt-sev: one two three\n  four five six\n");
        let narrow = error_text(&e, true, Some(12));
        assert_eq!(narrow, "\x1b[1;31mvirt-sev:\x1b[0m one two three\n  four five\n  six\n");
    }
}
