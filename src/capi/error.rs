//! Errors. In: a failed call. Out: its number, its texts, its JSON. Never: a secret.

use crate::boundary::plain;
use crate::handles::{self, Handle};
use serde_json::Value;
use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;
use std::sync::LazyLock;
use virt_sev::codes::CODES;
use virt_sev::{Error, answer, explain, report};

/// Why a call failed. Whoever got one frees it with virtsev_error_free().
#[derive(Debug)]
pub struct virtsev_error {
    _opaque: [u8; 0],
}

impl Handle for virtsev_error {
    type Held = Told;
    const NAME: &'static str = "virtsev_error";
}

/// Why a call failed, and the answer where there is one all the same: a verdict of no has its reasons.
#[derive(Debug)]
pub(crate) struct Failure {
    error: Error,
    answer: Option<Value>,
}

impl Failure {
    /// A failure that has an answer: a no, or what was done before it.
    pub(crate) fn with_answer(error: Error, answer: Value) -> Self {
        Self { error, answer: Some(answer) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, answer: None }
    }
}

/// An error as C reads it: every string made before anyone asks, so that each lives as long as the handle.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: c_int,
    message: CString,
    pub(crate) hint: Option<CString>,
    json: CString,
}

impl Told {
    pub(crate) fn new(Failure { error, answer }: Failure) -> Self {
        // As the command does: a manager's user has only this to read.
        let error = explain::brief(error);
        let message = error.problems().map(Error::placed_line).collect::<Vec<_>>().join("\n");
        // A next step that several problems share is told once.
        let mut hints: Vec<&str> = Vec::new();
        for hint in error.problems().filter_map(Error::hint_text) {
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
        let hint = (!hints.is_empty()).then(|| c_text(&report::clean_lines(&hints.join("\n"))));
        let mut json = answer::error(&error);
        if let (Some(fields), Some(answer)) = (json.as_object_mut(), answer) {
            fields.insert("answer".into(), answer);
        }
        Self {
            code: error.kind().code().number,
            message: c_text(&message),
            hint,
            json: c_text(&json.to_string()),
        }
    }
}

/// No text has a NUL after [`report::clean`].
fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', " ")).unwrap_or_default()
}

/// The names of the table as C strings, which never go away.
static NAMES: LazyLock<Vec<CString>> = LazyLock::new(|| CODES.iter().map(|c| c_text(c.c_name)).collect());

fn name_of(code: c_int) -> Option<&'static CStr> {
    NAMES.iter().zip(CODES).find(|(_, c)| c.number == code).map(|(name, _)| name.as_c_str())
}

/// What an error says. The strings stay where they are while the handle lives, because the table keeps the value.
fn ask<T>(error: *const virtsev_error, otherwise: T, what: impl FnOnce(&Told) -> T) -> T {
    let found = plain(None, || handles::find(error).ok());
    match found {
        Some(told) => what(&told),
        None => otherwise,
    }
}

/// The number of an error: VIRTSEV_ERR_*, the same that the function returned. 0 for NULL and for a handle that was freed.
/// Since ABI 1.
#[unsafe(no_mangle)]
pub extern "C" fn virtsev_error_code(error: *const virtsev_error) -> c_int {
    ask(error, 0, |told| told.code)
}

/// The name of its number, such as "VIRTSEV_ERR_CONFIG". Static: never freed. NULL for NULL. Since ABI 1.
#[unsafe(no_mangle)]
pub extern "C" fn virtsev_error_name(error: *const virtsev_error) -> *const c_char {
    ask(error, ptr::null(), |told| name_of(told.code).map_or(ptr::null(), CStr::as_ptr))
}

/// What went wrong, for a person: each problem on a line of its own, with its place, without what to do about it. Belongs
/// to the error and lives as long. NULL for NULL. Since ABI 1.
#[unsafe(no_mangle)]
pub extern "C" fn virtsev_error_message(error: *const virtsev_error) -> *const c_char {
    ask(error, ptr::null(), |told| told.message.as_ptr())
}

/// What to do about it, for a person: one line or several. Belongs to the error and lives as long. NULL where there is
/// nothing to say, and for NULL. Since ABI 1.
#[unsafe(no_mangle)]
pub extern "C" fn virtsev_error_hint(error: *const virtsev_error) -> *const c_char {
    ask(error, ptr::null(), |told| told.hint.as_ref().map_or(ptr::null(), |h| h.as_ptr()))
}

/// The error as JSON: "schema" (virt-sev/error/1), "code", "name", "problems" (each with "code", "name", "message", "place"
/// and "hint", of which the last two may be null), and "answer" where the function has one all the same: a verdict of no, or
/// what virtsev_recover() could do. Belongs to the error and lives as long. NULL for NULL. Since ABI 1.
#[unsafe(no_mangle)]
pub extern "C" fn virtsev_error_json(error: *const virtsev_error) -> *const c_char {
    ask(error, ptr::null(), |told| told.json.as_ptr())
}

/// Frees an error and its strings. NULL is allowed. Since ABI 1.
#[unsafe(no_mangle)]
pub extern "C" fn virtsev_error_free(error: *mut virtsev_error) {
    plain((), || handles::free(error));
}

/// Frees a string that a function of this library wrote through a char ** of the caller. NULL is allowed. Since ABI 1.
#[unsafe(no_mangle)]
pub extern "C" fn virtsev_string_free(string: *mut c_char) {
    plain((), || handles::free_text(string));
}
