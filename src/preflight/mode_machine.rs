//! The layers around the three that every host has: firmware set-up and version, kernel command line, ASIDs in use,
//! confinement, versions. In: [`HostFacts`]. Out: findings, into the verdict. Never: a no for what is merely unknown.

use super::mode_host::Layers;
use crate::config::Mode;
use crate::finding::Severity;
use crate::host::{Fact, HostFacts, Platform};

const PLATFORM_PATH: &str = "secure processor";
const PLATFORM_SOURCE: &str = "Linux drivers/crypto/ccp/sev-dev.c";
const ADVISORY_SOURCE: &str = "CVE-2025-48514";
const CAPACITY_PATH: &str = "/sys/fs/cgroup/misc.current";
const CAPACITY_SOURCE: &str = "Linux Documentation/admin-guide/cgroup-v2.rst, Misc";
const VERSIONS_PATH: &str = "libvirt versions";

/// Firmware of this API version and newer refuses SEV-ES guests where SEV-SNP is initialised.
const REFUSES_ES: (u32, u32) = (1, 58);
/// The oldest with which Linux initialises SEV-SNP (`SNP_MIN_API_MAJOR` and `_MINOR`).
const HAS_SNP: (u32, u32) = (1, 51);

impl Layers {
    /// All of them.
    pub(super) fn machine(&mut self, host: &HostFacts) {
        self.set_up(host);
        self.command_line(host);
        self.platform(host);
        self.es_beside_snp(host);
        self.capacity(host);
        self.confinement(host);
        self.versions(host);
        self.over_reported(host);
    }

    /// Bit 23 of SYSCFG is set by the board's firmware; Linux forgets SME and SEV without it.
    fn set_up(&mut self, host: &HostFacts) {
        let has_sev = host.cpuid.known().is_some_and(|cpu| cpu.sev);
        if let (true, Fact::Known(syscfg)) = (has_sev, &host.machine.processor.syscfg)
            && syscfg >> 23 & 1 == 0
        {
            self.fail(
                "processor SYSCFG",
                "AMD APM volume 2, SYSCFG; Linux arch/x86/kernel/cpu/amd.c, early_detect_mem_encrypt",
                "memory encryption is off in the firmware set-up (MSR 0xC0010010, bit 23)".into(),
                "Switch SMEE (Secure Memory Encryption) on in the firmware set-up.",
            );
        }
    }

    fn command_line(&mut self, host: &HostFacts) {
        if self.mode != Mode::SevSnp {
            return;
        }
        let words = host.machine.kernel.words.known();
        let passes = |word: &&String| {
            let (name, values) = word.split_once('=').unwrap_or((word, ""));
            let against: &[&str] = match name {
                "iommu" => &["pt", "off"],
                "amd_iommu" => &["off"],
                _ => &[],
            };
            values.split(',').any(|value| against.contains(&value))
        };
        if let Some(word) = words.and_then(|words| words.iter().find(passes)) {
            self.fail(
                "kernel command line",
                "Linux drivers/iommu/amd/init.c, iommu_snp_enable",
                format!("the kernel command line has {word}: SEV-SNP needs the IOMMU to translate"),
                &format!("Take {word} out of the kernel command line and start the host again."),
            );
        }
    }

