//! The status codes of the SEV firmware. In: nothing. Out: a topic a code. Never: a code that no specification has.
//!
//! AMD SEV API (document 55766) and SEV-SNP firmware ABI (56860), "Status codes"; the names are those of Linux,
//! `include/uapi/linux/psp-sev.h`, the texts in quotes those that QEMU prints (`target/i386/sev.c`).

use super::topic::{Cause, Topic, cause};

const SEV: &str = "AMD SEV API (55766), status codes; Linux include/uapi/linux/psp-sev.h";
const SNP: &str = "AMD SEV-SNP firmware ABI (56860), status codes; Linux include/uapi/linux/psp-sev.h";

const STALE_PLATFORM: Cause = cause(
    "The ccp driver could not initialise the Secure Processor, and its firmware is in another state than KVM believes.",
    "`dmesg | grep -i -e ccp -e SEV` shows the first failure. Load kvm_amd and ccp again; if that does not help, boot.",
);
const OLD_FIRMWARE: Cause = cause(
    "The SEV firmware is older than the command.",
    "Install the newest SEV firmware for this processor below /lib/firmware/amd (package amd64-microcode or \
     linux-firmware), or update the board's.",
);
const KERNEL_FAULT: Cause = cause(
    "The host's kernel called the firmware wrongly: a fault in KVM or ccp, or another SEV tool that worked at the same time.",
    "Take the distribution's newest kernel. Where it stays, report it with `dmesg | grep -i -e ccp -e SEV`.",
);
const PAGES: Cause = cause(
    "A page is in another state than the host's kernel believes: huge pages were split or given away while the guest started.",
    "Take the newest kernel of the host. Leave out hugepages and memory that other programs share with the guest.",
);

/// By the firmware's name for it, by the kernel's, and by QEMU's text.
pub(super) fn by_name(text: &str) -> Option<&'static Topic> {
    let name = text.trim_matches('\'').to_ascii_lowercase().replace(['_', ' '], "-");
    let name = name.strip_prefix("sev-ret-").unwrap_or(&name);
    TOPICS.iter().find(|t| {
        t.id.strip_prefix("fw-") == Some(name)
            || t.patterns.iter().any(|p| p.trim_matches('\'').eq_ignore_ascii_case(text.trim_matches('\'')))
    })
}

const fn sev(
    status: u16,
    id: &'static str,
    title: &'static str,
    patterns: &'static [&'static str],
    causes: &'static [Cause],
) -> Topic {
    Topic { id, title, patterns, status: Some(status), causes, source: SEV }
}

const fn snp(status: u16, id: &'static str, title: &'static str, causes: &'static [Cause]) -> Topic {
    Topic { id, title, patterns: &[], status: Some(status), causes, source: SNP }
}

