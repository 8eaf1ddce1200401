//! `suspend`: the guest does not sleep. In: `<pm>`. Out: edits. Never: another element of the guest's power.

use super::{Ctx, Out, Rule};
use crate::error::Error;
use crate::finding::Severity;
use crate::plan::template;

pub(super) static RULE: Rule = Rule {
    id: "suspend",
    title: "the guest cannot suspend to memory or disk",
    text: "Waking from S3 resets the virtual processors and enters the firmware again in the middle of a running \
           guest. With SEV-ES and SEV-SNP they cannot be reset, and with SEV the firmware's resume path is \
           outside what was measured. After S4 the guest takes its memory back from an image on the disk, which \
           no measurement covers. Without <pm> QEMU offers both states to the guest.",
    without: "A guest that is sent to sleep does not wake up.",
    source: "libvirt docs/kbase/launch_security_sev.rst, its examples; libvirt formatdomain, 'Power Management'",
    severity: Some(Severity::Warning),
    run,
};

fn run(_: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    out.in_domain(template::SUSPEND_OFF.node()?, "an encrypted guest does not wake up from S3 or S4");
    Ok(())
}
