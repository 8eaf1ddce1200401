//! A domain document made right. In: keys, a document. Out: the document, a plan, or the rules that it breaks.

use crate::boundary::{answer, made, plain, text};
use crate::config::{settings, virtsev_config};
use crate::error::virtsev_error;
use crate::handles::{self, Handle};
use crate::host::_virConnect;
use crate::online::{Online, connection};
use crate::planned::{Planned, facts, lint};
use crate::settings::Settings;
use std::ffi::{c_char, c_int};
use std::ptr;
use virt_sev::config::SevConfig;
use virt_sev::domain::Domain;

/// What the rules decided for one document.
#[derive(Debug)]
pub struct virtsev_plan {
    _opaque: [u8; 0],
}

impl Handle for virtsev_plan {
    type Held = Planned;
    const NAME: &'static str = "virtsev_plan";
}

/// Makes a domain document right, as `virt-sev apply` does. What is right already comes back byte for byte, and so does a
/// document for which no key asks for SEV.
///
/// xml: the domain. out: the document, for virtsev_string_free().
///
/// VIRTSEV_ERR_DOMAIN where it cannot be made right; VIRTSEV_ERR_CONFIG and VIRTSEV_ERR_SESSION for the keys; VIRTSEV_ERR_NO
/// where the host of the option "host-root" cannot do it; VIRTSEV_ERR_USAGE. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_apply(
    config: *const virtsev_config,
    xml: *const c_char,
    out: *mut *mut c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    let xml = unsafe { text(xml, "xml") };
    // SAFETY: the same.
    unsafe {
        answer(out, err, || {
            let settings = settings(config)?;
            let offline = |domain: &Domain<'_>, config: &SevConfig| Ok(facts(&settings, domain, config));
            Ok(Planned::new(&settings, xml?, offline)?.xml()?)
        })
    }
}

/// Decides what makes a document right, and changes nothing. Rules that refuse the document do not fail here: the plan
/// says so.
///
/// conn: a virConnectPtr whose host is asked, of which a reference is taken for the time of the call; NULL, and the host is
/// not asked, or the files of the option "host-root" stand for it. xml: the domain. plan: the plan, for virtsev_plan_free(); it needs neither the
/// configuration nor the connection any more.
///
/// VIRTSEV_ERR_DOMAIN for what is no domain; VIRTSEV_ERR_CONFIG and VIRTSEV_ERR_SESSION for the keys;
/// VIRTSEV_ERR_HYPERVISOR, VIRTSEV_ERR_TIMEOUT; VIRTSEV_ERR_USAGE. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_plan_new(
    config: *const virtsev_config,
    conn: *mut _virConnect,
    xml: *const c_char,
    plan: *mut *mut virtsev_plan,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    let libvirt = unsafe { connection(conn) };
    // SAFETY: the same.
    let xml = unsafe { text(xml, "xml") };
    // SAFETY: the same.
    unsafe {
        made(plan, err, || {
            let settings = settings(config)?;
            if conn.is_null() {
                let offline = |domain: &Domain<'_>, config: &SevConfig| Ok(facts(&settings, domain, config));
                return Ok(Planned::new(&settings, xml?, offline)?);
            }
            let online = Online::new(libvirt?, settings.timeout, ptr::null())?;
            let root = settings.root();
            let asked = |domain: &Domain<'_>, config: &SevConfig| {
                online.asking().facts_for(root.as_ref(), domain, config)
            };
            Ok(Planned::new(&settings, xml?, asked)?)
        })
    }
}

/// The plan as JSON, virt-sev/plan/1: "mode" (null where nothing asks for SEV), "errors" (how many findings are), "edits"
/// and "findings" as `virt-sev apply --format json` has them, findings that are errors among them.
///
/// json: the answer, for virtsev_string_free(). VIRTSEV_ERR_USAGE. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_plan_json(
    plan: *const virtsev_plan,
    json: *mut *mut c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    unsafe { answer(json, err, || Ok(handles::find(plan)?.json().to_string())) }
}

/// The document with every edit made: all of them or, where a finding is an error, none.
///
/// xml: the document, for virtsev_string_free(). VIRTSEV_ERR_DOMAIN, or VIRTSEV_ERR_NO where only the host is at fault, with
/// every finding that is an error; VIRTSEV_ERR_USAGE. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_plan_xml(
    plan: *const virtsev_plan,
    xml: *mut *mut c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    unsafe { answer(xml, err, || Ok(handles::find(plan)?.xml()?)) }
}

/// Frees a plan. NULL is allowed. Since ABI 1.
#[unsafe(no_mangle)]
pub extern "C" fn virtsev_plan_free(plan: *mut virtsev_plan) {
    plain((), || handles::free(plan));
}

/// Which rules a document breaks: JSON, virt-sev/lint/1, as `virt-sev lint --format json` has it. A document that breaks
/// rules is an answer and no error.
///
/// config: the keys to judge by, above those in the domain's metadata; NULL, and without keys, the domain is judged by its
/// own: those in its metadata, or what its `<launchSecurity>` stands for. json: the answer, for virtsev_string_free().
///
/// VIRTSEV_ERR_DOMAIN for what is no domain; VIRTSEV_ERR_CONFIG and VIRTSEV_ERR_SESSION for the keys; VIRTSEV_ERR_USAGE.
/// Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_lint(
    config: *const virtsev_config,
    xml: *const c_char,
    json: *mut *mut c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    let xml = unsafe { text(xml, "xml") };
    // SAFETY: the same.
    unsafe {
        answer(json, err, || {
            let given = if config.is_null() { Default::default() } else { settings(config)? };
            let given: &Settings = &given;
            Ok(lint(given, xml?)?.to_string())
        })
    }
}
