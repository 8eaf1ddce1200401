//! The peers as oracles: virt-qemu-sev-validate confirms what our launch read, and accepts our sessions; libvirt's
//! schema, `virsh define` and virt-install meet `apply`.

use crate::lab::{Corner, Lab, assert_code, err, setup};
use std::process::{Command, Output};

/// virt-qemu-sev-validate over the evidence that our launch read.
fn validate(corner: &Corner<'_>, evidence: &serde_json::Value, cmdline: Option<&str>) -> Output {
    let number = |key: &str| evidence[key].to_string();
    let policy = evidence["policy"].as_str().unwrap();
    let policy = u32::from_str_radix(policy.trim_start_matches("0x"), 16).unwrap().to_string();
    // Debian's own Python: the tool needs modules that another one in PATH does not have.
    let mut command = Command::new("/usr/bin/python3");
    command
        .arg(setup("VIRT_SEV_VALIDATE"))
        .args(["--measurement", evidence["measurement"].as_str().unwrap()]);
    command.args(["--api-major", &number("api-major"), "--api-minor", &number("api-minor")]);
    command.args(["--build-id", &number("build-id"), "--policy", &policy]);
    command.args(corner.owner(cmdline));
    command.output().unwrap()
}

/// Launches to the point where the owner takes over; returns the evidence.
fn paused(corner: &Corner<'_>, policy: u32, cmdline: Option<&str>) -> serde_json::Value {
    corner.domain(cmdline);
    let out = corner.launch(&format!("{policy:#x}"), &["--format", "json"]).output().unwrap();
    assert_code(&out, 0);
    serde_json::from_slice(&out.stdout).unwrap()
}

#[test]
fn virt_qemu_sev_validate_confirms_our_launches_of_our_sessions_and_of_sevctls() {
    for policy in [0x1, 0x3, 0xb] {
        for (n, cmdline) in [None, Some("console=ttyS0"), None, Some(" two  blanks ")].into_iter().enumerate()
        {
            let corner = Corner::new(Lab::shared());
            if n < 2 {
                corner.session(&format!("{policy:#x}"));
            } else {
                corner.sevctl_session(policy);
            }
            let evidence = paused(&corner, policy, cmdline);
            assert_eq!(evidence["schema"], "virt-sev/launch/1");
            let out = validate(&corner, &evidence, cmdline);
            assert_code(&out, 0);
            // And the other verdict: the same evidence for another kernel command line is refused by both.
            if cmdline.is_some() {
                assert_code(&validate(&corner, &evidence, Some("other")), 1);
                let mut command =
                    corner.command(&["verify", "-c", &corner.lab.uri, "--domain", &corner.guest]);
                assert_code(&command.args(corner.owner(Some("other"))).output().unwrap(), 1);
                assert_eq!(corner.lab.state(&corner.guest), "paused");
            }
        }
    }
}

#[test]
fn virt_qemu_sev_validate_connected_accepts_our_paused_guest_and_resumes_it() {
    let corner = Corner::new(Lab::shared());
    corner.session("0x3");
    paused(&corner, 0x3, Some("console=ttyS0"));
    std::fs::write(corner.path("secret"), "s3cr3t").unwrap();
    let mut command = Command::new("/usr/bin/python3");
    command.arg(setup("VIRT_SEV_VALIDATE")).args(["-c", &corner.lab.uri, "--domain", &corner.guest]);
    command
        .args(corner.owner(Some("console=ttyS0")))
        .args(["--inject-secret", &format!("luks-key:{}", corner.text("secret"))]);
    assert_code(&command.output().unwrap(), 0);
    assert_eq!(corner.lab.state(&corner.guest), "running");
}

fn valid(path: &str) {
    let out = Command::new("xmllint")
        .args(["--noout", "--relaxng"])
        .arg(setup("VIRT_SEV_DOMAIN_RNG"))
        .arg(path)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", err(&out));
}

#[test]
fn apply_on_what_virt_install_prints() {
    let corner = Corner::new(Lab::shared());
    let install = Command::new("sh").args(["-c", "command -v virt-install"]).output().unwrap();
    let virt_type = if corner.platform().contains(&"kvm") { "qemu" } else { "kvm" };
    let disk = |name: &str, bus: &str| {
        let path = corner.lab.files.join(format!("{}-{name}", corner.guest));
        std::fs::write(&path, [0; 512]).unwrap();
        format!("type=file,source.file={},driver.type=raw,bus={bus}", path.display())
    };
    let out = Command::new("/usr/bin/python3")
        .arg(String::from_utf8(install.stdout).unwrap().trim())
        .args([
            "--connect",
            &corner.lab.uri,
            "--virt-type",
            virt_type,
            "--name",
            &corner.guest,
            "--memory",
            "256",
        ])
        .args([
            "--osinfo",
            "debian11",
            "--machine",
            "q35",
            "--import",
            "--print-xml",
            "--dry-run",
            "--check",
            "all=off",
        ])
        .args(["--disk", &disk("first.img", "virtio"), "--disk", &disk("second.img", "scsi")])
        .args([
            "--network",
            "user,model=virtio",
            "--network",
            "user,model=e1000e",
            "--rng",
            "/dev/urandom",
            "--vsock",
            "cid.auto=yes",
        ])
        .args([
            "--controller",
            "type=scsi,model=virtio-scsi",
            "--graphics",
            "vnc",
            "--video",
            "virtio",
            "--channel",
            "unix,target.type=virtio,target.name=org.example.0",
        ])
        .output()
        .unwrap();
    assert_code(&out, 0);
    let (bare, done) = (corner.text("bare.xml"), corner.text("done.xml"));
    std::fs::write(&bare, &out.stdout).unwrap();
    valid(&bare);

    // With no key set the output is the input, byte for byte.
    let untouched = corner.virt_sev(&["apply", &bare]);
    assert_code(&untouched, 0);
    assert_eq!(untouched.stdout, std::fs::read(&bare).unwrap());

    let firmware = format!("security.sev.firmware={}", corner.lab.file("VIRT_SEV_FIRMWARE").display());
    let keys = ["--set", "security.sev=true", "--set", &firmware];
    let apply = |input: &str, more: &[&str]| {
        let mut command = corner.command(&["apply", input]);
        command.args(keys).args(corner.platform()).args(more).output().unwrap()
    };
    assert_code(&apply(&bare, &["--check"]), 1);
    assert_code(&apply(&bare, &["-o", &done]), 0);
    valid(&done);
    assert_code(&apply(&done, &["--check"]), 0);
    let again = apply(&done, &[]);
    assert_eq!(again.stdout, std::fs::read(&done).unwrap(), "a second run changes something");
    corner.lab.virsh(&["define", &done]);
    let defined = corner.lab.virsh(&["dumpxml", "--inactive", &corner.guest]);
    assert!(defined.contains("<launchSecurity type='sev'"), "{defined}");
    assert!(defined.contains("<policy>0x0001</policy>"), "{defined}");
}
