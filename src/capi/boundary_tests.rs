//! What crosses the boundary, and what does not.

use super::*;
use crate::error::{virtsev_error_code, virtsev_error_free, virtsev_error_json, virtsev_error_message};
use std::ptr;

fn code_and_text(call: impl FnOnce() -> Result<(), Failure>) -> (c_int, String) {
    let mut error = ptr::null_mut();
    // SAFETY: a place for a handle.
    let code = unsafe { done(&raw mut error, call) };
    assert_eq!(virtsev_error_code(error), code);
    // SAFETY: the error lives, and so its text.
    let text = unsafe { CStr::from_ptr(virtsev_error_message(error)) }.to_str().unwrap().to_owned();
    virtsev_error_free(error);
    (code, text)
}

#[test]
fn a_panic_is_an_error_with_its_text() {
    let calls: [(fn(), &str); 3] = [
        (|| panic!("a text"), "found a text"),
        (|| panic!("a number: {}", std::process::id()), &format!("found a number: {}", std::process::id())),
        (|| std::panic::panic_any(7_u8), "found no text"),
    ];
    for (call, text) in calls {
        let (code, told) = code_and_text(|| {
            call();
            Ok(())
        });
        assert_eq!(code, Kind::Bug.code().number);
        assert!(told.ends_with(text), "{told}");
    }
    assert_eq!(plain(7, || panic!("a text")), 7);
}

#[test]
fn without_a_place_for_the_error_the_number_comes_all_the_same() {
    // SAFETY: NULL is allowed.
    let code = unsafe { done(ptr::null_mut(), || Err(Error::new(Kind::State, "no").into())) };
    assert_eq!(code, -11);
}

#[test]
fn an_answer_that_no_c_string_can_hold_is_a_fault_and_no_half_of_it() {
    let mut out = ptr::dangling_mut::<c_char>();
    let before = out;
    let (code, told) = {
        let mut error = ptr::null_mut();
        // SAFETY: places for a string and a handle.
        let code = unsafe { answer(&raw mut out, &raw mut error, || Ok("a\0b".into())) };
        // SAFETY: the error lives, and so its text.
        let text = unsafe { CStr::from_ptr(virtsev_error_message(error)) }.to_str().unwrap().to_owned();
        virtsev_error_free(error);
        (code, text)
    };
    assert_eq!((code, out), (Kind::Bug.code().number, before), "{told}");
}

#[test]
fn what_a_host_refused_is_explained_line_by_line_and_what_the_caller_did_is_not() {
    let hint = |kind| {
        let refused = Error::new(kind, "cannot limit locked memory of process 7").hint("Undone.");
        let told = Told::new(refused.into());
        told.hint.unwrap().into_string().unwrap()
    };
    let lines = hint(Kind::Hypervisor);
    let lines: Vec<&str> = lines.lines().collect();
    assert!(lines[0] == "Undone." && lines[2].starts_with("Most likely: The daemon runs in a"), "{lines:?}");
    assert_eq!(lines.last(), Some(&"`virt-sev explain memory-limit-denied` tells more."));
    assert_eq!(hint(Kind::Config), "Undone.");
}

#[test]
fn a_verdict_of_no_brings_its_answer() {
    let mut error = ptr::null_mut();
    let no =
        || Err(Failure::with_answer(Error::new(Kind::No, "not verified"), serde_json::json!({ "a": 1 })));
    // SAFETY: a place for a handle.
    let code = unsafe { done(&raw mut error, no) };
    // SAFETY: the error lives, and so its text.
    let json = unsafe { CStr::from_ptr(virtsev_error_json(error)) }.to_str().unwrap().to_owned();
    virtsev_error_free(error);
    assert!(code == -1 && json.ends_with(",\"answer\":{\"a\":1}}"), "{json}");
}
