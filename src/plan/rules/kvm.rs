//! `kvm`: the guest runs under KVM. In: `domain/@type`. Out: findings. Never: an edit.

use super::{Ctx, Out, Rule};
use crate::error::Error;

pub(super) static RULE: Rule = Rule {
    id: "kvm",
    title: "the guest runs under KVM",
    text: "Only KVM talks to the AMD Secure Processor. With type='qemu' the processor is emulated and nothing is \
           encrypted. QEMU refuses to start such a guest. A test platform without KVM skips this rule.",
    without: "QEMU refuses to start the guest, and nothing of it would be encrypted.",
    source: "QEMU target/i386/sev.c, sev_kvm_init",
    severity: None,
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    let kind = ctx.facts.domain_type.as_deref();
    if kind != Some("kvm") {
        let found = kind.map_or("no type".to_owned(), |k| format!("type='{k}'"));
        out.error(format!("the domain has {found}, and SEV needs type='kvm'"), |f| {
            f.path("/domain/@type").fix("Set <domain type='kvm'>.")
        });
    }
    Ok(())
}
