//! QEMU's firmware descriptors and the images behind them. In: a [`Probe`]. Out: descriptors in QEMU's order,
//! each with what its image really holds. Never: belief in what a descriptor claims.
//!
//! Format and folders: QEMU `docs/interop/firmware.json`; how libvirt reads them:
//! `src/qemu/qemu_interop_config.c` and `src/qemu/qemu_firmware.c`.

use super::facts::{Fact, FirmwareDescriptor, FirmwareDevice};
use super::ovmf;
use super::probe::Probe;
use crate::config::Mode;
use crate::image::ImageContents;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Lowest precedence first.
const FOLDERS: [&str; 2] = ["/usr/share/qemu/firmware", "/etc/qemu/firmware"];
/// More than any host has; a folder from elsewhere may hold what it likes, and each may name an image.
const MOST_DESCRIPTORS: usize = 500;
/// A descriptor has about a kilobyte.
const LONGEST_DESCRIPTOR: u64 = 1 << 20;
/// OVMF has 2 to 4 MiB; QEMU's pc machines take 8 MiB unless told otherwise (`max-fw-size`, at most 16 MiB).
pub(super) const LONGEST_IMAGE: u64 = 32 << 20;

/// Images already read: several descriptors often share one.
#[derive(Default)]
pub(super) struct Images(BTreeMap<PathBuf, Fact<ImageContents>>);

impl Images {
    /// What this image holds.
    pub(super) fn inspect(&mut self, probe: &dyn Probe, path: &Path) -> Fact<ImageContents> {
        self.0.entry(path.to_owned()).or_insert_with(|| probe.image(path)).clone()
    }

    /// All that were read.
    pub(super) fn into_facts(self) -> Vec<(PathBuf, Fact<ImageContents>)> {
        self.0.into_iter().collect()
    }
}

/// What these bytes of an image hold.
pub(super) fn look(path: &Path, bytes: Fact<Vec<u8>>) -> Fact<ImageContents> {
    bytes.and_then(|bytes| match ovmf::inspect(&bytes) {
        Ok(contents) => Fact::Known(contents),
        Err(e) => Fact::Unreadable(format!("{}: {}", path.display(), e.to_string().replace('\n', " "))),
    })
}

/// The descriptors of UEFI images for x86_64, sorted by file name. A file of the same name in a folder of higher
/// precedence hides the lower one, and an empty file hides it without taking its place.
pub(super) fn descriptors(probe: &dyn Probe, images: &mut Images) -> Fact<Vec<FirmwareDescriptor>> {
    let folders = FOLDERS.iter().map(PathBuf::from).chain(probe.user_firmware());
    let mut files: BTreeMap<OsString, PathBuf> = BTreeMap::new();
    let mut readable = false;
    let mut unreadable = None;
    for folder in folders {
        match probe.list(&folder) {
            Fact::Known(names) => {
                readable = true;
                for name in names {
                    // As libvirt: hidden files do not count, any other name does.
                    if !name.as_encoded_bytes().starts_with(b".") {
                        files.insert(name.clone(), folder.join(name));
                    }
                }
            }
            Fact::Unreadable(why) => unreadable = Some(why),
            Fact::Absent | Fact::NotAsked => {}
        }
    }
    match unreadable {
        // A folder that cannot be read may hide what the others hold.
        Some(why) => Fact::Unreadable(why),
        None if !readable => Fact::Absent,
        None if files.len() > MOST_DESCRIPTORS => {
            Fact::Unreadable(format!("{}: more than {MOST_DESCRIPTORS} descriptors", FOLDERS[0]))
        }
        None => Fact::Known(files.into_values().filter_map(|file| descriptor(probe, file, images)).collect()),
    }
}

fn descriptor(probe: &dyn Probe, file: PathBuf, images: &mut Images) -> Option<FirmwareDescriptor> {
    let bytes = match probe.read(&file, LONGEST_DESCRIPTOR) {
        Fact::Known(bytes) if bytes.is_empty() => return None,
        Fact::Known(bytes) => bytes,
        Fact::Unreadable(why) => {
            log::warn!("firmware descriptor: {why}");
            return None;
        }
        Fact::Absent | Fact::NotAsked => return None,
    };
    let json: Json = match serde_json::from_slice(&bytes) {
        Ok(json) => json,
        Err(e) => {
            log::warn!("firmware descriptor {} is not read: {e}", file.display());
            return None;
        }
    };
    let (image, device) = json.mapping.image()?;
    let ours = json.interface_types.iter().any(|t| t == "uefi")
        && json.targets.iter().any(|t| t.architecture == "x86_64");
    if !ours {
        return None;
    }
    let has = |feature: &str| json.features.iter().any(|f| f == feature);
    let claims = [Mode::Sev, Mode::SevEs, Mode::SevSnp]
        .into_iter()
        .filter(|mode| has(&format!("amd-{}", mode.as_str())))
        .collect();
    let contents = images.inspect(probe, &image);
    let needs_smm = has("requires-smm") || has("secure-boot");
    Some(FirmwareDescriptor { file, image, device, claims, needs_smm, contents })
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Json {
    #[serde(default)]
    interface_types: Vec<String>,
    mapping: Mapping,
    #[serde(default)]
    targets: Vec<Target>,
    #[serde(default)]
    features: Vec<String>,
}

#[derive(Deserialize)]
struct Target {
    architecture: String,
}

#[derive(Deserialize)]
struct Mapping {
    device: String,
    mode: Option<String>,
    executable: Option<Executable>,
    filename: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Executable {
    filename: PathBuf,
}

impl Mapping {
    /// The image and how QEMU takes it; `None` for `kernel` and whatever QEMU may invent.
    fn image(&self) -> Option<(PathBuf, FirmwareDevice)> {
        let device = match (self.device.as_str(), self.mode.as_deref()) {
            ("memory", _) => return Some((self.filename.clone()?, FirmwareDevice::Memory)),
            // `mode` came later; without it a flash image is split.
            ("flash", None | Some("split")) => FirmwareDevice::FlashSplit,
            ("flash", Some("combined")) => FirmwareDevice::FlashCombined,
            ("flash", Some("stateless")) => FirmwareDevice::FlashStateless,
            _ => return None,
        };
        Some((self.executable.as_ref()?.filename.clone(), device))
    }
}
