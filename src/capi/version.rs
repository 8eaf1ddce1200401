//! What this library is. In: nothing. Out: its ABI, its version, what lives.

use crate::boundary::plain;
use crate::handles;
use std::ffi::{CStr, c_char};

/// The version of the C ABI that this header is of. virtsev_abi_version() says what a library has.
pub const VIRTSEV_ABI_VERSION: u32 = 1;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(text) => text,
    Err(_) => c"",
};

/// The version of the C ABI that the library has. One that is as high as VIRTSEV_ABI_VERSION or higher has everything
/// that this header declares. From any thread. Since ABI 1.
#[unsafe(no_mangle)]
pub extern "C" fn virtsev_abi_version() -> u32 {
    VIRTSEV_ABI_VERSION
}

/// The version of virt-sev, such as "0.1.0". Static: never freed. From any thread. Since ABI 1.
#[unsafe(no_mangle)]
pub extern "C" fn virtsev_version() -> *const c_char {
    VERSION.as_ptr()
}

/// How many handles and strings live that a caller has to free: the same before and after, and nothing was forgotten.
/// From any thread. Since ABI 1.
#[unsafe(no_mangle)]
pub extern "C" fn virtsev_handle_count() -> usize {
    plain(0, handles::count)
}

/// Panics inside, for the test that it does not come out. Not in a release.
#[cfg(debug_assertions)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_debug_panic(err: *mut *mut crate::error::virtsev_error) -> std::ffi::c_int {
    #[allow(clippy::panic)] // what it is for
    // SAFETY: the contract at the head of the header.
    unsafe {
        crate::boundary::done(err, || panic!("asked to panic"))
    }
}
