//! `hostdev`: hardware that is passed through. In: host devices and interfaces. Out: findings. Never: an edit.

use super::{Ctx, Out, Rule};
use crate::domain::{Device, DeviceKind, Word};
use crate::error::Error;

pub(super) static RULE: Rule = Rule {
    id: "hostdev",
    title: "no hardware of the host is passed through",
    text: "A PCI or mediated device of the host reads and writes memory without the guest's key. It works only \
           where the guest's driver bounces everything through shared memory, which many drivers, GPU drivers \
           above all, do not. What the device sees is in the clear to the host, and the device itself is not in \
           the measurement. VFIO also pins the whole of the guest's memory a second time.",
    without: "The device reads ciphertext and writes where nothing is expected, or sees in the clear what it should not.",
    source: "AMD APM volume 2, section 15.34; OpenStack Nova, doc/source/admin/sev.rst \
             (no PCI passthrough)",
    severity: None,
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    for device in &ctx.facts.devices {
        if let Some(what) = passed_through(device) {
            out.warn(
                format!("{what} is passed through to the guest, and cannot read encrypted memory"),
                |f| {
                    f.path(ctx.domain.path(device.element))
                        .detail("It works only with a guest driver that bounces through shared memory.")
                        .fix("Use a virtio device, or test this device with this guest.")
                },
            );
        }
    }
    Ok(())
}

/// What of the host's hardware a device is. USB and SCSI host devices go through an emulated controller.
fn passed_through(device: &Device) -> Option<&'static str> {
    match (device.kind, device.mode, device.device_type) {
        (DeviceKind::Hostdev, Some(Word::Subsystem), Some(Word::Pci)) => Some("a PCI device"),
        (DeviceKind::Hostdev, Some(Word::Subsystem), Some(Word::Mdev)) => Some("a mediated device"),
        (DeviceKind::Interface, _, Some(Word::Hostdev)) => Some("a network function"),
        _ => None,
    }
}
