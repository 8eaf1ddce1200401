//! What libvirt says for SEV. In: nothing. Out: its messages with their causes. Never: a message of QEMU that libvirt
//! only hands on: those stand in `hypervisor`.

use super::topic::{Topic, cause, topic};

pub(super) static TOPICS: &[Topic] = &[
    topic(
        "no-firmware",
        "libvirt has no firmware image for what the domain asks for",
        &["Unable to find*firmware that is compatible", "Unable to find any firmware to satisfy"],
        &[
            cause(
                "No descriptor claims the mode: distributions list amd-sev alone, though their images can do more.",
                "`virt-sev firmware list` shows what the images really hold. `virt-sev apply -c URI` then names one.",
            ),
            cause(
                "The loader is to be stateless, or without Secure Boot, and no descriptor is.",
                "Install an AmdSev build (Debian: ovmf-amdsev; Fedora: edk2-ovmf), or give security.sev.firmware=PATH.",
            ),
        ],
        "libvirt src/qemu/qemu_firmware.c, qemuFirmwareFillDomain",
    ),
    topic(
        "firmware-claims",
        "the descriptor of the firmware does not claim the mode",
        &["Domain requires SEV*firmware*doesn't support it"],
        &[cause(
            "The distribution's descriptor says less, or more, than the image can.",
            "`virt-sev firmware inspect IMAGE` tells what is there; security.sev.firmware=PATH takes an image by name.",
        )],
        "libvirt src/qemu/qemu_firmware.c",
    ),
    topic(
        "libvirt-without-sev",
        "libvirt believes that QEMU cannot do this here",
        &[
            "QEMU does not support SEV guest",
            "launch security is not supported with this QEMU binary",
            "missing SEV platform data in QEMU capabilities cache",
        ],
        &[
            cause(
                "libvirt looked at QEMU before SEV was switched on, and keeps what it found.",
                "Empty /var/cache/libvirt/qemu/capabilities and restart the daemon.",
            ),
            cause(
                "QEMU could not open /dev/sev when libvirt asked it.",
                "Look at the device's owner, and at AppArmor or SELinux; then empty that folder.",
            ),
            cause(
                "QEMU or libvirt is too old: SEV-SNP needs QEMU 9.1 and libvirt 10.5.",
                "`virsh -c URI version`.",
            ),
        ],
        "libvirt src/qemu/qemu_validate.c and src/qemu/qemu_capabilities.c",
    ),
    topic(
        "old-kernel-hashes",
        "this QEMU cannot measure a kernel",
        &["SEV measured direct kernel boot is not supported"],
        &[cause("QEMU is older than 6.2.", "Take a newer one, or set security.sev.kernel_hashes=false.")],
        "libvirt src/qemu/qemu_validate.c",
    ),
    topic(
        "no-policy",
        "<launchSecurity> has no policy",
        &["failed to get launch security policy"],
        &[cause(
            "libvirt does not fill it in.",
            "`virt-sev apply` writes one: 0x1 for SEV, 0x5 for SEV-ES, 0x30000 for SEV-SNP.",
        )],
        "libvirt src/conf/domain_conf.c",
    ),
    topic(
        "launch-security-type",
        "libvirt does not know this kind of <launchSecurity>",
        &[
            "unsupported launch security type",
            "Invalid value for attribute 'type' in element 'launchSecurity'",
        ],
        &[
            cause(
                "libvirt is older than 10.5, and does not know sev-snp.",
                "Take a newer libvirt on the host.",
            ),
            cause("The type is misspelt.", "Write sev or sev-snp."),
        ],
        "libvirt src/conf/domain_conf.c",
    ),
    topic(
        "nvram-stateless",
        "a stateless loader has no NVRAM",
        &[
            "NVRAM is not permitted when loader is stateless",
            "NVRAM template is not permitted when loader is stateless",
            "Only pflash loader type permits NVRAM",
        ],
        &[cause(
            "<nvram> was left from before.",
            "`virt-sev apply` takes it away where the image has no variables.",
        )],
        "libvirt src/conf/domain_validate.c",
    ),
    topic(
        "secret-unsupported",
        "launch secrets are for SEV and SEV-ES guests",
        &["setting a launch secret is only supported in SEV-enabled domains"],
        &[cause(
            "The guest is a SEV-SNP guest, or none with SEV.",
            "A SEV-SNP guest gets its secrets from inside, after it has shown its report.",
        )],
        "libvirt src/qemu/qemu_driver.c",
    ),
    topic(
        "name-taken",
        "another domain has this name or this UUID",
        &[
            "already exists with uuid",
            "is already defined with uuid",
            "another domain has this name or this UUID",
        ],
        &[
            cause(
                "The document has no <uuid>, or another one than the domain of this name.",
                "Put the domain's <uuid> into the document, or name the defined domain in place of the file.",
            ),
            cause("It is to be another domain.", "Give it another <name> and no <uuid>."),
            cause("The old domain is not wanted any more.", "`virsh undefine NAME --nvram`."),
        ],
        "libvirt src/conf/virdomainobjlist.c",
    ),
    topic(
        "already-active",
        "the guest is active already",
        &[
            "domain is already running",
            "is already active",
            "Domain is already running",
            "the guest is active already",
        ],
        &[
            cause(
                "Somebody has started it.",
                "A launch begins with a guest that is off: shut it down first.",
            ),
            cause("A launch that was cut off has left it paused.", "`virt-sev launch -c URI --recover`."),
        ],
        "libvirt src/conf/virdomainobjlist.c",
    ),
    topic(
        "memory-limit-denied",
        "libvirt may not raise QEMU's limit for locked memory",
        &["cannot limit locked memory of process"],
        &[cause(
            "The daemon runs in a container or as a user without CAP_SYS_RESOURCE.",
            "Give the container that capability or an unlimited memlock, or LimitMEMLOCK=infinity in the daemon's unit.",
        )],
        "libvirt src/util/virprocess.c",
    ),
    topic(
        "emulator-ended",
        "QEMU ended while the guest was in use",
        &[
            "End of file from qemu monitor",
            "Missing monitor reply object",
            "domain is not running",
            "' is not running",
            "the guest does not run after the resume",
            "Unable to read from monitor",
        ],
        &[
            cause(
                "QEMU crashed or was killed: out of memory, a signal, or a fault of its own.",
                "Look at the end of the guest's log, /var/log/libvirt/qemu/NAME.log, and for `Out of memory` in the kernel's.",
            ),
            cause(
                "Somebody else destroyed the guest meanwhile.",
                "Look at the daemon's log; then launch again.",
            ),
        ],
        "libvirt src/qemu/qemu_monitor.c and src/qemu/qemu_process.c",
    ),
    topic(
        "no-virt-type",
        "the hypervisor cannot run this kind of guest: type='kvm' needs KVM",
        &["does not support virt type"],
        &[
            cause(
                "libvirt found no usable /dev/kvm when it looked: the module kvm_amd is not loaded, or QEMU may not open the device.",
                "`virt-sev host` says which; afterwards restart libvirt's daemon, which keeps what it found.",
            ),
            cause(
                "The emulator is not made for it.",
                "`virsh -c URI domcapabilities --virttype kvm` tells what libvirt knows of it.",
            ),
        ],
        "libvirt src/qemu/qemu_capabilities.c",
    ),
    topic(
        "no-daemon",
        "libvirt's daemon cannot be reached",
        &[
            "Failed to connect socket to",
            "End of file while reading data",
            "Unable to connect to libvirt",
            "Cannot recv data",
            "Cannot write data",
            "client socket is closed",
        ],
        &[
            cause(
                "The daemon is not running, or ended.",
                "`systemctl status virtqemud libvirtd`; then `virt-sev launch -c URI --recover` if a launch was under way.",
            ),
            cause("The URI names another place.", "`virsh -c URI version` tells."),
            cause(
                "There is no daemon on that machine.",
                "Install it (Debian: libvirt-daemon-system; Fedora: libvirt-daemon-kvm).",
            ),
        ],
        "libvirt src/rpc/virnetsocket.c",
    ),
];

/// Around what QEMU says; alone, it says that QEMU was silent.
pub(super) static GENERAL: &[Topic] = &[topic(
    "silent-exit",
    "QEMU ended while it started, without a word",
    &[
        "QEMU unexpectedly closed the monitor",
        "Failed to start QEMU binary",
        "unexpectedly closed the monitor",
        "process exited while connecting to monitor",
        "failed to connect to monitor socket",
    ],
    &[
        cause(
            "QEMU was killed by a signal: out of memory, a limit of its cgroup, or somebody.",
            "Look for `Out of memory` and `segfault` in the kernel's log.",
        ),
        cause(
            "What QEMU said stands in the guest's log only.",
            "Read the end of /var/log/libvirt/qemu/NAME.log, and explain that line.",
        ),
    ],
    "libvirt src/qemu/qemu_process.c",
)];
