//! The one error type: written for the person who must act.
//! In: what, where, found, wanted, next step. Out: [`Error`]. Never: a secret, or a host's text that steers a terminal.

use crate::codes::Kind;
use std::fmt::{self, Write as _};

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, where, what was found and wanted, and what to do next.
///
/// One error can hold several problems ([`Error::many`]): a configuration with five mistakes is told in one run.
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    message: String,
    place: Option<String>,
    found: Option<String>,
    wanted: Option<String>,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    others: Vec<Error>,
}

impl Error {
    /// An error of this kind. `message` is one clause without a full stop: `the session blob is too short`.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            place: None,
            found: None,
            wanted: None,
            hint: None,
            source: None,
            others: Vec::new(),
        }))
    }

    /// Several problems as one error, in the order given. The first decides the kind.
    /// `None` when the list is empty.
    #[must_use]
    pub fn many(problems: Vec<Error>) -> Option<Self> {
        let mut all = Vec::with_capacity(problems.len());
        for mut problem in problems {
            // One that holds several itself is taken apart, so that each is told.
            let inside = std::mem::take(&mut problem.0.others);
            all.push(problem);
            all.extend(inside);
        }
        let mut all = all.into_iter();
        let mut first = all.next()?;
        first.0.others.extend(all);
        Some(first)
    }

    /// Where: a key, a file with its line, an element's path.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.0.place = Some(place.into());
        self
    }

    /// What stood there.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.0.found = Some(found.into());
        self
    }

    /// What should have stood there.
    #[must_use]
    pub fn wanted(mut self, wanted: impl Into<String>) -> Self {
        self.0.wanted = Some(wanted.into());
        self
    }

    /// What to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds a line below the hint: what was done about it.
    #[must_use]
    pub fn and_hint(mut self, more: impl AsRef<str>) -> Self {
        let text = self.0.hint.get_or_insert_default();
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(more.as_ref());
        self
    }

    /// The error below this one.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The kind, which gives the exit code ([`Kind::code`]).
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The next step, where there is one.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Where it was, where that is known.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.0.place.as_deref()
    }

    /// The same problems, each at the place that `better` makes of its own, where it makes one.
    #[must_use]
    pub fn with_places(mut self, better: impl Fn(&str) -> Option<String>) -> Self {
        for problem in
            std::iter::once(&mut self.0.place).chain(self.0.others.iter_mut().map(|e| &mut e.0.place))
        {
            if let Some(place) = problem.as_deref().and_then(&better) {
                *problem = Some(place);
            }
        }
        self
    }

    /// What went wrong, without place, found, wanted and hint.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// This problem and every other that was found in the same run, in order.
    pub fn problems(&self) -> impl Iterator<Item = &Error> {
        std::iter::once(self).chain(self.0.others.iter())
    }

    /// This problem alone, without the others of the same run.
    #[must_use]
    pub fn alone(&self) -> impl fmt::Display + '_ {
        struct Alone<'a>(&'a Error);
        impl fmt::Display for Alone<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt_one(f)
            }
        }
        Alone(self)
    }

    /// This problem alone, in one line: what, found and wanted, without its place and its hint.
    #[must_use]
    pub fn line(&self) -> impl fmt::Display + '_ {
        struct Line<'a>(&'a Error);
        impl fmt::Display for Line<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt_line(f)
            }
        }
        Line(self)
    }

    /// The same with its place: all but the hint.
    #[must_use]
    pub fn placed_line(&self) -> String {
        self.0.place.as_ref().map_or(String::new(), |place| format!("{}: ", clean(place)))
            + &self.line().to_string()
    }

    fn fmt_one(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.placed_line())?;
        if let Some(hint) = &self.0.hint {
            write!(f, "\n  {}", clean_lines(hint).replace('\n', "\n  "))?;
        }
        Ok(())
    }

    fn fmt_line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let i = &self.0;
        f.write_str(&clean(&i.message))?;
        if let Some(found) = &i.found {
            write!(f, ": found {}", clean(found))?;
        }
        if let Some(wanted) = &i.wanted {
            write!(f, "{} wanted {}", if i.found.is_some() { "," } else { ":" }, clean(wanted))?;
        }
        if let Some(source) = &i.source {
            write!(f, ": {}", clean(&source.to_string()))?;
        }
        Ok(())
    }
}

