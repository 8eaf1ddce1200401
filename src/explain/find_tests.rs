//! Messages as they are met, and what is found behind them.

use super::*;
use std::collections::BTreeSet;

fn first(text: &str) -> &'static str {
    look_up(text).first().map_or("nothing", |t| t.id)
}

#[test]
fn messages_of_the_field_are_known() {
    let libvirt = "internal error: QEMU unexpectedly closed the monitor (vm='g'): 2026-01-02T03:04:05Z qemu-system-x86_64: ";
    for (text, id) in [
        ("sev_launch_start: LAUNCH_START ret=1 fw_error=11 'Bad measurement'", "session-refused"),
        ("sev_launch_start: LAUNCH_START ret=1 fw_error=21 'Feature not supported'", "es-beside-snp"),
        (
            "sev_launch_start: LAUNCH_START ret=1 fw_error=1 'Platform state is invalid'",
            "fw-invalid-platform-state",
        ),
        (
            "sev_ram_block_added: failed to register region (0x7f8d40000000+0x100000000) error 'Cannot allocate memory'",
            "memory-not-locked",
        ),
        (
            "operation failed: Unable to find 'efi' firmware that is compatible with the current configuration",
            "no-firmware",
        ),
        ("sev_common_kvm_init: cbitpos check failed, host '51' requested '47'", "cbitpos"),
        ("sev_common_kvm_init: failed to initialize ret=-16 fw_error=0 ''", "no-asid"),
        ("sev_kvm_init: failed to initialize ret=-25 fw_error=0", "kvm-without-sev"),
        ("sev_kvm_init: Failed to open /dev/sev 'No such file or directory'", "no-dev-sev"),
        ("sev_kvm_init: Failed to open /dev/sev 'Permission denied'", "dev-sev-denied"),
        ("ccp 0000:42:00.1: SEV: failed to INIT error 0x13", "ccp-init"),
        ("SEV: guest firmware hashes table area is invalid (base=0x0 size=0x0)", "no-hashes-table"),
        ("unsupported configuration: NVRAM is not permitted when loader is stateless", "nvram-stateless"),
    ] {
        assert_eq!(first(text), id, "{text}");
        assert_eq!(first(&format!("{libvirt}{text}\n")), id, "{text}");
        assert_eq!(first(&text.to_uppercase()), id, "{text}");
    }
    assert_eq!(first(libvirt), "silent-exit", "the frame counts where nothing stands in it");
    assert_eq!(first("failed to connect to monitor socket: Connection refused"), "silent-exit");
    assert_eq!(in_message("nothing of the kind, 11 times, Bad luck"), Vec::<&Topic>::new());
}

#[test]
fn a_status_is_found_by_number_name_and_text() {
    for text in [
        "11",
        "0xb",
        "0x0B",
        "BAD_MEASUREMENT",
        "SEV_RET_BAD_MEASUREMENT",
        "Bad measurement",
        "fw-bad-measurement",
    ] {
        assert_eq!(first(text), "fw-bad-measurement", "{text}");
    }
    assert_eq!(first("0x26"), "fw-rmp-initialization-failed");
    assert!(look_up("999").is_empty() && look_up("").is_empty());
    let both = look_up("ccp: SEV: failed to INIT error 0x13, rc -5");
    assert_eq!(both.iter().map(|t| t.id).collect::<Vec<_>>(), ["ccp-init", "fw-hwerror-platform"]);
}

#[test]
fn a_number_in_a_pattern_is_a_whole_number() {
    assert!(is_in("fw_error=1", "x fw_error=1 'y'"));
    assert!(!is_in("fw_error=1", "x fw_error=11 'y'"));
    assert!(is_in("a*c", "a b c") && !is_in("a*c", "c b a"));
}

#[test]
fn every_topic_is_whole_and_found_by_its_own_words() {
    let mut ids = BTreeSet::new();
    for topic in messages() {
        assert!(ids.insert(topic.id), "{} stands twice", topic.id);
        assert!(crate::explain::find(topic.id).is_none(), "{} is a rule's name", topic.id);
        assert!(!topic.causes.is_empty() && !topic.source.is_empty(), "{}", topic.id);
        assert!(!topic.patterns.is_empty() || topic.status.is_some(), "{}", topic.id);
        for cause in topic.causes {
            assert!(
                cause.why.ends_with('.') && (cause.fix.ends_with('.') || cause.fix.ends_with(')')),
                "{}",
                topic.id
            );
            assert!(!cause.why.contains("  ") && !cause.fix.contains("  "), "{}", topic.id);
        }
        for pattern in topic.patterns {
            let text = format!("qemu: {}: more", pattern.replace('*', " 7 "));
            assert!(in_message(&text).contains(&topic), "{}: {pattern}", topic.id);
        }
    }
}

/// 0x00 to 0x18 and 0x19 to 0x27 without 0x1e: `include/uapi/linux/psp-sev.h`.
#[test]
fn every_status_of_the_specifications_is_there() {
    let have: Vec<u16> = firmware::TOPICS.iter().filter_map(|t| t.status).collect();
    assert_eq!(have, (0..=0x27).filter(|n| *n != 0x1e).collect::<Vec<u16>>());
}
