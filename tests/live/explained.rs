//! Every launch failure that the simulator has ends in an explanation that names the true cause.

use crate::lab::{Corner, Lab, assert_code, err, program};
use std::process::{Command, Output};

/// Each fault with the topic that it ends in, and words of the true cause.
const FAULTS: &[(&str, &str, &str)] = &[
    (
        "tampered-firmware",
        "measurement-differs",
        "The firmware image on the host is not the one that you gave",
    ),
    ("stale-measurement", "measurement-differs", "explain measurement-differs"),
    ("random-measurement", "measurement-differs", "explain measurement-differs"),
    ("wrong-policy", "another-policy", "The host's software changed it"),
    ("wrong-build-id", "host-reports-otherwise", "One change makes the measurement right: the build is"),
    ("no-sev", "no-dev-sev", "The host has no SEV"),
    ("no-es", "no-es", "kvm_amd has sev_es off"),
    ("no-asid", "no-asid", "Every ASID of this kind is in use"),
    ("hang", "no-answer", "QEMU hangs"),
    ("hang-at=start", "no-answer", "QEMU hangs"),
    ("hang-at=inject", "no-answer", "QEMU hangs"),
    ("hang-at=resume", "no-answer", "QEMU hangs"),
    ("crash-at=start", "silent-exit", "QEMU was killed"),
    ("crash-at=measure", "emulator-ended", "QEMU crashed or was killed"),
    ("crash-at=inject", "emulator-ended", "QEMU crashed or was killed"),
    ("crash-at=resume", "emulator-ended", "QEMU crashed or was killed"),
];

#[track_caller]
fn explained(out: &Output, what: &str, topic: &str, cause: &str) {
    let said = err(out);
    assert!(!out.status.success(), "{what}");
    assert!(said.contains(&format!("`virt-sev explain {topic}` tells more.")), "{what}: {said}");
    assert!(said.contains(cause), "{what}: {said}");
}

#[test]
fn each_fault_is_told_by_its_true_cause() {
    // A fault that is new belongs into the table above.
    let known: Vec<&str> = FAULTS.iter().map(|f| f.0).collect();
    let help = Command::new(program("sev-lab")).arg("--help").output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    let all = help.split_once("Faults: ").unwrap().1.split_once(". ").unwrap().0;
    assert_eq!(all.split(", ").collect::<Vec<_>>(), known);
    for (fault, topic, cause) in FAULTS {
        let corner = Corner::new(Lab::shared());
        corner.lab.sev_lab(&["fault", fault, "--guest", &corner.guest]);
        let policy = if *fault == "no-es" { "0x5" } else { "0x1" };
        corner.session(policy);
        corner.domain(None);
        std::fs::write(corner.path("secret"), "x").unwrap();
        let secret = format!("luks-key:{}", corner.text("secret"));
        let mut launch = corner.launch(policy, &["--timeout", "5"]);
        if *fault != "no-es" {
            launch.args(corner.owner(None)).args(["-s", &secret]);
        }
        let out = launch.output().unwrap();
        explained(&out, fault, topic, cause);
        assert_eq!(corner.lab.state(&corner.guest), "none", "{fault}");
    }
}

#[test]
fn what_the_chip_refuses_is_told_too() {
    for (policy, more, topic, cause) in [
        ("0x1", &["--set", "security.sev.cbitpos=47"][..], "cbitpos", "copied from another host"),
        ("0xff010001", &[], "policy-refused", "asks for newer firmware"),
    ] {
        let corner = Corner::new(Lab::shared());
        corner.session(policy);
        corner.domain(None);
        explained(&corner.launch(policy, more).output().unwrap(), topic, topic, cause);
    }
    // Nobody's keys are here, so that only the chip can see that the session is for another policy.
    let corner = Corner::new(Lab::shared());
    corner.session("0x1");
    corner.domain(None);
    let out = corner.launch("0x3", &[]).output().unwrap();
    assert_code(&out, 5);
    explained(&out, "session", "session-refused", "made for another policy");
}
