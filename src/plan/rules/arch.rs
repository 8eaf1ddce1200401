//! `arch`: the guest is an x86-64 machine. In: `<os><type>`. Out: findings. Never: an edit.

use super::{Ctx, Out, Rule};
use crate::error::Error;

pub(super) static RULE: Rule = Rule {
    id: "arch",
    title: "the guest is a fully virtualised x86-64 machine",
    text: "SEV is a feature of AMD's x86-64 processors for hardware virtual machines. libvirt accepts \
           <launchSecurity type='sev'> for other architectures and for containers, and the guest then does not \
           start or is not encrypted. This is never edited: another architecture is another guest.",
    without: "libvirt accepts the domain, and the guest does not start or is not encrypted.",
    source: "AMD APM volume 2, section 15.34; libvirt src/conf/domain_validate.c",
    severity: None,
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    let os = &ctx.facts.os;
    if let Some(arch) = os.arch.as_deref().filter(|a| *a != "x86_64") {
        out.error(format!("the guest's architecture is {arch}, and SEV exists on x86_64 only"), |f| {
            f.path("/domain/os/type/@arch").fix("Use an x86_64 guest.")
        });
    }
    match os.os_type.as_deref() {
        Some("hvm") => {}
        Some(other) => out.error(format!("the guest's type is '{other}', and SEV needs 'hvm'"), |f| {
            f.path("/domain/os/type").fix("Use a fully virtualised guest.")
        }),
        None => out.error("the domain has no <os><type>", |f| {
            f.path("/domain/os/type").fix("Add <os><type arch='x86_64' machine='q35'>hvm</type></os>.")
        }),
    }
    Ok(())
}
