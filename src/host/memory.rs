//! The host's memory. In: `/proc/meminfo`. Out: [`Memory`]. Never: a judgement.

use super::facts::Fact;
use super::probe::Probe;
use std::path::Path;

/// Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// `MemTotal`.
    pub total: u64,
    /// `MemAvailable`: what can be had without swapping (Linux `Documentation/filesystems/proc.rst`).
    pub available: u64,
}

/// Reads it.
pub(super) fn memory(probe: &dyn Probe) -> Fact<Memory> {
    let path = Path::new("/proc/meminfo");
    probe.read(path, 1 << 20).and_then(|bytes| {
        let text = String::from_utf8_lossy(&bytes);
        let field = |name: &str| -> Option<u64> {
            let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':'))?;
            line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
        };
        match (field("MemTotal"), field("MemAvailable")) {
            (Some(total), Some(available)) => Fact::Known(Memory { total, available }),
            _ => Fact::Unreadable(format!("{}: no MemTotal or MemAvailable", path.display())),
        }
    })
}
