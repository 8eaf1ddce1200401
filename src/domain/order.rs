//! The order of elements. In: a parent's and a child's name. Out: the child's rank. Never: a reading of the document.
//!
//! libvirt's schema takes the children in any order; libvirt's formatter writes them in one. New elements go where
//! the formatter would put them (seen with `virsh dumpxml`, libvirt 11.3; `src/conf/domain_conf.c`,
//! `virDomainDefFormatInternalSetRootName` and the `vir…DefFormat` functions).

use super::tree::same_name;

const DOMAIN: &[&str] = &[
    "name",
    "uuid",
    "genid",
    "title",
    "description",
    "metadata",
    "maxMemory",
    "memory",
    "currentMemory",
    "blkiotune",
    "memtune",
    "memoryBacking",
    "vcpu",
    "vcpus",
    "iothreads",
    "iothreadids",
    "defaultiothread",
    "throttlegroups",
    "cputune",
    "numatune",
    "resource",
    "sysinfo",
    "bootloader",
    "bootloader_args",
    "os",
    "idmap",
    "features",
    "cpu",
    "clock",
    "on_poweroff",
    "on_reboot",
    "on_crash",
    "on_lockfailure",
    "pm",
    "perf",
    "devices",
    "seclabel",
    "keywrap",
    "launchSecurity",
];

const OS: &[&str] = &[
    "type",
    "firmware",
    "init",
    "initarg",
    "initenv",
    "initdir",
    "inituser",
    "initgroup",
    "loader",
    "nvram",
    "kernel",
    "initrd",
    "cmdline",
    "dtb",
    "root",
    "acpi",
    "boot",
    "bootmenu",
    "bios",
    "smbios",
];

const FEATURES: &[&str] = &[
    "acpi",
    "apic",
    "pae",
    "hap",
    "viridian",
    "privnet",
    "hyperv",
    "kvm",
    "xen",
    "pvspinlock",
    "capabilities",
    "pmu",
    "vmport",
    "gic",
    "smm",
    "ioapic",
    "hpt",
    "vmcoreinfo",
    "htm",
    "nested-hv",
    "msrs",
];

const MEMORY_BACKING: &[&str] =
    &["hugepages", "nosharepages", "locked", "source", "access", "allocation", "discard"];

const PM: &[&str] = &["suspend-to-mem", "suspend-to-disk"];

const MEMTUNE: &[&str] = &["hard_limit", "soft_limit", "min_guarantee", "swap_hard_limit"];

const LAUNCH_SECURITY: &[&str] = &[
    "cbitpos",
    "reducedPhysBits",
    "policy",
    "dhCert",
    "session",
    "guestVisibleWorkarounds",
    "idBlock",
    "idAuth",
    "hostData",
];

const DEVICES: &[&str] = &[
    "emulator",
    "disk",
    "controller",
    "lease",
    "filesystem",
    "interface",
    "smartcard",
    "serial",
    "parallel",
    "console",
    "channel",
    "input",
    "tpm",
    "graphics",
    "sound",
    "audio",
    "video",
    "hostdev",
    "redirdev",
    "redirfilter",
    "hub",
    "watchdog",
    "memballoon",
    "rng",
    "nvram",
    "panic",
    "shmem",
    "memory",
    "crypto",
    "iommu",
    "vsock",
    "pstore",
];

const INTERFACE: &[&str] = &[
    "mac",
    "source",
    "vlan",
    "virtualport",
    "port",
    "bandwidth",
    "ip",
    "route",
    "portForward",
    "script",
    "downscript",
    "backenddomain",
    "target",
    "guest",
    "model",
    "backend",
    "driver",
    "filterref",
    "tune",
    "link",
    "mtu",
    "coalesce",
    "teaming",
    "boot",
    "alias",
    "rom",
    "acpi",
    "address",
];

const HOSTDEV: &[&str] = &[
    "driver",
    "source",
    "model",
    "teaming",
    "readonly",
    "shareable",
    "boot",
    "alias",
    "rom",
    "acpi",
    "address",
];

const CONTROLLER: &[&str] = &["model", "target", "driver", "alias", "acpi", "address"];
const RNG: &[&str] = &["rate", "backend", "driver", "alias", "acpi", "address"];
const CRYPTO: &[&str] = &["backend", "driver", "alias", "address"];
const INPUT: &[&str] = &["driver", "source", "alias", "acpi", "address"];
const VIDEO: &[&str] = &["driver", "model", "alias", "acpi", "address"];
const DRIVER_FIRST: &[&str] = &["driver"];
/// `driver` comes last of what libvirt writes there.
const DRIVER_LAST: &[&str] = &["stats", "cid", "codec", "audio", "alias", "acpi", "address", "driver"];

fn table(parent: &str) -> &'static [&'static str] {
    match parent {
        "domain" => DOMAIN,
        "os" => OS,
        "features" => FEATURES,
        "memoryBacking" => MEMORY_BACKING,
        "memtune" => MEMTUNE,
        "pm" => PM,
        "launchSecurity" => LAUNCH_SECURITY,
        "devices" => DEVICES,
        "interface" => INTERFACE,
        "hostdev" => HOSTDEV,
        "controller" => CONTROLLER,
        "rng" => RNG,
        "crypto" => CRYPTO,
        "input" => INPUT,
        "video" => VIDEO,
        "disk" | "filesystem" => DRIVER_FIRST,
        "memballoon" | "vsock" | "sound" => DRIVER_LAST,
        _ => &[],
    }
}

/// The order of one element's children.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order(&'static [&'static str]);

/// The order of this element's children.
pub(super) fn of(parent: &str) -> Order {
    Order(table(parent))
}

impl Order {
    /// Where a child stands among its brothers; one that libvirt's formatter does not know stands last.
    pub(super) fn rank(self, child: &str) -> usize {
        let is = |name: &&str| same_name(name.as_bytes(), child.as_bytes());
        self.0.iter().position(is).unwrap_or(usize::MAX)
    }
}

/// The schema's group `events`. libxml2, with which libvirt validates, refuses such a group inside an interleave when
/// other elements stand between its members, although RELAX NG permits it.
const EVENTS: &[&str] = &["on_poweroff", "on_reboot", "on_crash", "on_lockfailure"];

/// True for one of them: they stay side by side, in whatever order the document is.
pub(super) fn is_event(name: &str) -> bool {
    EVENTS.contains(&name)
}
