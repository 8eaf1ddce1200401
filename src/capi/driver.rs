//! The table for a program that loads the library while it runs. In: the ABI that it was built against. Out: every
//! function. Only ever appended to.

use crate::attest::{
    virtsev_inject, virtsev_measurement, virtsev_packet, virtsev_verify, virtsev_verify_domain,
};
use crate::cancel::{virtsev_cancel, virtsev_cancel_ask, virtsev_cancel_free, virtsev_cancel_new};
use crate::config::{
    virtsev_config, virtsev_config_free, virtsev_config_json, virtsev_config_load, virtsev_config_new,
    virtsev_config_option, virtsev_config_set,
};
use crate::error::{
    virtsev_error, virtsev_error_code, virtsev_error_free, virtsev_error_hint, virtsev_error_json,
    virtsev_error_message, virtsev_error_name, virtsev_string_free,
};
use crate::host::{_virConnect, _virDomain, virtsev_host};
use crate::launch::{virtsev_check, virtsev_define, virtsev_launch, virtsev_recover};
use crate::owner::{
    virtsev_owner, virtsev_owner_free, virtsev_owner_keys, virtsev_owner_new, virtsev_owner_secret,
    virtsev_owner_set,
};
use crate::plan::{
    virtsev_apply, virtsev_lint, virtsev_plan, virtsev_plan_free, virtsev_plan_json, virtsev_plan_new,
    virtsev_plan_xml,
};
use crate::progress::virtsev_progress;
use crate::session::virtsev_session;
use crate::version::{VIRTSEV_ABI_VERSION, virtsev_abi_version, virtsev_handle_count, virtsev_version};
use std::ffi::{c_char, c_int, c_void};
use std::ptr;

