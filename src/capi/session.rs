//! Sessions for a guest owner. In: a platform's certificates. Out: the files of a fresh session. Never: a key in an answer.

use crate::boundary::{answer, text};
use crate::error::virtsev_error;
use crate::host::_virConnect;
use crate::online::{Online, connection};
use crate::owned::Owned;
use crate::owner::{owned, virtsev_owner};
use serde_json::Value;
use std::ffi::{c_char, c_int};
use std::path::Path;
use std::ptr;
use virt_sev::answer::document;
use virt_sev::launch::LOCAL_KEYS;
use virt_sev::session::chain::Chain;
use virt_sev::session::make::{Order, make, read};
use virt_sev::{Error, Kind, Result};

/// Makes fresh keys for one launch on one platform, and writes them into a folder: tek.bin and tik.bin (the owner's), and
/// godh.b64, session.b64 and keys.yaml (the host's), all of them or none, of mode 0600. JSON, virt-sev/session/1, as
/// `virt-sev session --format json` has it, with "warning", null unless the option "insecure" let one pass. No key is in the
/// answer.
///
/// owner: where its options "chain", "ca", "cek", "chip-id", "bundle", "firmware" (its digest goes into the bundle),
/// "insecure" and, with conn, "timeout" count. conn: a virConnectPtr of the platform, which must not be this machine; NULL,
/// and the option "chain" says where its certificates are. policy: of the guest. folder: made where it is missing; no file in
/// it is overwritten. json: the answer, for virtsev_string_free().
///
/// VIRTSEV_ERR_CERTIFICATE for a chain that does not lead to AMD's root or that of "ca"; VIRTSEV_ERR_CONFIG for a policy that
/// sets reserved bits; VIRTSEV_ERR_INSECURE for a platform that is this machine; VIRTSEV_ERR_FIRMWARE; VIRTSEV_ERR_FILE;
/// VIRTSEV_ERR_HYPERVISOR; VIRTSEV_ERR_TIMEOUT; VIRTSEV_ERR_USAGE. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_session(
    owner: *const virtsev_owner,
    conn: *mut _virConnect,
    policy: u32,
    folder: *const c_char,
    json: *mut *mut c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    let libvirt = unsafe { connection(conn) };
    // SAFETY: the same.
    let folder = unsafe { text(folder, "folder") };
    // SAFETY: the same.
    unsafe {
        answer(json, err, || {
            let (owned, folder) = (owned(owner)?, folder?);
            let chain = if conn.is_null() {
                of_files(&owned)?
            } else {
                of_platform(&Online::new(libvirt?, owned.timeout, ptr::null())?, &owned)?
            };
            Ok(session(&owned, chain, policy, Path::new(folder))?.to_string())
        })
    }
}

fn of_files(owned: &Owned) -> Result<Chain> {
    if owned.chain.is_empty() {
        return Err(Error::new(Kind::Usage, "there is neither a connection nor a chain")
            .wanted("a virConnectPtr, or the owner's option chain"));
    }
    read(&owned.chain)
}

fn of_platform(online: &Online, owned: &Owned) -> Result<Chain> {
    let asking = online.asking();
    asking.refuse_local(LOCAL_KEYS, owned.expectation.insecure)?;
    asking.chain()
}

fn session(owned: &Owned, chain: Chain, policy: u32, folder: &Path) -> Result<Value> {
    let roots = owned.trust.roots()?;
    let (chain, _) = owned.trust.complete(chain)?;
    let order = Order {
        policy,
        folder: folder.to_owned(),
        bundle: owned.bundle.clone(),
        firmware: owned.expectation.boot.firmware.clone(),
        insecure: owned.expectation.insecure,
    };
    Ok(document("session", make(&chain, &roots, &order)?.json()))
}
