//! Launched guests verified. In: evidence, or a guest on a connection; what its owner expects and holds. Out: a verdict,
//! packets, secrets injected. Never: a secret for a guest that was not verified, or a no that looks like a yes.

use crate::boundary::{answer, done, text};
use crate::cancel::virtsev_cancel;
use crate::error::{Failure, virtsev_error};
use crate::host::_virDomain;
use crate::online::{Online, guest};
use crate::owner::{holder, owned, virtsev_owner};
use crate::progress::{Listener, virtsev_progress};
use serde_json::Value;
use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use virt_sev::answer::document;
use virt_sev::inject::file::PacketFile;
use virt_sev::launch::{
    Deliver, Guest, GuestState, Holder, LOCAL_VERDICT, Reported, Terms, appraise, deliver, is_active,
};
use virt_sev::measure::evidence::LaunchReport;
use virt_sev::measure::verify::Evidence;
use virt_sev::owner::{Judge, Judgement, judge, keys};
use virt_sev::session::registry::Registry;
use virt_sev::{Error, Kind, Result};

/// What a launched guest reports: evidence for its owner, JSON, virt-sev/measurement/1, as `virt-sev measurement -o` writes
/// it.
///
/// domain: a virDomainPtr, of which a reference is taken for the time of the call. json: the answer, for
/// virtsev_string_free().
///
/// VIRTSEV_ERR_STATE for a guest that is off, has no launch security, or is one of SEV-SNP, which attests itself from
/// inside; VIRTSEV_ERR_HYPERVISOR; VIRTSEV_ERR_TIMEOUT (60 s, which no option changes); VIRTSEV_ERR_USAGE. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_measurement(
    domain: *mut _virDomain,
    json: *mut *mut c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    let found = unsafe { guest(domain) };
    // SAFETY: the same.
    unsafe {
        answer(json, err, || {
            let (libvirt, guest) = found?;
            let name = guest.name()?;
            let online = Online::new(libvirt, None, ptr::null())?;
            let asked = name.clone();
            let reported = online.asking().of(&guest, "reading the launch measurement", move |guest| {
                is_active(guest, &asked)?;
                Reported::of(guest)
            })?;
            Ok(reported.evidence().map_err(|e| e.at(name))?.to_text())
        })
    }
}

/// Verifies evidence off line: nothing is asked of anybody. JSON, virt-sev/verify/1, as `virt-sev verify --format json` has
/// it; 0 means that the guest is verified. A session that was answered is recorded, and evidence of another launch of it is
/// refused.
///
/// owner: what is expected, with the keys of the session. evidence: what virtsev_measurement() or virtsev_launch() gave.
/// json: the answer, for virtsev_string_free().
///
/// VIRTSEV_ERR_NO for a guest that is not verified; the error says what single change would explain it, and its JSON has the
/// "answer". VIRTSEV_ERR_FILE for what is no evidence and for files that cannot be read; VIRTSEV_ERR_SESSION for a second
/// launch of a session; VIRTSEV_ERR_CONFIG for a "policy-file" that is none; VIRTSEV_ERR_FIRMWARE; VIRTSEV_ERR_USAGE.
/// Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_verify(
    owner: *const virtsev_owner,
    evidence: *const c_char,
    json: *mut *mut c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    let evidence = unsafe { text(evidence, "evidence") };
    // SAFETY: the same.
    unsafe { answer(json, err, || Ok(Verified::of(&holder(owner)?, evidence?)?.answer.to_string())) }
}

/// Verifies evidence off line as virtsev_verify() does and, where the guest is verified, encrypts the owner's secrets for
/// it: JSON, virt-sev/packet/1, for virtsev_inject() or `virt-sev secret inject` on the host. Nothing in it is readable
/// there.
///
/// owner, evidence: as virtsev_verify(); the owner holds at least one secret. packet: the answer, for
/// virtsev_string_free().
///
/// As virtsev_verify(); VIRTSEV_ERR_USAGE for secrets that do not fit, and for none. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_packet(
    owner: *const virtsev_owner,
    evidence: *const c_char,
    packet: *mut *mut c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    let evidence = unsafe { text(evidence, "evidence") };
    // SAFETY: the same.
    unsafe {
        answer(packet, err, || {
            let holder = holder(owner)?;
            if holder.table.is_empty() {
                return Err(Error::new(Kind::Usage, "the owner holds no secret")
                    .wanted("virtsev_owner_secret(), or the option inject-secret")
                    .into());
            }
            let seen = Verified::of(&holder, evidence?)?;
            // virtsev_inject() leaves the place to the firmware.
            let area = seen.judge.place_for_secrets()?;
            let made = keys::packet(&holder.keys, &seen.evidence.measurement, &holder.table, area)?;
            Ok(PacketFile { measurement: seen.evidence.measurement, packet: made }.to_text())
        })
    }
}

