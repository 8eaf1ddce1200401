//! The values of options. In: a name and its text. Out: what it says; nothing where it is taken back.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::time::Duration;
use virt_sev::{Error, Kind, Result};

/// A value that the option cannot have.
pub(crate) fn wrong(name: &str, found: &str, wanted: impl Into<String>) -> Error {
    Error::new(Kind::Usage, "no such value").at(name).found(format!("'{found}'")).wanted(wanted)
}

/// A file. Standard input is the caller's own.
pub(crate) fn path(name: &str, value: Option<&str>) -> Result<Option<PathBuf>> {
    match value {
        Some(text @ ("" | "-")) => Err(wrong(name, text, "the path of a file")),
        value => Ok(value.map(PathBuf::from)),
    }
}

/// A number from `least` on, decimal or hexadecimal.
pub(crate) fn number<T>(name: &str, value: Option<&str>, least: T) -> Result<Option<T>>
where
    T: TryFrom<u64> + PartialOrd + std::fmt::Display,
{
    let Some(text) = value else { return Ok(None) };
    let (digits, radix) = text.strip_prefix("0x").map_or((text, 10), |digits| (digits, 16));
    let read = u64::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'));
    match read.and_then(|n| T::try_from(n).ok()).filter(|n| *n >= least) {
        Some(number) => Ok(Some(number)),
        None => {
            let most = u64::MAX >> (64 - 8 * size_of::<T>());
            let wanted = format!("a number from {least} to {most}, decimal or hexadecimal with 0x");
            Err(wrong(name, text, wanted))
        }
    }
}

/// The longest wait for an answer.
pub(crate) fn seconds(name: &str, value: Option<&str>) -> Result<Option<Duration>> {
    match number::<u32>(name, value, 1) {
        Ok(seconds) => Ok(seconds.map(|n| Duration::from_secs(n.into()))),
        Err(_) => Err(wrong(name, value.unwrap_or_default(), "a number of seconds, from 1")),
    }
}

/// Unasked it is off.
pub(crate) fn flag(name: &str, value: Option<&str>) -> Result<bool> {
    match value {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(wrong(name, other, "true or false")),
    }
}