/// Every function of this header but virtsev_driver_get(), in its order, for a program that loads the library with dlopen(). A
/// newer library appends to it: a member is there where its end lies within the size.
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs)] // each member is the function of its name
pub struct virtsev_driver {
    /// The size of the library's table, in bytes.
    pub size: usize,
    /// The ABI of the table.
    pub abi: u32,
    pub abi_version: extern "C" fn() -> u32,
    pub version: extern "C" fn() -> *const c_char,
    pub handle_count: extern "C" fn() -> usize,
    pub error_code: extern "C" fn(error: *const virtsev_error) -> c_int,
    pub error_name: extern "C" fn(error: *const virtsev_error) -> *const c_char,
    pub error_message: extern "C" fn(error: *const virtsev_error) -> *const c_char,
    pub error_hint: extern "C" fn(error: *const virtsev_error) -> *const c_char,
    pub error_json: extern "C" fn(error: *const virtsev_error) -> *const c_char,
    pub error_free: extern "C" fn(error: *mut virtsev_error),
    pub string_free: extern "C" fn(string: *mut c_char),
    pub config_new: extern "C" fn() -> *mut virtsev_config,
    pub config_set: unsafe extern "C" fn(
        config: *mut virtsev_config,
        key: *const c_char,
        value: *const c_char,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub config_load: unsafe extern "C" fn(
        config: *mut virtsev_config,
        document: *const c_char,
        format: *const c_char,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub config_option: unsafe extern "C" fn(
        config: *mut virtsev_config,
        name: *const c_char,
        value: *const c_char,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub config_json: unsafe extern "C" fn(
        config: *const virtsev_config,
        json: *mut *mut c_char,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub config_free: extern "C" fn(config: *mut virtsev_config),
    pub apply: unsafe extern "C" fn(
        config: *const virtsev_config,
        xml: *const c_char,
        out: *mut *mut c_char,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub plan_new: unsafe extern "C" fn(
        config: *const virtsev_config,
        conn: *mut _virConnect,
        xml: *const c_char,
        plan: *mut *mut virtsev_plan,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub plan_json: unsafe extern "C" fn(
        plan: *const virtsev_plan,
        json: *mut *mut c_char,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub plan_xml: unsafe extern "C" fn(
        plan: *const virtsev_plan,
        xml: *mut *mut c_char,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub plan_free: extern "C" fn(plan: *mut virtsev_plan),
    pub lint: unsafe extern "C" fn(
        config: *const virtsev_config,
        xml: *const c_char,
        json: *mut *mut c_char,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub host: unsafe extern "C" fn(
        conn: *mut _virConnect,
        json: *mut *mut c_char,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub cancel_new: extern "C" fn() -> *mut virtsev_cancel,
    pub cancel_ask: unsafe extern "C" fn(cancel: *mut virtsev_cancel, err: *mut *mut virtsev_error) -> c_int,
    pub cancel_free: extern "C" fn(cancel: *mut virtsev_cancel),
    pub owner_new: extern "C" fn() -> *mut virtsev_owner,
    pub owner_set: unsafe extern "C" fn(
        owner: *mut virtsev_owner,
        name: *const c_char,
        value: *const c_char,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub owner_keys: unsafe extern "C" fn(
        owner: *mut virtsev_owner,
        tik: *const u8,
        tek: *const u8,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub owner_secret: unsafe extern "C" fn(
        owner: *mut virtsev_owner,
        name: *const c_char,
        secret: *const c_void,
        size: usize,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub owner_free: extern "C" fn(owner: *mut virtsev_owner),
    pub check: unsafe extern "C" fn(
        config: *const virtsev_config,
        conn: *mut _virConnect,
        xml: *const c_char,
        json: *mut *mut c_char,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub define: unsafe extern "C" fn(
        config: *const virtsev_config,
        conn: *mut _virConnect,
        xml: *const c_char,
        json: *mut *mut c_char,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub launch: unsafe extern "C" fn(
        config: *const virtsev_config,
        conn: *mut _virConnect,
        xml: *const c_char,
        owner: *const virtsev_owner,
        cancel: *const virtsev_cancel,
        progress: virtsev_progress,
        opaque: *mut c_void,
        json: *mut *mut c_char,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub recover: unsafe extern "C" fn(
        conn: *mut _virConnect,
        json: *mut *mut c_char,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub measurement: unsafe extern "C" fn(
        domain: *mut _virDomain,
        json: *mut *mut c_char,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub verify: unsafe extern "C" fn(
        owner: *const virtsev_owner,
        evidence: *const c_char,
        json: *mut *mut c_char,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub packet: unsafe extern "C" fn(
        owner: *const virtsev_owner,
        evidence: *const c_char,
        packet: *mut *mut c_char,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub verify_domain: unsafe extern "C" fn(
        owner: *const virtsev_owner,
        domain: *mut _virDomain,
        cancel: *const virtsev_cancel,
        progress: virtsev_progress,
        opaque: *mut c_void,
        json: *mut *mut c_char,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub inject: unsafe extern "C" fn(
        domain: *mut _virDomain,
        packet: *const c_char,
        resume: c_int,
        err: *mut *mut virtsev_error,
    ) -> c_int,
    pub session: unsafe extern "C" fn(
        owner: *const virtsev_owner,
        conn: *mut _virConnect,
        policy: u32,
        folder: *const c_char,
        json: *mut *mut c_char,
        err: *mut *mut virtsev_error,
    ) -> c_int,
}

static DRIVER: virtsev_driver = virtsev_driver {
    size: size_of::<virtsev_driver>(),
    abi: VIRTSEV_ABI_VERSION,
    abi_version: virtsev_abi_version,
    version: virtsev_version,
    handle_count: virtsev_handle_count,
    error_code: virtsev_error_code,
    error_name: virtsev_error_name,
    error_message: virtsev_error_message,
    error_hint: virtsev_error_hint,
    error_json: virtsev_error_json,
    error_free: virtsev_error_free,
    string_free: virtsev_string_free,
    config_new: virtsev_config_new,
    config_set: virtsev_config_set,
    config_load: virtsev_config_load,
    config_option: virtsev_config_option,
    config_json: virtsev_config_json,
    config_free: virtsev_config_free,
    apply: virtsev_apply,
    plan_new: virtsev_plan_new,
    plan_json: virtsev_plan_json,
    plan_xml: virtsev_plan_xml,
    plan_free: virtsev_plan_free,
    lint: virtsev_lint,
    host: virtsev_host,
    cancel_new: virtsev_cancel_new,
    cancel_ask: virtsev_cancel_ask,
    cancel_free: virtsev_cancel_free,
    owner_new: virtsev_owner_new,
    owner_set: virtsev_owner_set,
    owner_keys: virtsev_owner_keys,
    owner_secret: virtsev_owner_secret,
    owner_free: virtsev_owner_free,
    check: virtsev_check,
    define: virtsev_define,
    launch: virtsev_launch,
    recover: virtsev_recover,
    measurement: virtsev_measurement,
    verify: virtsev_verify,
    packet: virtsev_packet,
    verify_domain: virtsev_verify_domain,
    inject: virtsev_inject,
    session: virtsev_session,
};

/// The table of every function, for a program that loads the library with dlopen() and looks up this one name.
///
/// abi: the VIRTSEV_ABI_VERSION that the program was built against. NULL for an ABI that the library does not have. The
/// table is static: never freed. From any thread. Since ABI 1.
#[unsafe(no_mangle)]
pub extern "C" fn virtsev_driver_get(abi: u32) -> *const virtsev_driver {
    if (1..=VIRTSEV_ABI_VERSION).contains(&abi) { &raw const DRIVER } else { ptr::null() }
}
