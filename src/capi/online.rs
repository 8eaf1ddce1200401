//! A caller's connection. In: libvirt's own pointers. Out: what asks it. Never: a wait without an end, or the end of the
//! caller's own reference.

use crate::cancel::virtsev_cancel;
use crate::handles;
use crate::host::{_virConnect, _virDomain};
use std::time::Duration;
use virt_sev::Result;
use virt_sev::launch::{Asking, Cancel};
use virt_sev_psp::machine;
use virt_sev_sys::{Libvirt, LibvirtGuest, NoPipeSignal, caller};

/// The longest wait for one answer, where the caller says none.
const LIMIT: Duration = Duration::from_secs(60);

/// A connection, how long it is waited for, and what ends the wait.
pub(crate) struct Online {
    libvirt: Libvirt,
    limit: Duration,
    cancel: Cancel,
    /// The daemon's end is not the caller's.
    _pipe: NoPipeSignal,
}

/// A reference of our own to the caller's connection.
///
/// # Errors
/// As [`caller::connection`].
///
/// # Safety
/// `conn` is NULL, or a connection that the caller holds during the call.
pub(crate) unsafe fn connection(conn: *mut _virConnect) -> Result<Libvirt> {
    // SAFETY: the caller's promise.
    unsafe { caller::connection(conn.cast()) }
}

/// References of our own to the caller's domain and to its connection.
///
/// # Errors
/// As [`caller::guest`].
///
/// # Safety
/// `domain` is NULL, or a domain that the caller holds during the call.
pub(crate) unsafe fn guest(domain: *mut _virDomain) -> Result<(Libvirt, LibvirtGuest)> {
    // SAFETY: the caller's promise.
    unsafe { caller::guest(domain.cast()) }
}

impl Online {
    /// Asks over this connection.
    ///
    /// # Errors
    /// `Kind::Usage` for a handle that does not live.
    pub(crate) fn new(
        libvirt: Libvirt,
        limit: Option<Duration>,
        cancel: *const virtsev_cancel,
    ) -> Result<Self> {
        let cancel =
            if cancel.is_null() { Cancel::default() } else { Cancel::clone(&*handles::find(cancel)?) };
        Ok(Self { libvirt, limit: limit.unwrap_or(LIMIT), cancel, _pipe: NoPipeSignal::new() })
    }

    /// What asks it.
    pub(crate) fn asking(&self) -> Asking<'_, Libvirt> {
        Asking { hypervisor: &self.libvirt, limit: self.limit, cancel: &self.cancel, machine }
    }
}
