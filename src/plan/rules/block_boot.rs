//! `block-boot`: the guest boots from a disk that it can read. In: the disks, the boot order. Out: findings.
//! Never: an edit.

use super::{Ctx, Out, Rule};
use crate::domain::{Device, DeviceKind, Word};
use crate::error::Error;

pub(super) static RULE: Rule = Rule {
    id: "block-boot",
    title: "the boot disk is virtio, SCSI, SATA, NVMe or USB",
    text: "A floppy is read by ISA DMA, which knows nothing of encrypted memory, and OVMF has no driver for it. An \
           IDE disk hangs on a controller that q35, which SEV is tested with, does not have, and Nova permits \
           virtio, SCSI and SATA only. Neither is edited: another bus gives the disk another name in the guest. A \
           Linux guest older than 5.1 does not boot from a virtio-blk disk, because its driver does not bound the \
           size of a request to what the bounce buffer holds; virtio-scsi works there.",
    without: "The firmware finds nothing to boot.",
    source: "OpenStack Nova, doc/source/admin/sev.rst; libvirt docs/kbase/launch_security_sev.rst \
             (virtio-blk and Linux 5.1)",
    severity: None,
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    for disk in boot_disks(ctx) {
        let path = || ctx.domain.path(disk.element);
        match disk.bus {
            Some(Word::Ide) => out.error("the guest boots from an IDE disk", |f| {
                f.path(path()).fix("Put the disk on virtio, scsi or sata, or boot from another one.")
            }),
            Some(Word::Fdc) => out.error("the guest boots from a floppy disk", |f| {
                f.path(path()).fix("Boot from a disk on virtio, scsi or sata.")
            }),
            Some(Word::Virtio) if is_disk(disk) => {
                out.info("a Linux guest older than 5.1 does not boot from a virtio-blk disk", |f| {
                    f.path(path()).fix("For such a guest put the disk on a virtio-scsi controller.")
                });
            }
            _ => {}
        }
    }
    Ok(())
}

/// A hard disk, whole or passed through.
fn is_disk(device: &Device) -> bool {
    matches!(device.disk_device, None | Some(Word::Disk | Word::Lun))
}

/// The disks that the guest may boot from. With `<boot order>` on any device it is those that have one; with
/// `<boot dev>`, or nothing, which means `hd`, the first of each kind that is named
/// (`qemuProcessPrepareDeviceBootorder`). A kernel that is booted directly needs none.
fn boot_disks<'a>(ctx: &Ctx<'a>) -> Vec<&'a Device> {
    let facts = ctx.facts;
    let disks = || facts.devices.iter().filter(|d| d.kind == DeviceKind::Disk);
    if ctx.boots_kernel() {
        return Vec::new();
    }
    if facts.devices.iter().any(|d| d.boot_order.is_some()) {
        return disks().filter(|d| d.boot_order.is_some()).collect();
    }
    let first = |kind: &str| {
        disks().find(|d| match kind {
            "hd" => is_disk(d),
            "cdrom" => d.disk_device == Some(Word::Cdrom),
            "fd" => d.disk_device == Some(Word::Floppy),
            _ => false,
        })
    };
    if facts.os.boot_devices.is_empty() {
        return first("hd").into_iter().collect();
    }
    facts.os.boot_devices.iter().filter_map(|kind| first(kind)).collect()
}
