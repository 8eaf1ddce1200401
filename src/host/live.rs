//! What is no regular file on a running machine: a device's permissions, a register, the kernel's log. In: a name.
//! Out: a [`Fact`]. Never: a wait, or a change.

use super::acl;
use super::facts::Fact;
use super::machine::Access;
use super::probe::{Device, lost};
use super::status::Status;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// `O_NONBLOCK` of Linux on x86-64.
pub(super) const NONBLOCK: i32 = 0o4000;
/// One record of the log has at most 8 KiB (Linux kernel/printk, `PRINTKRB_RECORD_MAX`).
const RECORD: usize = 8 << 10;
/// More than any log buffer holds.
const MOST_RECORDS: usize = 1 << 17;

/// Of Linux.
const EIO: i32 = 5;
/// As `EIO`.
const EINVAL: i32 = 22;

/// Permissions, and whether we may open it.
pub(super) fn access(path: &Path, device: Option<&dyn Device>) -> Fact<Access> {
    match std::fs::metadata(path) {
        Ok(m) => {
            let ours = OpenOptions::new().read(true).write(true).custom_flags(NONBLOCK).open(path).is_ok();
            let acl = attribute(device, path, acl::ATTRIBUTE).and_then(|bytes| {
                let wrong = || Fact::Unreadable(format!("{}: of an unknown form", acl::ATTRIBUTE));
                acl::from_attribute(&bytes).map_or_else(wrong, Fact::Known)
            });
            Fact::Known(Access { mode: m.mode() & 0o7777, uid: m.uid(), gid: m.gid(), acl, ours: Some(ours) })
        }
        Err(e) => lost(path, &e),
    }
}

/// An extended attribute of a node.
pub(super) fn attribute(device: Option<&dyn Device>, path: &Path, name: &str) -> Fact<Vec<u8>> {
    let Some(device) = device else { return Fact::NotAsked };
    match device.attribute(path, name) {
        Ok(Some(bytes)) => Fact::Known(bytes),
        Ok(None) => Fact::Absent,
        Err(e) => lost(Path::new(name), &e),
    }
}

/// The Secure Processor's own word.
pub(super) fn status(device: Option<&dyn Device>, status: Status) -> Fact<Vec<u8>> {
    let Some(device) = device else { return Fact::NotAsked };
    match device.status(status) {
        Ok(bytes) => Fact::Known(bytes),
        // A kernel that does not know the command, or that has not initialised SEV-SNP.
        Err(e) if status == Status::Snp && e.raw_os_error() == Some(EINVAL) => Fact::Absent,
        Err(e) => lost(Path::new(status.name()), &e),
    }
}

/// Through the module `msr`, for root.
pub(super) fn msr(number: u32) -> Fact<u64> {
    let path = Path::new("/dev/cpu/0/msr");
    let mut bytes = [0; 8];
    match File::open(path).and_then(|f| f.read_exact_at(&mut bytes, number.into())) {
        Ok(()) => Fact::Known(u64::from_le_bytes(bytes)),
        // This processor has no such register (Linux arch/x86/kernel/msr.c).
        Err(e) if e.raw_os_error() == Some(EIO) => Fact::Absent,
        Err(e) => lost(path, &e),
    }
}

/// Each read gives one record: `PRIORITY,NUMBER,TIME,FLAGS;TEXT` and lines of attributes
/// (Linux `Documentation/ABI/testing/dev-kmsg`).
pub(super) fn kernel_log() -> Fact<String> {
    let path = Path::new("/dev/kmsg");
    let mut file = match OpenOptions::new().read(true).custom_flags(NONBLOCK).open(path) {
        Ok(file) => file,
        Err(e) => return lost(path, &e),
    };
    let (mut log, mut record) = (String::new(), vec![0; RECORD]);
    for _ in 0..MOST_RECORDS {
        match file.read(&mut record) {
            Ok(0) => break,
            Ok(length) => {
                let text = String::from_utf8_lossy(&record[..length]);
                let message = text.split_once(';').map_or("", |(_, m)| m).lines().next().unwrap_or("");
                log.push_str(message);
                log.push('\n');
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => break,
            // The record was overwritten meanwhile: the next one is read.
            Err(e) if e.kind() == ErrorKind::BrokenPipe || e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return lost(path, &e),
        }
    }
    Fact::Known(log)
}
