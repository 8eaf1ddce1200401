//! `virt-sev launch`. In: a domain, keys, perhaps the owner's verification. Out: a running guest, a paused one for its
//! owner, or everything as it was. Never: a guest that runs unverified where verification was asked for.

mod inputs;
mod told;

use super::{bundle, connect, implied, processor, session};
use crate::args::LaunchArgs;
use crate::cmd::{files, judge, owner, prepare};
use crate::output::{Answer, Output};
pub(super) use inputs::Source;
pub(super) use inputs::boot;
use inputs::{Security, Verification};
use std::path::Path;
use std::time::Duration;
use told::Told;
use virt_sev::launch::journal::Journal;
use virt_sev::launch::{self, Cancel, Hypervisor as _, Launch, Measured, Request, within};
use virt_sev::session::registry::Registry;
use virt_sev::{Error, Kind, Result, plan, preflight};
use virt_sev_sys::Libvirt;

pub(crate) fn run(args: &LaunchArgs, uri: Option<&str>, out: Output) -> Result<Answer> {
    let limit = Duration::from_secs(args.wait.timeout.into());
    let cancel = Cancel::default();
    if args.recover {
        return recover(uri, limit, &cancel, out);
    }
    if let Some(option) = inputs::useless_options(&args.verify) {
        return Err(option);
    }
    owner::check_usage(&args.verify)?;
    if let Some(path) = &args.evidence {
        files::check_place("evidence", path)?;
    }
    let source = Source::of(args.domain.as_deref().unwrap_or_default());
    let document = source.read_file()?;
    // What needs no hypervisor is read and refused before anybody connects.
    let keys = if inputs::is_verified(&args.verify) { Some(owner::keys(&args.verify.keys)?) } else { None };
    let table = owner::secrets(&args.verify.inject_secret)?;

    let libvirt = connect::open(uri, limit, &cancel)?;
    let hv = libvirt.clone();
    let local = within(limit, &cancel, "asking where the hypervisor is", move || hv.is_local())?;
    if keys.is_some() && local && !args.verify.insecure {
        return Err(session::local(
            "A verdict found on the hypervisor's own machine proves nothing to the guest owner.",
        ));
    }
    let domain = match document {
        Some(domain) => domain,
        None => source.read_defined(&libvirt, limit, &cancel)?,
    };
    let config = prepare::config(&args.config, &domain, source.is_stdin(), out)?;
    let asked = implied::Asked { libvirt: &libvirt, limit, cancel: &cancel };
    let file = source.file();
    let host = implied::host(asked, &args.config, (&domain, file), config.as_ref(), "started", out)?;
    let done = prepare::prepare(&args.config, (domain, file), config, &host, !table.is_empty())?;
    out.findings(&done.findings);
    if let Some(config) = &done.config {
        let skip = args.config.skip.clone();
        let options = plan::Options { skip, injects_secret: !table.is_empty(), ..plan::Options::default() };
        let image = bundle::firmware(config, &done.domain, &host, &options);
        preflight::refuse(image.as_slice())?;
        out.findings(&image);
    }
    let security = Security::of(&done)?;
    if args.evidence.is_some() && (security.mode.is_none() || security.session.is_none()) {
        return Err(Error::new(Kind::Usage, "--evidence is for a launch with a guest owner's session").hint(
            "Nobody could verify it without one. The owner makes it: `virt-sev session --bundle FILE`.",
        ));
    }
    let verification = match keys {
        Some(keys) => {
            let (v, facts) = (&args.verify, done.domain.facts());
            let cpu = match judge::by_policy_alone(v)? {
                true => None,
                false => processor::of(v, facts, security.policy, &libvirt, limit, &cancel)?,
            };
            Some(Verification::new(args, &done, &security, keys, table, cpu, local)?)
        }
        None => None,
    };

    // Until here nothing has changed, and a signal simply ends the program, whatever it waits for.
    watch_signals(&cancel)?;
    let state = Registry::default_folder()?;
    let name = security.name.clone();
    if let Some(session) = &security.session {
        // A session that was used is refused before anything is touched.
        Registry::open(&state)?.refuse_used(session)?;
    }
    let request =
        Request { name: name.clone(), xml: done.xml, limit, journal: Journal::below(&state), cancel };
    let told = Told::new(name, &security, out);
    let launch = Launch::define(&libvirt, request)?;
    told.step("defined");
    if let Err(e) = claim(&security, &state, libvirt.uri()) {
        return Err(launch.abandon(e));
    }
    if security.mode.is_none() {
        return told.unmeasured(launch.start_paused_unmeasured()?);
    }
    let launch = launch.start_paused()?;
    told.step("started, paused: no instruction has run");
    let launch = launch.measure(security.policy)?;
    told.step(&format!("measured, policy {:#x}", launch.evidence().policy));
    match verification {
        Some(verification) => verified(launch, verification, &told),
        None if security.session.is_some() => told.handed_over(launch, &libvirt, args.evidence.as_deref()),
        None => told.unverified(launch),
    }
}

/// From here on a signal ends the launch in order: everything is undone.
fn watch_signals(cancel: &Cancel) -> Result<()> {
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(signal, cancel.flag())
            .map_err(|e| Error::new(Kind::Bug, "signals cannot be watched").because(e))?;
    }
    Ok(())
}

/// The session is used from here on, whatever becomes of the start: the chip may see it.
fn claim(security: &Security, state: &Path, uri: &str) -> Result<()> {
    match &security.session {
        Some(session) => Registry::open(state)?.claim(session, &format!("domain {} on {uri}", security.name)),
        None => Ok(()),
    }
}

/// The guest owner's keys are here: verify, inject, resume.
fn verified(launch: Launch<Measured, Libvirt>, v: Verification, told: &Told<'_>) -> Result<Answer> {
    if let Err(e) = v.agrees(launch.evidence()) {
        return Err(launch.abandon(e));
    }
    let evidence = *launch.evidence();
    let judge = || v.judge.judge(&evidence, &v.keys);
    let mut launch = launch.verify(&v.judge.expected, &v.keys.tik).map_err(|e| {
        if e.kind() != Kind::No {
            return e;
        }
        // The guest is gone by now: looking for the cause keeps nothing waiting.
        judge().map_or_else(|other| other, |judgement| e.and_hint(judgement.explanation()))
    })?;
    match judge().map(|judgement| judgement.refusal()) {
        Ok(None) => {}
        Ok(Some(e)) | Err(e) => return Err(launch.abandon(e)),
    }
    told.step("verified: the measurement is the expected one");
    if !v.table.is_empty() {
        let packet = match owner::packet(&v.keys, launch.evidence(), &v.table, v.secret_area) {
            Ok(packet) => packet,
            Err(e) => return Err(launch.abandon(e)),
        };
        launch = launch.inject(packet, None)?;
        told.step(&format!("{} secret{} injected", v.table.len(), if v.table.len() == 1 { "" } else { "s" }));
    }
    let (evidence, verdict) = (*launch.evidence(), launch.verdict().clone());
    told.running(launch.resume()?, Some((&evidence, &verdict)))
}

fn recover(uri: Option<&str>, limit: Duration, cancel: &Cancel, out: Output) -> Result<Answer> {
    let libvirt = connect::open(uri, limit, cancel)?;
    let journal = Journal::below(&Registry::default_folder()?);
    let done = within(limit, cancel, "recovering", move || launch::recover(&libvirt, &journal))?;
    if done.told.is_empty() && done.problems.is_empty() {
        out.say("No launch was cut off.");
    }
    out.answer(&done.told.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    Error::many(done.problems).map_or(Ok(Answer::Yes), Err)
}
