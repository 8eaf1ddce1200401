//! `machine-q35`: the machine type is q35. In: `type/@machine`. Out: findings. Never: an edit.

use super::{Ctx, Out, Rule};
use crate::config::Mode;
use crate::error::Error;

pub(super) static RULE: Rule = Rule {
    id: "machine-q35",
    title: "the machine type is q35",
    text: "q35 is what SEV is developed and tested with: its virtio devices are PCI Express and modern, and OVMF's \
           SEV images name only pc-q35 machines in their descriptors. Plain SEV works on i440fx with \
           non-transitional virtio devices. The machine type is never edited on an existing domain: it moves \
           every device to another address, a Windows guest may ask for activation, and the guest's own network \
           and disk names may change.",
    without: "OVMF's SEV images may not be found for the machine, and SEV-ES and SEV-SNP are untried on it.",
    source: "libvirt docs/kbase/launch_security_sev.rst, section 'Machine type'",
    severity: None,
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    if ctx.is_q35() {
        return Ok(());
    }
    let machine = ctx.facts.os.machine.as_deref();
    // Without a machine type libvirt takes `pc`, which is i440fx (qemuCanonicalizeMachine, virQEMUCaps default).
    let i440fx = machine.is_none_or(|m| m == "pc" || m.contains("i440fx"));
    let found = machine.unwrap_or("pc, libvirt's default");
    let fix = "Make a new domain with machine='q35', or change <type machine='q35'>, remove every <address \
               type='pci'> and every PCI controller, and let libvirt assign them anew.";
    if i440fx && ctx.mode() == Mode::Sev {
        out.warn(format!("the machine type is {found}; q35 is the one that SEV is tested with"), |f| {
            f.path("/domain/os/type/@machine").fix(fix)
        });
    } else {
        let mode = ctx.mode().as_str();
        out.error(format!("the machine type is {found}, and {mode} needs q35"), |f| {
            f.path("/domain/os/type/@machine").fix(fix)
        });
    }
    Ok(())
}
