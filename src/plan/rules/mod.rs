//! The rules, one a file. In: [`Ctx`]. Out: edits and findings. Never: XML, bytes.

mod arch;
mod block_boot;
mod cpu;
#[cfg(test)]
mod cpu_tests;
mod dump_core;
mod firmware_capable;
mod firmware_rom;
mod firmware_stateless;
mod firmware_uefi;
mod hostdev;
mod kernel_hashes;
mod kvm;
mod launch_security;
mod machine_q35;
mod memballoon;
mod memory_backing;
mod memory_lock;
mod option_rom;
mod policy;
mod reboot;
mod record;
mod session_pair;
mod smm;
mod suspend;
mod vhost_user;
mod virtio_iommu;
mod virtio_modern;
mod vmcoreinfo;

use super::{Ctx, Out, Reason};
use crate::error::Error;
use crate::finding::{About, Severity};

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name: stable, as `--skip`, `--explain` and `explain` take it.
    pub id: &'static str,
    /// What it holds, in one line.
    pub title: &'static str,
    /// Why, and what breaks without it.
    pub text: &'static str,
    /// What breaks without it, in a sentence or two.
    pub without: &'static str,
    /// Where the fact comes from.
    pub source: &'static str,
    /// How much it weighs in `lint` where `apply` would edit; `None` for a rule that never edits. Error: the guest
    /// does not start, or is not protected or measured as asked. Warning: it works, but is fragile, leaks or wastes.
    pub severity: Option<Severity>,
    /// Looks, and says what to do.
    pub run: fn(&Ctx<'_>, &mut Out<'_>) -> Result<(), Error>,
}

impl Rule {
    /// What `explain` tells of it.
    #[must_use]
    pub fn about(&self) -> About {
        About {
            id: self.id,
            title: self.title,
            text: self.text,
            without: self.without,
            source: self.source,
            severity: self.severity,
        }
    }
}

/// The one table. Its order is the order of the edits and the findings.
pub static RULES: &[&Rule] = &[
    &arch::RULE,
    &kvm::RULE,
    &launch_security::RULE,
    &session_pair::RULE,
    &policy::RULE,
    &machine_q35::RULE,
    &virtio_modern::RULE,
    &firmware_uefi::RULE,
    &firmware_rom::RULE,
    &firmware_stateless::RULE,
    &firmware_capable::RULE,
    &smm::RULE,
    &memory_lock::RULE,
    &memory_backing::RULE,
    &virtio_iommu::RULE,
    &option_rom::RULE,
    &vhost_user::RULE,
    &hostdev::RULE,
    &memballoon::RULE,
    &vmcoreinfo::RULE,
    &dump_core::RULE,
    &suspend::RULE,
    &reboot::RULE,
    &kernel_hashes::RULE,
    &cpu::RULE,
    &block_boot::RULE,
    &record::RULE,
];
