//! The layers around the three that every host has: firmware set-up, kernel command line, ASIDs in use, versions. In: [`HostFacts`]. Out: findings, into the verdict. Never: a no for what is merely unknown.

use super::mode_host::Layers;
use crate::config::Mode;
use crate::finding::Severity;
use crate::host::{Fact, HostFacts};

const CAPACITY_PATH: &str = "/sys/fs/cgroup/misc.current";
const CAPACITY_SOURCE: &str = "Linux Documentation/admin-guide/cgroup-v2.rst, Misc";
const VERSIONS_PATH: &str = "libvirt versions";

impl Layers {
    /// All of them.
    pub(super) fn machine(&mut self, host: &HostFacts) {
        self.set_up(host);
        self.table(host);
        self.command_line(host);
        self.platform(host);
        self.initialised(host);
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

    /// Bits 51 to 13 of RMP_BASE are where the reverse map table begins; a table in segments leaves RMP_END at 0.
    fn table(&mut self, host: &HostFacts) {
        const ADDRESS: u64 = ((1 << 52) - 1) & !((1 << 13) - 1);
        let has_snp = host.cpuid.known().is_some_and(|cpu| cpu.sev_snp);
        if self.mode == Mode::SevSnp
            && has_snp
            && let Fact::Known((base, _)) = host.machine.processor.rmp
            && base & ADDRESS == 0
        {
            self.fail(
                "processor RMP",
                "AMD APM volume 2, RMP_BASE; Linux arch/x86/virt/svm/sev.c, snp_probe_rmptable_info",
                "the firmware set-up has reserved no memory for the reverse map table (MSR 0xC0010132)"
                    .into(),
                "Switch SNP Memory (RMP Table) Coverage on in the firmware set-up.",
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
            format!("libvirt claims {} all the same: it does not ask kvm_amd", self.mode.as_str()),
        );
        finding.detail = detail.into();
        finding.fix =
            "Do not place guests by domain capabilities alone; this verdict looked at every layer.".into();
    }
}
