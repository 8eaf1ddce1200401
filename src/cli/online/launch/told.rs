//! What a launch says. In: its steps and its end. Out: a line each on stderr, and the answer on stdout.

use crate::online::measurement;
use crate::output::{Answer, Output};
use std::path::Path;
use virt_sev::Result;
use virt_sev::launch::{Launched, Outcome, Security, Step};
use virt_sev::report::clean;
use virt_sev_sys::Libvirt;

/// One step done; the last one is the answer's, unless it needs a word.
pub(super) fn step(name: &str, step: Step, out: Output) {
    if step != (Step::Resumed { because: None }) {
        // What a document calls itself is shown.
        out.say(&format!("{}: {step}", clean(name)));
    }
}

/// The end of a launch. Where nobody can be told of it, the launch has failed and is undone, as its exit code says.
pub(super) fn end(
    launched: Launched<Libvirt>,
    uri: &str,
    file: Option<&Path>,
    out: Output,
) -> Result<Answer> {
    if let Err(e) = tell(&launched, file, out) {
        return Err(launched.abandon(e));
    }
    let waits = matches!(launched.outcome, Outcome::Paused(_));
    let (_, security) = launched.accept();
    if waits {
        out.say(&format!(
            "{}: waits for its owner, who verifies it and lets it run:\n  {}",
            clean(&security.name),
            next_command(uri, &clean(&security.name), &security, file)
        ));
    }
    Ok(Answer::Yes)
}

fn tell(launched: &Launched<Libvirt>, file: Option<&Path>, out: Output) -> Result<()> {
    let waits = matches!(launched.outcome, Outcome::Paused(_));
    match (file, launched.report()?.filter(|_| waits)) {
        (Some(path), Some(report)) => measurement::write_evidence(path, &report)?,
        (None, Some(report)) if !out.is_json() => {
            out.answer(&measurement::text(&report.fields().into()))?;
        }
        _ => {}
    }
    if out.is_json() {
        return out.answer_json("launch", launched.json()?);
    }
    let verified = if launched.verified() { ", verified" } else { ", not verified" };
    out.answer(&format!("{}: {}{verified}\n", clean(&launched.security.name), launched.state()))
}

/// What the owner types: from elsewhere, so with an address that reaches this host from there.
fn next_command(uri: &str, name: &str, security: &Security, evidence: Option<&Path>) -> String {
    let uri = uri.strip_prefix("qemu:///").map_or(uri.to_owned(), |rest| format!("qemu+ssh://HOST/{rest}"));
    let mut more = String::new();
    if security.kernel {
        more += " --kernel FILE --initrd FILE --cmdline TEXT";
    }
    if security.mode == Some("sev-es") {
        more += " --num-cpus N";
        // With --domain the host says which processor it has; off line the owner does.
        if evidence.is_some() {
            more += " --vcpu-type MODEL";
        }
    }
    if let Some(path) = evidence {
        return format!(
            "virt-sev verify --evidence {} --tik tik.bin --tek tek.bin --firmware FILE{more} --inject-secret luks-key:FILE --packet packet.json",
            path.display()
        );
    }
    format!(
        "virt-sev verify -c '{uri}' --domain {name} --tik tik.bin --tek tek.bin --firmware FILE{more} --inject-secret luks-key:FILE"
    )
}
