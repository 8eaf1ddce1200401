//! `vhost-user`: no device whose back end is another process. In: the devices. Out: findings. Never: an edit.

use super::{Ctx, Out, Rule};
use crate::domain::{Device, DeviceKind, Word};
use crate::error::Error;

pub(super) static RULE: Rule = Rule {
    id: "vhost-user",
    title: "no device has a vhost-user back end",
    text: "A vhost-user back end, such as virtiofsd, SPDK or DPDK, is a process of its own that maps the guest's \
           memory and follows the addresses in the queues. It has no key: what it finds is ciphertext, unless both \
           it and the guest's driver keep to shared memory (VIRTIO_F_ACCESS_PLATFORM), and the common ones do \
           not. SEV-SNP's private memory cannot be mapped at all. The guest hangs or fails to mount. LXD and Incus \
           refuse virtiofs for SEV as well. Where the back end is known to work, leave this rule out with --skip.",
    without: "The guest hangs at the device, or fails to mount it.",
    source: "LXD lxd/device/device_utils_disk.go; virtio 1.2, section 6.1 (VIRTIO_F_ACCESS_PLATFORM); QEMU \
             docs/interop/vhost-user.rst",
    severity: None,
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    for device in &ctx.facts.devices {
        if let Some((what, instead)) = back_end(device) {
            out.error(
                format!("{what} is served by another process, which cannot read encrypted memory"),
                |f| {
                    f.path(ctx.domain.path(device.element)).fix(format!(
                        "{instead} If its back end is known to keep to shared memory: --skip vhost-user."
                    ))
                },
            );
        }
    }
    Ok(())
}

/// What has a vhost-user back end, and what to take instead.
fn back_end(device: &Device) -> Option<(&'static str, &'static str)> {
    let on_gpu = device.driver_name == Some(Word::VhostUser);
    match (device.kind, device.device_type) {
        (DeviceKind::Filesystem, _) if device.driver_type == Some(Word::VirtioFs) => Some((
            "a virtiofs file system",
            "Use a disk, 9p (<driver type='path'/>) or a network file system.",
        )),
        (DeviceKind::Disk, Some(Word::VhostUser)) => {
            Some(("a vhost-user disk", "Use a disk of type file or block."))
        }
        (DeviceKind::Interface, Some(Word::VhostUser)) => {
            Some(("a vhost-user interface", "Use an interface of type network, bridge or user."))
        }
        (DeviceKind::Video, _) if on_gpu => Some(("a vhost-user GPU", "Remove <driver name='vhostuser'/>.")),
        _ => None,
    }
}
