//! `smm`: no System Management Mode. In: `<features><smm>`, Secure Boot. Out: edits, findings. Never: the loader.

use super::{Ctx, Out, Reason, Rule};
use crate::config::Mode;
use crate::domain::Change;
use crate::error::Error;
use crate::finding::Severity;
use crate::plan::template;

pub(super) static RULE: Rule = Rule {
    id: "smm",
    title: "SEV-ES and SEV-SNP guests have no System Management Mode",
    text: "QEMU has to read and write the registers of a guest to enter System Management Mode, and with SEV-ES \
           they are encrypted. QEMU refuses SEV-SNP with SMM and cannot deliver one to an SEV-ES guest. libvirt \
           leaves SMM to QEMU, which has it on, unless <smm state='off'/> says otherwise. A firmware image with \
           Secure Boot needs SMM, so the two exclude each other.",
    without: "With SMM switched on QEMU refuses an SEV-SNP guest, and has no way to deliver an SMI to an SEV-ES one. \
              Where the document says nothing, QEMU leaves SMM out of an SEV-SNP guest by itself.",
    source: "QEMU target/i386/sev.c (\"SEV-SNP does not support SMM.\"); AMD APM volume 2, section 15.35",
    severity: Some(Severity::Warning),
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    let plain = ctx.mode() == Mode::Sev;
    let mode = ctx.mode().as_str();
    if ctx.firmware.secure {
        let fix = "Set enabled='no' for the features secure-boot and enrolled-keys, remove <loader> and <nvram>, or \
                   name an image with security.sev.firmware.";
        if plain && !ctx.firmware.stateless {
            out.warn("the firmware has Secure Boot, which needs SMM", |f| f.path("/domain/os").fix(fix));
        } else {
            let why = if plain { "a measured guest needs a stateless image" } else { "has no SMM" };
            let title = format!("the firmware has Secure Boot, which needs SMM, and {mode} {why}");
            let title = if plain { format!("the firmware has Secure Boot, and {why}") } else { title };
            out.error(title, |f| f.path("/domain/os").fix(fix));
        }
    }
    let now = ctx.facts.features.smm;
    if plain {
        if now.is_some_and(|(_, on)| on) {
            out.warn("System Management Mode is on", |f| {
                f.path("/domain/features/smm").fix("Turn it off unless the firmware needs it.")
            });
        }
        return Ok(());
    }
    let reason = format!("{mode} has no System Management Mode");
    if let Some((element, _)) = now {
        // libvirt reads <tseg> only where SMM is on.
        if let Some(tseg) = ctx.domain.child(element, "tseg") {
            out.edit(Change::Remove { element: tseg }, reason.clone());
        }
    }
    let reason = match now {
        Some((_, true)) => Reason::error(reason),
        Some((_, false)) | None => reason.into(),
    };
    out.in_domain(template::SMM_OFF.node()?, reason);
    Ok(())
}
