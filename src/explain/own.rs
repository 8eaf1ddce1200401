//! What virt-sev itself says when a launch fails. In: nothing. Out: its messages with their causes; the codes.
//! Never: a rule; those stand in `rules`.

use super::topic::{Topic, cause, topic};
use crate::appraisal::policy::POLICY_FILE;
use crate::codes::{CODES, Code, Kind};
use crate::hook::site::SITE_POLICY;

pub(super) static TOPICS: &[Topic] = &[
    topic(
        "host-reports-otherwise",
        "the host reports something else than the chip has measured",
        &[
            "change makes the measurement right: the build is",
            "change makes the measurement right: the API",
            "change makes the measurement right: the policy is",
        ],
        &[cause(
            "The host's software changed its answer: API version, build or policy are not those that the chip signed.",
            "Do not trust this host until its owner can say why.",
        )],
        "AMD SEV API (55766), LAUNCH_MEASURE",
    ),
    topic(
        "measurement-differs",
        "the guest was not launched from what you expect",
        &["the launch measurement is not the expected one"],
        &[
            cause(
                "The firmware image on the host is not the one that you gave: another version, or a changed one.",
                "Compare them: `virt-sev firmware list` on the host prints each image's SHA-256, `sha256sum FILE` yours.",
            ),
            cause(
                "Kernel, initrd or command line differ, down to a blank at the end of the command line; or kernel hashes are on for one side only.",
                "Give --kernel, --initrd and --cmdline exactly as the domain has them.",
            ),
            cause(
                "SEV-ES: the number or the model of the processors differs.",
                "Give --num-cpus, and --vcpu-type where the guest has another processor than its domain says.",
            ),
            cause(
                "TIK and TEK are not those of this session, or were exchanged.",
                "Give the tik.bin and tek.bin that were made with the session.",
            ),
            cause(
                "The host gives a measurement that is not this launch's: an old one, or made up.",
                "Launch with a new session. Where it differs again and all files agree, do not trust this host.",
            ),
        ],
        "AMD SEV API (55766), LAUNCH_MEASURE",
    ),
    topic(
        POLICY_FILE,
        "the launch is not one that the guest owner's policy file allows",
        &["policy file: allowed_", "policy file: min_fw_api"],
        &[
            cause(
                "The SEV firmware of the host is older than the owner wants, or is a build with known holes.",
                "Have the host's firmware updated, or lower min_fw_api_major and min_fw_api_minor if it is good enough.",
            ),
            cause(
                "The guest was launched with a policy or from firmware that the owner has not listed.",
                "Add it to allowed_policies or allowed_digests if it is acceptable. `virt-sev digest` computes a digest.",
            ),
        ],
        "names of the keys: simple-kbs src/policy.rs",
    ),
    topic(
        SITE_POLICY,
        "the guest is not one that this site's policy lets start",
        &["[site-policy]"],
        &[cause(
            "The site restricts modes, policies or firmware images, and the hook of libvirt keeps to it.",
            "Give the guest what the site wants: security.sev.policy.es, security.sev.firmware and such; or have /etc/virt-sev/policy.yaml changed.",
        )],
        "docs/hooks.md",
    ),
    topic(
        "another-policy",
        "the host launched the guest with another policy",
        &["the guest was launched with another policy"],
        &[cause(
            "The host's software changed it, for example to allow debugging.",
            "Do not trust this host until its owner can say why.",
        )],
        "AMD SEV API (55766), guest policy",
    ),
    topic(
        "no-daemon-answer",
        "libvirt's daemon did not answer in time",
        &["connecting to the hypervisor: the hypervisor", "reading the host's capabilities: the hypervisor"],
        &[
            cause(
                "The host is not to be reached: a wrong address, or something on the way that swallows packets.",
                "`virsh -c URI version` from here tells.",
            ),
            cause(
                "The daemon hangs.",
                "On that host: `systemctl status virtqemud libvirtd`; a restart leaves its guests running.",
            ),
            cause(
                "It has just been started, and probes its emulators first.",
                "Wait for it, or give it more time: --timeout SECONDS.",
            ),
        ],
        "virt-sev",
    ),
    topic(
        "no-answer",
        "the hypervisor did not answer in time",
        &["the hypervisor has not answered", "a call to the hypervisor has not come back"],
        &[
            cause(
                "QEMU hangs: its monitor does not answer, and libvirt waits for it.",
                "Look at the guest's log, /var/log/libvirt/qemu/NAME.log; the launch was undone, so launch again.",
            ),
            cause(
                "The host is busy: memory is encrypted and pinned page by page, which takes its time with large guests.",
                "Give more of it: --timeout SECONDS.",
            ),
            cause("The connection or the daemon hangs.", "`virsh -c URI version` tells."),
        ],
        "virt-sev",
    ),
    topic(
        "session-used",
        "a session serves one launch",
        &["this session was used before"],
        &[cause(
            "It served a launch already, even one that failed: the chip may have seen it.",
            "Make a new one: `virt-sev session`.",
        )],
        "AMD SEV API (55766), LAUNCH_START; src/session/registry.rs",
    ),
    topic(
        "session-answered",
        "the guest owner answers one launch of each session",
        &["this session has answered another launch"],
        &[cause(
            "The host launched twice with one session, which its own registry keeps an honest host from.",
            "Give no secret away. Make a new session, and ask the host's owner why.",
        )],
        "AMD SEV API (55766), LAUNCH_MEASURE: each launch has a nonce of its own; docs/owner.md",
    ),
    topic(
        "packet-of-another-launch",
        "a secret packet is bound to the measurement of one launch",
        &["this packet is for another launch"],
        &[cause(
            "The guest was launched again after its evidence was sent.",
            "Send the evidence of this launch (`virt-sev measurement NAME -o FILE`) with a session that was not answered.",
        )],
        "AMD SEV API (55766), LAUNCH_SECRET",
    ),
    topic(
        "launch-under-way",
        "another launch of this domain has not ended",
        &["a launch of this domain has not ended"],
        &[
            cause("An earlier one was cut off.", "`virt-sev launch -c URI --recover` ends what it left."),
            cause("Another virt-sev launches it now.", "Wait for that one to end."),
        ],
        "src/launch/journal.rs",
    ),
    topic(
        "saved-state",
        "a start would restore the guest's saved state, which is neither measured nor encrypted",
        &["the guest was saved, and a start would restore it"],
        &[cause(
            "Somebody saved the guest before it became a SEV guest, or libvirt-guests did at shutdown.",
            "If that state may be lost: `virsh managedsave-remove NAME`.",
        )],
        "libvirt docs/manpages/virsh.rst, managedsave",
    ),
];

