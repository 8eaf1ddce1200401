//! The checks of an SEV-SNP report that say no. In: nothing. Out: their ids with what is behind each.
//! Never: a check; those stand in `src/snp/checks.rs` and `src/snp/chain.rs`.

use super::topic::{Topic, cause, topic};

const ABI: &str = "AMD 56860, section 7.3, ATTESTATION_REPORT";
const KDS: &str = "AMD 57230, chapter 3";
const HOST: &str = "Do not trust this host until its owner can say why.";
const AGAIN: &str = "`virt-sev snp report FILE --kds-address` prints where AMD has it.";

pub(super) static TOPICS: &[Topic] = &[
    topic(
        "snp-chain",
        "the certificate of the key that signed a report does not lead to AMD",
        &["is not a trusted root", "is not signed by a trusted root", "is another chain's root"],
        &[
            cause("The certificate is damaged, or of another generation.", AGAIN),
            cause(
                "Somebody made it: a root that came with the report proves nothing.",
                "Do not trust this report.",
            ),
            cause("It is a test platform's.", "Trust its root by name: --ca FILE."),
        ],
        KDS,
    ),
    topic(
        "snp-validity",
        "a certificate is not valid at this time",
        &["SEV-VCEK has expired at", "SEV-VLEK has expired at"],
        &[
            cause("This machine's clock is wrong.", "Set it, or give the time: --at TIME."),
            cause(
                "The certificate is old: a VLEK's lives for a year, a VCEK's for seven.",
                "Fetch a new one; for a report that was made while it lived: --at TIME.",
            ),
        ],
        KDS,
    ),
    topic(
        "snp-signature",
        "the report is not as the chip signed it",
        &[
            "the report's signature is not that of SEV-*",
            "the report is not signed",
            "the report has no signature",
        ],
        &[
            cause("The certificate is another chip's, or for another TCB.", AGAIN),
            cause("The report was changed on its way.", "Do not trust whoever brought it."),
            cause(
                "The host has switched off the chip's key (MASK_CHIP_KEY).",
                "On the host: `snphost config set` without it.",
            ),
        ],
        ABI,
    ),
    topic(
        "snp-endorsed-tcb",
        "the key is made for another TCB than the report names",
        &["the key is made for another TCB"],
        &[cause("The host's firmware or microcode was updated since the certificate was fetched.", AGAIN)],
        KDS,
    ),
    topic(
        "snp-chip",
        "report and certificate are of different chips",
        &["the certificate is another chip's", "the host hides its chip's identity"],
        &[
            cause("The guest runs on another host than the certificate was fetched for.", AGAIN),
            cause(
                "The host hides the identity of its chips (MASK_CHIP_ID), so a report names none.",
                "The host's administrator has the certificate; the signature shows whose chip it is.",
            ),
        ],
        ABI,
    ),
    topic(
        "snp-min-tcb",
        "the host's firmware or microcode is older than the owner takes",
        &["below the floor: reported", "below the floor: at launch", "below the floor: committed"],
        &[
            cause(
                "The host was not updated.",
                "Update its firmware and microcode, and launch the guest again.",
            ),
            cause(
                "It was updated while the guest ran: at launch it was older.",
                "Launch the guest again: what looked into it before the update may have stayed.",
            ),
        ],
        "AMD 56860, section 2.2, TCB_VERSION",
    ),
    topic(
        "snp-provisional",
        "the host can go back to an older firmware",
        &["the firmware is provisional"],
        &[cause("A new firmware was loaded and not committed yet.", "On the host: `snphost commit`.")],
        "AMD 56860, SNP_COMMIT",
    ),
    topic(
        "snp-measurement",
        "the guest was not launched from what the owner expects",
        &["launch digest differs"],
        &[
            cause(
                "Firmware, kernel, initrd or command line differ, down to a blank; or the number or the type of the processors.",
                "`virt-sev digest --mode snp` with the files that the host has gives the digest.",
            ),
            cause("Somebody launched another guest.", HOST),
        ],
        ABI,
    ),
    topic(
        "snp-report-data",
        "the report does not carry what the guest should have put in",
        &["report data differs"],
        &[
            cause(
                "It is an older report, or another guest's: a nonce is new each time.",
                "Ask the guest again, with a fresh nonce.",
            ),
            cause(
                "The guest puts in a digest of the nonce, or the nonce with something else.",
                "Give what it puts in: up to 64 bytes, zeroes behind.",
            ),
        ],
        ABI,
    ),
    topic(
        "snp-host-data",
        "the host put in something else at launch",
        &["host data differs"],
        &[
            cause(
                "The domain has other host data.",
                "Compare <hostData> in the domain: `virsh dumpxml NAME`.",
            ),
            cause("Somebody launched the guest with other data.", HOST),
        ],
        ABI,
    ),
    topic(
        "snp-id-key",
        "the guest was not launched with the owner's ID block",
        &["ID key digest differs"],
        &[cause(
            "The domain has no ID block, or another one: the digest is then zeroes, or another key's.",
            "`virt-sev snp id-block` makes one; `virt-sev apply --config keys.yaml` puts it into the domain.",
        )],
        "AMD 56860, 8.17, SNP_LAUNCH_FINISH",
    ),
    topic(
        "snp-author-key",
        "the guest's ID key is not certified by the owner's author key",
        &["author key digest differs"],
        &[
            cause(
                "The ID auth has an author key, and the domain does not say so.",
                "Set security.sev.snp.author_key, as keys.yaml does: authorKey='yes' in <launchSecurity>.",
            ),
            cause(
                "The ID block was signed without one, or with another.",
                "`virt-sev snp id-block --author-key FILE`.",
            ),
        ],
        "AMD 56860, 8.17, SNP_LAUNCH_FINISH",
    ),
    topic(
        "snp-chip-id",
        "the guest runs on another chip than the owner wants",
        &["chip differs: found"],
        &[cause(
            "It was launched on another host.",
            "Launch it on the host that is meant, or leave --chip-id out.",
        )],
        ABI,
    ),
    topic(
        "snp-policy",
        "the guest's policy is another one than the owner takes",
        &["the host can debug the guest", "the policy demands *, and the platform has it otherwise"],
        &[
            cause(
                "The guest was launched with another policy; one that permits debugging gives all its memory to the host.",
                "Set security.sev.snp.policy, and sign the ID block for the same: the firmware then refuses any other.",
            ),
            cause("Somebody launched the guest with another policy.", HOST),
        ],
        "AMD 56860, section 4.3",
    ),
    topic(
        "snp-vmpl",
        "another privilege level asked for the report",
        &["VMPL is *, wanted", "the host asked for the report"],
        &[
            cause(
                "The guest runs below an SVSM, which has VMPL 0.",
                "Give the level of the guest's kernel: --vmpl 2.",
            ),
            cause(
                "The host asked for the report itself: nothing in it comes from the guest.",
                "Ask the guest.",
            ),
        ],
        ABI,
    ),
];
