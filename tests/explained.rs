//! Every refusal that the simulator has in QEMU's words is known to `explain`. The table is held to the simulator's own
//! sources, as text: a refusal that is new fails here until it has its line. `live/explained.rs` launches into them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this file is a test")]

use std::fs;
use std::path::Path;
use virt_sev::explain::in_message;

/// A text as the source has it up to the first place that is filled in, the whole as QEMU prints it, and its topic.
const REFUSALS: &[(&str, &str, &str)] = &[
    (
        "sev_common_kvm_init: failed to initialize ret=-16",
        "sev_common_kvm_init: failed to initialize ret=-16 fw_error=0 '': no free ASID for SEV",
        "no-asid",
    ),
    (
        "SEV information block/Firmware GUID Table",
        "SEV information block/Firmware GUID Table block not found in pflash rom",
        "no-es-reset-block",
    ),
    ("SEV-ES reset address", "SEV-ES reset address is zero", "no-es-reset-block"),
    (
        "SEV: kernel specified but guest firmware",
        "SEV: kernel specified but guest firmware has no hashes table GUID",
        "no-hashes-table",
    ),
    (
        "SEV: guest firmware hashes table area",
        "SEV: guest firmware hashes table area is invalid (base=0x0 size=0x0)",
        "no-hashes-table",
    ),
    ("Failed to open /dev/sev", "Failed to open /dev/sev 'No such file or directory'", "no-dev-sev"),
    ("cbitpos check failed", "cbitpos check failed, host '51' requested '47'", "cbitpos"),
    (
        "reduced_phys_bits check failed",
        "reduced_phys_bits check failed, it should be in the range of 1 to 63, requested '0'",
        "reduced-phys-bits",
    ),
    (
        "guest policy requires SEV-ES",
        "guest policy requires SEV-ES, but host SEV-ES support unavailable",
        "no-es",
    ),
    ("host SEV-SNP support unavailable", "host SEV-SNP support unavailable", "no-snp"),
    ("SEV-SNP does not support SMM.", "SEV-SNP does not support SMM.", "snp-smm"),
    (
        "pflash is not supported for SEV-SNP guests",
        "pflash is not supported for SEV-SNP guests: /x must be given with -bios (loader type='rom')",
        "snp-pflash",
    ),
    ("bit 17 of policy", "SNP_LAUNCH_START ret=-5 fw_error=7 'Policy failure'", "policy-refused"),
    ("reserved bits are set", "SNP_LAUNCH_START ret=-5 fw_error=7 'Policy failure'", "policy-refused"),
    ("reserved bits (15:6)", "LAUNCH_START ret=1 fw_error=7 'Policy is not allowed'", "policy-refused"),
    (
        "policy {policy:#x} asks for",
        "LAUNCH_START ret=1 fw_error=7 'Policy is not allowed'",
        "policy-refused",
    ),
    ("sev_launch_start: SEV: Failed to read", "SEV: Failed to read '/x' (No such file)", "session-file"),
    (
        "the owner's certificate and the session come together",
        "sev_launch_start: LAUNCH_START ret=1 fw_error=22 'Invalid parameter'",
        "fw-invalid-param",
    ),
    (
        "the session was made for another p",
        "sev_launch_start: LAUNCH_START ret=1 fw_error=11 'Bad measurement'",
        "session-refused",
    ),
    ("the session has {} bytes", "LAUNCH_START ret=1 fw_error=22 'Invalid parameter'", "fw-invalid-param"),
    ("SEV not enabled for guest", "SEV not enabled for guest", "not-sev-guest"),
    ("SEV{}: Migration is not implemented", "SEV-SNP: Migration is not implemented", "migration"),
    ("SEV is not enabled in KVM", "SEV is not enabled in KVM", "kvm-without-sev"),
    (
        "SEV launch measurement is not available",
        "SEV launch measurement is not available",
        "no-snp-measurement",
    ),
    (
        "SEV: no secret area found in OVMF",
        "SEV: no secret area found in OVMF, gpa must be specified.",
        "no-secret-area",
    ),
    (
        "SEV: the firmware's secret area is empty",
        "SEV: the firmware's secret area is empty (base=0x0 size=0x0), gpa must be specified.",
        "no-secret-area",
    ),
    ("SEV: Not in correct state.", "SEV: Not in correct state. (LSECRET) 3", "secret-too-late"),
    ("SEV: Failed to decode", "SEV: Failed to decode sequence header", "secret-form"),
    (
        "SEV: the secret has",
        "SEV: the secret has 4096 bytes, and the firmware's secret area 3072",
        "secret-too-long",
    ),
    ("SEV: Failed to calculate guest address", "SEV: Failed to calculate guest address", "secret-address"),
    ("SEV: failed to inject secret", "SEV: failed to inject secret ret=-5 fw_error=11", "secret-refused"),
    ("the packet ", "SEV: failed to inject secret ret=-5 fw_error=11", "secret-refused"),
    ("compressed packets", "SEV: failed to inject secret ret=-5 fw_error=22", "secret-refused"),
    ("the secret has {} bytes; wanted", "SEV: failed to inject secret ret=-5 fw_error=22", "secret-refused"),
];

/// What is no refusal that a launch ends in, and why.
const OTHERS: &[(&str, &str)] = &[
    ("SEV-ES and SEV-SNP", "a part of the text about ASIDs"),
    ("sev_common_kvm_init: {text}", "what others are put into"),
    ("sev_launch_start: {}", "base64 is checked before the launch; libvirt writes the file"),
    ("LAUNCH_FINISH: ", "the log"),
    ("LAUNCH_SECRET: ", "the log"),
    ("fault: the measurement query gets no reply", "the log; the launch ends in its timeout"),
    ("the settings stay as they were", "the log"),
    ("SEV is not enabled", "a guest without SEV is not asked"),
    ("sequence header", "a part of the text about base64"),
    ("the IV has 16 bytes", "cannot be: the length is checked before"),
];

/// The texts in a source that are sentences, without its tests and comments.
fn texts(file: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sim").join(file);
    let source = fs::read_to_string(path).unwrap();
    let code = source.split("#[cfg(test)]").next().unwrap().to_owned();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let quoted =
        lines.flat_map(|line| line.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>());
    quoted.filter(|text| text.len() > 12 && text.contains(' ')).collect()
}

#[test]
fn every_refusal_of_the_simulator_is_explained() {
    let mut seen = Vec::new();
    for file in ["launch.rs", "relay/chip.rs", "crypto/packet.rs", "crypto/session.rs"] {
        let all = texts(file);
        assert!(!all.is_empty(), "{file}: no text was found");
        for text in all {
            let known = REFUSALS.iter().map(|r| r.0).chain(OTHERS.iter().map(|o| o.0));
            let known: Vec<&str> = known.filter(|begin| text.starts_with(begin)).collect();
            assert!(!known.is_empty(), "{file}: '{text}' needs a line, and `explain` a topic");
            seen.extend(known);
        }
    }
    for (begin, message, topic) in REFUSALS {
        assert!(seen.contains(begin), "the simulator has no text that begins with '{begin}'");
        let topics: Vec<&str> = in_message(message).iter().map(|t| t.id).collect();
        assert!(topics.contains(topic), "{message}: {topics:?}");
    }
    for (begin, why) in OTHERS {
        assert!(
            seen.contains(begin) && !why.is_empty(),
            "the simulator has no text that begins with '{begin}'"
        );
    }
}