/// A text from a document or a host must not steer the terminal, nor begin a line of its own.
#[must_use]
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if steers(c) { ' ' } else { c }).collect()
}

/// The same for a text of ours that has several lines.
#[must_use]
pub fn clean_lines(text: &str) -> String {
    text.chars().map(|c| if steers(c) && c != '\n' { ' ' } else { c }).collect()
}

/// The same for lines of an XML document, which holds no escape character (XML 1.0, 2.2): one that is here is a colour of ours.
#[must_use]
pub fn clean_xml(text: &str) -> String {
    text.chars().map(|c| if steers(c) && !matches!(c, '\n' | '\t' | '\x1b') { ' ' } else { c }).collect()
}

/// The same for JSON, which says the same afterwards: what is not ASCII stands in its strings alone.
#[must_use]
pub fn clean_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Breaks between values are its own.
        if steers(c) && c != '\n' {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// Control characters, and those that show what follows in another order (Unicode Annex 9, table 2).
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl fmt::Display for Error {
    /// One paragraph a problem; the hint on a line of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            problem.fmt_one(f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|s| s as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_where_found_wanted_and_next() {
        let e = Error::new(Kind::Config, "not a boolean")
            .at("security.sev (guest.yaml:4)")
            .found("'maybe'")
            .wanted("true or false")
            .hint("Write security.sev: \"true\".");
        assert_eq!(
            e.to_string(),
            "security.sev (guest.yaml:4): not a boolean: found 'maybe', wanted true or false\n  Write security.sev: \"true\"."
        );
        assert_eq!(e.kind().code().exit, 4);
        assert_eq!(e.line().to_string(), "not a boolean: found 'maybe', wanted true or false");
    }

    /// A certificate's subject cleared the terminal, and wrote a line of its own: `virt-sev: verified`.
    #[test]
    fn nothing_that_a_host_wrote_steers_a_terminal_or_begins_a_line() {
        let evil = "a\x1b[2J\u{9b}31m\x07\nvirt-sev: verified\u{202e}";
        let e = Error::new(Kind::No, evil)
            .at(evil)
            .found(evil)
            .wanted(evil)
            .because(evil)
            .hint("one\ntwo\x1b[1m");
        let text = e.to_string();
        assert!(text.chars().all(|c| c == '\n' || !steers(c)), "{text:?}");
        assert_eq!(text.lines().skip(1).collect::<Vec<_>>(), ["  one", "  two [1m"]);
        assert!(text.lines().next().is_some_and(|line| line.matches("verified").count() == 5), "{text:?}");
        assert_eq!(clean("w\u{e9}b 1\t\u{7f}"), "w\u{e9}b 1  ");
        assert_eq!(clean_json("{\n\"\u{9b}\u{e9}\u{202e}\"}"), "{\n\"\\u009b\u{e9}\\u202e\"}");
    }

    #[test]
    fn many_problems_are_all_told() {
        let e = Error::many(vec![Error::new(Kind::Config, "one"), Error::new(Kind::Domain, "two")]).unwrap();
        assert_eq!(e.to_string(), "one\ntwo");
        assert_eq!(e.problems().count(), 2);
        let placed =
            Error::many(vec![Error::new(Kind::Usage, "a").at("/x"), Error::new(Kind::Usage, "b").at("y")]);
        let placed = placed.unwrap().with_places(|p| p.strip_prefix('/').map(|p| format!("{p}:1")));
        assert_eq!(placed.to_string(), "x:1: a\ny: b");
        let nested = Error::many(vec![Error::new(Kind::Usage, "zero"), e]).unwrap();
        assert_eq!(nested.to_string(), "zero\none\ntwo");
        assert!(Error::many(Vec::new()).is_none());
    }
}
