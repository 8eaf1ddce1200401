//! Domains checked, defined and launched. In: keys, a connection, a document. Out: JSON answers, progress. Never: a guest
//! that runs unverified where an owner was given, or one left behind by a failure.

use crate::boundary::{answer, text};
use crate::cancel::virtsev_cancel;
use crate::config::{settings, virtsev_config};
use crate::error::{Failure, virtsev_error};
use crate::host::_virConnect;
use crate::online::{Online, connection};
use crate::owner::{holder, virtsev_owner};
use crate::progress::{Listener, virtsev_progress};
use crate::settings::Settings;
use serde_json::{Value, json};
use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use virt_sev::answer::document;
use virt_sev::domain::Domain;
use virt_sev::host::HostFacts;
use virt_sev::launch::journal::Journal;
use virt_sev::launch::{self, Asking, Holder, LOCAL_VERDICT, Ready};
use virt_sev::plan::Options;
use virt_sev::prepare::{Prepared, prepare};
use virt_sev::session::registry::Registry;
use virt_sev::{Error, Finding, Result};
use virt_sev_sys::Libvirt;

/// Whether a launch of this domain could begin on this host now, and what stands in its way: JSON, virt-sev/check/1, as
/// `virt-sev check --format json` has it. That it could not is an answer ("possible": false) and no error. Changes nothing.
///
/// config: the keys; where none asks for anything, what the domain's own <launchSecurity> asks for is checked. conn: a
/// virConnectPtr, of which a reference is taken for the time of the call. xml: the domain. json: the answer, for
/// virtsev_string_free().
///
/// VIRTSEV_ERR_CONFIG where nothing asks for SEV, and for the keys; VIRTSEV_ERR_DOMAIN; VIRTSEV_ERR_SESSION; VIRTSEV_ERR_FILE
/// where the record of launches cannot be read; VIRTSEV_ERR_HYPERVISOR; VIRTSEV_ERR_TIMEOUT for an answer of libvirt that
/// takes longer than the option "timeout"; VIRTSEV_ERR_USAGE. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_check(
    config: *const virtsev_config,
    conn: *mut _virConnect,
    xml: *const c_char,
    json: *mut *mut c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    let libvirt = unsafe { connection(conn) };
    // SAFETY: the same.
    let xml = unsafe { text(xml, "xml") };
    // SAFETY: the same.
    unsafe {
        answer(json, err, || {
            let settings = settings(config)?;
            let online = Online::new(libvirt?, settings.timeout, ptr::null())?;
            Ok(check(&settings, &online.asking(), xml?)?.to_string())
        })
    }
}

fn check(settings: &Settings, asking: &Asking<'_, Libvirt>, xml: &str) -> Result<Value> {
    let domain = Domain::parse(xml)?;
    let loaded = settings.resolve(Some(&domain))?;
    let wanted = launch::wanted(loaded.config, &domain)?;
    let host = asking.facts_for(settings.root().as_ref(), &domain, &wanted)?;
    let state = Registry::default_folder()?;
    let mut report = launch::check(asking, &domain, &wanted, &host, &settings.options, &state)?;
    report.findings.splice(0..0, loaded.notes);
    Ok(document("check", report.json()))
}

/// Makes a domain right, asks the host, and defines it: JSON, virt-sev/define/1, with "domain", "uuid" and "findings". What
/// fails defines nothing, but for a timeout: libvirt may still define the domain then, so look whether it did.
///
/// config, conn, xml, json: as virtsev_check(). A domain that no key is about is defined as it is, once its own
/// <launchSecurity>, where it has one, is found to be possible here.
///
/// VIRTSEV_ERR_NO where the host cannot do it; VIRTSEV_ERR_CONFIG for the keys alone; otherwise as virtsev_check().
/// Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_define(
    config: *const virtsev_config,
    conn: *mut _virConnect,
    xml: *const c_char,
    json: *mut *mut c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    let libvirt = unsafe { connection(conn) };
    // SAFETY: the same.
    let xml = unsafe { text(xml, "xml") };
    // SAFETY: the same.
    unsafe {
        answer(json, err, || {
            let settings = settings(config)?;
            let online = Online::new(libvirt?, settings.timeout, ptr::null())?;
            let asking = online.asking();
            let begun = begin(&settings, &asking, xml?, settings.options.clone())?;
            let defined = launch::define(&asking, begun.done.xml)?;
            Ok(document("define", with_findings(defined.json(), &begun.findings)).to_string())
        })
    }
}

