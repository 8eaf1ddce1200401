//! `firmware-uefi`: the guest boots UEFI firmware made for its mode. In: the firmware decision. Out: edits,
//! findings. Never: the loader of an SNP guest (`firmware-rom`), the variable store (`firmware-stateless`).

use super::{Ctx, Out, Reason, Rule};
use crate::config::Mode;
use crate::domain::Change;
use crate::error::Error;
use crate::finding::Severity;
use crate::host::FirmwareDevice;
use crate::plan::firmware::{Chooser, Form, completed_by_libvirt, descriptor, has_format_of_rom};
use crate::plan::render::Value;
use crate::plan::template;

pub(super) static RULE: Rule = Rule {
    id: "firmware-uefi",
    title: "the guest boots UEFI firmware made for its mode",
    text: "SeaBIOS cannot run encrypted. libvirt starts SEV with it all the same, and the guest hangs. Where \
           nobody names an image, libvirt chooses one that claims the mode, with Secure Boot asked off: images \
           with Secure Boot need System Management Mode, and on some distributions they come first. Where the \
           host's descriptors are known and libvirt's own choice would fail or be wrong, the image is named, and \
           what libvirt adds to that stays: from 12 on firmware='efi', features and a format. \
           libvirt refuses UEFI on x86 without <acpi/>, so that is added.",
    without: "The guest hangs before its first message, or libvirt finds no firmware and refuses to start it.",
    source: "libvirt src/qemu/qemu_firmware.c, qemuFirmwareMatchDomain; src/qemu/qemu_validate.c",
    severity: Some(Severity::Error),
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    let firmware = &ctx.firmware;
    if let Some(why) = &firmware.unfit {
        let mode = ctx.mode().as_str();
        let detail =
            if why.is_empty() { "It has no descriptor at all.".into() } else { why.join("; ") + "." };
        out.error(format!("no firmware image of this host is fit for {mode}"), |f| {
            f.of_host().path("/domain/os/loader").detail(detail).fix(
                "Install an AmdSev build of OVMF (Debian: ovmf-amdsev; Fedora: edk2-ovmf), or name an image with \
                 security.sev.firmware.",
            )
        });
        return Ok(());
    }
    if firmware.was_bios && !ctx.boots_kernel() {
        out.warn("the domain boots a BIOS and gets UEFI: its disk may not boot", |f| {
            f.path("/domain/os")
                .detail("A disk that was installed under a BIOS often has no EFI system partition.")
                .fix("Convert the disk inside the guest first, or install anew under UEFI.")
        });
    }
    match (firmware.chosen, &firmware.path) {
        (Chooser::Key | Chooser::Host, Some(path)) if ctx.mode() != Mode::SevSnp => named(ctx, out, path)?,
        (Chooser::Libvirt, _) => chosen_by_libvirt(ctx, out)?,
        (Chooser::Key | Chooser::Host | Chooser::Domain, _) => {}
    }
    if !ctx.facts.features.acpi {
        out.in_domain(template::ACPI.node()?, "libvirt refuses UEFI on x86 without ACPI");
    }
    Ok(())
}

/// The image is named: libvirt's own choosing ends.
fn named(ctx: &Ctx<'_>, out: &mut Out<'_>, path: &str) -> Result<(), Error> {
    let firmware = &ctx.firmware;
    if descriptor(ctx, path).is_some_and(|d| d.device == FirmwareDevice::FlashCombined) {
        out.error("this image is one flash for code and variables, which libvirt does not load", |f| {
            f.path(path).fix("Name an image with separate variables, or a stateless one.")
        });
        return Ok(());
    }
    let why = match firmware.chosen {
        Chooser::Key => "security.sev.firmware names this image",
        Chooser::Host => "of this host's images libvirt would choose none, or one that is not fit",
        Chooser::Domain | Chooser::Libvirt => "",
    };
    end_choosing(ctx, out);
    let values = [("path", Some(Value::Path(path)))];
    let (fragment, strange): (_, &[&str]) = match firmware.form {
        Form::Rom => (template::LOADER_ROM.fill(&values)?, &["readonly", "secure", "format"]),
        Form::Pflash => (template::LOADER_PFLASH.fill(&values)?, &["secure"]),
    };
    if let Some(loader) = &ctx.facts.os.loader {
        for name in strange {
            let harmless = match *name {
                // 'no' says nothing against an image without Secure Boot.
                "secure" => loader.secure != Some(true),
                "format" => has_format_of_rom(loader),
                _ => false,
            };
            if !harmless {
                out.remove_attribute(loader.element, name, format!("'{name}' does not belong to this image"));
            }
        }
    }
    let another = ctx.facts.os.loader.as_ref().is_none_or(|l| l.path.as_deref() != Some(path));
    if another && firmware.chosen == Chooser::Host {
        forget_store(ctx, out);
    } else if another && ctx.facts.os.nvram.is_some() && !firmware.takes_store_away() {
        out.warn("the variable store was made for another image, and is kept", |f| {
            f.path("/domain/os/nvram").fix("Remove <nvram> if the firmware does not start with it.")
        });
    }
    out.in_domain(fragment, why);
    Ok(())
}

