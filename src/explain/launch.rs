//! What QEMU prints of the launch itself: session, policy, firmware image, secret. In: nothing. Out: its messages with
//! their causes. Never: a bare status code; those are in `firmware`. The simulator's words stand beside QEMU's.

use super::topic::{Topic, cause, topic};

const QEMU: &str = "QEMU target/i386/sev.c";
const QEMU_KVM: &str = "QEMU target/i386/sev.c; Linux arch/x86/kvm/svm/sev.c";

pub(super) static TOPICS: &[Topic] = &[
    topic(
        "session-refused",
        "the firmware refuses the session: a MAC in it does not fit",
        &["LAUNCH_START*fw_error=11"],
        &[
            cause(
                "The session was made for another policy than the domain has.",
                "Compare: the policy is part of the session. `virt-sev session --policy POLICY` makes a new one.",
            ),
            cause(
                "The session was made for another platform, or for this one before its keys were reset.",
                "Export the chain of this host again, and make a new session with it.",
            ),
            cause(
                "session.dh and session.data are from different runs.",
                "Give godh.b64 and session.b64 from the same folder.",
            ),
        ],
        "AMD SEV API (55766), LAUNCH_START; QEMU target/i386/sev.c",
    ),
    topic(
        "policy-refused",
        "the firmware refuses the policy",
        &["LAUNCH_START*fw_error=7"],
        &[
            cause(
                "The policy asks for newer firmware than the host has (policy.min_fw, snp.policy.min_abi).",
                "Lower the minimum, or update the SEV firmware. `sevctl show version` on the host tells what it has.",
            ),
            cause(
                "A reserved bit is set in the policy; for SEV-SNP bit 17 must be set.",
                "Give single policy keys in place of a number: `virt-sev keys` names them.",
            ),
            cause(
                "SEV-SNP: SMT is on, and the policy forbids it.",
                "Set security.sev.snp.policy.smt=true, or switch SMT off on the host.",
            ),
        ],
        "AMD SEV API (55766) and SEV-SNP firmware ABI (56860), guest policy",
    ),
    topic(
        "es-beside-snp",
        "the firmware does not start SEV-ES guests beside SEV-SNP",
        &["LAUNCH_START*fw_error=21"],
        &[
            cause(
                "SEV-SNP is initialised on this host, and firmware with API 1.58 or newer refuses SEV-ES then (CVE-2025-48514).",
                "Use security.sev.snp=true in place of security.sev.policy.es, or load kvm_amd with sev_snp=0.",
            ),
            cause("The firmware is too old for what the policy asks for.", "Update the SEV firmware."),
        ],
        "CVE-2025-48514; AMD SEV API (55766), LAUNCH_START",
    ),
    topic(
        "certificate-refused",
        "the firmware refuses the owner's certificate",
        &["LAUNCH_START*fw_error=6", "LAUNCH_START*fw_error=10"],
        &[
            cause(
                "session.dh is damaged, or is not a Diffie-Hellman certificate of a guest owner.",
                "Make the session again with `virt-sev session`, and give godh.b64 as it is.",
            ),
            cause(
                "Raw bytes stand where base64 should, or base64 was encoded twice.",
                "The file begins with letters and digits, and is one line: --set security.sev.session.dh=@FILE.",
            ),
        ],
        "AMD SEV API (55766), LAUNCH_START",
    ),
    topic(
        "snp-launch-start",
        "KVM refuses to start the SEV-SNP guest",
        &["SNP_LAUNCH_START ret=-22"],
        &[
            cause(
                "The policy has bits that KVM does not take, or lacks bit 17. KVM before Linux 6.19 takes none of bits 21 to 25.",
                "Take the default, 0x30000: leave out security.sev.snp.policy and those of its keys.",
            ),
            cause("The host's kernel is older than what QEMU asks for.", "Take Linux 6.11 or newer."),
        ],
        QEMU_KVM,
    ),
    topic(
        "snp-launch-update",
        "a page of the SEV-SNP guest was not accepted",
        &["SNP_LAUNCH_UPDATE ret=", "SEV-SNP: failed update CPUID page", "SEV-SNP: CPUID validation failed"],
        &[
            cause(
                "The processor model has features that the firmware does not let a guest see.",
                "Take <cpu mode='custom'> with EPYC-v4 or another named model in place of host-passthrough.",
            ),
            cause("Kernel and firmware disagree about the page.", "Take the newest kernel and SEV firmware."),
        ],
        QEMU_KVM,
    ),
    topic(
        "snp-metadata",
        "the image has no SEV-SNP metadata",
        &["Failed to locate SEV metadata header"],
        &[cause(
            "The firmware image was not built for SEV-SNP.",
            "Take an AmdSev build of OVMF; `virt-sev firmware list` shows which images serve SEV-SNP.",
        )],
        "QEMU hw/i386/pc_sysfw_ovmf.c",
    ),
    topic(
        "id-block-refused",
        "the firmware refuses the end of the SEV-SNP launch",
        &["SNP_LAUNCH_FINISH ret="],
        &[
            cause(
                "The ID block names another launch digest than the guest has.",
                "Compute the digest from exactly this firmware, kernel, initrd, command line, processor model and number, and make the ID block again.",
            ),
            cause(
                "The ID block is not signed by the key in the ID authentication block, or its policy is another.",
                "Make both together.",
            ),
        ],
        "AMD SEV-SNP firmware ABI (56860), SNP_LAUNCH_FINISH",
    ),
    topic(
        "snp-smm",
        "SEV-SNP guests have no SMM",
        &["SEV-SNP does not support SMM"],
        &[cause(
            "The domain has <smm state='on'/>, or a firmware that needs it.",
            "`virt-sev apply` with security.sev.snp=true switches it off and takes a firmware without it.",
        )],
        QEMU,
    ),
    topic(
        "snp-pflash",
        "SEV-SNP takes its firmware with -bios, not as flash",
        &["pflash is not supported for SEV-SNP", "pflash with kvm requires KVM readonly memory support"],
        &[cause(
            "The loader is type='pflash', or libvirt chose a flash image.",
            "`virt-sev apply` with security.sev.snp=true writes <loader type='rom'>.",
        )],
        "QEMU hw/i386/pc_sysfw.c",
    ),
    topic(
        "no-hashes-table",
        "the firmware cannot check the kernel",
        &[
            "guest firmware has no hashes table GUID",
            "guest firmware hashes table area is invalid",
            "hashes table area is invalid",
        ],
        &[
            cause(
                "kernelHashes='yes' with an ordinary OVMF: its table for the hashes is missing or has size 0.",
                "Take an AmdSev build: `virt-sev firmware list` shows which images have kernel hashes. Then security.sev.firmware=PATH.",
            ),
            cause(
                "The kernel need not be measured.",
                "Set security.sev.kernel_hashes=false: then the host can exchange the kernel unseen.",
            ),
        ],
        "QEMU target/i386/sev.c, sev_add_kernel_loader_hashes; edk2 OvmfPkg/AmdSev",
    ),
    topic(
        "no-es-reset-block",
        "the firmware has no start address for SEV-ES processors",
        &["SEV information block/Firmware GUID Table block not found", "SEV-ES reset address is zero"],
        &[cause(
            "The image is no OVMF, or one without SEV-ES: SeaBIOS, or a build from before 2020.",
            "Take an OVMF that serves SEV-ES: `virt-sev firmware list`. Then security.sev.firmware=PATH.",
        )],
        "QEMU target/i386/sev.c; edk2 OvmfPkg/ResetVector",
    ),
    topic(
        "no-secret-area",
        "the firmware has no place for a launch secret",
        &["no secret area found in OVMF", "firmware's secret area is empty"],
        &[cause(
            "The image is an ordinary OVMF.",
            "Take an AmdSev build: `virt-sev firmware list` shows which images take a secret.",
        )],
        "QEMU target/i386/sev.c; edk2 OvmfPkg/AmdSev",
    ),
    topic(
        "secret-too-late",
        "the guest has run already: it takes no secret any more",
        &["SEV: Not in correct state. (LSECRET)"],
        &[cause(
            "The guest was started without being paused, or resumed before the secret came.",
            "Destroy it and launch it again: `virt-sev launch` injects before the first resume.",
        )],
        QEMU,
    ),
    topic(
        "secret-refused",
        "the firmware refuses the secret",
        &["failed to inject secret*fw_error=11", "failed to inject secret"],
        &[
            cause(
                "The packet was made for another launch, or with other keys.",
                "Build it again with the measurement that the guest reports now, and this session's keys.",
            ),
            cause("The packet was changed on its way.", "Send it again."),
        ],
        "AMD SEV API (55766), LAUNCH_SECRET",
    ),
    topic(
        "secret-encoding",
        "the secret or its header is not base64",
        &["SEV: Failed to decode sequence header", "SEV: Failed to decode data"],
        &[cause(
            "Raw bytes were given, or a part is missing.",
            "Give both files as `virt-sev secret build` writes them.",
        )],
        QEMU,
    ),
    topic(
        "secret-form",
        "the secret or its header is not base64",
        &["SEV: Failed to decode sequence header", "SEV: Failed to decode data"],
        &[cause(
            "A file was given as it is, or was changed on its way.",
            "`virt-sev secret build` writes both as `virsh domsetlaunchsecstate` takes them.",
        )],
        QEMU,
    ),
    topic(
        "secret-too-long",
        "the secret is longer than the firmware's place for it",
        &["SEV: the secret has * bytes, and the firmware's secret area"],
        &[cause(
            "The table holds too much: the place has about 3 KiB in AmdSev builds of OVMF. QEMU itself does not look, and \
             would write over what lies behind.",
            "Inject a key, and let the guest fetch the rest with it. `virt-sev firmware inspect` shows the place.",
        )],
        "edk2 OvmfPkg/AmdSev/AmdSevX64.fdf; QEMU target/i386/sev.c",
    ),
    topic(
        "secret-address",
        "the secret is to go where the guest has no memory",
        &["SEV: Failed to calculate guest address"],
        &[cause(
            "The address is of another firmware image, or beyond the guest's memory.",
            "Leave it out: QEMU takes the firmware's own place.",
        )],
        QEMU,
    ),
    topic(
        "not-sev-guest",
        "the guest is not a SEV guest",
        &["SEV not enabled for guest"],
        &[cause(
            "It was started without <launchSecurity type='sev'>, perhaps before that was added.",
            "Destroy it, and launch it again with `virt-sev launch`.",
        )],
        QEMU,
    ),
    topic(
        "no-snp-measurement",
        "SEV-SNP guests have no launch measurement to be read from outside",
        &["SEV launch measurement is not available"],
        &[
            cause(
                "The guest is a SEV-SNP guest: it asks the firmware for a report from inside.",
                "Verify its attestation report. `virt-sev measurement` shows what can be seen from here.",
            ),
            cause("The guest is not launched yet, or not a SEV guest.", "Look at its <launchSecurity>."),
        ],
        QEMU,
    ),
    topic(
        "migration",
        "encrypted guests cannot be migrated or saved",
        &["SEV: Migration is not implemented", "SEV-SNP: Migration is not implemented"],
        &[cause(
            "QEMU has no way to move encrypted memory.",
            "Shut the guest down and launch it on the other host, with a session for that one.",
        )],
        QEMU,
    ),
    topic(
        "session-file",
        "QEMU cannot read the owner's session or certificate",
        &["SEV: Failed to read '"],
        &[cause(
            "AppArmor, SELinux or a cleaning job keeps QEMU from libvirt's own file.",
            "Look below /var/lib/libvirt/qemu/domain-*, and for DENIED in the kernel's log.",
        )],
        QEMU,
    ),
    topic(
        "virtio-legacy",
        "a virtio device does not go through the IOMMU",
        &["VIRTIO_F_IOMMU_PLATFORM was supported by neither", "device must provide VIRTIO_F_ACCESS_PLATFORM"],
        &[cause(
            "The device is transitional or has no iommu='on': the guest cannot share memory with it.",
            "`virt-sev apply` sets it on every virtio device; leave out models that cannot.",
        )],
        "Linux drivers/virtio/virtio.c; libvirt docs/kbase/launch_security_sev.rst",
    ),
];
