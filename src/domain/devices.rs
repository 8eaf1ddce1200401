//! The devices of a document. In: `<devices>`. Out: [`Device`] each. Never: a judgement.

use super::facts::{flag, number, once};
use super::{Domain, ElementId};
use crate::error::Error;

/// Which element a device is.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Any other, by name.
    Other(String),
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
    pub device_type: Option<String>,
    /// `@device` of a disk: `disk`, `cdrom`, `lun`, `floppy`.
    pub disk_device: Option<String>,
    /// `@mode`; for a host device without one `subsystem`, as libvirt has it.
    pub mode: Option<String>,
    /// `@model`, or `model/@type` where the kind has it there.
    pub model: Option<String>,
    /// `<model>`, where the kind has one.
    pub model_element: Option<ElementId>,
    /// `target/@bus` or `@bus`; for a disk without one what libvirt infers from the target's name.
    pub bus: Option<String>,
    /// `target/@dev`.
    pub target: Option<String>,
    /// `target/@type`.
    pub target_type: Option<String>,
    /// `@index` of a controller.
    pub index: Option<u32>,
    /// `address/@controller`.
    pub address_controller: Option<u32>,
    /// `<driver>`.
    pub driver: Option<ElementId>,
    /// `driver/@type`.
    pub driver_type: Option<String>,
    /// `driver/@name`.
    pub driver_name: Option<String>,
    /// `driver/@iommu`.
    pub iommu: Option<bool>,
    /// `<rom>`.
    pub rom: Option<Rom>,
    /// `boot/@order`.
    pub boot_order: Option<BootOrder>,
}

/// Children of a device that libvirt reads once and a rule may edit.
const SINGLE: &[&str] = &["driver", "model", "rom", "target", "boot"];

pub(super) fn read(d: &Domain, devices: ElementId) -> Result<Vec<Device>, Error> {
    once(d, devices, |name| name == "emulator" || name == "memballoon")?;
    d.children(devices).filter(|c| d.name(*c) != "emulator").map(|c| device(d, c)).collect()
}

fn device(d: &Domain, id: ElementId) -> Result<Device, Error> {
    use DeviceKind as K;
    let kind = match d.name(id) {
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
        other => K::Other(other.to_owned()),
    };
    let has_model_element = matches!(kind, K::Interface | K::Video);
    if !matches!(kind, K::Other(_)) {
        // A video device has one model; more than one is libvirt's old way of saying many heads, long gone.
        once(d, id, |name| SINGLE.contains(&name))?;
    }
    let target = d.child(id, "target");
    let target_dev = target.and_then(|t| d.attribute(t, "dev"));
    let said_bus = target.and_then(|t| d.attribute(t, "bus")).or_else(|| d.attribute(id, "bus"));
    let disk_device = d.attribute(id, "device");
    let bus = match (&kind, said_bus, &target_dev) {
        (K::Disk, None, _) if disk_device.as_deref() == Some("floppy") => Some("fdc".to_owned()),
        (K::Disk, None, Some(dev)) => inferred_bus(dev).map(str::to_owned),
        (_, said, _) => said,
    };
    let model_element = d.child(id, "model").filter(|_| has_model_element);
    let driver = d.child(id, "driver");
    let boot = d.child(id, "boot");
    let address = d.child(id, "address");
    Ok(Device {
        element: id,
        device_type: d.attribute(id, "type"),
        disk_device,
        mode: match (&kind, d.attribute(id, "mode")) {
            // virDomainHostdevDefParseXML
            (K::Hostdev, None) => Some("subsystem".to_owned()),
            (_, said) => said,
        },
        model: match model_element {
            Some(m) => d.attribute(m, "type"),
            None if has_model_element => None,
            None => d.attribute(id, "model"),
        },
        model_element,
        bus,
        target: target_dev,
        target_type: target.and_then(|t| d.attribute(t, "type")),
        index: if kind == K::Controller { number(d, id, "index")? } else { None },
        address_controller: match (&kind, address) {
            (K::Channel | K::Console, Some(a)) => number(d, a, "controller")?,
            _ => None,
        },
        driver,
        driver_type: driver.and_then(|r| d.attribute(r, "type")),
        driver_name: driver.and_then(|r| d.attribute(r, "name")),
        iommu: driver.and_then(|r| flag(d, r, "iommu")),
        rom: d.child(id, "rom").map(|r| Rom {
            element: r,
            enabled: flag(d, r, "enabled"),
            bar: d.attribute(r, "bar").is_some(),
            file: d.attribute(r, "file").is_some(),
        }),
        boot_order: match boot {
            Some(b) => number(d, b, "order")?,
            None => None,
        },
        kind,
    })
}

/// libvirt's guess from a disk's target name (`virDomainDiskDefPostParse` and `virDiskNameToBusDeviceIndex`).
fn inferred_bus(dev: &str) -> Option<&'static str> {
    match dev {
        _ if dev.starts_with("vd") => Some("virtio"),
        _ if dev.starts_with("hd") => Some("ide"),
        _ if dev.starts_with("sd") => Some("scsi"),
        _ if dev.starts_with("fd") => Some("fdc"),
        _ if dev.starts_with("xvd") => Some("xen"),
        _ => None,
    }
}

impl Device {
    /// True for a virtio device whose element takes `<driver iommu=…>` (`virtioOptions` in libvirt's schema).
    #[must_use]
    pub fn is_virtio(&self) -> bool {
        let virtio_model = self.model.as_deref().is_some_and(|m| m.starts_with("virtio"));
        match &self.kind {
            DeviceKind::Disk => self.bus.as_deref() == Some("virtio"),
            // A network of the host's own hardware is passed through, whatever model is said.
            DeviceKind::Interface => virtio_model && self.device_type.as_deref() != Some("hostdev"),
            DeviceKind::Controller => match self.device_type.as_deref() {
                Some("virtio-serial") => true,
                // Without a model libvirt asks the emulator, and that is rarely virtio.
                Some("scsi") => virtio_model,
                _ => false,
            },
            DeviceKind::Rng
            | DeviceKind::Memballoon
            | DeviceKind::Video
            | DeviceKind::Crypto
            | DeviceKind::Sound => virtio_model,
            DeviceKind::Input => self.bus.as_deref() == Some("virtio"),
            DeviceKind::Vsock => true,
            // 9p and virtiofs; MTP is a USB device.
            DeviceKind::Filesystem => self.driver_type.as_deref() != Some("mtp"),
            DeviceKind::Hostdev
            | DeviceKind::Memory
            | DeviceKind::Channel
            | DeviceKind::Console
            | DeviceKind::Other(_) => false,
        }
    }

    /// True for an interface or a host device that is a PCI function and so may carry an option ROM.
    #[must_use]
    pub fn may_have_rom(&self) -> bool {
        match self.kind {
            DeviceKind::Interface => !matches!(self.model.as_deref(), Some("usb-net" | "ne2k_isa")),
            DeviceKind::Hostdev => {
                self.device_type.as_deref() == Some("pci") && self.mode.as_deref() == Some("subsystem")
            }
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
            | DeviceKind::Other(_) => false,
        }
    }
}
