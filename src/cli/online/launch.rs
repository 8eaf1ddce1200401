//! `virt-sev launch`. In: a domain, keys, perhaps the owner's verification. Out: a running guest, a paused one for its
//! owner, or everything as it was.

mod inputs;
mod told;

use super::{connect, implied};
use crate::args::LaunchArgs;
use crate::cmd::{files, prepare};
use crate::output::{Answer, Output};
pub(super) use inputs::Source;
use serde_json::json;
use std::time::Duration;
use virt_sev::launch::journal::Journal;
use virt_sev::launch::{self, Cancel, Holder, Hypervisor as _, LOCAL_VERDICT, Ready};
use virt_sev::owner::secrets;
use virt_sev::session::registry::Registry;
use virt_sev::{Error, Kind, Result};

pub(crate) fn run(args: &LaunchArgs, uri: Option<&str>, out: Output) -> Result<Answer> {
    let limit = Duration::from_secs(args.wait.timeout.into());
    let cancel = connect::patience();
    if args.recover {
        return recover(uri, limit, &cancel, out);
    }
    let v = &args.verify;
    if let Some(option) = inputs::useless_options(v) {
        return Err(option);
    }
    let expectation = v.expectation();
    expectation.check()?;
    if let Some(path) = &args.evidence {
        files::check_place("evidence", path)?;
    }
    let source = Source::of(args.domain.as_deref().unwrap_or_default());
    let document = source.read_file()?;
    // What needs no hypervisor is read and refused before anybody connects.
    let keys = v.keys.files();
    let keys = if keys.any() { Some(keys.read()?) } else { None };
    let table = secrets::table(&v.inject_secret)?;

    let libvirt = connect::open(uri, limit, &cancel)?;
    let asking = connect::asking(&libvirt, limit, &cancel);
    let local = match &keys {
        Some(_) => asking.refuse_local(LOCAL_VERDICT, v.insecure)?,
        None => false,
    };
    let domain = match document {
        Some(domain) => domain,
        None => source.read_defined(&asking)?,
    };
    let config = prepare::config(&args.config, &domain, source.is_stdin(), out)?;
    let file = source.file();
    let host = implied::host(asking, &args.config, (&domain, file), config.as_ref(), "started", out)?;
    let options = prepare::options(&args.config, !table.is_empty());
    let done = prepare::prepare(&options, (domain, file), config, &host)?;
    out.findings(&done.findings);
    let holder = keys.map(|keys| Holder { keys, table, expectation });
    let ready = Ready::new(&asking, done, &host, &options, holder, local)?;
    out.findings(&ready.findings);
    let security = ready.security();
    if args.evidence.is_some() && (security.mode.is_none() || security.session.is_none()) {
        return Err(Error::new(Kind::Usage, "--evidence is for a launch with a guest owner's session").hint(
            "Nobody could verify it without one. The owner makes it: `virt-sev session --bundle FILE`.",
        ));
    }

    // Until here nothing has changed, and a signal simply ends the program, whatever it waits for.
    watch_signals(&cancel)?;
    let name = security.name.clone();
    let step = |step| told::step(&name, step, out);
    let launched = launch::launch(&asking, ready, &Registry::default_folder()?, &step)?;
    told::end(launched, libvirt.uri(), args.evidence.as_deref(), out)
}

/// From here on a signal ends the launch in order: everything is undone.
fn watch_signals(cancel: &Cancel) -> Result<()> {
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(signal, cancel.flag())
            .map_err(|e| Error::new(Kind::Bug, "signals cannot be watched").because(e))?;
    }
    Ok(())
}

fn recover(uri: Option<&str>, limit: Duration, cancel: &Cancel, out: Output) -> Result<Answer> {
    let libvirt = connect::open(uri, limit, cancel)?;
    let journal = Journal::below(&Registry::default_folder()?);
    let done = connect::asking(&libvirt, limit, cancel)
        .ask("recovering", move |hv| launch::recover(&hv, &journal))?;
    if done.told.is_empty() && done.problems.is_empty() {
        out.say("No launch was cut off.");
    }
    if out.is_json() {
        out.answer_json("recover", json!({ "told": done.told }))?;
    } else {
        out.answer(&done.told.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    }
    Error::many(done.problems).map_or(Ok(Answer::Yes), Err)
}
