//! `firmware-stateless`: a measured guest's firmware keeps no variables. In: the firmware decision. Out: edits,
//! findings. Never: the image.

use super::{Ctx, Out, Rule};
use crate::error::Error;
use crate::finding::Severity;
use crate::plan::firmware::{Chooser, Form};
use crate::plan::template;

pub(super) static RULE: Rule = Rule {
    id: "firmware-stateless",
    title: "the firmware of a measured guest keeps no variables",
    text: "A variable store is a file of the host: what is in it is not measured, and can lead the firmware to \
           boot something else than the owner means. virt-qemu-sev-validate refuses such a guest as insecure. A \
           ROM has no variable store at all. Without a session nothing is measured, and the store may stay.",
    without: "The host can change what the firmware boots, and the measurement does not show it.",
    source: "libvirt docs/kbase/launch_security_sev.rst, section 'Guest attestation'; \
             tools/virt-qemu-sev-validate.py",
    severity: Some(Severity::Error),
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    let firmware = &ctx.firmware;
    let os = &ctx.facts.os;
    if firmware.unfit.is_some() {
        return Ok(());
    }
    let rom = firmware.form == Form::Rom;
    if !firmware.takes_store_away() {
        out.info("the firmware may keep variables on the host", |f| {
            f.path("/domain/os").detail("Nothing is measured without a session, so nothing is lost by it.")
        });
        return Ok(());
    }
    let reason = if rom {
        "a ROM has no variables"
    } else {
        "the firmware keeps no variables that the host could change"
    };
    if let Some(nvram) = &os.nvram {
        out.remove(nvram.element, reason);
    }
    // libvirt takes stateless='yes' for a ROM too, and means nothing by it; 'no' it refuses.
    let named_rom = rom && (firmware.chosen != Chooser::Libvirt || ctx.mode() == crate::config::Mode::SevSnp);
    if named_rom {
        if let Some(loader) = os.loader.as_ref().filter(|l| l.stateless == Some(false)) {
            out.remove_attribute(loader.element, "stateless", reason);
        }
        return Ok(());
    }
    out.in_domain(template::LOADER_STATELESS.node()?, reason);
    Ok(())
}
