//! The Secure Processor: its firmware's version, whether it is initialised for a mode, what the kernel's log tells of it.
//! In: [`HostFacts`]. Out: findings, into the verdict. Never: a no for what is merely unknown.

use super::mode_host::Layers;
use crate::config::Mode;
use crate::finding::Severity;
use crate::host::{Fact, HostFacts};

const PLATFORM_PATH: &str = "secure processor";
const PLATFORM_SOURCE: &str = "Linux drivers/crypto/ccp/sev-dev.c";
const ADVISORY_SOURCE: &str = "CVE-2025-48514";

/// Firmware of this API version and newer refuses SEV-ES guests where SEV-SNP is initialised.
const REFUSES_ES: (u32, u32) = (1, 58);
/// The oldest with which Linux initialises SEV-SNP (`SNP_MIN_API_MAJOR` and `_MINOR`).
const HAS_SNP: (u32, u32) = (1, 51);

impl Layers {
    /// Its version, and what the kernel's log tells of failures.
    pub(super) fn platform(&mut self, host: &HostFacts) {
        match host.machine.api() {
            Some((major, minor, _)) if self.mode == Mode::SevSnp && (major, minor) < HAS_SNP => self.fail(
                PLATFORM_PATH,
                PLATFORM_SOURCE,
                format!("the Secure Processor's firmware has API {major}.{minor}, too old for SEV-SNP"),
                "SEV-SNP needs 1.51 or newer: update the board's firmware, or put the newer SEV firmware from linux-firmware \
                 into /lib/firmware/amd and load ccp again.",
            ),
            Some((major, minor, build)) => self.ok(
                PLATFORM_PATH,
                PLATFORM_SOURCE,
                format!("the Secure Processor's firmware has API {major}.{minor}, build {build}"),
            ),
            None => {}
        }
        let failures = host.machine.platform.known().map_or(&[][..], |log| &log.failures);
        let ours = |line: &&String| self.mode == Mode::SevSnp || !line.contains("SNP");
        if let Some(line) = failures.iter().rfind(ours) {
            // A later attempt may have gone well, and the log may not tell: this is no plain no.
            self.open = true;
            let finding = self.add(
                Severity::Warning,
                PLATFORM_PATH,
                PLATFORM_SOURCE,
                "the kernel's log tells of a failure".into(),
            );
            finding.detail.clone_from(line);
            finding.fix =
                "Load kvm_amd and ccp again, or start the host again. If it fails again, update the board's \
                           firmware and look at SMEE, SEV-SNP Support and SNP Memory Coverage in its set-up."
                    .into();
        }
    }

    /// With SEV-SNP initialised, firmware from API 1.58 on refuses LAUNCH_START of SEV-ES guests; older firmware
    /// has the hole that the refusal closes.
    pub(super) fn es_beside_snp(&mut self, host: &HostFacts) {
        const PATH: &str = "/sys/module/kvm_amd/parameters/sev_snp";
        const FIX: &str =
            "Use security.sev.snp instead of security.sev.policy.es, or load kvm_amd with sev_snp=0.";
        if self.mode != Mode::SevEs || host.kvm_amd.sev_snp != Fact::Known(true) {
            return;
        }
        let api = host.machine.api().map(|(major, minor, _)| (major, minor));
        if let Some((major, minor)) = api.filter(|api| *api >= REFUSES_ES) {
            let title = format!(
                "SEV-SNP is on, and firmware with API {major}.{minor} then refuses SEV-ES guests ({ADVISORY_SOURCE})"
            );
            self.fail(PATH, ADVISORY_SOURCE, title, FIX);
            return;
        }
        let known = match api {
            Some((major, minor)) => format!("This host has {major}.{minor}."),
            None => "Which one this host has is not known here.".into(),
        };
        let finding =
            self.add(Severity::Warning, PATH, ADVISORY_SOURCE, "SEV-ES on a host where SEV-SNP is on".into());
        finding.detail = format!(
            "Firmware with API 1.58 or newer refuses to launch SEV-ES guests then (LAUNCH_START, fw_error 21); with an \
             older one such guests are not safe. {known}"
        );
        finding.fix = FIX.into();
    }

    /// What the Secure Processor says of itself. SEV alone is initialised with the first guest, if not before; of SEV-ES
    /// QEMU asks first, and of SEV-SNP Linux has done it when it loads the module.
    pub(super) fn initialised(&mut self, host: &HostFacts) {
        const AGAIN: &str =
            "Load kvm_amd again, or start the host again; `dmesg | grep -i -e SEV -e ccp` says what failed.";
        match (self.mode, &host.machine.status, &host.machine.snp_status) {
            (Mode::SevEs, Fact::Known(status), _) if status.state == 0 => {
                let finding = self.add(
                    Severity::Warning,
                    PLATFORM_PATH,
                    PLATFORM_SOURCE,
                    "the Secure Processor is not initialised".into(),
                );
                finding.detail =
                    "QEMU asks it for SEV-ES before a guest starts, and is told no until then.".into();
                finding.fix = AGAIN.into();
            }
            (Mode::SevEs, Fact::Known(status), _) if !status.es => self.fail(
                PLATFORM_PATH,
                "QEMU target/i386/sev.c, SEV_STATUS_FLAGS_CONFIG_ES; Linux drivers/crypto/ccp/sev-dev.c",
                "the Secure Processor is initialised without SEV-ES".into(),
                "Load kvm_amd with sev_es=1 and look at SEV-ES ASID Space Limit in the firmware set-up.",
            ),
            (Mode::SevSnp, _, Fact::Known(snp)) if snp.state == 0 || !snp.rmp => {
                let what = if snp.state == 0 { "SEV-SNP" } else { "the reverse map table" };
                self.fail(
                    PLATFORM_PATH,
                    PLATFORM_SOURCE,
                    format!("the Secure Processor has not initialised {what}"),
                    AGAIN,
                );
            }
            (Mode::Sev | Mode::SevEs | Mode::SevSnp, ..) => {}
        }
    }
}
