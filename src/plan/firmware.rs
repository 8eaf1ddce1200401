//! Which firmware image the guest gets, and how. In: keys, document, descriptors. Out: [`Firmware`]. Never: an edit.
//!
//! Several rules write parts of the answer (`firmware-uefi`, `firmware-rom`, `firmware-stateless`); it is found
//! once, here.

use super::{Ctx, Options};
use crate::config::{FirmwareChoice, Mode, SevConfig};
use crate::domain::{Domain, Loader};
use crate::host::{Fact, FirmwareDescriptor, FirmwareDevice, HostFacts};
use crate::image::{Area, ImageContents};
use std::path::{Path, PathBuf};

/// Who chose the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chooser {
    /// `security.sev.firmware`.
    Key,
    /// The document, with `<loader>PATH`.
    Domain,
    /// The host's descriptors, where libvirt's own choice would fail or be wrong.
    Host,
    /// Nobody yet: libvirt will, among the images that fit `<loader>`.
    Libvirt,
}

/// How QEMU is given the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `-bios`: `<loader type='rom'>`.
    Rom,
    /// As flash: `<loader type='pflash'>`.
    Pflash,
}

/// The firmware of the guest to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Firmware {
    pub(crate) chosen: Chooser,
    /// The image; `None` when libvirt chooses.
    pub(crate) path: Option<String>,
    pub(crate) form: Form,
    /// No variable store.
    pub(crate) stateless: bool,
    /// The document boots a BIOS now.
    pub(crate) was_bios: bool,
    /// The document asks for Secure Boot, and the image that does it stays.
    pub(crate) secure: bool,
    /// The host has no image that fits: why each of them does not.
    pub(crate) unfit: Option<Vec<String>>,
    /// libvirt's earlier choice is let go.
    pub(crate) chosen_anew: bool,
}

impl Firmware {
    pub(crate) fn libvirts_own(stateless: bool) -> Self {
        Self {
            chosen: Chooser::Libvirt,
            path: None,
            form: Form::Pflash,
            stateless,
            was_bios: false,
            secure: false,
            unfit: None,
            chosen_anew: false,
        }
    }

    /// True when the variable store goes because of what the image is: `firmware-stateless` does that.
    pub(crate) fn takes_store_away(&self) -> bool {
        self.stateless || self.form == Form::Rom
    }
}

/// True where libvirt has completed what names the image: from 12 on it writes firmware='efi', features and the format beside
/// a path that one of its descriptors has. Taken away, they would come back with the next definition.
pub(crate) fn completed_by_libvirt(ctx: &Ctx<'_>) -> bool {
    let (os, firmware) = (&ctx.facts.os, &ctx.firmware);
    let same = |l: &Loader| l.path == firmware.path && form_of(l) == Some(firmware.form);
    os.firmware.as_deref() == Some("efi")
        && os.loader.as_ref().is_some_and(same)
        && os.firmware_features.iter().all(|f| !f.enabled)
}

/// True for the format that libvirt writes, from 12 on, to an image that is loaded as a ROM. A flash image's goes with the flash.
pub(crate) fn has_format_of_rom(loader: &Loader) -> bool {
    form_of(loader) == Some(Form::Rom) && loader.format.as_deref() == Some("raw")
}

/// What the guest needs of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    mode: Mode,
    hashes: bool,
    secret: bool,
}

impl Needs {
    pub(crate) fn of(ctx: &Ctx<'_>) -> Self {
        Self { mode: ctx.mode(), hashes: ctx.hashes_kernel(), secret: ctx.options.injects_secret }
    }

    /// What an image lacks (field: OVMF's GUID table; an area of size 0 counts as absent, since QEMU does not look
    /// at the size before it writes there: `qmp_sev_inject_launch_secret` in `target/i386/sev.c`).
    pub(crate) fn lacking(&self, c: &ImageContents) -> Vec<&'static str> {
        let empty = |a: &Option<Area>| a.is_none_or(|a| a.size == 0);
        let mut out = Vec::new();
        if self.mode == Mode::SevEs && c.es_reset_addr.is_none() {
            out.push("the SEV-ES reset block");
        }
        if self.mode == Mode::SevSnp && !c.has_snp_metadata() {
            out.push("the SEV-SNP metadata");
        }
        if self.hashes && empty(&c.hashes) {
            out.push("a table for the kernel hashes");
        }
        if self.secret && empty(&c.secret) {
            out.push("an area for the launch secret");
        }
        out
    }
}

