//! `memory-backing`: the guest's memory comes from where encryption can use it. In: keys, `<memoryBacking>`,
//! memory devices. Out: edits, findings. Never: `<locked/>` (`memory-lock`).

use super::{Ctx, Out, Rule};
use crate::config::MemoryBacking;
use crate::domain::{Change, DeviceKind, Word};
use crate::error::Error;
use crate::finding::Severity;
use crate::plan::render::Value;
use crate::plan::template;

pub(super) static RULE: Rule = Rule {
    id: "memory-backing",
    title: "the guest's memory is anonymous, fixed and not given back",
    text: "Encrypted memory is bound to its physical page. Memory in a file would leave ciphertext behind that no \
           one can read, discarding pages breaks the guest, and memory that is plugged in later is neither \
           measured nor encrypted with it: QEMU forbids RAM discard for SEV, and virtio-mem, virtio-pmem, NVDIMM \
           and DIMM hot-plug do not work. The key security.sev.memory.backing chooses memfd or huge pages.",
    without: "The guest runs on other memory than the keys ask for, or, where memory can change, does not start at all.",
    source: "QEMU target/i386/sev.c, ram_block_discard_disable; libvirt formatdomain, 'Memory Backing'",
    severity: Some(Severity::Warning),
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    refuse(ctx, out);
    let now = &ctx.facts.memory_backing;
    let reason = "security.sev.memory.backing asks for it";
    match ctx.config.memory.backing {
        MemoryBacking::Default => {}
        MemoryBacking::Memfd => out.in_domain(template::MEMFD.node()?, reason),
        MemoryBacking::Hugepages(None) => out.in_domain(template::HUGEPAGES.node()?, reason),
        MemoryBacking::Hugepages(Some(bytes)) => {
            let values = [("kib", Some(Value::Uint(bytes / 1024)))];
            match (now.hugepages, now.pages.as_slice()) {
                (Some(_), [(_, size, false)]) if *size == Some(bytes) => {}
                (Some(parent), pages) => {
                    for (page, _, _) in pages {
                        out.remove(*page, "security.sev.memory.backing asks for another size");
                    }
                    let fragment = template::HUGEPAGES_PAGE.fill(&values)?;
                    out.edit(Change::Add { parent, fragment: fragment.into() }, reason);
                }
                (None, _) => out.in_domain(template::HUGEPAGES_SIZE.fill(&values)?, reason),
            }
        }
    }
    Ok(())
}

/// What no edit can put right.
fn refuse(ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let now = &ctx.facts.memory_backing;
    let becomes_memfd = ctx.config.memory.backing == MemoryBacking::Memfd;
    if now.source.as_ref().is_some_and(|(_, kind)| kind == "file") && !becomes_memfd {
        out.error("the guest's memory is in a file", |f| {
            f.path("/domain/memoryBacking/source")
                .fix("Remove <source type='file'/>, or set security.sev.memory.backing=memfd.")
        });
    }
    if now.discard.is_some() {
        out.error("the guest's memory is discarded when it stops", |f| {
            f.path("/domain/memoryBacking/discard").fix("Remove <discard/>.")
        });
    }
    // A NUMA cell has a discard of its own (virDomainNumaDefParseXML).
    let domain = ctx.domain;
    let numa = domain.child(domain.root(), "cpu").and_then(|cpu| domain.child(cpu, "numa"));
    for cell in numa.into_iter().flat_map(|numa| domain.children_named(numa, "cell")) {
        if domain.attribute(cell, "discard").is_some_and(|d| d == "yes") {
            out.error("the memory of a NUMA cell is discarded when the guest stops", |f| {
                f.path(format!("{}/@discard", domain.path(cell))).fix("Remove discard='yes' from the cell.")
            });
        }
    }
    if ctx.facts.memory_slots.is_some_and(|(_, slots)| slots > 0) {
        out.error("memory can be plugged in later", |f| {
            f.path("/domain/maxMemory/@slots")
                .fix("Remove <maxMemory> and give the guest all of its memory in <memory>.")
        });
    }
    for device in ctx.facts.devices.iter().filter(|d| d.kind == DeviceKind::Memory) {
        // SGX memory is Intel's and never beside SEV; libvirt refuses it itself.
        if device.model != Some(Word::SgxEpc) {
            let model = ctx.domain.attribute(device.element, "model").unwrap_or_else(|| "dimm".into());
            out.error(format!("a memory device of model {model} cannot be encrypted"), |f| {
                f.path(ctx.domain.path(device.element)).fix("Remove the device.")
            });
        }
    }
}
