//! What virt-sev says to the guest's owner before and after a launch. In: nothing. Out: its messages with their causes.
//! Never: a verdict.

use super::topic::{Topic, cause, topic};

pub(super) static TOPICS: &[Topic] = &[
    topic(
        "cek-unsigned",
        "a chip exports its CEK without AMD's signature",
        &["CEK certificate has no signature of the ASK"],
        &[cause(
            "AMD's key service has the signed one, by the chip's identity.",
            "Run the command again with --fetch, or fetch it from the address that the text names and give it with --cek FILE.",
        )],
        "AMD SEV API (55766), chapter 2; docs/owner.md",
    ),
    topic(
        "chain-not-trusted",
        "the platform's certificates lead to none of AMD's roots",
        &["certificate is not to be trusted"],
        &[
            cause(
                "The platform is a simulator or a test machine, with a root of its own.",
                "If you know that root: --ca FILE. Nothing that such a platform says protects anything.",
            ),
            cause(
                "A certificate was damaged on the way, or the files are of two platforms.",
                "Export the chain again: `virt-sev chain fetch -c URI -o FILE`. `virt-sev chain verify FILE` shows where it breaks.",
            ),
            cause(
                "Somebody put certificates of their own in the place of the platform's.",
                "Make no session for it: whoever has that PDH's key would have yours.",
            ),
        ],
        "AMD SEV API (55766), chapter 2",
    ),
    topic(
        "same-machine",
        "who verifies on the hypervisor's own machine believes that machine",
        &["the hypervisor is this machine"],
        &[cause(
            "Keys, secrets and verdict are where the host's administrator can read and change them.",
            "Run it where the owner trusts the machine, with `-c qemu+ssh://HOST/system` or with files (docs/owner.md). For a test: --insecure.",
        )],
        "libvirt docs/manpages/virt-qemu-sev-validate.rst",
    ),
    topic(
        "not-paused",
        "a secret goes in before the guest's first instruction",
        &["the guest is not paused"],
        &[cause(
            "The guest was resumed, or started without virt-sev: the chip takes no secret any more.",
            "Launch it again with a new session: `virt-sev launch` leaves it paused for its owner.",
        )],
        "AMD SEV API (55766), LAUNCH_SECRET and LAUNCH_FINISH",
    ),
    topic(
        "vek-missing",
        "a report is verified with the certificate of the key that signed it",
        &["the certificate of the * that signed the report is missing"],
        &[
            cause(
                "A VCEK's is had from AMD, by chip and TCB.",
                "`curl -o vcek.der \"$(virt-sev snp report FILE --kds-address)\"`, then --certs vcek.der.",
            ),
            cause(
                "A VLEK's is the cloud provider's, and comes with the report in the certificate table.",
                "Give that table, or the certificate, with --certs.",
            ),
        ],
        "AMD 57230, chapter 4",
    ),
];