/// By their numbers.
pub(super) static TOPICS: &[Topic] = &[
    sev(
        0,
        "fw-success",
        "0x00: the firmware did what it was asked for, or was not asked at all",
        &[],
        &[cause(
            "The kernel refused before it asked the firmware: the reason is the number after ret=.",
            "Explain the whole message: `virt-sev explain 'MESSAGE'`.",
        )],
    ),
    sev(
        1,
        "fw-invalid-platform-state",
        "0x01: the platform is not in the state that the command needs",
        &["'Platform state is invalid'"],
        &[
            cause(
                "SEV-SNP was not initialised first, so that SEV could not be (`SEV-SNP: failed to INIT` in the kernel's log).",
                "Look at the line about SEV-SNP in `dmesg | grep -i ccp` and explain that one.",
            ),
            STALE_PLATFORM,
        ],
    ),
    sev(
        2,
        "fw-invalid-guest-state",
        "0x02: the guest is not in the state that the command needs",
        &["'Guest state is invalid'"],
        &[
            cause(
                "The guest has run already: secrets and measurements belong to the time before the first resume.",
                "Destroy it and launch it again, paused: `virt-sev launch` does that in the right order.",
            ),
            KERNEL_FAULT,
        ],
    ),
    sev(
        3,
        "fw-invalid-config",
        "0x03: the platform's configuration is not valid",
        &["'Platform configuration is invalid'"],
        &[
            cause(
                "Parts of SEV-SNP are off in the firmware set-up: SNP Memory Coverage, or SEV-SNP Support of the IOMMU.",
                "Switch on SMEE, SNP Memory Coverage and SEV-SNP Support, and keep the IOMMU on and not in passthrough mode.",
            ),
            cause(
                "A processor or an IOMMU of the machine was left out, for example with nosmt or maxcpus on the kernel's command line.",
                "Start the kernel with all processors, and without iommu=pt.",
            ),
        ],
    ),
    sev(
        4,
        "fw-invalid-len",
        "0x04: a buffer is too small",
        &["'Buffer too small'"],
        &[
            cause(
                "A certificate or a session is shorter than its format.",
                "Take the file whole: `virt-sev session` writes 128 bytes of session and 2084 of certificate, in base64.",
            ),
            cause(
                "A tool asks only for the length; then this answer is the right one.",
                "Nothing is to be done where no other message follows.",
            ),
        ],
    ),
    sev(
        5,
        "fw-already-owned",
        "0x05: the platform has an owner already",
        &["'Platform is already owned'"],
        &[cause(
            "Somebody has imported a certificate of an owner (PEK_CERT_IMPORT).",
            "Leave it, or reset the platform with `sevctl reset`: every session that was made for it is void then.",
        )],
    ),
    sev(
        6,
        "fw-invalid-certificate",
        "0x06: a certificate is not valid",
        &["'Certificate is invalid'"],
        &[
            cause(
                "The owner's Diffie-Hellman certificate is damaged, or is not the one of this session.",
                "Make both anew with `virt-sev session`, and give session.dh and session.data from the same folder.",
            ),
            cause(
                "Raw bytes stand where base64 should, or base64 was encoded twice.",
                "Give the files godh.b64 and session.b64 as they are: --set security.sev.session.dh=@FILE.",
            ),
        ],
    ),
    sev(
        7,
        "fw-policy-failure",
        "0x07: the policy does not allow this platform, or is malformed",
        &["'Policy is not allowed'"],
        &[
            cause(
                "The policy asks for newer firmware than the host has (policy.min_fw, or snp.policy.min_abi).",
                "`virt-sev measurement` or `sevctl show version` tells the host's API version. Lower the minimum, or update the SEV firmware.",
            ),
            cause(
                "SEV-SNP: the host has SMT on, and the policy forbids it (bit 16 is not set).",
                "Set security.sev.snp.policy.smt=true, or switch SMT off on the host.",
            ),
            cause(
                "A reserved bit is set, or SEV-SNP's bit 17 is not.",
                "Give single policy keys in place of a number: `virt-sev keys` names them.",
            ),
        ],
    ),
    sev(8, "fw-inactive", "0x08: the guest has no ASID", &["'Guest is not active'"], &[KERNEL_FAULT]),
    sev(
        9,
        "fw-invalid-address",
        "0x09: an address is not valid",
        &["'Invalid address'"],
        &[
            cause(
                "Memory of the guest is not what the firmware can encrypt: device memory, or pages below a wrong C-bit position.",
                "Leave cbitpos and reducedPhysBits out of the domain: libvirt fills in the host's.",
            ),
            PAGES,
        ],
    ),
    sev(
        10,
        "fw-bad-signature",
        "0x0A: a signature is wrong",
        &["'Bad signature'"],
        &[
            cause(
                "A certificate was signed with another key, or changed after it was signed.",
                "Export the chain again from the host, and verify it: `virt-sev session --chain FILE` does so first.",
            ),
            cause(
                "SEV-SNP: the ID block is not signed with the key in the ID authentication block.",
                "Make security.sev.snp.id_block and id_auth together, from the same keys.",
            ),
        ],
    ),
    sev(
        11,
        "fw-bad-measurement",
        "0x0B: a MAC does not fit",
        &["'Bad measurement'"],
        &[
            cause(
                "The session is not for this policy, this platform, or these keys.",
                "Make one for this host and this policy: `virt-sev session --chain FILE --policy POLICY -o DIR`.",
            ),
            cause(
                "A secret was packed for another launch: it is bound to one measurement.",
                "Build it again for the measurement that the guest reports now.",
            ),
            cause(
                "SEV-SNP: the launch digest is not the one in the ID block.",
                "Compute the digest of exactly these files, and make the ID block again.",
            ),
        ],
    ),
    sev(
        12,
        "fw-asid-owned",
        "0x0C: the ASID belongs to another guest",
        &["'ASID is already owned'"],
        &[KERNEL_FAULT],
    ),
    sev(
        13,
        "fw-invalid-asid",
        "0x0D: the ASID is not valid for this kind of guest",
        &["'Invalid ASID'"],
        &[
            cause(
                "The split of the ASIDs was changed, and the machine was not started anew since.",
                "Look at SEV-ES ASID Space Limit in the firmware set-up, and boot.",
            ),
            KERNEL_FAULT,
        ],
    ),
    sev(
        14,
        "fw-wbinvd-required",
        "0x0E: the caches must be flushed first (WBINVD)",
        &["'WBINVD is required'"],
        &[
            cause(
                "Some processors were off while the platform was initialised.",
                "Start the host with all processors on-line, without maxcpus.",
            ),
            KERNEL_FAULT,
        ],
    ),
    sev(
        15,
        "fw-dfflush-required",
        "0x0F: the data fabric must be flushed first (DF_FLUSH)",
        &["'DF_FLUSH is required'"],
        &[KERNEL_FAULT],
    ),
    sev(
        16,
        "fw-invalid-guest",
        "0x10: there is no guest with this handle",
        &["'Guest handle is invalid'"],
        &[KERNEL_FAULT],
    ),
    sev(
        17,
        "fw-invalid-command",
        "0x11: the firmware does not know the command",
        &["'Invalid command'"],
        &[OLD_FIRMWARE],
    ),
    sev(18, "fw-active", "0x12: the guest still has its ASID", &["'Guest is active'"], &[KERNEL_FAULT]),
    sev(
        19,
        "fw-hwerror-platform",
        "0x13: a hardware condition; the platform stays safe",
        &["'Hardware error'"],
        &[
            cause(
                "SMEE (Secure Memory Encryption) is not switched on in the firmware set-up, where Auto counts as off.",
                "Set SMEE to Enabled, not to Auto, and boot.",
            ),
            cause("The board's firmware is too old for this processor.", "Update it."),
        ],
    ),
    sev(
        20,
        "fw-hwerror-unsafe",
        "0x14: a hardware condition; the platform is no longer safe",
        &["'Hardware unsafe'"],
        &[cause(
            "The Secure Processor found a fault after which it trusts nothing.",
            "Switch the machine off and on. Where it comes again, the hardware is for its vendor.",
        )],
    ),
    sev(
        21,
        "fw-unsupported",
        "0x15: the firmware does not do this",
        &["'Feature not supported'"],
        &[
            cause(
                "SEV-ES on a host with SEV-SNP initialised: firmware with API 1.58 or newer refuses it (CVE-2025-48514).",
                "Use security.sev.snp=true, or load kvm_amd with sev_snp=0.",
            ),
            OLD_FIRMWARE,
        ],
    ),
    sev(
        22,
        "fw-invalid-param",
        "0x16: a parameter is not valid",
        &["'Invalid parameter'"],
        &[
            cause(
                "The owner's certificate was given without the session, or the other way round.",
                "Give security.sev.session.dh and security.sev.session.data together.",
            ),
            cause("A reserved bit of the policy is set.", "Give single policy keys in place of a number."),
            KERNEL_FAULT,
        ],
    ),
    sev(
        23,
        "fw-resource-limit",
        "0x17: the firmware has run out of something",
        &["'Required firmware resource depleted'"],
        &[
            cause("There are as many guests as the firmware keeps.", "End a guest, and launch again."),
            STALE_PLATFORM,
        ],
    ),
    sev(
        24,
        "fw-secure-data-invalid",
        "0x18: the firmware's stored data fail their integrity check",
        &["'Part-specific integrity check failure'"],
        &[cause(
            "The SEV data in the board's flash are damaged, or of another processor that sat in this socket.",
            "Reset the platform: `sevctl reset`. Chains and sessions that were made before are void then.",
        )],
    ),
    snp(
        0x19,
        "fw-invalid-page-size",
        "0x19: a page has another size in the reverse map than the command says",
        &[PAGES],
    ),
    snp(
        0x1a,
        "fw-invalid-page-state",
        "0x1A: a page is in another state in the reverse map than the command needs",
        &[PAGES],
    ),
    snp(0x1b, "fw-invalid-mdata-entry", "0x1B: the metadata of a swapped page are not valid", &[PAGES]),
    snp(0x1c, "fw-invalid-page-owner", "0x1C: a page belongs to another guest or to the host", &[PAGES]),
    snp(
        0x1d,
        "fw-aead-oflow",
        "0x1D: the counter of messages to the firmware has run over",
        &[cause("The guest has sent as many requests as one launch may.", "Launch it again.")],
    ),
    snp(0x1f, "fw-exit-ring-buffer", "0x1F: the firmware has left its ring buffer mode", &[KERNEL_FAULT]),
    snp(
        0x20,
        "fw-rmp-init-required",
        "0x20: the reverse map must be initialised first",
        &[
            cause(
                "SEV-SNP is not initialised on this host.",
                "Switch SNP Memory Coverage on in the firmware set-up, and look at `dmesg | grep -i -e SNP -e RMP`.",
            ),
            STALE_PLATFORM,
        ],
    ),
    snp(
        0x21,
        "fw-bad-svn",
        "0x21: the security version is below one that was committed",
        &[cause(
            "The SEV firmware to be loaded is older than the one that the platform has committed to.",
            "Install the newer one again: a commit cannot be taken back.",
        )],
    ),
    snp(
        0x22,
        "fw-bad-version",
        "0x22: the firmware's version is below one that was committed",
        &[cause(
            "The SEV firmware to be loaded is older than the one that the platform has committed to.",
            "Install the newer one again: a commit cannot be taken back.",
        )],
    ),
    snp(0x23, "fw-shutdown-required", "0x23: the platform must be shut down first", &[STALE_PLATFORM]),
    snp(
        0x24,
        "fw-update-failed",
        "0x24: the firmware could not be updated",
        &[cause(
            "The image is not for this processor, or is damaged.",
            "Take the one for this family and model: amd_sev_famXXh_modelYYh.sbin below /lib/firmware/amd.",
        )],
    ),
    snp(
        0x25,
        "fw-restore-required",
        "0x25: the firmware's earlier image must be restored first",
        &[STALE_PLATFORM],
    ),
    snp(
        0x26,
        "fw-rmp-initialization-failed",
        "0x26: the reverse map could not be initialised",
        &[
            cause(
                "The board's firmware has not set all of the memory aside that the reverse map needs.",
                "Set SNP Memory Coverage to Enabled, update the board's firmware, and boot.",
            ),
            cause(
                "Parts of the memory are switched over already by a kernel that ran before (kexec).",
                "Boot from cold.",
            ),
        ],
    ),
    snp(
        0x27,
        "fw-invalid-key",
        "0x27: a key is not valid",
        &[cause(
            "The key that the request names cannot be used: no VLEK is loaded, or one for another platform.",
            "Load the VLEK of this machine, or let the chip's own key (VCEK) sign.",
        )],
    ),
];
