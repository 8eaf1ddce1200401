//! What QEMU prints before the launch: host, kernel, memory. In: nothing. Out: its messages with their causes.
//! Never: what the firmware answers; that is in `launch`. The simulator's words stand beside QEMU's.

use super::topic::{Topic, cause, topic};

const QEMU: &str = "QEMU target/i386/sev.c";
const QEMU_KVM: &str = "QEMU target/i386/sev.c; Linux arch/x86/kvm/svm/sev.c";

pub(super) static TOPICS: &[Topic] = &[
    topic(
        "no-asid",
        "no ASID is free: the host runs as many encrypted guests as it can",
        &["failed to initialize ret=-16", "KVM_SEV_INIT*ret=-16", "no free ASID"],
        &[
            cause(
                "Every ASID of this kind is in use; SEV-ES and SEV-SNP guests share one pool, plain SEV guests have another.",
                "End a guest of this kind, or take another host: `cat /sys/fs/cgroup/misc.capacity` shows how many there are, misc.current of the guests' cgroups how many are used.",
            ),
            cause(
                "The cgroup of the guests allows fewer than the host has.",
                "Raise misc.max of machine.slice, or of the slice that the guest runs in.",
            ),
            cause(
                "The split is wrong for these guests.",
                "Raise SEV-ES ASID Space Limit in the firmware set-up for SEV-ES and SEV-SNP, lower it for SEV.",
            ),
        ],
        "Linux arch/x86/kvm/svm/sev.c, sev_asid_new; Documentation/admin-guide/cgroup-v2.rst, misc",
    ),
    topic(
        "kvm-without-sev",
        "KVM has this mode switched off",
        &[
            "failed to initialize ret=-25",
            "failed to initialize ret=-95",
            "SNP_LAUNCH_START ret=-25",
            "SEV is not enabled in KVM",
            "KVM_SEV_INIT*ret=-25",
        ],
        &[
            cause(
                "kvm_amd was loaded with sev, sev_es or sev_snp off.",
                "Look at /sys/module/kvm_amd/parameters. Write `options kvm_amd sev=1 sev_es=1 sev_snp=1` into a file in /etc/modprobe.d, and load kvm_amd again.",
            ),
            cause(
                "The host has no ASIDs of this kind: all belong to the other one.",
                "Set SEV-ES ASID Space Limit in the firmware set-up: above 1 for SEV-ES and SEV-SNP, below the highest for SEV.",
            ),
            cause(
                "The Secure Processor was not initialised when kvm_amd was loaded.",
                "`dmesg | grep -i -e ccp -e SEV` says why. Load ccp, then kvm_amd.",
            ),
        ],
        QEMU_KVM,
    ),
    topic(
        "init-refused",
        "KVM does not take what was asked of it for this guest",
        &["failed to initialize ret=-22"],
        &[cause(
            "The kernel is older than the kind of guest that QEMU asks for, or QEMU older than the kernel.",
            "Take Linux 6.11 and QEMU 9.1 or newer for SEV-SNP; for SEV and SEV-ES try QEMU's legacy-vm-type=on.",
        )],
        QEMU_KVM,
    ),
    topic(
        "no-dev-sev",
        "the host has no device of the Secure Processor",
        &["open /dev/sev*No such file", "open /dev/sev*No such device"],
        &[
            cause(
                "The host has no SEV: no AMD EPYC, a virtual machine, or switched off in the firmware set-up.",
                "`virt-sev host` shows which layer lacks it. Switch SVM and SMEE on, or take another host.",
            ),
            cause(
                "The driver ccp is not loaded, or could not start the Secure Processor.",
                "`modprobe ccp`; `dmesg | grep -i ccp` says why the device does not come.",
            ),
            cause("QEMU runs in a container or a namespace without the device.", "Pass /dev/sev into it."),
        ],
        "QEMU target/i386/sev.c; Linux drivers/crypto/ccp/sev-dev.c",
    ),
    topic(
        "dev-sev-denied",
        "QEMU may not open /dev/sev",
        &[
            "open /dev/sev*Permission denied",
            "open /dev/sev*Operation not permitted",
            "Failed to open /dev/sev",
            "Failed to open*/dev/sev",
        ],
        &[
            cause(
                "The user that QEMU runs as has no right to the device.",
                "Leave libvirt's namespaces on (qemu.conf, namespaces): then libvirt gives the device to the guest. Else give it a group by a udev rule. Mode 0666 is not needed.",
            ),
            cause(
                "AppArmor forbids it.",
                "Put `/dev/sev rw,` into /etc/apparmor.d/local/abstractions/libvirt-qemu; `dmesg | grep DENIED` shows it.",
            ),
            cause(
                "SELinux forbids it.",
                "Update the package selinux-policy; `ausearch -m avc -c qemu` shows it.",
            ),
            cause(
                "The device is not in cgroup_device_acl of qemu.conf.",
                "Take that setting out, or add \"/dev/sev\".",
            ),
        ],
        "libvirt docs/kbase/launch_security_sev.rst; src/security/apparmor/libvirt-qemu",
    ),
    topic(
        "no-es",
        "the host has no SEV-ES, and the policy asks for it",
        &["guest policy requires SEV-ES, but host SEV-ES support unavailable"],
        &[
            cause(
                "kvm_amd has sev_es off.",
                "Write `options kvm_amd sev_es=1` into a file in /etc/modprobe.d, and load kvm_amd again.",
            ),
            cause(
                "The firmware of the Secure Processor was not initialised for SEV-ES, or all ASIDs belong to SEV.",
                "Raise SEV-ES ASID Space Limit in the firmware set-up; `dmesg | grep -i -e SEV` says what is there.",
            ),
            cause(
                "SEV-ES is not what is wanted.",
                "Leave out security.sev.policy.es: plain SEV has policy 0x1.",
            ),
        ],
        QEMU,
    ),
    topic(
        "no-snp",
        "the host has no SEV-SNP",
        &["host SEV-SNP support unavailable", "failed to initialize kvm: Operation not permitted"],
        &[
            cause(
                "kvm_amd has sev_snp off: it needs Linux 6.11 and a kernel that found the reverse map.",
                "`cat /sys/module/kvm_amd/parameters/sev_snp`; `dmesg | grep -i -e SNP -e RMP` says why.",
            ),
            cause(
                "SNP Memory Coverage or SEV-SNP Support is off in the firmware set-up.",
                "Switch both on. SEV-SNP came with the third EPYC generation (Milan).",
            ),
        ],
        QEMU_KVM,
    ),
    topic(
        "cbitpos",
        "the domain has another C-bit position than the host",
        &["cbitpos check failed"],
        &[cause(
            "<cbitpos> was copied from another host: it is 47 before Milan, 51 since.",
            "Leave out security.sev.cbitpos and <cbitpos>: libvirt fills in the host's.",
        )],
        QEMU,
    ),
    topic(
        "reduced-phys-bits",
        "reducedPhysBits is out of its range",
        &["reduced_phys_bits check failed", "reduced-phys-bits check failed"],
        &[cause(
            "<reducedPhysBits> was written by hand.",
            "Leave out security.sev.reduced_phys_bits and <reducedPhysBits>: libvirt fills in the host's.",
        )],
        QEMU,
    ),
    topic(
        "vm-type",
        "the kernel does not know this kind of guest",
        &[
            "host kernel does not support requested*VM type",
            "host kernel does not support the requested SEV configuration",
        ],
        &[
            cause("kvm_amd has the mode off.", "Look at /sys/module/kvm_amd/parameters."),
            cause(
                "The kernel is older than 6.10 (SEV, SEV-ES) or 6.11 (SEV-SNP).",
                "Take a newer kernel; for SEV and SEV-ES QEMU's property legacy-vm-type=on uses the older interface.",
            ),
        ],
        QEMU_KVM,
    ),
    topic(
        "irqchip",
        "SEV-ES needs the interrupt controller in the kernel",
        &["SEV-ES guests require in-kernel irqchip"],
        &[cause(
            "The domain has <ioapic driver='qemu'/>, or kernel_irqchip is off.",
            "Take that element out.",
        )],
        QEMU,
    ),
    topic(
        "platform-status",
        "QEMU cannot ask the Secure Processor for its state",
        &["failed to get platform status"],
        &[cause(
            "The ccp driver could not initialise it.",
            "`dmesg | grep -i -e ccp -e SEV` shows the first failure; explain that.",
        )],
        "QEMU target/i386/sev.c; Linux drivers/crypto/ccp/sev-dev.c",
    ),
    topic(
        "memory-not-locked",
        "the guest's memory could not be locked",
        &[
            "failed to register region*Cannot allocate memory",
            "locked pages exceed the lock limit",
            "failed to register region",
        ],
        &[
            cause(
                "QEMU's limit for locked memory is lower than the guest's memory; libvirt does not raise it for SEV by itself.",
                "Set security.sev.memory.lock=locked (the default) and apply: it writes <memoryBacking><locked/>. With hard_limit: raise it.",
            ),
            cause(
                "The guests' cgroup has less memory than the guest, which SEV pins whole.",
                "Raise MemoryMax of machine.slice, or take a smaller guest.",
            ),
            cause(
                "The host has not that much free memory.",
                "`free -m`; end something, or take a smaller guest.",
            ),
            cause(
                "The memory is a file or another device that cannot be pinned.",
                "Take security.sev.memory.backing=default or memfd.",
            ),
        ],
        "QEMU target/i386/sev.c, sev_ram_block_added; Linux arch/x86/kvm/svm/sev.c, sev_pin_memory; libvirt docs/kbase/launch_security_sev.rst",
    ),
];
