//! The boundary between C and Rust. In: pointers of a caller, a call. Out: a number, what the call made, an error.
//! Never: a panic that crosses, an answer beside an error.

use crate::error::{Failure, Told, virtsev_error};
use crate::handles::{self, Handle};
use std::any::Any;
use std::ffi::{CStr, c_char, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};
use virt_sev::{Error, Kind, Result};

/// A string that a caller gave; `name` is what errors call it.
///
/// # Errors
/// `Kind::Usage` for NULL and for what is not UTF-8.
///
/// # Safety
/// `given` is NULL, or a C string that nobody changes during `'a`.
pub(crate) unsafe fn text<'a>(given: *const c_char, name: &str) -> Result<&'a str> {
    // SAFETY: the caller's promise.
    unsafe { optional_text(given, name) }?
        .ok_or_else(|| Error::new(Kind::Usage, "NULL").at(name).wanted("a string"))
}

/// The same, where NULL has a meaning.
///
/// # Errors
/// `Kind::Usage` for what is not UTF-8.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn optional_text<'a>(given: *const c_char, name: &str) -> Result<Option<&'a str>> {
    if given.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, so a C string that stays as it is (the caller's promise).
    let bytes = unsafe { CStr::from_ptr(given) };
    bytes.to_str().map(Some).map_err(|e| {
        Error::new(Kind::Usage, "not text in UTF-8")
            .at(name)
            .found(format!("a byte that is none, after {} that are", e.valid_up_to()))
    })
}

/// A call that succeeds or fails, and makes nothing.
///
/// # Safety
/// `err` is NULL, or a place for a handle.
pub(crate) unsafe fn done(err: *mut *mut virtsev_error, call: impl FnOnce() -> Result<(), Failure>) -> c_int {
    match caught(call) {
        Ok(()) => 0,
        Err(failure) => plain(Kind::Bug.code().number, || {
            let told = Told::new(failure);
            let code = told.code;
            if !err.is_null() {
                let error = handles::give(told);
                // SAFETY: not NULL, so a place for a handle (the caller's promise).
                unsafe { err.write(error) };
            }
            code
        }),
    }
}

/// A call that makes a string.
///
/// # Safety
/// As [`done`], and `out` is NULL or a place for a string.
pub(crate) unsafe fn answer(
    out: *mut *mut c_char,
    err: *mut *mut virtsev_error,
    call: impl FnOnce() -> Result<String, Failure>,
) -> c_int {
    let write = || {
        wanted(out)?;
        let text = handles::give_text(call()?)?;
        // SAFETY: not NULL, so a place for a string (the caller's promise).
        unsafe { out.write(text) };
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { done(err, write) }
}

/// A call that makes a handle.
///
/// # Safety
/// As [`done`], and `out` is NULL or a place for a handle.
pub(crate) unsafe fn made<H: Handle>(
    out: *mut *mut H,
    err: *mut *mut virtsev_error,
    call: impl FnOnce() -> Result<H::Held, Failure>,
) -> c_int {
    let write = || {
        wanted(out)?;
        let handle = handles::give::<H>(call()?);
        // SAFETY: not NULL, so a place for a handle (the caller's promise).
        unsafe { out.write(handle) };
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { done(err, write) }
}

fn wanted<T>(out: *mut *mut T) -> Result<()> {
    if out.is_null() {
        return Err(Error::new(Kind::Usage, "NULL").at("out").wanted("a place for the answer"));
    }
    Ok(())
}

/// A call that cannot fail. Where it does panic, `otherwise`.
pub(crate) fn plain<T>(otherwise: T, call: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        said(panic);
        otherwise
    })
}

/// No value is left half changed by a panic: what a handle stands for changes as a whole.
fn caught<T>(call: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let error = Error::new(Kind::Bug, "virt-sev failed inside").found(said(panic));
        Err(error.hint("This is a fault of virt-sev: please report it with this text.").into())
    })
}

/// What a panic said.
fn said(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => match panic.downcast_ref::<&str>() {
            Some(text) => (*text).to_owned(),
            None => {
                // To drop what is not known could panic again.
                std::mem::forget(panic);
                "no text".to_owned()
            }
        },
    }
}

#[cfg(test)]
#[path = "boundary_tests.rs"]
mod tests;
