//! What the host can do. In: a connection, or none for this machine. Out: the report of `virt-sev host`.
//! Never: a change of anything.

use crate::boundary::answer;
use crate::error::virtsev_error;
use std::ffi::{c_char, c_int};
use virt_sev::host::{HostFacts, RealProbe};
use virt_sev::preflight::HostReport;
use virt_sev::{Error, Kind, Result};
use virt_sev_psp::SecureProcessor;

/// libvirt's, of which nothing is known here.
#[derive(Debug)]
pub struct _virConnect {
    _opaque: [u8; 0],
}

/// What the host offers, mode by mode, with what is missing and what to do: JSON, virt-sev/host/1, as `virt-sev host
/// --format json` has it. A host that can do nothing is an answer and no error.
///
/// conn: NULL for this machine, without libvirt. json: the answer, for virtsev_string_free().
///
/// VIRTSEV_ERR_USAGE. From any thread; takes some tens of milliseconds, since firmware is read. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_host(
    conn: *mut _virConnect,
    json: *mut *mut c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    unsafe {
        answer(json, err, || {
            offline(conn)?;
            let facts = HostFacts::gather(&RealProbe::system().with(&SecureProcessor), &[]);
            Ok(virt_sev::answer::document("host", HostReport::new("this machine", &facts).json()).to_string())
        })
    }
}

/// Refuses a connection: no function takes one yet.
pub(crate) fn offline(conn: *mut _virConnect) -> Result<()> {
    if conn.is_null() {
        return Ok(());
    }
    Err(Error::new(Kind::Usage, "a connection cannot be given yet").at("conn").wanted("NULL"))
}
