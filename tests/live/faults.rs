//! A host that lies, hangs or dies: the contract's exit code, a clear text, and no guest left.

use crate::lab::{Corner, Lab, assert_code, code, err};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;
use std::time::Duration;

/// Launches under a fault of this guest's own; nothing must be left of it.
fn refused(fault: &str, wanted: i32, text: &str) {
    let corner = Corner::new(Lab::shared());
    corner.lab.sev_lab(&["fault", fault, "--guest", &corner.guest]);
    corner.session("0x1");
    corner.domain(None);
    let out = corner.launch("0x1", &["--timeout", "5"]).args(corner.owner(None)).output().unwrap();
    assert_code(&out, wanted);
    assert!(err(&out).contains(text), "{fault}: {}", err(&out));
    assert!(out.stdout.is_empty(), "{fault}: {}", String::from_utf8_lossy(&out.stdout));
    assert_eq!(corner.lab.state(&corner.guest), "none", "{fault}: {}", err(&out));
    assert_eq!(
        std::fs::read_dir(corner.path("state/virt-sev/launches")).unwrap().count(),
        0,
        "{fault}: a record is left"
    );
}

#[test]
fn tampered_firmware() {
    refused("tampered-firmware", 1, "the launch measurement is not the expected one");
}

#[test]
fn a_stale_measurement() {
    let first = Corner::new(Lab::shared());
    first.session("0x1");
    first.domain(None);
    assert_code(&first.launch("0x1", &[]).args(first.owner(None)).output().unwrap(), 0);
    refused("stale-measurement", 1, "the launch measurement is not the expected one");
}

#[test]
fn a_random_measurement() {
    refused("random-measurement", 1, "the launch measurement is not the expected one");
}

#[test]
fn another_policy_than_configured() {
    refused("wrong-policy", 1, "another policy");
}

#[test]
fn another_build_id() {
    refused("wrong-build-id", 1, "the launch measurement is not the expected one");
}

#[test]
fn a_hanging_reply() {
    refused("hang", 5, "has not answered");
}

#[test]
fn the_emulator_killed_at_each_step() {
    for step in ["start", "measure"] {
        refused(&format!("crash-at={step}"), 5, "The guest was destroyed");
    }
    // What comes after the verification: with a secret to inject.
    for step in ["inject", "resume"] {
        let corner = Corner::new(Lab::shared());
        corner.lab.sev_lab(&["fault", &format!("crash-at={step}"), "--guest", &corner.guest]);
        corner.session("0x1");
        corner.domain(None);
        std::fs::write(corner.path("secret"), "x").unwrap();
        let secret = format!("luks-key:{}", corner.text("secret"));
        let out = corner.launch("0x1", &["-s", &secret]).args(corner.owner(None)).output().unwrap();
        assert_code(&out, 5);
        assert_eq!(corner.lab.state(&corner.guest), "none", "{step}");
    }
}

#[test]
fn a_redefined_domain_is_restored_after_a_failure() {
    let corner = Corner::new(Lab::shared());
    let domain = corner.domain(None);
    corner.lab.virsh(&["define", domain.to_str().unwrap()]);
    let before = corner.lab.virsh(&["dumpxml", "--inactive", &corner.guest]);
    // The document to launch is the defined one, so that the UUIDs agree.
    std::fs::write(&domain, &before).unwrap();
    corner.lab.sev_lab(&["fault", "random-measurement", "--guest", &corner.guest]);
    corner.session("0x1");
    let out = corner.launch("0x1", &[]).args(corner.owner(None)).output().unwrap();
    assert_code(&out, 1);
    assert!(err(&out).contains("is what it was before"), "{}", err(&out));
    assert_eq!(corner.lab.state(&corner.guest), "shut off");
    assert_eq!(corner.lab.virsh(&["dumpxml", "--inactive", &corner.guest]), before);
}