/// Decides.
pub(crate) fn decide(ctx: &Ctx<'_>) -> Firmware {
    let os = &ctx.facts.os;
    let snp = ctx.mode() == Mode::SevSnp;
    let efi = os.firmware.as_deref() == Some("efi");
    let loader_path = os.loader.as_ref().and_then(|l| l.path.clone());
    let was_bios = match &loader_path {
        Some(path) => !efi && is_bios_image(path),
        None => !efi,
    };
    // What is measured must not change behind the owner's back. And images that can check kernel hashes are the
    // stateless builds (OVMF's AmdSevX64): asked for a stateless one, libvirt chooses among them or refuses.
    let stateless = ctx.config.is_measured() || ctx.hashes_kernel();
    let features = os.firmware_features.iter();
    let secure = os.loader.as_ref().is_some_and(|l| l.secure == Some(true))
        || features.clone().any(|f| f.enabled && (f.name == "secure-boot" || f.name == "enrolled-keys"));
    let base = Firmware { was_bios, secure, ..Firmware::libvirts_own(stateless) };

    if let FirmwareChoice::Path(path) = &ctx.config.firmware {
        let path = path.to_string_lossy().into_owned();
        let known = descriptor(ctx, &path);
        let said = os.loader.as_ref().filter(|l| l.path.as_ref() == Some(&path)).and_then(form_of);
        let form = match (snp, said, known.map(|d| d.device)) {
            (true, _, _) => Form::Rom,
            (_, Some(form), _) => form,
            (_, None, Some(FirmwareDevice::Memory)) => Form::Rom,
            (
                _,
                None,
                Some(
                    FirmwareDevice::FlashSplit
                    | FirmwareDevice::FlashCombined
                    | FirmwareDevice::FlashStateless,
                ),
            ) => Form::Pflash,
            // Nothing is known of the file. A stateless image is in practice an AmdSev build, which its packagers
            // map as memory, and QEMU takes any image of up to 16 MiB with -bios; a split one must be flash.
            (_, None, None) if stateless => Form::Rom,
            (_, None, None) => Form::Pflash,
        };
        // Without a variable store in the document libvirt needs a template for one, which it knows only for the
        // images of its descriptors.
        let no_store = os.nvram.is_none() && known.is_none_or(|d| d.device != FirmwareDevice::FlashSplit);
        let stateless = stateless || (form == Form::Pflash && no_store);
        return Firmware { chosen: Chooser::Key, path: Some(path), form, stateless, secure: false, ..base };
    }

    let kept = loader_path.as_ref().filter(|_| !was_bios).zip(os.loader.as_ref());
    if let Some((path, loader)) = kept {
        let form = if snp { Form::Rom } else { form_of(loader).unwrap_or(Form::Rom) };
        let keep = Firmware { chosen: Chooser::Domain, path: Some(path.clone()), form, ..base.clone() };
        if !efi {
            return keep;
        }
        // With firmware='efi' the path is libvirt's own earlier choice: it stays while it fits.
        let fits = match known_descriptors(ctx) {
            Some(all) => {
                all.iter().any(|d| d.image == Path::new(path) && why_unfit(ctx, d, stateless).is_none())
            }
            None => {
                let rom = form_of(loader) == Some(Form::Rom);
                rom || (!snp && (!stateless || loader.stateless == Some(true)))
            }
        };
        if fits || secure {
            return keep;
        }
        return Firmware { chosen_anew: true, ..auto(ctx, base, stateless) };
    }
    auto(ctx, base, stateless)
}

/// Nobody named an image.
fn auto(ctx: &Ctx<'_>, base: Firmware, stateless: bool) -> Firmware {
    let snp = ctx.mode() == Mode::SevSnp;
    let base = Firmware { form: if snp { Form::Rom } else { Form::Pflash }, ..base };
    // A wish for Secure Boot is answered by the rule `smm`.
    let Some(all) = known_descriptors(ctx).filter(|_| !base.secure) else { return base };
    let fits = |d: &&FirmwareDescriptor| why_unfit(ctx, d, stateless).is_none();
    if libvirts_choice(ctx, all, stateless).is_some_and(|d| fits(&d)) {
        return base;
    }
    // A stateless image before a split one that is used without its variables.
    let own_kind = |d: &&FirmwareDescriptor| stateless == (d.device != FirmwareDevice::FlashSplit);
    let fit = || all.iter().filter(fits);
    let Some(best) = fit().find(own_kind).or_else(|| fit().next()) else {
        let why = all
            .iter()
            .filter_map(|d| why_unfit(ctx, d, stateless).map(|w| format!("{} {w}", d.image.display())));
        return Firmware { unfit: Some(why.collect()), ..base };
    };
    let form = if snp || best.device == FirmwareDevice::Memory { Form::Rom } else { Form::Pflash };
    let path = Some(best.image.to_string_lossy().into_owned());
    Firmware { chosen: Chooser::Host, path, form, ..base }
}

