//! The warden: a second small process, so that a guest never outlives its relay.
//! In: the process ids of relay and QEMU. Out: QEMU killed when the relay ends first. Never: anything else.

use crate::error::{Context, Error, Result};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, getppid, pidfd_open, pidfd_send_signal};

/// Waits until one of the two ends. The relay started this process.
///
/// # Errors
/// An argument is no process id.
pub fn run(relay: &str, qemu: &str) -> Result<()> {
    let pid = |text: &str| {
        let number = text.parse().at("a process id")?;
        Pid::from_raw(number).ok_or_else(|| Error::new("a process id is not 0"))
    };
    let (relay, qemu) = (pid(relay)?, pid(qemu)?);
    // QEMU gone already: nothing to guard.
    let Ok(qemu) = pidfd_open(qemu, PidfdFlags::empty()) else { return Ok(()) };
    let relay_fd = pidfd_open(relay, PidfdFlags::empty());
    // Another parent means that the relay ended before its descriptor was open.
    if let (Ok(relay_fd), Some(parent)) = (relay_fd, getppid())
        && parent == relay
    {
        let mut fds = [PollFd::new(&relay_fd, PollFlags::IN), PollFd::new(&qemu, PollFlags::IN)];
        while poll(&mut fds, None) == Err(rustix::io::Errno::INTR) {}
    }
    // A signal to a process that has ended fails, and that is as well.
    let _ = pidfd_send_signal(&qemu, Signal::KILL);
    Ok(())
}
