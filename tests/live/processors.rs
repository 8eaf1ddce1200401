//! SEV-ES guests whose owner says how many processors they have and not which: `verify` and `launch` find the signature in
//! every way in which libvirt can name a processor. The simulator measures what QEMU itself, or the machine, says of it.

use crate::lab::{Corner, Lab, assert_code, code, err};
use std::fs;

/// A domain with these processors, launched and left to its owner.
fn paused(corner: &Corner<'_>, vcpu: &str, cpu: &str) {
    rewritten(corner, vcpu, cpu);
    let out = corner.launch("0x5", &[]).output().unwrap();
    assert_code(&out, 0);
    assert_eq!(corner.lab.state(&corner.guest), "paused", "{}", err(&out));
}

fn rewritten(corner: &Corner<'_>, vcpu: &str, cpu: &str) {
    corner.session("0x5");
    let path = corner.domain(None);
    let xml = fs::read_to_string(&path).unwrap();
    fs::write(&path, xml.replace("<vcpu>1</vcpu>", &format!("{vcpu}\n  {cpu}"))).unwrap();
}

fn verified(corner: &Corner<'_>, more: &[&str]) -> (i32, String) {
    let mut command = corner.command(&["verify", "-c", &corner.lab.uri, "--domain", &corner.guest]);
    let out = command.args(corner.owner(None)).args(more).output().unwrap();
    (code(&out), err(&out) + &String::from_utf8_lossy(&out.stdout))
}

const CUSTOM: &str = "<cpu mode='custom' match='exact'><model fallback='forbid'>EPYC-Milan</model></cpu>";

#[test]
fn every_way_to_name_a_processor_is_verified_in_one_command() {
    for (vcpu, cpu, count) in [
        ("<vcpu>1</vcpu>", CUSTOM, "1"),
        ("<vcpu>2</vcpu>", "<cpu><model>EPYC-Rome-v2</model></cpu>", "2"),
        ("<vcpu>8</vcpu>", "<cpu mode='host-model'/>", "8"),
        ("<vcpu>2</vcpu>", "<cpu mode='maximum'/>", "2"),
        ("<vcpu>1</vcpu>", "", "1"),
        ("<vcpu current='2'>5</vcpu>", CUSTOM, "2"),
    ] {
        let corner = Corner::new(Lab::shared());
        paused(&corner, vcpu, cpu);
        let (code, said) = verified(&corner, &["--num-cpus", count]);
        assert_eq!(code, 0, "{vcpu} {cpu}: {said}");
        assert!(said.contains("initial state KVM_SEV_INIT"), "{said}");
        // With --insecure the document says how many, too.
        let (code, said) = verified(&corner, &[]);
        assert_eq!(code, 0, "{vcpu} {cpu}: {said}");
        // What the owner says of the processor goes before what the host says.
        let (code, said) = verified(&corner, &["--num-cpus", count, "--vcpu-type", "EPYC-Turin"]);
        assert_eq!(code, 1, "{vcpu} {cpu}: {said}");
    }
}

#[test]
fn a_processor_that_is_passed_through_is_the_hosts() {
    let lab = Lab::start_with_kvm();
    // libvirt passes a processor through with KVM only; `maximum` is the same signature.
    let mode = if lab.kvm { "host-passthrough" } else { "maximum" };
    let corner = Corner::new(&lab);
    paused(&corner, "<vcpu>2</vcpu>", &format!("<cpu mode='{mode}'/>"));
    let (code, said) = verified(&corner, &["--num-cpus", "2"]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_launch_is_verified_without_a_word_about_the_processor() {
    for (vcpu, cpu, count) in [
        ("<vcpu>1</vcpu>", CUSTOM, "1"),
        ("<vcpu>2</vcpu>", "<cpu mode='host-model'/>", "2"),
        ("<vcpu>8</vcpu>", "", "8"),
    ] {
        let corner = Corner::new(Lab::shared());
        rewritten(&corner, vcpu, cpu);
        let mut command = corner.launch("0x5", &["--num-cpus", count]);
        assert_code(&command.args(corner.owner(None)).output().unwrap(), 0);
        assert_eq!(corner.lab.state(&corner.guest), "running");
    }
    let corner = Corner::new(Lab::shared());
    rewritten(&corner, "<vcpu>2</vcpu>", CUSTOM);
    let mut command = corner.launch("0x5", &["--num-cpus", "1"]);
    let out = command.args(corner.owner(None)).output().unwrap();
    assert_code(&out, 1);
    assert_eq!(corner.lab.state(&corner.guest), "none");
}

#[test]
fn a_processor_that_is_not_known_must_be_named() {
    let corner = Corner::new(Lab::shared());
    paused(&corner, "<vcpu>1</vcpu>", "<cpu mode='custom' match='minimum'><model>Opteron_G5</model></cpu>");
    assert_eq!(verified(&corner, &["--num-cpus", "1"]).0, 0);
    let corner = Corner::new(Lab::shared());
    rewritten(&corner, "<vcpu>1</vcpu>", "<cpu><model>EPYC-Next</model></cpu>");
    let mut command = corner.launch("0x5", &["--num-cpus", "1"]);
    let out = command.args(corner.owner(None)).output().unwrap();
    assert_code(&out, 2);
    assert!(err(&out).contains("EPYC-Next, is not one that is known"), "{}", err(&out));
    assert_eq!(corner.lab.state(&corner.guest), "none");
}
