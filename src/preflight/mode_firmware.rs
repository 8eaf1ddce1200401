//! Is there a firmware image for the mode? In: the descriptors, and what their images really hold. Out: a
//! finding. Never: a no: `security.sev.firmware` may name an image that no descriptor does.

use super::MODE_HOST;
use crate::config::Mode;
use crate::finding::{Finding, Severity};
use crate::host::{Fact, FirmwareDescriptor, HostFacts};

const PATH: &str = "firmware images";
const SOURCE: &str = "QEMU docs/interop/firmware.json; edk2 OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.asm";

/// Only where the processor has the mode: elsewhere no image would help. The rules see to the image of a domain; this is
/// for a host of which no domain is known.
pub(super) fn firmware(mode: Mode, host: &HostFacts) -> Option<Finding> {
    let has = host.cpuid.known().is_some_and(|cpu| match mode {
        Mode::Sev => cpu.sev,
        Mode::SevEs => cpu.sev_es,
        Mode::SevSnp => cpu.sev_snp,
    });
    let descriptors = match &host.firmware {
        Fact::Known(descriptors) => descriptors.as_slice(),
        Fact::Absent => &[],
        Fact::Unreadable(_) | Fact::NotAsked => return None,
    };
    let unread = |d: &FirmwareDescriptor| matches!(d.contents, Fact::Unreadable(_) | Fact::NotAsked);
    if !has || descriptors.iter().any(|d| fits(d, mode) || unread(d)) {
        return None;
    }
    let title = match (descriptors.is_empty(), mode) {
        (true, _) => "no UEFI image is here that libvirt would find",
        (false, Mode::Sev) => "of the UEFI images that descriptors name none is there",
        (false, Mode::SevEs) => "no UEFI image here has the SEV-ES reset block and does without SMM",
        (false, Mode::SevSnp) => "no UEFI image here has the SEV-SNP metadata and does without SMM",
    };
    let fix = "Install a build of OVMF for it (Debian: ovmf-amdsev; Fedora: edk2-ovmf), or name an image with \
               security.sev.firmware.";
    Some(Finding::new(MODE_HOST, Severity::Warning, title).path(PATH).source(SOURCE).fix(fix).of_host())
}

/// SMM and an encrypted state exclude each other.
fn fits(descriptor: &FirmwareDescriptor, mode: Mode) -> bool {
    descriptor.contents.known().is_some_and(|contents| match mode {
        Mode::Sev => true,
        Mode::SevEs => contents.es_reset_addr.is_some() && !descriptor.needs_smm,
        Mode::SevSnp => contents.has_snp_metadata() && !descriptor.needs_smm,
    })
}
