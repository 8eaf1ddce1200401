//! `virtio-modern`: no device speaks legacy virtio. In: the devices. Out: edits, findings. Never: a driver option.

use super::{Ctx, Out, Rule};
use crate::domain::{Device, DeviceKind, Node, Word};
use crate::error::Error;
use crate::finding::Severity;
use crate::plan::render::Value;
use crate::plan::template;

pub(super) static RULE: Rule = Rule {
    id: "virtio-modern",
    title: "virtio devices are non-transitional",
    text: "A transitional virtio device also speaks the legacy protocol, which has no VIRTIO_F_ACCESS_PLATFORM: \
           the guest hands it addresses of encrypted memory, and it reads noise. On q35 a plain 'virtio' is \
           already modern. On i440fx it is transitional, so the model becomes virtio-non-transitional; video, \
           sound and crypto devices have no such model there.",
    without: "The guest hands the device addresses of encrypted memory: its disk reads noise, and it does not boot.",
    source: "libvirt docs/kbase/launch_security_sev.rst; virtio 1.2, section 6.1 (VIRTIO_F_ACCESS_PLATFORM)",
    severity: Some(Severity::Error),
    run,
};

/// The model that every virtio device of a machine without PCI Express has.
pub(super) const MODERN: &str = "virtio-non-transitional";

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    let q35 = ctx.is_q35();
    let reason = if q35 {
        "a transitional device does not know encrypted memory"
    } else {
        "on this machine type a plain virtio device is transitional, and does not know encrypted memory"
    };
    let values = [("model", Some(Value::Word(MODERN)))];
    for device in ctx.facts.devices.iter().filter(|d| speaks_virtio(d) && !is_always_modern(d)) {
        let legacy = device.model == Some(Word::VirtioTransitional);
        if device.model == Some(Word::VirtioNonTransitional) || (q35 && !legacy) {
            continue;
        }
        match place_of_model(device) {
            Place::Attribute => {
                let node = template::VIRTIO_MODEL.fill(&values)?;
                let named = Node { name: ctx.domain.name(device.element).to_owned().into(), ..node };
                out.edit(merge(device, named), reason);
            }
            Place::Element => out.edit(merge(device, template::VIRTIO_MODEL_ELEMENT.fill(&values)?), reason),
            Place::None => out.error("this device has no non-transitional model", |f| {
                f.path(ctx.domain.path(device.element))
                    .detail("On this machine type it would speak legacy virtio.")
                    .fix("Use another model, or make the domain with machine='q35'.")
            }),
        }
    }
    Ok(())
}

/// Also a SCSI host of the kernel (vhost-scsi), whose element has a model but takes no `<driver>`.
fn speaks_virtio(device: &Device) -> bool {
    let scsi_host = device.kind == DeviceKind::Hostdev && device.device_type == Some(Word::ScsiHost);
    scsi_host || device.is_virtio()
}

/// A virtio keyboard, mouse or tablet has no legacy protocol at all (QEMU `hw/virtio/virtio-input-pci.c`), and libvirt
/// takes no model for it; only an input device of the host that is passed through has one.
fn is_always_modern(device: &Device) -> bool {
    device.kind == DeviceKind::Input && device.device_type != Some(Word::Passthrough)
}

fn merge(device: &Device, fragment: Node) -> crate::domain::Change {
    crate::domain::Change::Merge { into: device.element, fragment: fragment.into() }
}

enum Place {
    Attribute,
    Element,
    None,
}

fn place_of_model(device: &Device) -> Place {
    match device.kind {
        DeviceKind::Interface => Place::Element,
        DeviceKind::Disk
        | DeviceKind::Controller
        | DeviceKind::Filesystem
        | DeviceKind::Rng
        | DeviceKind::Memballoon
        | DeviceKind::Input
        | DeviceKind::Hostdev
        | DeviceKind::Vsock => Place::Attribute,
        DeviceKind::Video
        | DeviceKind::Crypto
        | DeviceKind::Sound
        | DeviceKind::Memory
        | DeviceKind::Channel
        | DeviceKind::Console
        | DeviceKind::Graphics
        | DeviceKind::Other => Place::None,
    }
}
