//! `firmware-rom`: an SNP guest's firmware is given with `-bios`. In: the firmware decision. Out: edits.
//! Never: the variable store (`firmware-stateless`).

use super::firmware_uefi::end_choosing;
use super::{Ctx, Out, Rule};
use crate::config::Mode;
use crate::error::Error;
use crate::finding::Severity;
use crate::plan::firmware::{Chooser, has_format_of_rom};
use crate::plan::render::Value;
use crate::plan::template;

pub(super) static RULE: Rule = Rule {
    id: "firmware-rom",
    title: "an SEV-SNP guest's firmware is a ROM",
    text: "QEMU loads the firmware of an SEV-SNP guest into private memory, which it can do with -bios only; a \
           flash image fails the start. libvirt writes -bios for <loader type='rom'>. Without a path, \
           firmware='efi' with <loader type='rom'/> makes libvirt choose among the images that are mapped as \
           memory, or refuse.",
    without: "QEMU does not start the guest: flash cannot be private memory.",
    source: "QEMU docs/system/i386/amd-memory-encryption.rst; libvirt src/qemu/qemu_command.c, \
             qemuBuildDomainLoaderCommandLine",
    severity: Some(Severity::Error),
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    let firmware = &ctx.firmware;
    if ctx.mode() != Mode::SevSnp || firmware.unfit.is_some() {
        return Ok(());
    }
    let reason = "SEV-SNP firmware is loaded with -bios, which <loader type='rom'> gives";
    let loader = ctx.facts.os.loader.as_ref();
    let is_rom = loader.is_some_and(|l| l.kind.as_deref() == Some("rom"));
    match firmware.chosen {
        Chooser::Libvirt => {}
        Chooser::Domain if is_rom => return Ok(()),
        Chooser::Domain | Chooser::Key | Chooser::Host => end_choosing(ctx, out),
    }
    if let Some(loader) = loader {
        for name in ["readonly", "secure", "format"] {
            let harmless = match name {
                // On an image that stays it is an error of the rule `smm`, and is not hidden here.
                "secure" => firmware.secure,
                "format" => has_format_of_rom(loader),
                _ => false,
            };
            if !harmless {
                out.remove_attribute(loader.element, name, format!("'{name}' belongs to a flash image"));
            }
        }
    }
    let path = firmware.path.as_deref().map(Value::Path);
    out.in_domain(template::LOADER_ROM.fill(&[("path", path)])?, reason);
    Ok(())
}
