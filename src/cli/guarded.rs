//! The process keeps its memory to itself. In: nothing. Out: no memory image, and no debugger but root's.
//! Never: a key in a file that the kernel writes, or in the hands of another process of the same user.
//!
//! prctl(2), PR_SET_DUMPABLE. RLIMIT_CORE alone does not hold where `core_pattern` is a pipe (core(5)).

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// To be called first. A kernel that refuses is no reason to do nothing.
pub(crate) fn guard() {
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
