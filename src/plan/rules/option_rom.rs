//! `option-rom`: no device runs code of its own in the guest. In: interfaces and PCI host devices. Out: edits,
//! findings. Never: the boot order.

use super::{Ctx, Out, Rule};
use crate::domain::{Device, DeviceKind};
use crate::error::Error;
use crate::finding::Severity;
use crate::plan::template;

pub(super) static RULE: Rule = Rule {
    id: "option-rom",
    title: "no option ROM",
    text: "An option ROM is code of the host that the firmware runs before the guest's own. It is not in the \
           measurement, and an iPXE ROM is known to hang an encrypted guest, since it reaches its device by \
           unencrypted DMA. So every network interface and every PCI host device has <rom enabled='no'/>. A \
           device that the guest boots from would not boot, so that is an error and no edit.",
    without: "The guest may hang in its firmware, and runs code of the host that nobody measured.",
    source: "libvirt docs/kbase/launch_security_sev.rst, section 'Virtio'; formatdomain, '<rom>'",
    severity: Some(Severity::Error),
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    let network_boot = ctx.facts.os.boot_devices.iter().any(|d| d == "network");
    let mut first_interface = true;
    for device in ctx.facts.devices.iter().filter(|d| d.may_have_rom()) {
        let is_interface = device.kind == DeviceKind::Interface;
        // <boot dev='network'/> means the first interface.
        let by_os = network_boot && is_interface && std::mem::take(&mut first_interface);
        if device.boot_order.is_some() || by_os {
            out.error("the guest boots from this device, and its option ROM must be off", |f| {
                f.path(ctx.domain.path(device.element)).fix(
                    "Boot from a disk or with <kernel>: remove <boot order> from the device, or <boot \
                     dev='network'/> from <os>.",
                )
            });
            continue;
        }
        turn_off(out, device)?;
    }
    Ok(())
}

fn turn_off(out: &mut Out<'_>, device: &Device) -> Result<(), Error> {
    let reason = "an option ROM is code that nobody measured";
    if let Some(rom) = &device.rom {
        // libvirt: "ROM tuning is not supported when ROM is disabled".
        for name in ["bar", "file"] {
            out.remove_attribute(
                rom.element,
                name,
                format!("{reason}; libvirt takes no '{name}' beside enabled='no'"),
            );
        }
    }
    out.inside(device.element, template::ROM_OFF.node()?, reason);
    Ok(())
}
