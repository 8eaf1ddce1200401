//! Stops a long call from another thread. In: a wish. Out: `VIRTSEV_ERR_CANCELLED` from the call.

use crate::boundary::{done, plain};
use crate::error::virtsev_error;
use crate::handles::{self, Handle};
use std::ffi::c_int;
use std::ptr;
use virt_sev::launch::Cancel;

/// Stops a long call from another thread, or from the call's own progress callback.
#[derive(Debug)]
pub struct virtsev_cancel {
    _opaque: [u8; 0],
}

impl Handle for virtsev_cancel {
    type Held = Cancel;
    const NAME: &'static str = "virtsev_cancel";
}

/// Makes one. It serves any number of calls, and once asked it stays so: make a new one for the next. The caller frees
/// it with virtsev_cancel_free(). Since ABI 1.
#[unsafe(no_mangle)]
pub extern "C" fn virtsev_cancel_new() -> *mut virtsev_cancel {
    plain(ptr::null_mut(), || handles::give(Cancel::default()))
}

/// Asks the calls that were given this to stop: each returns VIRTSEV_ERR_CANCELLED. A launch has undone then what it did; what
/// virtsev_verify_domain() may leave stands there. A call that has let its guest run returns 0. From any thread, not from a
/// signal handler. VIRTSEV_ERR_USAGE for a handle that does not live. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_cancel_ask(
    cancel: *mut virtsev_cancel,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    unsafe {
        done(err, || {
            handles::find(cancel)?.cancel();
            Ok(())
        })
    }
}

/// Frees one. A call that was given it goes on. NULL is allowed. Since ABI 1.
#[unsafe(no_mangle)]
pub extern "C" fn virtsev_cancel_free(cancel: *mut virtsev_cancel) {
    plain((), || handles::free(cancel));
}
