//! What a guest owner expects and holds. In: texts and bytes of a caller. Out: an owner behind a handle. Never: a key or a
//! secret in a text.

use crate::boundary::{bytes, done, optional_text, plain, text};
use crate::error::virtsev_error;
use crate::handles::{self, Changing, Handle, change};
use crate::owned::Owned;
use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;
use virt_sev::Result;
use virt_sev::launch::Holder;

/// What a guest owner expects of a launch, and the keys and secrets that go with it. A function that takes one reads it as
/// it is at that moment. Keys and secrets are wiped when it is freed.
#[derive(Debug)]
pub struct virtsev_owner {
    _opaque: [u8; 0],
}

impl Handle for virtsev_owner {
    type Held = Changing<Owned>;
    const NAME: &'static str = "virtsev_owner";
}

/// The owner as it is now.
pub(crate) fn owned(owner: *const virtsev_owner) -> Result<Arc<Owned>> {
    handles::now(owner)
}

/// Keys, secrets and expectation, read and checked.
pub(crate) fn holder(owner: *const virtsev_owner) -> Result<Holder> {
    owned(owner)?.holder()
}

/// Makes an owner who expects nothing yet. The caller frees it with virtsev_owner_free(). NULL only when virt-sev fails
/// inside. Since ABI 1.
#[unsafe(no_mangle)]
pub extern "C" fn virtsev_owner_new() -> *mut virtsev_owner {
    plain(ptr::null_mut(), || handles::give(Changing::default()))
}

/// Sets what is expected, by the name of an option of `virt-sev verify` or `virt-sev session`. NULL for the value takes it
/// back.
///
/// name and value: files that the guest starts from: "firmware", "kernel", "initrd"; "cmdline", its text. Processors:
/// "num-cpus"; "vcpu-type", such as "EPYC-Milan"; "vcpu-sig", a number; "cpu-family", "cpu-model", "cpu-stepping";
/// "guest-features", a number; "legacy-vm-type", "on" or "off"; "vmsa-cpu0", "vmsa-cpu1", files. What the platform is to
/// report: "policy", "api-major", "api-minor", "build-id", numbers. "policy-file", what is acceptable, a file. Keys in files:
/// "tik" and "tek", or "tk". "inject-secret", NAME:PATH (adds to those there). "insecure", "true" permits what proves less
/// than it seems to. For virtsev_verify_domain(): "ignore-config", "true" leaves the guest's configuration unlooked at;
/// "timeout", seconds (60), which counts in virtsev_session() too; virtsev_launch() has its configuration's. For
/// virtsev_session(): "chain", a file of the platform's certificates (adds to those there); "ca", "cek", files; "chip-id",
/// hexadecimal; "bundle", the file to write. Numbers are decimal, or hexadecimal with 0x. Files are read when they are used.
///
/// VIRTSEV_ERR_USAGE for a name or a value that there is not. What fails changes nothing. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_owner_set(
    owner: *mut virtsev_owner,
    name: *const c_char,
    value: *const c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    let name = unsafe { text(name, "name") };
    // SAFETY: the same.
    let value = unsafe { optional_text(value, "value") };
    // SAFETY: the same.
    unsafe {
        done(err, || {
            let (name, value) = (name?, value?);
            Ok(change(owner, |owned| owned.set(name, value))?)
        })
    }
}

/// Sets the keys of the session, in place of files.
///
/// tik, tek: 16 bytes each, which are copied.
///
/// VIRTSEV_ERR_USAGE for NULL. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_owner_keys(
    owner: *mut virtsev_owner,
    tik: *const u8,
    tek: *const u8,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header, and 16 bytes as this function's says.
    let tik = unsafe { bytes(tik.cast(), 16, "tik") };
    // SAFETY: the same.
    let tek = unsafe { bytes(tek.cast(), 16, "tek") };
    // SAFETY: the same.
    unsafe {
        done(err, || {
            let (tik, tek) = (tik?, tek?);
            Ok(change(owner, |owned| owned.keys(tik, tek))?)
        })
    }
}

/// Adds a secret to inject once the guest is verified.
///
/// name: "luks-key" and the other names that `virt-sev verify --inject-secret` knows, or a GUID. secret, size: its
/// bytes, which are copied.
///
/// VIRTSEV_ERR_USAGE for a name that is neither, for one that stands already, for NULL, and for a secret that is empty or does
/// not fit into a packet. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_owner_secret(
    owner: *mut virtsev_owner,
    name: *const c_char,
    secret: *const c_void,
    size: usize,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    let name = unsafe { text(name, "name") };
    // SAFETY: the same, and `size` bytes as this function's says.
    let secret = unsafe { bytes(secret, size, "secret") };
    // SAFETY: the same.
    unsafe {
        done(err, || {
            let (name, secret) = (name?, secret?);
            Ok(change(owner, |owned| owned.secret(name, secret))?)
        })
    }
}

/// Frees an owner; keys and secrets are wiped. NULL is allowed. Since ABI 1.
#[unsafe(no_mangle)]
pub extern "C" fn virtsev_owner_free(owner: *mut virtsev_owner) {
    plain((), || handles::free(owner));
}
