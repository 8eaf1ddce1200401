//! `reboot`: a guest that cannot be reset is not to be reset. In: `<on_reboot>`, `<on_poweroff>`, `<on_crash>`.
//! Out: edits. Never: an action that resets nothing.

use super::{Ctx, Out, Rule};
use crate::config::Mode;
use crate::error::Error;
use crate::finding::Severity;
use crate::plan::render::Value;
use crate::plan::template;

pub(super) static RULE: Rule = Rule {
    id: "reboot",
    title: "an SEV-ES or SEV-SNP guest ends when it reboots",
    text: "The register state of an SEV-ES or SEV-SNP guest is encrypted and measured once, at launch. QEMU cannot \
           write it again, so it cannot reset such a guest: it stops instead. libvirt's default for a reboot is \
           'restart', which resets the same QEMU process. With <on_reboot>destroy</on_reboot> the guest ends, and \
           a new launch, with a new measurement, starts it again. libvirt restarts a guest that powered off or \
           crashed in the same way, and takes no on_poweroff 'restart' beside on_reboot 'destroy', so these two \
           actions become 'destroy' where they are 'restart'.",
    without: "The guest dies at its first reboot, and libvirt does not say that this was to be expected.",
    source: "QEMU system/runstate.c (\"cpus are not resettable, terminating\"); libvirt \
             src/qemu/qemu_process.c, qemuProcessShutdownOrReboot; src/qemu/qemu_validate.c, \
             qemuValidateLifecycleAction",
    severity: Some(Severity::Warning),
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    if ctx.mode() == Mode::Sev {
        return Ok(());
    }
    let reason = "encrypted registers cannot be reset: a reboot is a new launch";
    out.in_domain(template::ON_REBOOT.node()?, reason);
    if ctx.facts.on_poweroff.as_deref() == Some("restart") {
        out.in_domain(template::ON_POWEROFF.node()?, reason);
    }
    let on_crash = match ctx.facts.on_crash.as_deref() {
        Some("restart") => "destroy",
        Some("coredump-restart") => "coredump-destroy",
        _ => return Ok(()),
    };
    out.in_domain(template::ON_CRASH.fill(&[("action", Some(Value::Word(on_crash)))])?, reason);
    Ok(())
}
