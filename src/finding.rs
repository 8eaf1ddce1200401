//! What a rule or a check has to say. In: nothing. Out: [`Finding`], the same in text and in JSON.

use crate::codes::Kind;
use crate::error::Error;
use serde::Serialize;

/// How much a [`Finding`] weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It cannot work, or is not safe: nothing is written, nothing is started.
    Error,
    /// It works, but likely not as meant.
    Warning,
    /// Worth knowing.
    Info,
    /// Looked at and found right.
    Ok,
}

impl Severity {
    /// As the answers spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Ok => "ok",
        }
    }
}

/// What there is to know of a rule or a check: the text behind a [`Finding`]'s id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct About {
    /// The id.
    pub id: &'static str,
    /// What it holds, in one line.
    pub title: &'static str,
    /// Why.
    pub text: &'static str,
    /// What breaks without it.
    pub without: &'static str,
    /// Where the fact comes from.
    pub source: &'static str,
    /// How much an edit that `apply` would make weighs; `None` where there is none.
    pub severity: Option<Severity>,
}

/// Whose fault an error finding is: decides exit 4 (document or keys) or exit 1 (host).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The domain document or the keys.
    Input,
    /// The host that was looked at.
    Host,
}

/// One thing found. `id` is stable: a rule's or a check's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The rule or check, as `--skip` and `explain` take it.
    pub id: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// One line: what is the matter.
    pub title: String,
    /// More, for the person who must act. May be empty.
    pub detail: String,
    /// Where: an element's path such as `/domain/devices/disk[2]`, a file, a host layer. May be empty.
    pub path: String,
    /// What to do. May be empty.
    pub fix: String,
    /// Where the fact comes from: specification and section, or a project's file. May be empty.
    pub source: &'static str,
    /// Whose fault it is; not part of the JSON answer.
    #[serde(skip)]
    pub cause: Cause,
}

impl Finding {
    /// A finding about the document or the keys.
    pub fn new(id: &'static str, severity: Severity, title: impl Into<String>) -> Self {
        Self {
            id,
            severity,
            title: title.into(),
            detail: String::new(),
            path: String::new(),
            fix: String::new(),
            source: "",
            cause: Cause::Input,
        }
    }

    /// Says more.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Says where.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    /// Says where the fact comes from.
    #[must_use]
    pub fn source(mut self, source: &'static str) -> Self {
        self.source = source;
        self
    }

    /// Lays it on the host.
    #[must_use]
    pub fn of_host(mut self) -> Self {
        self.cause = Cause::Host;
        self
    }

    /// The same as an error: the one way in which a finding ends a command.
    #[must_use]
    pub fn as_error(&self) -> Error {
        let kind = match self.cause {
            Cause::Input => Kind::Domain,
            Cause::Host => Kind::No,
        };
        let mut message = self.title.clone();
        if !self.detail.is_empty() {
            message = format!("{message}. {}", self.detail.trim_end_matches('.'));
        }
        let mut e = Error::new(kind, format!("{message} [{}]", self.id));
        if !self.path.is_empty() {
            e = e.at(&self.path);
        }
        if self.fix.is_empty() { e } else { e.hint(&self.fix) }
    }
}
