//! Can this host run this mode? In: mode, [`HostFacts`]. Out: one finding a layer, and the decision.
//! Never: a yes from libvirt's domain capabilities alone: they list sev-snp wherever QEMU knows the object, and
//! count SEV-ES guests even where the kernel module has SEV-ES off (`src/qemu/qemu_capabilities.c`).

use crate::config::Mode;
use crate::finding::{About, Finding, Severity};
use crate::host::{DomCaps, Fact, HostFacts, NodeSev, SevCpuid};

/// The check's name.
pub const MODE_HOST: &str = "mode-host";

/// What `explain` tells of it.
pub static ABOUT_MODE_HOST: About = About {
    id: MODE_HOST,
    title: "the host can run guests of this mode, in every layer",
    text: "A mode works where the processor, its firmware set-up, the kernel module, the Secure Processor's driver, QEMU \
           and libvirt all have it. Each of these layers is looked at by itself. libvirt's domain capabilities alone \
           prove little: they list sev-snp wherever QEMU knows it, and count SEV-ES guests even where the kernel has \
           SEV-ES off. A layer that nobody looked at says nothing: off line, without --host-root, that is all of them.",
    without: "The guest does not start on this host, often with an error that names another layer.",
    source: "AMD APM volume 3, appendix E.4.17; Linux arch/x86/kvm/svm/sev.c; libvirt src/qemu/qemu_capabilities.c",
    severity: None,
};

const CPUID_SOURCE: &str = "AMD APM volume 3, appendix E.4.17 (CPUID Fn8000_001F)";
const KVM_SOURCE: &str = "Linux arch/x86/kvm/svm/sev.c, sev_hardware_setup";
const DEVICE_SOURCE: &str = "Linux drivers/crypto/ccp/sev-dev.c";
const LIBVIRT_SOURCE: &str = "libvirt docs/formatdomaincaps.rst and src/qemu/qemu_capabilities.c";

const CPUID_PATH: &str = "processor";
const DEVICE_PATH: &str = "/dev/sev";
const LIBVIRT_PATH: &str = "libvirt domain capabilities";

/// The answer for one mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Every layer was looked at and is right.
    Available,
    /// A layer says no.
    Unavailable,
    /// No layer says no, but one that must say yes could not be asked.
    Unknown,
}

/// What a host can do for one mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeVerdict {
    /// The mode.
    pub mode: Mode,
    /// The answer.
    pub decision: Decision,
    /// One finding a layer that was looked at, failing or not.
    pub findings: Vec<Finding>,
}

impl ModeVerdict {
    /// True only when the mode is known to work.
    #[must_use]
    pub fn available(&self) -> bool {
        self.decision == Decision::Available
    }
}

/// Judges one mode on one host, layer by layer.
#[must_use]
pub fn verdict(mode: Mode, host: &HostFacts) -> ModeVerdict {
    let mut layers = Layers { mode, findings: Vec::new(), open: false };
    layers.processor(host);
    layers.module(host);
    layers.device(host);
    layers.libvirt(host);
    layers.only_libvirt(host);
    layers.machine(host);
    let failed = layers.findings.iter().any(|f| f.severity == Severity::Error);
    let decision = match (failed, layers.open) {
        (true, _) => Decision::Unavailable,
        (false, true) => Decision::Unknown,
        (false, false) => Decision::Available,
    };
    ModeVerdict { mode, decision, findings: layers.findings }
}

/// The mode as AMD writes it.
fn title(mode: Mode) -> &'static str {
    match mode {
        Mode::Sev => "SEV",
        Mode::SevEs => "SEV-ES",
        Mode::SevSnp => "SEV-SNP",
    }
}

/// A verdict in the making.
pub(super) struct Layers {
    pub(super) mode: Mode,
    findings: Vec<Finding>,
    /// A layer that must say yes has not been heard.
    pub(super) open: bool,
}

