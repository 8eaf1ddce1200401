//! The devices of a document. In: `<devices>`. Out: [`Device`] each. Never: a judgement.

use super::facts::{flag, is_on, number, once, twice};
use super::word::Word;
use super::{Domain, ElementId};
use crate::error::Error;

/// Which element a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// `<disk>`.
    Disk,
    /// `<controller>`.
    Controller,
    /// `<interface>`.
    Interface,
    /// `<hostdev>`.
    Hostdev,
    /// `<filesystem>`.
    Filesystem,
    /// `<rng>`.
    Rng,
    /// `<memballoon>`.
    Memballoon,
    /// `<input>`.
    Input,
    /// `<video>`.
    Video,
    /// `<vsock>`.
    Vsock,
    /// `<crypto>`.
    Crypto,
    /// `<sound>`.
    Sound,
    /// `<memory>`: a DIMM, NVDIMM, virtio-mem or virtio-pmem.
    Memory,
    /// `<channel>`.
    Channel,
    /// `<console>`.
    Console,
    /// `<graphics>`.
    Graphics,
    /// Any other.
    Other,
}

/// `<rom>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rom {
    /// The element.
    pub element: ElementId,
    /// `@enabled`.
    pub enabled: Option<bool>,
    /// `@bar` is there.
    pub bar: bool,
    /// `@file` is there.
    pub file: bool,
}

/// Where a device stands in the order of `<boot order=…>`.
pub type BootOrder = u32;

/// One device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The element; its path is [`Domain::path`].
    pub element: ElementId,
    /// Which element it is.
    pub kind: DeviceKind,
    /// `@type`.
    pub device_type: Option<Word>,
    /// `@device` of a disk: `disk`, `cdrom`, `lun`, `floppy`.
    pub disk_device: Option<Word>,
    /// `@mode` of a host device; without one `subsystem`, as libvirt has it.
    pub mode: Option<Word>,
    /// `@model`, or `model/@type` where the kind has it there.
    pub model: Option<Word>,
    /// `<model>`, where the kind has one.
    pub model_element: Option<ElementId>,
    /// `target/@bus` or `@bus`; for a disk without one what libvirt infers from the target's name.
    pub bus: Option<Word>,
    /// `target/@type`.
    pub target_type: Option<Word>,
    /// `@index` of a controller.
    pub index: Option<u32>,
    /// `address/@controller`.
    pub address_controller: Option<u32>,
    /// `<driver>`.
    pub driver: Option<ElementId>,
    /// `driver/@type` of a file system.
    pub driver_type: Option<Word>,
    /// `driver/@name` of a video device.
    pub driver_name: Option<Word>,
    /// `driver/@iommu`.
    pub iommu: Option<bool>,
    /// `<rom>`.
    pub rom: Option<Rom>,
    /// `boot/@order`.
    pub boot_order: Option<BootOrder>,
}

pub(super) fn read(d: &Domain<'_>, devices: ElementId) -> Result<Vec<Device>, Error> {
    let mut count = 0;
    once(d, devices, |name| {
        count += 1;
        name == "emulator" || name == "memballoon"
    })?;
    let mut all = Vec::with_capacity(count);
    for (child, element) in d.own_children(devices) {
        let name = element.local(&d.text);
        if name != "emulator" {
            let mut device = Device::new(child, kind(name));
            fill(d, &mut device)?;
            all.push(device);
        }
    }
    Ok(all)
}

fn kind(name: &str) -> DeviceKind {
    use DeviceKind as K;
    match name {
        "disk" => K::Disk,
        "controller" => K::Controller,
        "interface" => K::Interface,
        "hostdev" => K::Hostdev,
        "filesystem" => K::Filesystem,
        "rng" => K::Rng,
        "memballoon" => K::Memballoon,
        "input" => K::Input,
        "video" => K::Video,
        "vsock" => K::Vsock,
        "crypto" => K::Crypto,
        "sound" => K::Sound,
        "memory" => K::Memory,
        "channel" => K::Channel,
        "console" => K::Console,
        "graphics" => K::Graphics,
        _ => K::Other,
    }
}

/// The children that libvirt reads once and a rule may look at.
#[derive(Default)]
struct Parts {
    driver: Option<ElementId>,
    model: Option<ElementId>,
    rom: Option<ElementId>,
    target: Option<ElementId>,
    boot: Option<ElementId>,
    address: Option<ElementId>,
}

impl Parts {
    fn read(d: &Domain<'_>, id: ElementId, kind: DeviceKind) -> Result<Self, Error> {
        let mut parts = Self::default();
        for (child, element) in d.own_children(id) {
            let part = match element.local(&d.text) {
                "driver" => &mut parts.driver,
                "model" => &mut parts.model,
                "rom" => &mut parts.rom,
                "target" => &mut parts.target,
                "boot" => &mut parts.boot,
                // Not judged: the first counts.
                "address" => {
                    parts.address.get_or_insert(child);
                    continue;
                }
                _ => continue,
            };
            match part {
                None => *part = Some(child),
                // A video device has one model; more than one is libvirt's old way of saying many heads, long gone.
                Some(_) if !matches!(kind, DeviceKind::Graphics | DeviceKind::Other) => {
                    return Err(twice(d, child));
                }
                Some(_) => {}
            }
        }
        Ok(parts)
    }
}

