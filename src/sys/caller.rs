//! Connections and domains that a caller holds already. In: libvirt's own pointers. Out: references of our own to the same.
//! Never: the end of the caller's reference, or a change of what libvirt does for the whole process.

use crate::connection::Libvirt;
use crate::error::told;
use crate::guest::LibvirtGuest;
use virt::connect::Connect;
use virt::domain::Domain;
use virt::sys::{virConnectPtr, virDomainPtr};
use virt_sev::{Error, Kind, Result};

/// Takes a reference of our own to the caller's connection.
///
/// # Errors
/// `Kind::Usage` for NULL; `Kind::Hypervisor` for a connection that libvirt does not take for one.
///
/// # Safety
/// `pointer` is NULL, or a connection that the caller holds for as long as this call lasts.
pub unsafe fn connection(pointer: virConnectPtr) -> Result<Libvirt> {
    if pointer.is_null() {
        return Err(Error::new(Kind::Usage, "the connection is NULL").wanted("an open virConnectPtr"));
    }
    // SAFETY: the caller holds the connection.
    if unsafe { virt::sys::virConnectRef(pointer) } < 0 {
        return Err(told("libvirt does not take this for a connection", &virt::error::Error::last_error()));
    }
    // SAFETY: the reference that was taken above is now the wrapper's.
    let connect = unsafe { Connect::from_ptr(pointer) };
    Libvirt::of_caller(connect)
}

/// Takes a reference of our own to the caller's domain, and to its connection.
///
/// # Errors
/// As [`connection`].
///
/// # Safety
/// `pointer` is NULL, or a domain that the caller holds for as long as this call lasts.
pub unsafe fn guest(pointer: virDomainPtr) -> Result<(Libvirt, LibvirtGuest)> {
    if pointer.is_null() {
        return Err(Error::new(Kind::Usage, "the domain is NULL").wanted("a virDomainPtr"));
    }
    // SAFETY: the caller holds the domain.
    if unsafe { virt::sys::virDomainRef(pointer) } < 0 {
        return Err(told("libvirt does not take this for a domain", &virt::error::Error::last_error()));
    }
    // SAFETY: the reference that was taken above is now the wrapper's.
    let domain = unsafe { Domain::from_ptr(pointer) };
    // SAFETY: the domain is alive, and libvirt lends its connection without a reference.
    let connect = unsafe { virt::sys::virDomainGetConnect(pointer) };
    // SAFETY: the domain, which is alive, holds its connection.
    let libvirt = unsafe { connection(connect) }?;
    Ok((libvirt, LibvirtGuest::new(domain)))
}