#[test]
fn no_asid_and_no_sev_es_are_told_with_qemus_own_words() {
    refused("no-asid", 5, "libvirt does not start the guest");
    let corner = Corner::new(Lab::shared());
    corner.lab.sev_lab(&["fault", "no-es", "--guest", &corner.guest]);
    corner.session("0x5");
    corner.domain(None);
    let out = corner.launch("0x5", &[]).output().unwrap();
    assert_code(&out, 5);
    assert_eq!(corner.lab.state(&corner.guest), "none");
}

/// libvirtd dies while the measurement hangs: an error, no hang; `--recover` ends what it left.
#[test]
fn libvirtd_killed_in_the_middle() {
    let lab = Lab::start();
    let corner = Corner::new(&lab);
    lab.sev_lab(&["fault", "hang"]);
    corner.session("0x1");
    corner.domain(None);
    let mut command = corner.launch("0x1", &[]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // libvirt shows a guest as paused while it still starts it, and ends such a one when it comes back. The launch says
    // when the start is over, however slow the machine is.
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    while !told.contains("started, paused") && stderr.read_line(&mut told).unwrap() > 0 {}
    lab.kill_daemon();
    stderr.read_to_string(&mut told).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(5), "{told}");
    assert!(told.contains("launch --recover"), "{told}");

    lab.sev_lab(&["restart"]);
    assert_eq!(lab.state(&corner.guest), "paused", "the guest outlives its daemon");
    let out = corner.virt_sev(&["launch", "-c", &lab.uri, "--recover"]);
    assert_code(&out, 0);
    assert!(String::from_utf8_lossy(&out.stdout).contains("The guest was destroyed"), "{out:?}");
    assert_eq!(lab.state(&corner.guest), "none");
}

#[test]
fn a_dead_program_is_recovered_from() {
    let corner = Corner::new(Lab::shared());
    corner.lab.sev_lab(&["fault", "hang", "--guest", &corner.guest]);
    corner.session("0x1");
    corner.domain(None);
    let mut command = corner.launch("0x1", &[]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    for _ in 0..200 {
        if corner.lab.state(&corner.guest) == "paused" {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_secs(1));
    child.kill().unwrap();
    child.wait().unwrap();
    // The next launch is refused, and says what to do; then it is done.
    std::fs::rename(corner.path("owner"), corner.path("first")).unwrap();
    corner.lab.virsh(&["destroy", &corner.guest]);
    corner.session("0x1");
    let out = corner.launch("0x1", &[]).output().unwrap();
    assert_code(&out, 5);
    assert!(err(&out).contains("--recover"), "{}", err(&out));
    let out = corner.virt_sev(&["launch", "-c", &corner.lab.uri, "--recover"]);
    assert_eq!(code(&out), 0, "{}", err(&out));
    assert_eq!(corner.lab.state(&corner.guest), "none");
}

/// libvirt would have restored the saved guest, unmeasured and without SEV, in the place of a launch.
#[test]
fn a_saved_guest_is_not_launched_and_its_state_is_kept() {
    let corner = Corner::new(Lab::shared());
    let domain = corner.domain(None);
    corner.lab.virsh(&["define", domain.to_str().unwrap()]);
    corner.lab.virsh(&["start", &corner.guest]);
    corner.lab.virsh(&["managedsave", &corner.guest]);
    let before = corner.lab.virsh(&["dumpxml", "--inactive", &corner.guest]);
    std::fs::write(&domain, &before).unwrap();
    corner.session("0x1");
    let out = corner.launch("0x1", &[]).args(corner.owner(None)).output().unwrap();
    assert_code(&out, 5);
    assert!(err(&out).contains("managedsave-remove"), "{}", err(&out));
    assert_eq!(corner.lab.virsh(&["dumpxml", "--inactive", &corner.guest]), before);
    // The state is there still: its owner decides.
    corner.lab.virsh(&["managedsave-remove", &corner.guest]);
    assert_eq!(corner.lab.state(&corner.guest), "shut off");
}
