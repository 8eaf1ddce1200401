//! The simulator's one error type: a sentence for the person who reads the log.
//! In: what went wrong. Out: [`Error`]. Never: a key or a secret.

use std::fmt;

/// Results of the simulator.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A sentence that says what went wrong.
pub struct Error(String);

impl Error {
    /// An error with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What QEMU says when the firmware of the AMD Secure Processor refuses a command, and then our reason.
    ///
    /// QEMU, `target/i386/sev.c`: `sev_launch_start: LAUNCH_START ret=1 fw_error=11 'Bad measurement'`.
    pub fn firmware(function: &str, command: &str, code: FirmwareError, why: impl fmt::Display) -> Self {
        let (number, text) = code.text();
        Self(format!("{function}: {command} ret=1 fw_error={number} '{text}': {why}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Self {
        Self(e.to_string())
    }
}

impl From<rustix::io::Errno> for Error {
    fn from(e: rustix::io::Errno) -> Self {
        Self(e.to_string())
    }
}

/// Says where an error happened.
pub trait Context<T> {
    /// Puts `place` and a colon before the error's text.
    ///
    /// # Errors
    /// The same error, with its place.
    fn at(self, place: impl fmt::Display) -> Result<T>;
}

impl<T, E: fmt::Display> Context<T> for std::result::Result<T, E> {
    fn at(self, place: impl fmt::Display) -> Result<T> {
        self.map_err(|e| Error(format!("{place}: {e}")))
    }
}

/// Status codes of the SEV firmware that the simulator gives.
/// AMD document 55766 (SEV API), "Status Codes"; texts as QEMU prints them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirmwareError {
    /// The certificate is not what it should be.
    InvalidCertificate,
    /// The guest's policy forbids the platform, or is malformed.
    PolicyFailure,
    /// A MAC does not match.
    BadMeasurement,
    /// The mode is not available.
    Unsupported,
    /// A parameter is out of its range.
    InvalidParameter,
}

impl FirmwareError {
    fn text(self) -> (u8, &'static str) {
        match self {
            Self::InvalidCertificate => (6, "Certificate is invalid"),
            Self::PolicyFailure => (7, "Policy is not allowed"),
            Self::BadMeasurement => (11, "Bad measurement"),
            Self::Unsupported => (21, "Feature not supported"),
            Self::InvalidParameter => (22, "Invalid parameter"),
        }
    }
}