/// Makes a domain right, asks the host, defines it, starts it paused, measures it and, where nothing else is to be done,
/// lets it run: JSON, virt-sev/launch/1, as `virt-sev launch --format json` has it, with "findings". "state" is "running",
/// or "paused" where a session wants its owner, who gets this answer as evidence and verifies it elsewhere; "verified" says
/// whether that was done here. Whatever fails, the guest is destroyed and the definition is what it was, which the error's
/// hint says; where that could not be done, it says so, and virtsev_recover() does it later.
///
/// config, conn, xml, json: as virtsev_define(). owner: what the guest's owner expects and holds, where the owner's keys are
/// here; the measurement is then verified, secrets are injected, and only then the guest runs. NULL otherwise. cancel: stops
/// the launch from another thread, or NULL. progress: called after each step on the thread of this call, with opaque; NULL
/// for none.
///
/// VIRTSEV_ERR_NO where the host cannot do it, and for a guest that is not verified; VIRTSEV_ERR_SESSION for a session that
/// was used, and for one that is not for this policy and the owner's keys; VIRTSEV_ERR_STATE for a guest that is active or a
/// launch that has not ended; VIRTSEV_ERR_INSECURE, where the owner's option "insecure" is not set, for an owner's keys on the
/// hypervisor's own machine, for "firmware", "num-cpus", "kernel", "initrd" or "cmdline" that the owner would have to take
/// from the domain, and for a kernel that is not measured; VIRTSEV_ERR_CANCELLED; VIRTSEV_ERR_CONFIG where nothing asks for
/// SEV, for an owner without a session, and for the "policy-file"; VIRTSEV_ERR_FILE and VIRTSEV_ERR_FIRMWARE for what the
/// owner expects; otherwise as virtsev_define(). Takes as long as the hypervisor does, each of its answers at most the option
/// "timeout" of the configuration. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_launch(
    config: *const virtsev_config,
    conn: *mut _virConnect,
    xml: *const c_char,
    owner: *const virtsev_owner,
    cancel: *const virtsev_cancel,
    progress: virtsev_progress,
    opaque: *mut c_void,
    json: *mut *mut c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    let libvirt = unsafe { connection(conn) };
    // SAFETY: the same.
    let xml = unsafe { text(xml, "xml") };
    // SAFETY: the same.
    unsafe {
        answer(json, err, || {
            let settings = settings(config)?;
            let online = Online::new(libvirt?, settings.timeout, cancel)?;
            let holder = if owner.is_null() { None } else { Some(holder(owner)?) };
            let listener = Listener::new(progress, opaque);
            Ok(launch(&settings, &online.asking(), xml?, holder, &listener)?.to_string())
        })
    }
}

fn launch(
    settings: &Settings,
    asking: &Asking<'_, Libvirt>,
    xml: &str,
    holder: Option<Holder>,
    listener: &Listener,
) -> Result<Value> {
    let local = match &holder {
        Some(holder) => asking.refuse_local(LOCAL_VERDICT, holder.expectation.insecure)?,
        None => false,
    };
    let mut options = settings.options.clone();
    options.injects_secret |= holder.as_ref().is_some_and(|holder| !holder.table.is_empty());
    let Begun { done, host, mut findings } = begin(settings, asking, xml, options.clone())?;
    let ready = Ready::new(asking, done, &host, &options, holder, local)?;
    findings.extend(ready.findings.iter().cloned());
    let launched = launch::launch(asking, ready, &Registry::default_folder()?, &|step| listener.hear(step))?;
    // A caller that cannot be told of a guest has none.
    match launched.json() {
        Ok(answer) => {
            launched.accept();
            Ok(document("launch", with_findings(answer, &findings)))
        }
        Err(e) => Err(launched.abandon(e)),
    }
}

/// Ends what launches that were cut off have left on this hypervisor, where the program that launched has died or could not
/// undo it itself: JSON, virt-sev/recover/1, with "told", a sentence for each. One that is under way is left alone.
///
/// conn: a virConnectPtr, of which a reference is taken for the time of the call. json: the answer, for
/// virtsev_string_free().
///
/// VIRTSEV_ERR_HYPERVISOR and others for launches that could not be ended, each of which is a problem of the error, and
/// whose records stay; the error's JSON has the "answer", what was told of all the others. VIRTSEV_ERR_TIMEOUT (60 s in all,
/// which no option changes: call it again for the rest); VIRTSEV_ERR_FILE; VIRTSEV_ERR_USAGE. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_recover(
    conn: *mut _virConnect,
    json: *mut *mut c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    let libvirt = unsafe { connection(conn) };
    // SAFETY: the same.
    unsafe {
        answer(json, err, || {
            let online = Online::new(libvirt?, None, ptr::null())?;
            let journal = Journal::below(&Registry::default_folder()?);
            let done = online.asking().ask("recovering", move |hv| launch::recover(&hv, &journal))?;
            let told = document("recover", json!({ "told": done.told }));
            match Error::many(done.problems) {
                Some(e) => Err(Failure::with_answer(e, told)),
                None => Ok(told.to_string()),
            }
        })
    }
}

/// What defining and launching have in common.
struct Begun {
    done: Prepared,
    host: HostFacts,
    findings: Vec<Finding>,
}

fn begin(settings: &Settings, asking: &Asking<'_, Libvirt>, xml: &str, options: Options) -> Result<Begun> {
    let domain = Domain::parse(xml.to_owned())?;
    let loaded = settings.resolve(Some(&domain))?;
    let root = settings.root();
    let (host, seen) = asking.host(&options, root.as_ref(), (&domain, None), loaded.config.as_ref())?;
    let done = prepare(&options, domain, None, loaded.config, &host)?;
    let mut findings = loaded.notes;
    findings.extend(seen.into_iter().flat_map(|seen| seen.findings));
    findings.extend(done.findings.iter().cloned());
    Ok(Begun { done, host, findings })
}

fn with_findings(mut answer: Value, findings: &[Finding]) -> Value {
    answer["findings"] = json!(findings);
    answer
}