fn fill(d: &Domain<'_>, device: &mut Device) -> Result<(), Error> {
    use DeviceKind as K;
    let id = device.element;
    let parts = Parts::read(d, id, device.kind)?;
    device.driver = parts.driver;
    device.rom = parts.rom.map(|r| Rom {
        element: r,
        enabled: flag(d, r, "enabled"),
        bar: d.attribute_at(r, "bar").is_some(),
        file: d.attribute_at(r, "file").is_some(),
    });
    device.boot_order = parts.boot.map_or(Ok(None), |b| number(d, b, "order"))?;
    let has_model_element = matches!(device.kind, K::Interface | K::Video);
    let word = |attribute| Some(d.value(attribute).into());
    for (name, attribute) in d.attributes(id) {
        let field = match (name, device.kind) {
            ("type", _) => &mut device.device_type,
            ("device", K::Disk) => &mut device.disk_device,
            ("mode", K::Hostdev) => &mut device.mode,
            ("model", _) if !has_model_element => &mut device.model,
            ("bus", _) => &mut device.bus,
            _ => continue,
        };
        *field = word(attribute);
    }
    if device.kind == K::Hostdev && device.mode.is_none() {
        // virDomainHostdevDefParseXML
        device.mode = Some(Word::Subsystem);
    }
    let mut target_dev = None;
    for (name, attribute) in parts.target.into_iter().flat_map(|t| d.attributes(t)) {
        match name {
            "dev" => target_dev = Some(attribute),
            "bus" => device.bus = word(attribute),
            "type" => device.target_type = word(attribute),
            _ => {}
        }
    }
    for (name, attribute) in parts.driver.into_iter().flat_map(|r| d.attributes(r)) {
        match (name, device.kind) {
            ("type", K::Filesystem) => device.driver_type = word(attribute),
            ("name", K::Video) => device.driver_name = word(attribute),
            ("iommu", _) => device.iommu = Some(is_on(&d.value(attribute))),
            _ => {}
        }
    }
    if has_model_element {
        device.model_element = parts.model;
        device.model = parts.model.and_then(|m| d.attribute_at(m, "type")).and_then(word);
    }
    if device.kind == K::Disk && device.bus.is_none() {
        let floppy = device.disk_device == Some(Word::Floppy);
        device.bus =
            if floppy { Some(Word::Fdc) } else { target_dev.and_then(|a| inferred_bus(&d.value(a))) };
    }
    if device.kind == K::Controller {
        device.index = number(d, id, "index")?;
    }
    if matches!(device.kind, K::Channel | K::Console) {
        device.address_controller = parts.address.map_or(Ok(None), |a| number(d, a, "controller"))?;
    }
    Ok(())
}

/// libvirt's guess from a disk's target name (`virDomainDiskDefPostParse` and `virDiskNameToBusDeviceIndex`).
fn inferred_bus(dev: &str) -> Option<Word> {
    match dev {
        _ if dev.starts_with("vd") => Some(Word::Virtio),
        _ if dev.starts_with("hd") => Some(Word::Ide),
        _ if dev.starts_with("sd") => Some(Word::Scsi),
        _ if dev.starts_with("fd") => Some(Word::Fdc),
        _ if dev.starts_with("xvd") => Some(Word::Xen),
        _ => None,
    }
}

impl Device {
    fn new(element: ElementId, kind: DeviceKind) -> Self {
        Self {
            element,
            kind,
            device_type: None,
            disk_device: None,
            mode: None,
            model: None,
            model_element: None,
            bus: None,
            target_type: None,
            index: None,
            address_controller: None,
            driver: None,
            driver_type: None,
            driver_name: None,
            iommu: None,
            rom: None,
            boot_order: None,
        }
    }

    /// True for a virtio device whose element takes `<driver iommu=…>` (`virtioOptions` in libvirt's schema).
    #[must_use]
    pub fn is_virtio(&self) -> bool {
        let virtio_model = self.model.is_some_and(Word::is_virtio);
        match self.kind {
            DeviceKind::Disk => self.bus == Some(Word::Virtio),
            // A network of the host's own hardware is passed through, whatever model is said.
            DeviceKind::Interface => virtio_model && self.device_type != Some(Word::Hostdev),
            DeviceKind::Controller => match self.device_type {
                Some(Word::VirtioSerial) => true,
                // Without a model libvirt asks the emulator, and that is rarely virtio.
                Some(Word::Scsi) => virtio_model,
                _ => false,
            },
            DeviceKind::Rng
            | DeviceKind::Memballoon
            | DeviceKind::Video
            | DeviceKind::Crypto
            | DeviceKind::Sound => virtio_model,
            DeviceKind::Input => self.bus == Some(Word::Virtio),
            DeviceKind::Vsock => true,
            // 9p and virtiofs; MTP is a USB device.
            DeviceKind::Filesystem => self.driver_type != Some(Word::Mtp),
            DeviceKind::Hostdev
            | DeviceKind::Memory
            | DeviceKind::Channel
            | DeviceKind::Console
            | DeviceKind::Graphics
            | DeviceKind::Other => false,
        }
    }

    /// True for an interface or a host device that is a PCI function and so may carry an option ROM.
    #[must_use]
    pub fn may_have_rom(&self) -> bool {
        match self.kind {
            DeviceKind::Interface => !matches!(self.model, Some(Word::UsbNet | Word::Ne2kIsa)),
            DeviceKind::Hostdev => self.device_type == Some(Word::Pci) && self.mode == Some(Word::Subsystem),
            DeviceKind::Disk
            | DeviceKind::Controller
            | DeviceKind::Filesystem
            | DeviceKind::Rng
            | DeviceKind::Memballoon
            | DeviceKind::Input
            | DeviceKind::Video
            | DeviceKind::Vsock
            | DeviceKind::Crypto
            | DeviceKind::Sound
            | DeviceKind::Memory
            | DeviceKind::Channel
            | DeviceKind::Console
            | DeviceKind::Graphics
            | DeviceKind::Other => false,
        }
    }
}