/// Verifies a paused guest over its connection and, where the owner holds secrets, injects them and lets the guest run:
/// JSON, virt-sev/verify/1, with "state" of the guest, "running" or "paused". Without secrets the guest stays as it is.
///
/// owner: what is expected, with the keys of the session. domain: a virDomainPtr, of which a reference is taken for the time
/// of the call. cancel: stops it from another thread, or NULL; too late once the secrets are in: the guest runs then, and the
/// call returns 0. progress, opaque: as virtsev_launch(). json: the answer, for virtsev_string_free().
///
/// After VIRTSEV_ERR_CANCELLED, VIRTSEV_ERR_TIMEOUT and VIRTSEV_ERR_HYPERVISOR ask libvirt for the guest's state: nothing is
/// undone. What took too long or was no longer waited for may still come to its end, so that a secret may be in a guest that
/// is paused, or the guest may run. To be rid of it, destroy it.
///
/// VIRTSEV_ERR_NO for a guest that is not verified, as virtsev_verify(): it stays paused; VIRTSEV_ERR_INSECURE, where the
/// option "insecure" is not set, for a hypervisor on this machine, for a guest with firmware variables, and for what
/// virtsev_launch() refuses so of an owner; VIRTSEV_ERR_STATE for a guest that is off, and for one that is not paused where
/// secrets go in or "insecure" is not set; VIRTSEV_ERR_DOMAIN for a guest whose measurement would not mean what its owner
/// thinks; VIRTSEV_ERR_SESSION for a second launch of a session; VIRTSEV_ERR_CONFIG for a "policy-file" that is none;
/// VIRTSEV_ERR_FILE; VIRTSEV_ERR_FIRMWARE; VIRTSEV_ERR_HYPERVISOR; VIRTSEV_ERR_TIMEOUT for an answer of libvirt that takes
/// longer than the owner's option "timeout"; VIRTSEV_ERR_CANCELLED; VIRTSEV_ERR_USAGE. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_verify_domain(
    owner: *const virtsev_owner,
    domain: *mut _virDomain,
    cancel: *const virtsev_cancel,
    progress: virtsev_progress,
    opaque: *mut c_void,
    json: *mut *mut c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    let found = unsafe { guest(domain) };
    // SAFETY: the same.
    unsafe {
        answer(json, err, || {
            // One look, so that all of it is of one moment.
            let owned = owned(owner)?;
            let holder = owned.holder()?;
            let (libvirt, guest) = found?;
            let name = guest.name()?;
            let online = Online::new(libvirt, owned.timeout, cancel)?;
            let asking = online.asking();
            let local = asking.refuse_local(LOCAL_VERDICT, holder.expectation.insecure)?;
            asking.of(&guest, "looking at the guest", {
                let name = name.clone();
                move |guest| is_active(guest, &name)
            })?;
            let state = Registry::default_folder()?;
            let terms =
                Terms { deliver: Deliver::Inject, ignore_config: owned.ignore_config, local, state: &state };
            let listener = Listener::new(progress, opaque);
            let done = appraise(&asking, &guest, &name, &holder, terms, &|step| listener.hear(step))?;
            let mut answer = verdict(&done.judgement, &done.evidence)?;
            let waits = done.before == GuestState::Paused && !done.resumed;
            answer["state"] = if waits { "paused" } else { "running" }.into();
            Ok(answer.to_string())
        })
    }
}

/// Injects the secrets that an owner encrypted for this launch, and no other, into the paused guest.
///
/// domain: a virDomainPtr, of which a reference is taken for the time of the call. packet: what virtsev_packet() made.
/// resume: not 0 lets the guest run then.
///
/// After VIRTSEV_ERR_TIMEOUT and VIRTSEV_ERR_HYPERVISOR ask libvirt for the guest's state, as after virtsev_verify_domain(): a
/// secret may be in a guest that is paused, or the guest may run.
///
/// VIRTSEV_ERR_SESSION for a packet of another launch; VIRTSEV_ERR_FILE for what is no packet; VIRTSEV_ERR_STATE for a guest
/// that is not paused; VIRTSEV_ERR_HYPERVISOR; VIRTSEV_ERR_TIMEOUT (60 s for each answer, which no option changes);
/// VIRTSEV_ERR_USAGE. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_inject(
    domain: *mut _virDomain,
    packet: *const c_char,
    resume: c_int,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    let found = unsafe { guest(domain) };
    // SAFETY: the same.
    let packet = unsafe { text(packet, "packet") };
    // SAFETY: the same.
    unsafe {
        done(err, || {
            let file = PacketFile::parse(packet?)?;
            let (libvirt, guest) = found?;
            let name = guest.name()?;
            let online = Online::new(libvirt, None, ptr::null())?;
            let asking = online.asking();
            deliver(&asking, &guest, &name, file.packet, Some(file.measurement), None)?;
            if resume != 0 {
                asking.of(&guest, "resuming the guest", Guest::resume)?;
            }
            Ok(())
        })
    }
}

/// Evidence of a guest that is verified.
struct Verified {
    answer: Value,
    evidence: Evidence,
    judge: Judge,
}

impl Verified {
    fn of(holder: &Holder, text: &str) -> Result<Self, Failure> {
        let report = LaunchReport::parse(text)?;
        let state = Registry::default_folder()?;
        let (judgement, judge) = judge::of_report(&holder.expectation, &holder.keys, &report, &state)?;
        Ok(Self { answer: verdict(&judgement, &report.evidence)?, evidence: report.evidence, judge })
    }
}

/// The answer, of a guest that is verified.
fn verdict(judgement: &Judgement, evidence: &Evidence) -> Result<Value, Failure> {
    let answer = document("verify", judgement.json(evidence));
    if judgement.accepted() {
        return Ok(answer);
    }
    let refusal = judgement.refusal().unwrap_or_else(|| Error::new(Kind::Bug, "a no without a reason"));
    Err(Failure::with_answer(refusal, answer))
}