/// The image that libvirt takes by itself: the first descriptor that claims the mode and fits the loader
/// (libvirt, `qemuFirmwareMatchDomain` in `src/qemu/qemu_firmware.c`).
fn libvirts_choice<'a>(
    ctx: &Ctx<'_>,
    all: &'a [FirmwareDescriptor],
    stateless: bool,
) -> Option<&'a FirmwareDescriptor> {
    all.iter().find(|d| {
        let device = match d.device {
            FirmwareDevice::Memory => true,
            FirmwareDevice::FlashStateless => stateless && ctx.mode() != Mode::SevSnp,
            FirmwareDevice::FlashSplit => !stateless,
            FirmwareDevice::FlashCombined => false,
        };
        device && !d.needs_smm && d.claims.contains(&ctx.mode())
    })
}

/// The image that the domain would get, and whether libvirt chooses it by itself. `None` where that cannot be told from
/// what is known of the host, and where no image fits.
#[must_use]
pub fn image_to_be(
    config: &SevConfig,
    domain: &Domain<'_>,
    host: &HostFacts,
    options: &Options,
) -> Option<(PathBuf, bool)> {
    let ctx = Ctx::new(config, domain, host, options);
    let firmware = decide(&ctx);
    if let Some(path) = firmware.path {
        // As libvirt's daemon takes it, whose folder is `/`: `-` is a file there, and not standard input.
        return Some((Path::new("/").join(path), false));
    }
    let all = known_descriptors(&ctx).filter(|_| firmware.unfit.is_none())?;
    libvirts_choice(&ctx, all, firmware.stateless).map(|d| (d.image.clone(), true))
}

/// Why an image does not serve a mode; `None` for one that does, and for one that cannot be read and claims it.
#[must_use]
pub fn why_not(descriptor: &FirmwareDescriptor, mode: Mode) -> Option<String> {
    unfit(Needs { mode, hashes: false, secret: false }, descriptor, false)
}

fn why_unfit(ctx: &Ctx<'_>, d: &FirmwareDescriptor, stateless: bool) -> Option<String> {
    unfit(Needs::of(ctx), d, stateless)
}

fn unfit(needs: Needs, d: &FirmwareDescriptor, stateless: bool) -> Option<String> {
    let snp = needs.mode == Mode::SevSnp;
    if d.needs_smm {
        return Some("needs SMM".into());
    }
    match (&d.device, &d.contents) {
        (FirmwareDevice::FlashCombined, _) => {
            return Some("is one flash for code and variables, which libvirt does not load".into());
        }
        // A split image holds the boot code, but no promise that it works with -bios.
        (FirmwareDevice::FlashSplit, _) if snp => return Some("is flash, and SEV-SNP needs -bios".into()),
        (
            FirmwareDevice::FlashSplit | FirmwareDevice::FlashStateless | FirmwareDevice::Memory,
            Fact::Known(contents),
        ) => {
            let lacking = needs.lacking(contents);
            if !lacking.is_empty() {
                return Some(format!("lacks {}", lacking.join(" and ")));
            }
        }
        (
            FirmwareDevice::FlashSplit | FirmwareDevice::FlashStateless | FirmwareDevice::Memory,
            Fact::Absent,
        ) => return Some("is not there".into()),
        (
            FirmwareDevice::FlashSplit | FirmwareDevice::FlashStateless | FirmwareDevice::Memory,
            Fact::Unreadable(_) | Fact::NotAsked,
        ) => {
            if !d.claims.contains(&needs.mode) {
                return Some(format!("does not claim {}", needs.mode.as_str()));
            }
            if stateless && needs.hashes && d.device == FirmwareDevice::FlashSplit {
                return Some("cannot be read, and is no stateless build".into());
            }
        }
    }
    None
}

/// The descriptors, where somebody looked; a host without any has an empty list.
fn known_descriptors<'a>(ctx: &Ctx<'a>) -> Option<&'a [FirmwareDescriptor]> {
    match &ctx.host.firmware {
        Fact::Known(all) => Some(all),
        Fact::Absent => Some(&[]),
        Fact::Unreadable(_) | Fact::NotAsked => None,
    }
}

/// The descriptor of an image, where the host has one.
pub(crate) fn descriptor<'a>(ctx: &Ctx<'a>, path: &str) -> Option<&'a FirmwareDescriptor> {
    known_descriptors(ctx)?.iter().find(|d| d.image == Path::new(path))
}

fn form_of(loader: &Loader) -> Option<Form> {
    match loader.kind.as_deref() {
        Some("pflash") => Some(Form::Pflash),
        Some(_) => Some(Form::Rom),
        None => None,
    }
}

/// SeaBIOS under the names that QEMU and the distributions give it.
fn is_bios_image(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    path.contains("seabios") || (file.starts_with("bios") && file.ends_with(".bin"))
}
