//! What a long call says on its way. In: steps. Out: calls of the caller's function.

use serde_json::json;
use std::ffi::{CString, c_char, c_void};
use virt_sev::launch::Step;

/// Hears of a step that is done: JSON with "step" ("defined", "started", "measured", "verified", "injected", "resumed") and
/// "text" for people. The string lives during the call only. Called on the thread of the function that it was given to,
/// which waits for it; it may call any function of this library, virtsev_cancel_ask() among them. It must return: no longjmp(), no exception and no end
/// of the thread may leave it. More steps may come.
pub type virtsev_progress = Option<unsafe extern "C" fn(opaque: *mut c_void, json: *const c_char)>;

/// Who hears of steps.
pub(crate) struct Listener {
    progress: virtsev_progress,
    opaque: *mut c_void,
}

impl Listener {
    pub(crate) fn new(progress: virtsev_progress, opaque: *mut c_void) -> Self {
        Self { progress, opaque }
    }

    pub(crate) fn hear(&self, step: Step) {
        let Some(progress) = self.progress else { return };
        let text = json!({ "step": step.name(), "text": step.to_string() }).to_string();
        let Ok(text) = CString::new(text) else { return };
        // SAFETY: the caller gave the function for just this, with its opaque.
        unsafe { progress(self.opaque, text.as_ptr()) }
    }
}
