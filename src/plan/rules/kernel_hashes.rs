//! `kernel-hashes`: a kernel that is booted directly is measured. In: keys, `<kernel>`. Out: edits, findings.
//! Never: the rest of `<launchSecurity>`.

use super::{Ctx, Out, Rule};
use crate::config::KernelHashes;
use crate::error::Error;
use crate::finding::Severity;
use crate::plan::render::Value;
use crate::plan::template;

pub(super) static RULE: Rule = Rule {
    id: "kernel-hashes",
    title: "a kernel that is booted directly is part of the measurement",
    text: "With <kernel> the host hands kernel, initrd and command line to the firmware. Without kernelHashes \
           nothing of them is in the measurement, and the host can boot what it likes. With kernelHashes='yes' \
           QEMU puts their hashes into a table that is measured, and the firmware compares. Hashes without a \
           kernel are a mistake that libvirt does not catch.",
    without: "The host can boot another kernel, initrd or command line unnoticed, or the launch is refused for hashes of \
              nothing.",
    source: "QEMU target/i386/sev.c, sev_add_kernel_loader_hashes; libvirt formatdomain, 'kernelHashes'",
    severity: Some(Severity::Error),
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    let kernel = ctx.boots_kernel();
    if ctx.config.kernel_hashes == KernelHashes::Yes && !kernel {
        out.error("kernel hashes are asked for, and the domain boots no kernel directly", |f| {
            f.path("/domain/os/kernel")
                .fix("Add <kernel> to <os>, or set security.sev.kernel_hashes to auto.")
        });
        return Ok(());
    }
    let now = ctx.facts.launch_security.as_ref();
    // Where nobody writes the element there must be one that takes the attribute.
    let takes = now.and_then(|n| n.kind.as_deref()).is_some_and(|kind| matches!(kind, "sev" | "sev-snp"));
    if !takes && ctx.is_skipped("launch-security") {
        return Ok(());
    }
    let on = now.is_some_and(|n| n.kernel_hashes.as_deref() == Some("yes"));
    let write = |yes| template::KERNEL_HASHES.fill(&[("kernel_hashes", Some(Value::YesNo(yes)))]);
    if ctx.hashes_kernel() {
        out.in_domain(write(true)?, "kernel, initrd and command line become part of the measurement");
        return Ok(());
    }
    match (now, ctx.config.kernel_hashes) {
        (Some(now), KernelHashes::Auto) if on => {
            let reason = "the domain boots no kernel directly, so there is nothing to hash";
            out.remove_attribute(now.element, "kernelHashes", reason);
        }
        (Some(_), KernelHashes::No) if on => {
            out.in_domain(write(false)?, "security.sev.kernel_hashes is off");
        }
        _ => {}
    }
    if kernel {
        out.warn("the kernel that is booted directly is not measured", |f| {
            f.path("/domain/os/kernel")
                .detail("The host can boot another kernel, initrd or command line unnoticed.")
                .fix("Set security.sev.kernel_hashes to auto or true.")
        });
    }
    Ok(())
}
