//! `memballoon`: the guest gives no memory back by itself. In: `<memballoon>`, sizes. Out: edits, findings.
//! Never: a balloon that is not there (`virtio-iommu` writes that one), its model or its driver.

use super::{Ctx, Out, Rule};
use crate::domain::{Change, DeviceKind, Word};
use crate::error::Error;
use crate::finding::Severity;
use crate::plan::render::Value;
use crate::plan::template;

pub(super) static RULE: Rule = Rule {
    id: "memballoon",
    title: "the memory balloon reports no free pages and does not deflate by itself",
    text: "Encrypted memory is pinned, and QEMU forbids RAM discard for SEV: a page that the guest reports as free, \
           or puts into the balloon, does not go back to the host. Free page reporting then costs the guest time \
           and tells the host which pages it uses, and a balloon that deflates on its own hides that the guest \
           runs out of memory for nothing. Both are off in QEMU unless the document asks for them, so a balloon \
           that is not there needs nothing from this rule; virtio-iommu is the one that writes it down. Inflating \
           the balloon only makes the guest smaller.",
    without: "The guest spends time on reports that free nothing, and tells the host which of its pages it uses.",
    source: "QEMU target/i386/sev.c, ram_block_discard_disable; QEMU hw/virtio/virtio-balloon.c; libvirt \
             formatdomain, 'Memory balloon device'",
    severity: Some(Severity::Warning),
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    let balloon = ctx.facts.devices.iter().find(|d| d.kind == DeviceKind::Memballoon);
    if balloon.is_some_and(|d| d.model == Some(Word::None)) {
        return Ok(());
    }
    if let Some(balloon) = balloon {
        let asked = |name| ctx.domain.attribute(balloon.element, name).is_some_and(|v| v == "on");
        let off = |name| asked(name).then_some(Value::Word("off"));
        let fragment = template::MEMBALLOON_KEEPS.fill(&[
            ("autodeflate", off("autodeflate")),
            ("free_page_reporting", off("freePageReporting")),
        ])?;
        out.edit(
            Change::Merge { into: balloon.element, fragment: fragment.into() },
            "the guest's memory is pinned: what it gives back does not reach the host",
        );
    }
    // Said only where the balloon is counted on: nearly every domain has one.
    if let (Some(memory), Some(current)) = (ctx.facts.memory, ctx.facts.current_memory)
        && current < memory
    {
        out.info("the balloon takes memory from the guest and gives none to the host", |f| {
            f.path("/domain/currentMemory")
                .detail("The whole of <memory> stays pinned, and <currentMemory> is less.")
                .fix("Set <memory> to what the guest needs and <currentMemory> to the same.")
        });
    }
    Ok(())
}
