//! `dump-core`: a core dump of QEMU leaves the guest's memory out. In: `memory/@dumpCore`. Out: edits, findings.
//! Never: a size.

use super::{Ctx, Out, Rule};
use crate::error::Error;
use crate::finding::Severity;
use crate::plan::template;

pub(super) static RULE: Rule = Rule {
    id: "dump-core",
    title: "the guest's memory is not in a core dump",
    text: "The guest's memory is ciphertext to the host. A core dump of QEMU with it is as large as the guest, is \
           of no use for debugging, and puts on the disk both the ciphertext and those pages that the guest \
           shares in the clear for its devices. With dumpCore='off' QEMU marks the memory with MADV_DONTDUMP. \
           Without the attribute the libvirt daemon's own dump_guest_core decides.",
    without: "A crash of QEMU leaves a file as large as the guest, with the pages that it shares in the clear.",
    source: "libvirt formatdomain, 'dumpCore'; libvirt src/qemu/qemu.conf, dump_guest_core; QEMU \
             system/physmem.c, qemu_ram_setup_dump",
    severity: Some(Severity::Warning),
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    let facts = ctx.facts;
    if facts.memory_element.is_none() {
        // libvirt adds the NUMA cells up, but an element without a size it does not take.
        out.warn("a core dump may hold the guest's memory", |f| {
            f.path("/domain/memory")
                .detail("The domain has no <memory>, which is where dumpCore stands.")
                .fix("Add <memory dumpCore='off'> with the sum of the NUMA cells.")
        });
    } else if facts.dump_core != Some(false) {
        let reason = "the guest's memory is ciphertext, and has no place in a core dump";
        out.in_domain(template::DUMP_CORE_OFF.node()?, reason);
    }
    Ok(())
}