/// Takes away what makes libvirt choose an image itself.
pub(super) fn end_choosing(ctx: &Ctx<'_>, out: &mut Out<'_>) {
    if completed_by_libvirt(ctx) {
        return;
    }
    let os = &ctx.facts.os;
    let reason = "the image is named, so libvirt does not choose one";
    if let Some(element) = os.element {
        out.remove_attribute(element, "firmware", reason);
    }
    if let Some(element) = os.firmware_element {
        out.remove(element, reason);
    }
}

/// libvirt chooses: firmware='efi', without Secure Boot.
fn chosen_by_libvirt(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    let os = &ctx.facts.os;
    let mode = ctx.mode().as_str();
    out.in_domain(
        template::FIRMWARE_AUTO.node()?,
        format!("the guest needs UEFI firmware; libvirt chooses an image that claims {mode}"),
    );
    if ctx.firmware.chosen_anew || ctx.firmware.was_bios {
        forget_loader(ctx, out)?;
    }
    let mut secure_boot = os.firmware_features.iter().filter(|f| f.name == "secure-boot");
    if ctx.firmware.secure || secure_boot.any(|f| !f.enabled) {
        return Ok(());
    }
    // Only a warning: on many hosts libvirt's own choice has no Secure Boot.
    let reason = "an image with Secure Boot needs System Management Mode, and has no place in an SEV guest";
    match os.firmware_element {
        // Merging would set the other feature instead.
        Some(parent) if !os.firmware_features.is_empty() => {
            let fragment = template::SECURE_BOOT_FEATURE_OFF.node()?;
            out.edit(Change::Add { parent, fragment: fragment.into() }, Reason::warning(reason));
        }
        Some(_) | None => out.in_domain(template::SECURE_BOOT_OFF.node()?, Reason::warning(reason)),
    }
    Ok(())
}

/// Lets the image of before go, and what belonged to it.
fn forget_loader(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    let os = &ctx.facts.os;
    let Some(loader) = os.loader.as_ref().filter(|l| l.path.is_some()) else { return Ok(()) };
    let reason = "the image of before does not fit, so libvirt chooses again";
    let snp = ctx.mode() == Mode::SevSnp;
    if !snp && !ctx.firmware.stateless {
        // Nobody writes on it any more. A variable store of another image would be refused by libvirt.
        out.remove(loader.element, reason);
        forget_store(ctx, out);
        return Ok(());
    }
    let fragment = template::LOADER_EMPTY.fill(&[("nothing", Some(Value::Empty))])?;
    out.edit(Change::Merge { into: loader.element, fragment: fragment.into() }, reason);
    // For SNP `firmware-rom` writes the type, and takes away the attributes of a flash.
    for name in ["type", "readonly", "secure", "format"].into_iter().filter(|_| !snp) {
        out.remove_attribute(loader.element, name, reason);
    }
    Ok(())
}

/// Lets the variable store of another image go; a stateless guest's is taken away by `firmware-stateless`.
fn forget_store(ctx: &Ctx<'_>, out: &mut Out<'_>) {
    if let Some(nvram) = ctx.facts.os.nvram.as_ref().filter(|_| !ctx.firmware.takes_store_away()) {
        out.remove(nvram.element, "the variables are of another image, so libvirt makes a new store");
    }
}
