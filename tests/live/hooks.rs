//! libvirt's hook, run by a real libvirtd: what it lets start, what it refuses, and what it leaves alone.

use crate::lab::{Corner, Lab, assert_code, err, program};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;
use std::time::Duration;
use tempfile::TempDir;

/// A daemon with the hook, and the folder of its site policy. `warn_only: [kvm]` where the lab has no KVM.
pub(crate) fn lab() -> (Lab, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    open(dir.path());
    let hook = dir.path().join("virt-sev-libvirt-hook");
    fs::copy(program("virt-sev-libvirt-hook"), &hook).unwrap();
    open(&hook);
    let policy = dir.path().join("policy.yaml");
    fs::write(&policy, "warn_only: [kvm]\n").unwrap();
    let script = dir.path().join("hook");
    let (policy, hook) = (policy.display(), hook.display());
    fs::write(&script, format!("#!/bin/sh\nVIRT_SEV_SITE_POLICY={policy} exec {hook} \"$@\"\n")).unwrap();
    open(&script);
    (Lab::start_with(&["--hook", script.to_str().unwrap()]), dir)
}

/// Defines a domain with these keys recorded, and whatever `change` makes of it.
fn define(corner: &Corner<'_>, keys: &[&str], change: impl FnOnce(String) -> String) {
    corner.domain(None);
    let firmware = format!("security.sev.firmware={}", corner.lab.file("VIRT_SEV_FIRMWARE").display());
    let mut arguments = vec!["apply", "--record", "--set", "security.sev=true", "--set", &firmware];
    arguments.extend(corner.platform());
    arguments.extend(keys.iter().flat_map(|key| ["--set", key]));
    let input = corner.text("domain.xml");
    arguments.push(&input);
    let out = corner.virt_sev(&arguments);
    assert_code(&out, 0);
    let file = corner.path("defined.xml");
    fs::write(&file, change(String::from_utf8(out.stdout).unwrap())).unwrap();
    corner.lab.virsh(&["define", file.to_str().unwrap()]);
}

fn start(corner: &Corner<'_>) -> Output {
    corner.lab.try_virsh(&["start", &corner.guest, "--paused"])
}

#[test]
fn a_right_domain_and_a_plain_one_start_and_a_broken_one_does_not() {
    let (lab, _dir) = lab();
    let good = Corner::new(&lab);
    define(&good, &[], |xml| xml);
    let out = start(&good);
    assert!(out.status.success(), "{}", err(&out));

    let plain = Corner::new(&lab);
    lab.virsh(&["define", plain.domain(None).to_str().unwrap()]);
    let out = start(&plain);
    assert!(out.status.success(), "{}", err(&out));

    let broken = Corner::new(&lab);
    define(&broken, &["security.sev.policy=0x3"], |xml| xml.replace("<policy>0x0003", "<policy>0x0001"));
    let out = start(&broken);
    assert!(!out.status.success());
    assert!(
        err(&out).contains("virt-sev: ") && err(&out).contains("<policy> is 0x0001, and not 0x0003"),
        "{}",
        err(&out)
    );
    assert_eq!(lab.state(&broken.guest), "shut off");

    // Guests live through another start of the daemon, whose hook is asked about each of them.
    lab.kill_daemon();
    lab.sev_lab(&["restart"]);
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while lab.state(&good.guest) != "paused" && std::time::Instant::now() < end {
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!((lab.state(&good.guest), lab.state(&plain.guest)), ("paused".into(), "paused".into()));
}

#[test]
fn a_sev_guest_is_not_restored() {
    let (lab, _dir) = lab();
    let corner = Corner::new(&lab);
    lab.virsh(&["define", corner.domain(None).to_str().unwrap()]);
    lab.virsh(&["start", &corner.guest]);
    let image = lab.files.join("saved");
    lab.virsh(&["save", &corner.guest, image.to_str().unwrap()]);
    let xml = lab.virsh(&["save-image-dumpxml", image.to_str().unwrap()]);
    let security = "<launchSecurity type='sev'><policy>0x0001</policy></launchSecurity>\n</domain>";
    let file = corner.path("saved.xml");
    fs::write(&file, xml.replace("</domain>", security)).unwrap();
    let out = lab.try_virsh(&["restore", image.to_str().unwrap(), "--xml", file.to_str().unwrap()]);
    assert!(!out.status.success());
    assert!(err(&out).contains("a SEV guest cannot be restored"), "{}", err(&out));
    // The same image as it was is none of the hook's business.
    lab.virsh(&["restore", image.to_str().unwrap()]);
    assert_eq!(lab.state(&corner.guest), "running");

    // QEMU lets no SEV guest be saved. The simulator's is a plain one to it, so there is an image, which must not be used.
    let sev = Corner::new(&lab);
    define(&sev, &[], |xml| xml);
    lab.virsh(&["start", &sev.guest, "--paused"]);
    lab.virsh(&["managedsave", &sev.guest]);
    // libvirt 11.3 takes the veto, drops the image, and tells the caller nothing of it.
    start(&sev);
    assert_eq!(lab.state(&sev.guest), "shut off");
    let log = fs::read_to_string(lab.dir.join("log/libvirtd.log")).unwrap();
    assert!(log.contains(&format!("{}: a SEV guest cannot be restored", sev.guest)), "{log}");
}

/// `virt-sev launch` through the hook, with a session; then the same session by hand.
#[test]
fn a_session_serves_one_start() {
    let (lab, _dir) = lab();
    let corner = Corner::new(&lab);
    corner.session("0x1");
    corner.domain(None);
    let out = corner.launch("0x1", &[]).output().unwrap();
    assert_code(&out, 0);
    assert_eq!(lab.state(&corner.guest), "paused");
    lab.virsh(&["destroy", &corner.guest]);
    let out = start(&corner);
    assert!(!out.status.success());
    assert!(err(&out).contains("this session was used before, at "), "{}", err(&out));
}
