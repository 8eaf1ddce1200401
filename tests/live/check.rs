//! `check` says before a launch what the launch would meet, and changes nothing.

use crate::lab::{Corner, Lab, assert_code, err};
use std::process::Output;

fn said(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}

/// `check` of the corner's document with SEV asked for, on a platform without the chip.
fn check(corner: &Corner<'_>, more: &[&str]) -> Output {
    let firmware = format!("security.sev.firmware={}", corner.lab.file("VIRT_SEV_FIRMWARE").display());
    let mut command = corner.command(&["check", "-c", &corner.lab.uri, &corner.text("domain.xml")]);
    command.args(corner.platform()).args(["--set", "security.sev=true", "--set", &firmware]);
    command.args(more).output().unwrap()
}

#[test]
fn what_can_be_launched_is_told_with_its_firmware_and_nothing_is_defined() {
    let corner = Corner::new(Lab::shared());
    corner.domain(None);
    let out = check(&corner, &[]);
    assert_code(&out, 0);
    let text = said(&out);
    assert!(text.contains(&format!("{}: sev can be launched here", corner.guest)), "{text}");
    assert!(text.contains(&corner.lab.file("VIRT_SEV_FIRMWARE").display().to_string()), "{text}");
    assert_eq!(corner.lab.state(&corner.guest), "none");

    let out = check(&corner, &["--format", "json", "--set", "security.sev.policy.es=true"]);
    assert_code(&out, 0);
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((&json["schema"], &json["mode"]), (&"virt-sev/check/1".into(), &"sev-es".into()));
    assert_eq!((&json["possible"], &json["firmware"]["libvirt-chooses"]), (&true.into(), &false.into()));
    assert!(json["edits"].as_u64().unwrap() > 5, "{json}");
}

#[test]
fn every_obstacle_is_told_in_one_run() {
    let corner = Corner::new(Lab::shared());
    let domain = corner.domain(None);
    // Defined without the document's UUID: libvirt gave it one, and the document has none.
    corner.lab.virsh(&["define", domain.to_str().unwrap()]);
    let huge = std::fs::read_to_string(&domain).unwrap().replace("'MiB'>256<", "'TiB'>200<");
    std::fs::write(&domain, huge).unwrap();
    let out = check(&corner, &[]);
    assert_code(&out, 1);
    let text = said(&out);
    assert!(text.contains("another domain has this name or this UUID [name-taken]"), "{text}");
    assert!(text.contains("the guest has more memory than the host"), "{text}");
    assert!(text.contains("cannot be launched here: 2 errors"), "{text}");
}

#[test]
fn a_guest_that_runs_and_a_session_that_was_used_are_told() {
    let corner = Corner::new(Lab::shared());
    corner.session("0x1");
    corner.domain(None);
    assert_code(&corner.launch("0x1", &[]).args(corner.owner(None)).output().unwrap(), 0);
    let xml = corner.lab.virsh(&["dumpxml", "--security-info", &corner.guest]);
    std::fs::write(corner.path("domain.xml"), xml).unwrap();
    let dh = format!("security.sev.session.dh=@{}", corner.text("owner/godh.b64"));
    let data = format!("security.sev.session.data=@{}", corner.text("owner/session.b64"));
    let out = check(&corner, &["--set", &dh, "--set", &data]);
    assert_code(&out, 1);
    let text = said(&out);
    assert!(text.contains("[already-active]") && text.contains("[session-used]"), "{text}");
}

/// The lab's machine has no SEV: without `--skip mode-host` that is what a check, a definition and a launch must say, the
/// domain's own `<launchSecurity>` counting as keys do.
#[test]
fn a_domain_without_keys_is_judged_by_its_own_launch_security() {
    let corner = Corner::new(Lab::shared());
    let domain = corner.domain(None);
    let xml = std::fs::read_to_string(&domain).unwrap();
    let own = "<launchSecurity type='sev'><policy>0x1</policy></launchSecurity></domain>";
    std::fs::write(&domain, xml.replace("</domain>", own)).unwrap();
    for command in ["check", "define", "launch"] {
        let out =
            corner.virt_sev(&[command, "-c", &corner.lab.uri, domain.to_str().unwrap(), "--skip", "kvm"]);
        let text = said(&out) + &err(&out);
        assert_eq!(out.status.code(), Some(1), "{command}: {text}");
        assert!(text.contains("mode-host"), "{command}: {text}");
        assert_eq!(corner.lab.state(&corner.guest), "none");
    }
    let out = corner.virt_sev(&["check", "-c", &corner.lab.uri, domain.to_str().unwrap(), "--no-metadata"]);
    assert_code(&out, 1);
    // Where only the host stands in the way, it is defined, and not edited.
    let mut define = corner.command(&["define", "-c", &corner.lab.uri, domain.to_str().unwrap()]);
    for skipped in ["kvm", "mode-host", "firmware-uefi"] {
        define.args(["--skip", skipped]);
    }
    let out = define.output().unwrap();
    assert_code(&out, 0);
    assert!(err(&out).contains("so the domain is defined as it is: `virt-sev lint` says"), "{}", err(&out));
    let defined = corner.lab.virsh(&["dumpxml", "--inactive", &corner.guest]);
    assert!(defined.contains("<launchSecurity type='sev'>") && !defined.contains("iommu='on'"), "{defined}");
    corner.lab.virsh(&["undefine", &corner.guest]);
    std::fs::write(&domain, xml).unwrap();
    let out = corner.virt_sev(&["check", "-c", &corner.lab.uri, domain.to_str().unwrap()]);
    assert_code(&out, 4);
    assert!(err(&out).contains("nothing asks for SEV"), "{}", err(&out));
}

/// Everything but libvirt's own facts is out of the folder: a host with SEV-SNP, its firmware, its ASIDs.
#[test]
fn a_folder_stands_for_what_libvirt_does_not_tell() {
    let corner = Corner::new(Lab::shared());
    corner.domain(None);
    let roots = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/roots");
    let check = |root: &str, key: &str| {
        let root = roots.join(root);
        let mut command = corner.command(&["check", "-c", &corner.lab.uri, &corner.text("domain.xml")]);
        command.args(["--skip", "kvm", "--set", key, "--host-root"]).arg(root);
        command.output().unwrap()
    };
    let out = check("genoa-snp", "security.sev.snp=true");
    assert_code(&out, 0);
    let text = said(&out);
    assert!(text.contains("sev-snp can be launched here: no errors"), "{text}");
    assert!(text.contains("firmware: /usr/share/ovmf/OVMF.amdsev.fd"), "of the folder's descriptors: {text}");
    let out = check("genoa-full", "security.sev.snp=true");
    assert_code(&out, 1);
    assert!(said(&out).contains("all 99 ASIDs of the pool sev_es are in use"), "{}", said(&out));
    let out = check("nowhere", "security.sev=true");
    assert_code(&out, 4);
    assert!(err(&out).contains("nowhere: the folder of the host's files is not there"), "{}", err(&out));
}
