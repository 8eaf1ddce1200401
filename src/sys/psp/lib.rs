//! `/dev/sev`: what the standard library cannot ask of it. In: a question of [`virt_sev::host::Device`]. Out: bytes, or
//! the system's error. Never: a command that changes the platform, or libvirt.
//!
//! A package of its own, because the core forbids unsafe code, and because the package around it links
//! libvirt, which `virt-sev` must not load. No crate has this ioctl behind a safe call without bringing the whole of
//! AMD's formats along, and the kernel shows the status nowhere else: its log, which the core reads too, has the version
//! alone. The one unsafe operation is the ioctl.
#![deny(unsafe_op_in_unsafe_fn)]

use rustix::io::Errno;
use rustix::ioctl::{Updater, ioctl, opcode};
use std::fs::{File, OpenOptions};
use std::io::{Error, Result};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use virt_sev::host::{Device, RealProbe, Status};

const PATH: &str = "/dev/sev";
/// More than any attribute asked for here has: the kernel's own limit is 64 KiB, and labels have some tens of bytes.
const LONGEST_ATTRIBUTE: usize = 64 << 10;

/// `struct sev_issue_cmd` (Linux `include/uapi/linux/psp-sev.h`), which is packed.
#[repr(C, packed)]
struct IssueCommand {
    command: u32,
    data: u64,
    error: u32,
}

/// `SEV_ISSUE_CMD`: `_IOWR('S', 0, struct sev_issue_cmd)`.
const ISSUE: rustix::ioctl::Opcode = opcode::read_write::<IssueCommand>(b'S', 0);

/// This machine with that device, as the daemon of the system or of the user (`session`) sees it.
#[must_use]
pub fn machine(session: bool) -> RealProbe {
    let probe = if session { RealProbe::session() } else { RealProbe::system() };
    probe.with(&SecureProcessor)
}

/// The device of this machine.
#[derive(Debug, Clone, Copy)]
pub struct SecureProcessor;

impl Device for SecureProcessor {
    fn status(&self, status: Status) -> Result<Vec<u8>> {
        // Reading suffices for a status. Whatever else bears this name must not make us wait.
        let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
        ask(&OpenOptions::new().read(true).custom_flags(nonblock).open(PATH)?, status)
    }

    fn attribute(&self, path: &Path, name: &str) -> Result<Option<Vec<u8>>> {
        let mut bytes = vec![0; LONGEST_ATTRIBUTE];
        match rustix::fs::getxattr(path, name, bytes.as_mut_slice()) {
            Ok(length) => {
                bytes.truncate(length);
                Ok(Some(bytes))
            }
            Err(Errno::NODATA | Errno::NOTSUP) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

/// The kernel gives up by itself on a Secure Processor that does not answer (`psp_cmd_timeout` of ccp).
fn ask(device: &File, status: Status) -> Result<Vec<u8>> {
    let mut answer = vec![0_u8; status.length()];
    let mut issue = IssueCommand {
        command: status.command(),
        // The kernel takes addresses as numbers of 64 bits.
        data: answer.as_mut_ptr().expose_provenance() as u64,
        error: 0,
    };
    // SAFETY: `SEV_ISSUE_CMD` takes this struct and no other.
    let operation = unsafe { Updater::<ISSUE, IssueCommand>::new(&mut issue) };
    // SAFETY: `issue` and `answer` live through the call and are used by nobody else; of `answer` the kernel writes the
    // struct of the command, whose size `Status::length` is. Another device than the Secure Processor's knows no such
    // number and refuses it.
    let done = unsafe { ioctl(device, operation) };
    match (done, issue.error) {
        (Ok(()), _) => Ok(answer),
        (Err(e), 0) => Err(e.into()),
        (Err(e), code) => Err(Error::other(format!("{}; the firmware says {code:#x}", Error::from(e)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    #[test]
    fn the_ioctl_is_the_one_of_the_header() {
        // _IOWR: both directions, 16 bytes, type 'S', number 0.
        assert_eq!((ISSUE, size_of::<IssueCommand>()), (0xc010_5300, 16));
    }

    #[test]
    fn another_device_is_an_error() {
        for path in ["/dev/null", "/dev/zero", "/proc/self/status"] {
            let e = ask(&File::open(path).unwrap(), Status::Platform).unwrap_err();
            assert_eq!(e.raw_os_error(), Some(Errno::NOTTY.raw_os_error()), "{path}: {e}");
        }
    }

    #[test]
    fn where_there_is_no_device_that_is_the_answer() {
        if !Path::new(PATH).exists() {
            let e = SecureProcessor.status(Status::Platform).unwrap_err();
            assert_eq!(e.kind(), ErrorKind::NotFound);
            assert_eq!(
                SecureProcessor.attribute(Path::new(PATH), "user.x").unwrap_err().kind(),
                ErrorKind::NotFound
            );
        }
    }

    #[test]
    fn an_attribute_is_read_and_one_that_is_not_there_is_none() {
        let file = std::env::temp_dir().join(format!("virt-sev-psp-{}", std::process::id()));
        std::fs::write(&file, "").unwrap();
        let none = SecureProcessor.attribute(&file, "user.virt-sev").unwrap();
        // Not every file system has them; where it has, the value comes back.
        let set = rustix::fs::setxattr(&file, "user.virt-sev", b"value", rustix::fs::XattrFlags::empty());
        let value = SecureProcessor.attribute(&file, "user.virt-sev").unwrap();
        std::fs::remove_file(&file).unwrap();
        assert_eq!((none, value), (None, set.is_ok().then(|| b"value".to_vec())));
    }
}
