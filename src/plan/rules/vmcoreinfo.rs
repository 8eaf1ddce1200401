//! `vmcoreinfo`: no such device. In: `<features><vmcoreinfo>`. Out: edits. Never: another feature.

use super::{Ctx, Out, Rule};
use crate::error::Error;
use crate::finding::Severity;
use crate::plan::template;

pub(super) static RULE: Rule = Rule {
    id: "vmcoreinfo",
    title: "vmcoreinfo is off",
    text: "The guest writes its vmcoreinfo note through fw_cfg DMA, which an encrypted guest may not use: some \
           guests stop at boot. The note would serve a dump of the guest's memory, and that is ciphertext.",
    without: "Some guests stop at boot, when they write the note.",
    source: "OpenStack Nova, nova/virt/libvirt/driver.py, _set_features; Incus issue 3519",
    severity: Some(Severity::Error),
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    if ctx.facts.features.vmcoreinfo.is_some_and(|(_, on)| on) {
        out.in_domain(template::VMCOREINFO_OFF.node()?, "an encrypted guest cannot use fw_cfg DMA");
    }
    Ok(())
}
