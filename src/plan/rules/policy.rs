//! `policy`: the guest policy is one that the firmware takes and the owner means. In: keys. Out: findings.
//! Never: an edit.

use super::{Ctx, Out, Rule};
use crate::config::{SevPolicy, Technology};
use crate::error::Error;

pub(super) static RULE: Rule = Rule {
    id: "policy",
    title: "the guest policy is valid and no wider than meant",
    text: "The policy is fixed at launch and part of the measurement. A reserved bit makes the firmware refuse \
           the launch, and so does an SNP policy without bit 17. Bits 21 to 25 need firmware that has what they \
           ask for, and KVM of Linux 6.19 or newer: before, it takes none of them. A policy that permits debugging lets the host \
           read and write the guest's memory in the clear, so such a guest is not confidential. A policy that \
           permits key sharing lets the host start a second guest with the same key.",
    without: "The firmware refuses the launch, or the host may do more with the guest than its owner thinks.",
    source: "AMD 55766, chapter 2 (guest policy); AMD 56860, section 4.3 (SNP guest policy); Linux \
             KVM_X86_SNP_POLICY_BITS",
    severity: None,
    run,
};

const KEY_SEV: &str = "security.sev.policy";
const KEY_SNP: &str = "security.sev.snp.policy";
/// SNP: bit 17 must be one, bit 19 permits debugging, bits 26 to 63 must be zero (AMD 56860, table 9).
const SNP_ONE: u64 = 1 << 17;
const SNP_DEBUG: u64 = 1 << 19;
const SNP_RESERVED: u64 = !((1 << 26) - 1);

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    match &ctx.config.technology {
        Technology::Sev { policy, .. } => {
            let bits = policy.0;
            if bits & SevPolicy::RESERVED != 0 {
                out.error(
                    format!("the policy {bits:#x} sets the reserved bits {:#x}", bits & SevPolicy::RESERVED),
                    |f| f.path(KEY_SEV).fix("Bits 6 to 15 are zero."),
                );
            }
            debug(out, bits & SevPolicy::NODBG == 0, KEY_SEV, "Set security.sev.policy.nodbg (bit 0).");
            if bits & SevPolicy::NOKS == 0 {
                out.info("the policy permits key sharing between guests", |f| {
                    f.path(KEY_SEV).fix("Set security.sev.policy.noks (bit 1) to forbid it.")
                });
            }
        }
        Technology::Snp(snp) => {
            let bits = snp.policy.0;
            if bits & SNP_ONE == 0 {
                out.error(format!("the policy {bits:#x} does not set bit 17, which must be one"), |f| {
                    f.path(KEY_SNP).fix("0x30000 is the usual policy.")
                });
            }
            if bits & SNP_RESERVED != 0 {
                out.error(format!("the policy {bits:#x} sets reserved bits above bit 25"), |f| {
                    f.path(KEY_SNP).fix("Bits 26 to 63 are zero.")
                });
            }
            debug(out, bits & SNP_DEBUG != 0, KEY_SNP, "Clear security.sev.snp.policy.debug (bit 19).");
        }
    }
    Ok(())
}

fn debug(out: &mut Out<'_>, allowed: bool, key: &str, fix: &str) {
    if allowed {
        out.warn("the policy lets the host debug the guest", |f| {
            f.path(key).detail("The host can read the guest's memory in the clear.").fix(fix)
        });
    }
}