    fn platform(&mut self, host: &HostFacts) {
        let Fact::Known(Platform { api, failures }) = &host.machine.platform else { return };
        match api {
            Some((major, minor, _)) if self.mode == Mode::SevSnp && (*major, *minor) < HAS_SNP => self.fail(
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
        let ours = |line: &&String| self.mode == Mode::SevSnp || !line.contains("SNP");
        if let Some(line) = failures.iter().rfind(ours) {
            // A later attempt may have gone well, and the log may not tell: this is no plain no.
            self.open = true;
            let finding = self.add(
                Severity::Warning,
                PLATFORM_PATH,
                PLATFORM_SOURCE,
                "the kernel reports a failure of the Secure Processor".into(),
            );
            finding.detail = format!("In its log: {line}");
            finding.fix =
                "Load kvm_amd and ccp again, or start the host again. If it fails again, update the board's \
                           firmware and look at SMEE, SEV-SNP Support and SNP Memory Coverage in its set-up."
                    .into();
        }
    }

    /// With SEV-SNP initialised, firmware from API 1.58 on refuses LAUNCH_START of SEV-ES guests; older firmware
    /// has the hole that the refusal closes.
    fn es_beside_snp(&mut self, host: &HostFacts) {
        const PATH: &str = "/sys/module/kvm_amd/parameters/sev_snp";
        const FIX: &str =
            "Use security.sev.snp instead of security.sev.policy.es, or load kvm_amd with sev_snp=0.";
        if self.mode != Mode::SevEs || host.kvm_amd.sev_snp != Fact::Known(true) {
            return;
        }
        let api = host.machine.platform.known().and_then(|p| p.api).map(|(major, minor, _)| (major, minor));
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

    fn capacity(&mut self, host: &HostFacts) {
        let (pool, name) = match self.mode {
            Mode::Sev => (&host.machine.asids.sev, "sev"),
            Mode::SevEs | Mode::SevSnp => (&host.machine.asids.sev_es, "sev_es"),
        };
        for fact in [&pool.capacity, &pool.used] {
            if let Fact::Unreadable(why) = fact {
                let finding = self.add(
                    Severity::Warning,
                    CAPACITY_PATH,
                    CAPACITY_SOURCE,
                    "how many ASIDs are free could not be read".into(),
                );
                finding.detail.clone_from(why);
                return;
            }
        }
        let (Some(capacity), Some(used), Some(free)) =
            (pool.capacity.known(), pool.used.known(), pool.free())
        else {
            return;
        };
        if free == 0 {
            self.fail(
                CAPACITY_PATH,
                CAPACITY_SOURCE,
                format!("all {capacity} ASIDs of the pool {name} are in use"),
                "Stop a guest, start this one on another host, or move the border between the pools with SEV-ES ASID Space \
                 Limit in the firmware set-up.",
            );
        } else {
            self.ok(
                CAPACITY_PATH,
                CAPACITY_SOURCE,
                format!("{used} of {capacity} ASIDs of the pool {name} are in use"),
            );
        }
    }

    fn confinement(&mut self, host: &HostFacts) {
        let confinement = &host.machine.confinement;
        if confinement.apparmor == Fact::Known(false) {
            let finding = self.add(
                Severity::Warning,
                "/etc/apparmor.d/abstractions/libvirt-qemu",
                "libvirt src/security/apparmor/libvirt-qemu.in",
                "AppArmor is on, and the profile of libvirt's guests does not name /dev/sev".into(),
            );
            finding.fix =
                "Put the line `/dev/sev rw,` into /etc/apparmor.d/local/abstractions/libvirt-qemu.".into();
        }
        let others = host.machine.access.known().is_some_and(|access| access.mode & 0o6 == 0o6);
        if confinement.namespaces == Fact::Known(false) && !others {
            let finding = self.add(
                Severity::Warning,
                "/etc/libvirt/qemu.conf",
                "libvirt src/security/security_dac.c",
                "libvirt's mount namespaces are off, so QEMU's user must be able to open /dev/sev by itself"
                    .into(),
            );
            finding.fix = "Take `namespaces = []` out of /etc/libvirt/qemu.conf, or give QEMU's group the device with a \
                           udev rule."
                .into();
        }
    }

    fn versions(&mut self, host: &HostFacts) {
        const SOURCE: &str = "libvirt NEWS; QEMU docs/system/i386/amd-memory-encryption.rst";
        let versions = &host.machine.versions;
        if self.mode == Mode::SevSnp {
            let needed = [("libvirt", &versions.libvirt, (10, 5, 0)), ("QEMU", &versions.qemu, (9, 1, 0))];
            for (name, fact, least) in needed {
                if let Some(found) = fact.known().filter(|found| **found < least) {
                    let text = |(a, b, c): (u32, u32, u32)| format!("{a}.{b}.{c}");
                    let title = format!("{name} is {}, and SEV-SNP needs {}", text(*found), text(least));
                    self.fail(
                        VERSIONS_PATH,
                        SOURCE,
                        title,
                        &format!("Take {name} {} or newer.", text(least)),
                    );
                }
            }
        }
        let kernel_has = host.kvm_amd.sev == Fact::Known(true) && host.dev_sev == Fact::Known(());
        if kernel_has && versions.cache == Fact::Known(false) {
            let finding = self.add(
                Severity::Warning,
                "/var/cache/libvirt/qemu/capabilities",
                "libvirt src/qemu/qemu_capabilities.c",
                "what libvirt keeps of QEMU's capabilities is from before SEV was on, or QEMU cannot open /dev/sev"
                    .into(),
            );
            finding.fix = "Empty /var/cache/libvirt/qemu/capabilities and restart libvirt's daemon.".into();
        }
    }

    /// Where libvirt claims what the kernel has off, the reader is told whom to believe.
    fn over_reported(&mut self, host: &HostFacts) {
        let off = |fact: &Fact<bool>| matches!(fact, Fact::Known(false) | Fact::Absent);
        let Some(caps) = host.domcaps.known().filter(|caps| caps.sev) else { return };
        let detail = match self.mode {
            Mode::SevSnp if caps.sev_snp && off(&host.kvm_amd.sev_snp) => {
                "libvirt lists sev-snp wherever QEMU knows the object sev-snp-guest; it asks neither the processor nor \
                 kvm_amd."
            }
            Mode::SevEs if caps.sev_es && off(&host.kvm_amd.sev_es) => {
                "libvirt takes maxESGuests from the processor's ASIDs; it does not ask kvm_amd."
            }
            Mode::Sev | Mode::SevEs | Mode::SevSnp => return,
        };
        let finding = self.add(
            Severity::Warning,
            "libvirt domain capabilities",
            "libvirt src/qemu/qemu_capabilities.c",
            format!("libvirt claims {} all the same", self.mode.as_str()),
        );
        finding.detail = detail.into();
        finding.fix =
            "Do not place guests by domain capabilities alone; this verdict looked at every layer.".into();
    }
}
