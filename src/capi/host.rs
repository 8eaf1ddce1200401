//! What the host can do. In: a connection, or none for this machine. Out: the report of `virt-sev host`.
//! Never: a change of anything.

use crate::boundary::answer;
use crate::error::virtsev_error;
use crate::online::{Online, connection};
use std::ffi::{c_char, c_int};
use std::ptr;
use virt_sev::answer::document;
use virt_sev::host::HostFacts;
use virt_sev::launch::{CapsQuery, Hypervisor as _};
use virt_sev::preflight::HostReport;
use virt_sev_psp::machine;

/// libvirt's, of which nothing is known here.
#[derive(Debug)]
pub struct _virConnect {
    _opaque: [u8; 0],
}

/// libvirt's, of which nothing is known here.
#[derive(Debug)]
pub struct _virDomain {
    _opaque: [u8; 0],
}

/// What the host offers, mode by mode, with what is missing and what to do: JSON, virt-sev/host/1, as `virt-sev host
/// --format json` has it. A host that can do nothing is an answer and no error.
///
/// conn: a virConnectPtr, of which a reference is taken for the time of the call; of a remote host only libvirt's facts
/// are known. NULL for this machine, without libvirt. json: the answer, for virtsev_string_free().
///
/// VIRTSEV_ERR_HYPERVISOR, VIRTSEV_ERR_TIMEOUT (60 s, which no option changes); VIRTSEV_ERR_USAGE. From any thread; takes
/// some tens of milliseconds, since firmware is read. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_host(
    conn: *mut _virConnect,
    json: *mut *mut c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    let libvirt = unsafe { connection(conn) };
    // SAFETY: the same.
    unsafe {
        answer(json, err, || {
            let report = if conn.is_null() {
                HostReport::new("this machine", &HostFacts::gather(&machine(false), &[]))
            } else {
                let online = Online::new(libvirt?, None, ptr::null())?;
                let asking = online.asking();
                HostReport::new(asking.hypervisor.uri(), &asking.facts(None, CapsQuery::default(), &[])?)
            };
            Ok(document("host", report.json()).to_string())
        })
    }
}
