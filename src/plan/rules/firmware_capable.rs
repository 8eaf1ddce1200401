//! `firmware-capable`: the image really holds what the mode needs. In: the image's GUID table. Out: findings.
//! Never: an edit; a descriptor's word.

use super::{Ctx, Out, Rule};
use crate::error::Error;
use crate::host::Fact;
use crate::plan::firmware::{Needs, descriptor};
use std::path::Path;

pub(super) static RULE: Rule = Rule {
    id: "firmware-capable",
    title: "the firmware image holds what the mode needs",
    text: "Descriptors say too much and too little: some distributions' images claim nothing but amd-sev and yet \
           hold the SEV-ES reset block, and carry tables for kernel hashes and secrets that are empty. QEMU \
           writes a secret into an empty area at guest address 0 without a word. So the image itself is read. An \
           area of size 0 counts as absent.",
    without: "The guest does not start, or its secret or the hashes of its kernel go nowhere.",
    source: "EDK II OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.asm; QEMU target/i386/sev.c, \
             qmp_sev_inject_launch_secret",
    severity: None,
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    let Some(path) = &ctx.firmware.path else {
        if ctx.hashes_kernel() && ctx.firmware.unfit.is_none() && ctx.host.firmware.known().is_none() {
            out.info("the firmware must have a table for the kernel hashes", |f| {
                f.path("/domain/os/loader")
                    .detail("libvirt chooses a stateless image; of OVMF only the AmdSev build has the table.")
                    .fix("Name one with security.sev.firmware if libvirt finds none.")
            });
        }
        return Ok(());
    };
    let known = descriptor(ctx, path);
    match known.map_or_else(|| ctx.host.firmware_image(Path::new(path)), |d| &d.contents) {
        Fact::Known(contents) => {
            let lacking = Needs::of(ctx).lacking(contents);
            if !lacking.is_empty() {
                out.error(format!("the firmware image lacks {}", lacking.join(" and ")), |f| {
                    f.of_host().path(path).fix("Name an AmdSev build of OVMF with security.sev.firmware.")
                });
            }
        }
        Fact::Unreadable(why) => out.warn("the firmware image cannot be read", |f| f.path(path).detail(why)),
        Fact::Absent => out.error("the firmware image is not there", |f| f.of_host().path(path)),
        Fact::NotAsked => {}
    }
    if known.is_some_and(|d| d.needs_smm) && !ctx.firmware.secure {
        out.warn("the firmware image's descriptor says that it needs SMM", |f| f.path(path));
    }
    Ok(())
}
