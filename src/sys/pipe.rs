//! A daemon that dies in the middle of a call. In: the calling thread. Out: an error of libvirt's in place of SIGPIPE, which ends a
//! program that does not ignore it. Never: a change for the whole process.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;

/// Keeps SIGPIPE from this thread, and from those that it starts, until this is dropped.
#[derive(Debug)]
pub struct NoPipeSignal {
    /// Nothing is to be put back: the thread had it blocked before.
    blocked: bool,
    /// A mask is a thread's own.
    _here: PhantomData<*const ()>,
}

impl NoPipeSignal {
    /// From now on.
    #[must_use]
    pub fn new() -> Self {
        let mut before = MaybeUninit::uninit();
        let set = only_pipe();
        // SAFETY: both sets are ours; the call fails only for a wrong first argument.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, before.as_mut_ptr()) };
        // SAFETY: the call above wrote it.
        let before = unsafe { before.assume_init() };
        // SAFETY: a set that is initialised.
        let blocked = unsafe { libc::sigismember(&raw const before, libc::SIGPIPE) } == 1;
        Self { blocked, _here: PhantomData }
    }
}

impl Default for NoPipeSignal {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for NoPipeSignal {
    fn drop(&mut self) {
        if self.blocked {
            return;
        }
        let set = only_pipe();
        let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // One that came meanwhile would end the program now.
        // SAFETY: set and time are ours; nobody wants to know more of the signal.
        unsafe { libc::sigtimedwait(&raw const set, ptr::null_mut(), &raw const at_once) };
        // SAFETY: the set is ours; nobody wants the mask.
        unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut()) };
    }
}

fn only_pipe() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the set is ours to write.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the call above has initialised it.
    unsafe { libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE) };
    // SAFETY: the same.
    unsafe { set.assume_init() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{ErrorKind, Write as _};

    /// A C program was ended by its daemon's end: a Rust program ignores the signal, so the test takes that back.
    #[test]
    fn a_write_to_nobody_is_an_error_on_this_thread_and_on_those_it_starts() {
        // SAFETY: no function of ours is called by the signal; no other test of this package writes to nobody.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let fails = || {
            let (_, mut one) = std::io::pipe().unwrap();
            assert_eq!(one.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
        };
        for _ in 0..2 {
            let _quiet = NoPipeSignal::new();
            fails();
            let _again = NoPipeSignal::new();
            std::thread::spawn(fails).join().unwrap();
        }
        // SAFETY: as before; Rust's own choice again.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    }
}