impl Layers {
    pub(super) fn add(
        &mut self,
        severity: Severity,
        path: &str,
        source: &'static str,
        title: String,
    ) -> &mut Finding {
        let finding = Finding::new(MODE_HOST, severity, title).path(path).source(source).of_host();
        self.findings.push(finding);
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    pub(super) fn ok(&mut self, path: &str, source: &'static str, title: String) {
        self.add(Severity::Ok, path, source, title);
    }

    pub(super) fn fail(&mut self, path: &str, source: &'static str, title: String, fix: &str) {
        self.add(Severity::Error, path, source, title).fix = fix.into();
    }

    fn unread(&mut self, path: &str, source: &'static str, why: &str) {
        self.open = true;
        self.add(Severity::Warning, path, source, "this layer could not be read".into()).detail = why.into();
    }

    fn processor(&mut self, host: &HostFacts) {
        let known = self.findings.len();
        self.processor_itself(host);
        if host.machine.processor.virtual_machine == Fact::Known(true) {
            for finding in self.findings.iter_mut().skip(known).filter(|f| f.severity == Severity::Error) {
                finding.fix =
                    "This is a virtual machine itself: SEV guests run on the machine below it.".into();
            }
        }
    }

    fn processor_itself(&mut self, host: &HostFacts) {
        match &host.cpuid {
            Fact::NotAsked => self.open = true,
            Fact::Unreadable(why) => self.unread(CPUID_PATH, CPUID_SOURCE, why),
            Fact::Absent => {
                let vendor = host.cpu_vendor.known().map_or("", String::as_str);
                let (what, fix) = if vendor.is_empty() || vendor == "AuthenticAMD" {
                    (
                        "the processor does not report encrypted memory (CPUID 0x8000001F)".to_owned(),
                        "Take an AMD EPYC host. In a virtual machine SEV is not to be had: run on the host itself.",
                    )
                } else {
                    (
                        format!("the processor is not AMD's: its vendor is {}", vendor.escape_debug()),
                        "SEV is AMD's: take an AMD EPYC host.",
                    )
                };
                self.fail(CPUID_PATH, CPUID_SOURCE, what, fix);
            }
            Fact::Known(cpu) => self.known_processor(cpu),
        }
    }

    fn known_processor(&mut self, cpu: &SevCpuid) {
        let mode = title(self.mode);
        let (bit, fix) = match self.mode {
            Mode::Sev => {
                (cpu.sev, "Switch SVM and SMEE (Secure Memory Encryption) on in the firmware set-up.")
            }
            Mode::SevEs => (
                cpu.sev_es,
                "Every EPYC has SEV-ES: update the board's firmware and switch SEV on in its set-up.",
            ),
            Mode::SevSnp => (
                cpu.sev_snp,
                "SEV-SNP came with the third EPYC generation (Milan). There, switch SEV-SNP Support and SNP Memory \
                 Coverage on in the firmware set-up.",
            ),
        };
        if !bit {
            self.fail(CPUID_PATH, CPUID_SOURCE, format!("the processor does not report {mode}"), fix);
            return;
        }
        // Guests with SEV alone get the ASIDs from EDX to ECX; SEV-ES and SEV-SNP share those from 1 to EDX - 1.
        let free = match self.mode {
            Mode::Sev => (u64::from(cpu.max_asid) + 1).saturating_sub(u64::from(cpu.min_sev_asid.max(1))),
            Mode::SevEs | Mode::SevSnp => {
                u64::from(cpu.min_sev_asid.min(cpu.max_asid.saturating_add(1))).saturating_sub(1)
            }
        };
        if free == 0 {
            let fix = match self.mode {
                Mode::Sev => "Lower SEV-ES ASID Space Limit in the firmware set-up.",
                Mode::SevEs | Mode::SevSnp => {
                    "Raise SEV-ES ASID Space Limit in the firmware set-up: with 1 all ASIDs belong to SEV guests."
                }
            };
            self.fail(CPUID_PATH, CPUID_SOURCE, format!("the processor has no ASID for {mode} guests"), fix);
        } else {
            self.ok(CPUID_PATH, CPUID_SOURCE, format!("the processor has {mode}, with {free} ASIDs"));
        }
    }

    /// KVM allows SEV-ES only with SEV, and SEV-SNP only with SEV-ES.
    fn module(&mut self, host: &HostFacts) {
        let kvm = &host.kvm_amd;
        let parameters: &[(&str, &Fact<bool>)] = match self.mode {
            Mode::Sev => &[("sev", &kvm.sev)],
            Mode::SevEs => &[("sev", &kvm.sev), ("sev_es", &kvm.sev_es)],
            Mode::SevSnp => &[("sev", &kvm.sev), ("sev_es", &kvm.sev_es), ("sev_snp", &kvm.sev_snp)],
        };
        for (name, fact) in parameters {
            let path = format!("/sys/module/kvm_amd/parameters/{name}");
            match fact {
                Fact::NotAsked => self.open = true,
                Fact::Unreadable(why) => self.unread(&path, KVM_SOURCE, why),
                Fact::Known(true) => self.ok(&path, KVM_SOURCE, format!("kvm_amd has {name} on")),
                Fact::Known(false) => {
                    let fix = format!(
                        "Write `options kvm_amd {name}=1` into a file in /etc/modprobe.d and load kvm_amd again. If it \
                         stays off, dmesg says why: `dmesg | grep -i -e SEV -e ccp`."
                    );
                    self.fail(&path, KVM_SOURCE, format!("kvm_amd has {name} off"), &fix);
                }
                Fact::Absent => {
                    let since = match *name {
                        "sev" => "4.16",
                        "sev_es" => "5.11",
                        _ => "6.11",
                    };
                    let fix = format!("Load kvm_amd (`modprobe kvm_amd`) on Linux {since} or newer.");
                    self.fail(
                        &path,
                        KVM_SOURCE,
                        format!("kvm_amd is not loaded, or this kernel does not know {name}"),
                        &fix,
                    );
                }
            }
        }
    }

    fn device(&mut self, host: &HostFacts) {
        match &host.dev_sev {
            Fact::NotAsked => self.open = true,
            Fact::Unreadable(why) => self.unread(DEVICE_PATH, DEVICE_SOURCE, why),
            Fact::Known(()) => self.ok(DEVICE_PATH, DEVICE_SOURCE, "the Secure Processor's device is there".into()),
            Fact::Absent => self.fail(
                DEVICE_PATH,
                DEVICE_SOURCE,
                "there is no device of the Secure Processor".into(),
                "Load its driver (`modprobe ccp`). If the device does not come, `dmesg | grep -i ccp` says why; an old \
                 firmware of the board is the usual reason.",
            ),
        }
    }

    /// libvirt is the one layer that may go unasked: off line there is none.
    fn libvirt(&mut self, host: &HostFacts) {
        let node = host.node_sev.known();
        match &host.domcaps {
            Fact::NotAsked => {}
            Fact::Unreadable(why) => self.unread(LIBVIRT_PATH, LIBVIRT_SOURCE, why),
            Fact::Absent => self.unread(LIBVIRT_PATH, LIBVIRT_SOURCE, "libvirt gives no domain capabilities"),
            Fact::Known(caps) => self.known_libvirt(caps, node),
        }
    }

    fn known_libvirt(&mut self, caps: &DomCaps, node: Option<&NodeSev>) {
        const STALE: &str = "Switch it on in kernel and QEMU first; libvirt keeps what it found before in \
                             /var/cache/libvirt/qemu/capabilities: empty that folder and restart the daemon.";
        let name = title(self.mode);
        if !caps.sev {
            let fix = format!(
                "QEMU must be able to open /dev/sev: look at its owner and at AppArmor or SELinux. {STALE}"
            );
            self.fail(
                LIBVIRT_PATH,
                LIBVIRT_SOURCE,
                "libvirt says that QEMU cannot use SEV here".into(),
                &fix,
            );
            return;
        }
        let (most, element) = match self.mode {
            Mode::Sev => (caps.max_guests.or(node.and_then(|n| n.max_guests)), "maxGuests"),
            Mode::SevEs | Mode::SevSnp => {
                (caps.max_es_guests.or(node.and_then(|n| n.max_es_guests)), "maxESGuests")
            }
        };
        if self.mode == Mode::SevSnp && !caps.sev_snp {
            let fix = format!("SEV-SNP needs QEMU 9.1 and libvirt 10.5 or newer. {STALE}");
            self.fail(LIBVIRT_PATH, LIBVIRT_SOURCE, "libvirt does not list sev-snp".into(), &fix);
            return;
        }
        match most {
            Some(0) => {
                let fix = match self.mode {
                    Mode::Sev => "Lower SEV-ES ASID Space Limit in the firmware set-up.",
                    Mode::SevEs | Mode::SevSnp => "Raise SEV-ES ASID Space Limit in the firmware set-up.",
                };
                self.fail(
                    LIBVIRT_PATH,
                    LIBVIRT_SOURCE,
                    format!("libvirt allows no {name} guest: {element} is 0"),
                    fix,
                );
            }
            Some(n) => self.ok(LIBVIRT_PATH, LIBVIRT_SOURCE, format!("libvirt has {name}, {element} is {n}")),
            // Before libvirt 8.0 neither number was there.
            None if self.mode == Mode::Sev => self.ok(LIBVIRT_PATH, LIBVIRT_SOURCE, "libvirt has SEV".into()),
            None => {
                self.open = true;
                let finding = self.add(
                    Severity::Warning,
                    LIBVIRT_PATH,
                    LIBVIRT_SOURCE,
                    format!("libvirt does not say how many {name} guests it allows"),
                );
                finding.fix = "Take libvirt 8.0 or newer.".into();
            }
        }
    }

    /// Say aloud when libvirt is all that was heard.
    fn only_libvirt(&mut self, host: &HostFacts) {
        let local = host.cpuid != Fact::NotAsked
            || host.dev_sev != Fact::NotAsked
            || host.kvm_amd.sev != Fact::NotAsked;
        if local || host.domcaps.known().is_none() {
            return;
        }
        let name = title(self.mode);
        let severity = match self.mode {
            // libvirt asked the platform itself for plain SEV (QMP query-sev-capabilities).
            Mode::Sev => Severity::Info,
            Mode::SevEs | Mode::SevSnp => Severity::Warning,
        };
        let finding = self.add(
            severity,
            LIBVIRT_PATH,
            LIBVIRT_SOURCE,
            format!("only libvirt was asked for {name}, not the processor and the kernel"),
        );
        finding.detail =
            "libvirt lists sev-snp wherever QEMU knows it, and counts SEV-ES guests even where the kernel has SEV-ES off."
                .into();
        finding.fix = "Run `virt-sev host` there, or `virt-sev host --collect DIR`, and give the folder here with --host-root."
            .into();
    }
}

#[cfg(test)]
#[path = "mode_host_tests.rs"]
mod tests;
