//! What the host's kernel prints for SEV. In: nothing. Out: its messages with their causes.
//! Never: a message about SEV inside a guest.

use super::topic::{Topic, cause, topic};

const CCP: &str = "Linux drivers/crypto/ccp/sev-dev.c";
const KVM: &str = "Linux arch/x86/kvm/svm/sev.c";

pub(super) static TOPICS: &[Topic] = &[
    topic(
        "ccp-init",
        "the ccp driver could not initialise SEV",
        &["SEV: failed to INIT", "SEV-SNP: failed to INIT"],
        &[
            cause(
                "SMEE (Secure Memory Encryption) is not switched on in the firmware set-up, where Auto counts as off.",
                "Set SMEE to Enabled, and boot.",
            ),
            cause(
                "Parts of SEV-SNP are off in the firmware set-up, and without it SEV is not initialised either.",
                "Set SNP Memory Coverage and SEV-SNP Support to Enabled, SEV-ES ASID Space Limit above 1, and keep the IOMMU on.",
            ),
            cause(
                "The SEV firmware is too old for the kernel.",
                "Install the newest below /lib/firmware/amd (package amd64-microcode or linux-firmware), or update the board's.",
            ),
            cause(
                "The stored data of the platform are damaged (error 0x18).",
                "`sevctl reset` makes new keys; sessions that were made before are void then.",
            ),
        ],
        "Linux drivers/crypto/ccp/sev-dev.c; AMDESE/AMDSEV issues 107, 189, 202; AMDESE/sev-tool issue 43",
    ),
    topic(
        "ccp-firmware-file",
        "the kernel found no newer SEV firmware to load",
        &[
            "firmware: failed to load amd/amd_sev_*",
            "failed to load amd/sev.fw",
            "No SEV firmware file present",
        ],
        &[cause(
            "The package with AMD's firmware is not installed. The one in the board's flash is used, which is no fault by itself.",
            "Install amd64-microcode or linux-firmware where a newer one is wanted.",
        )],
        CCP,
    ),
    topic(
        "ccp-timeout",
        "the Secure Processor does not answer",
        &["sev command*timed out"],
        &[cause(
            "The Secure Processor hangs.",
            "Switch the machine off and on, and update the board's firmware.",
        )],
        CCP,
    ),
    topic(
        "sev-asids-zero",
        "the host has no ASIDs for this kind of guest",
        &[
            "SEV disabled (ASIDs",
            "SEV-ES disabled (ASIDs",
            "SEV-SNP disabled (ASIDs",
            "SEV unusable (ASIDs",
            "SEV-ES unusable (ASIDs",
        ],
        &[
            cause(
                "SEV-ES ASID Space Limit in the firmware set-up gives all of them to the other kind.",
                "Set it between 2 and the highest ASID: those below it serve SEV-ES and SEV-SNP, the others SEV.",
            ),
            cause(
                "kvm_amd was loaded with the mode off.",
                "Look at /sys/module/kvm_amd/parameters, and at the files in /etc/modprobe.d.",
            ),
        ],
        KVM,
    ),
    topic(
        "snp-iommu",
        "the kernel leaves SEV-SNP off because of the IOMMU",
        &["SNP: IOMMU*SNP cannot be supported"],
        &[
            cause("The kernel's command line has iommu=pt or amd_iommu=off.", "Take it out, and boot."),
            cause(
                "The IOMMU's part of SEV-SNP is off in the firmware set-up.",
                "Set SEV-SNP Support to Enabled, below the IOMMU's or the northbridge's settings.",
            ),
        ],
        "Linux drivers/iommu/amd/init.c",
    ),
    topic(
        "snp-rmp",
        "the kernel found no room for the reverse map",
        &["Memory for the RMP table has not been reserved by BIOS"],
        &[cause("SNP Memory Coverage is off in the firmware set-up.", "Set it to Enabled, and boot.")],
        "Linux arch/x86/virt/svm/sev.c",
    ),
    topic(
        "es-terminated",
        "the guest ended itself",
        &["SEV-ES guest requested termination"],
        &[
            cause(
                "The guest's kernel or firmware met something that it does not trust: 0x0:0x1 is a protocol that it does not know.",
                "Take a guest kernel from 5.10 on for SEV-ES, 5.19 for SEV-SNP, and an OVMF as new.",
            ),
            cause(
                "The guest rebooted: the registers of an encrypted processor cannot be reset.",
                "Launch it again; <on_reboot>destroy</on_reboot> makes that clear, and `virt-sev apply` writes it.",
            ),
        ],
        KVM,
    ),
    topic(
        "pin-failed",
        "the kernel could not pin the guest's memory",
        &["SEV: Failure locking"],
        &[cause(
            "The host has not that much free memory, or the cgroup of the guests.",
            "Raise MemoryMax of machine.slice, or take a smaller guest.",
        )],
        "Linux arch/x86/kvm/svm/sev.c, sev_pin_memory",
    ),
];