/// The rows of the table of codes that this stands for: a C constant or its number, or an exit code.
#[must_use]
pub fn codes(text: &str) -> Vec<Code> {
    let text = text.trim();
    let exit = text.strip_prefix("exit").unwrap_or(text).trim().parse::<u8>().ok();
    CODES
        .iter()
        .filter(|c| {
            c.c_name.eq_ignore_ascii_case(text) || c.number.to_string() == text || Some(c.exit) == exit
        })
        .copied()
        .collect()
}

/// What to do about a code, where no message says more.
#[must_use]
pub fn advice(kind: Kind) -> &'static str {
    match kind {
        Kind::No => {
            "The question was answered, and the answer is no: the text says which check failed. Nothing was changed."
        }
        Kind::Usage => "Look at `virt-sev COMMAND --help`.",
        Kind::Insecure => "What was asked for proves nothing. --insecure does it all the same, for tests.",
        Kind::Config => "The text names the key and its place; `virt-sev keys` says what it takes.",
        Kind::Domain => "The text names the element; `virt-sev lint FILE` shows all of them.",
        Kind::Firmware => "`virt-sev firmware list` shows the images that serve each mode.",
        Kind::Certificate => "Export the chain from the host again, and verify it.",
        Kind::Session => "Make a new session: `virt-sev session`.",
        Kind::File => "The text names the file. Nothing was written in its place.",
        Kind::Hypervisor => "The text holds libvirt's own words: `virt-sev explain 'WORDS'`.",
        Kind::State => "The text says which state was found; `virsh list --all` shows it.",
        Kind::Timeout => "Look at the hypervisor's log; --timeout SECONDS waits longer.",
        Kind::Bug => "Report it, with the command and what it printed.",
        Kind::Cancelled => "A signal came: what was begun was undone.",
    }
}
