//! `virtio-iommu`: every virtio device goes through the DMA API. In: the devices. Out: edits. Never: a model.

use super::virtio_modern::MODERN;
use super::{Ctx, Out, Reason, Rule};
use crate::domain::{Change, DeviceKind, Word};
use crate::error::Error;
use crate::finding::Severity;
use crate::plan::render::Value;
use crate::plan::template;
use std::collections::BTreeSet;

pub(super) static RULE: Rule = Rule {
    id: "virtio-iommu",
    title: "every virtio device has iommu='on'",
    text: "A virtio device without VIRTIO_F_ACCESS_PLATFORM tells the guest to hand it physical addresses. In an \
           encrypted guest those are addresses of ciphertext. With iommu='on' the guest's driver uses the DMA \
           API, which bounces through shared memory. QEMU before 6.0 does not set it by itself. libvirt adds a \
           memory balloon, and a controller for virtio channels and consoles, that the document does not have: \
           they are written down, so that they have it too.",
    without: "With QEMU before 6.0 the device reads ciphertext: the disk is not found, the network is silent. Newer \
              ones set it themselves, unless the document has iommu='off'.",
    source: "libvirt docs/kbase/launch_security_sev.rst, section 'Virtio'; virtioOptions in libvirt's \
             domaincommon.rng",
    severity: Some(Severity::Warning),
    run,
};

macro_rules! reason {
    ($before:literal) => {
        concat!($before, "the device must use the DMA API, or it reads ciphertext")
    };
}
const REASON: &str = reason!("");

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    let driver = template::DRIVER_IOMMU.node()?;
    for device in ctx.facts.devices.iter().filter(|d| d.is_virtio()) {
        match device.iommu {
            Some(true) => {}
            Some(false) => out.inside(device.element, driver, Reason::error(REASON)),
            None => out.inside(device.element, driver, REASON),
        }
    }
    let Some(parent) = ctx.facts.devices_element else { return Ok(()) };
    let model = if ctx.is_q35() { "virtio" } else { MODERN };
    // libvirt, qemuDomainDefAddDefaultDevices: every x86 guest gets a balloon.
    if !ctx.facts.devices.iter().any(|d| d.kind == DeviceKind::Memballoon) {
        let fragment = template::MEMBALLOON.fill(&[("model", Some(Value::Word(model)))])?;
        out.edit(
            Change::Add { parent, fragment: fragment.into() },
            reason!("libvirt adds a memory balloon by itself: "),
        );
    }
    for index in missing_controllers(ctx) {
        let model = if ctx.is_q35() { None } else { Some(Value::Word(MODERN)) };
        let values = [("index", Some(Value::Uint(index.into()))), ("model", model)];
        let fragment = template::CONTROLLER_VIRTIO_SERIAL.fill(&values)?;
        out.edit(
            Change::Add { parent, fragment: fragment.into() },
            reason!("libvirt adds this controller by itself: "),
        );
    }
    Ok(())
}

/// The virtio-serial controllers that libvirt adds (`virDomainDefMaybeAddVirtioSerialController` in
/// `src/conf/domain_conf.c`): one for each controller number that a virtio channel or console names, 0 where it
/// names none.
fn missing_controllers(ctx: &Ctx<'_>) -> BTreeSet<u32> {
    let devices = &ctx.facts.devices;
    let mut wanted: BTreeSet<u32> = devices
        .iter()
        .filter(|d| matches!(d.kind, DeviceKind::Channel | DeviceKind::Console))
        .filter(|d| d.target_type == Some(Word::Virtio))
        .map(|d| d.address_controller.unwrap_or(0))
        .collect();
    let serial = |d: &&crate::domain::Device| {
        d.kind == DeviceKind::Controller && d.device_type == Some(Word::VirtioSerial)
    };
    // A controller without a number gets the lowest that is free.
    let (named, unnamed): (Vec<_>, Vec<_>) =
        devices.iter().filter(serial).map(|d| d.index).partition(Option::is_some);
    let mut there: BTreeSet<u32> = named.into_iter().flatten().collect();
    let mut next = 0;
    for _ in unnamed {
        while !there.insert(next) {
            next += 1;
        }
    }
    wanted.retain(|index| !there.contains(index));
    wanted
}
