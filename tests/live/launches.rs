//! The main job: keys in, an attested running guest out.

use crate::lab::{Corner, Lab, assert_code, err};
use std::process::Stdio;
use std::time::Duration;

const SECRET: &[u8] = b"a secret with \0 and \xff, 7 lines\n";
const LUKS: &str = "736869e5-84f0-4973-92ec-06879ce3da0b";

/// Launches, verifies, injects; returns what was said.
fn full_launch(corner: &Corner<'_>, policy: &str, cmdline: Option<&str>) -> String {
    corner.domain(cmdline);
    std::fs::write(corner.path("secret"), SECRET).unwrap();
    let secret = format!("{LUKS}:{}", corner.text("secret"));
    let out =
        corner.launch(policy, &["--inject-secret", &secret]).args(corner.owner(cmdline)).output().unwrap();
    assert_code(&out, 0);
    assert_eq!(corner.lab.state(&corner.guest), "running", "{}", err(&out));
    String::from_utf8(out.stdout).unwrap()
}

/// What the simulated chip decrypted for this guest.
pub(crate) fn decrypted(corner: &Corner<'_>) -> Vec<u8> {
    let folder = corner.lab.dir.join("state/guests").join(&corner.guest).join("secrets");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    std::fs::read(files.last().expect("a secret was decrypted")).unwrap()
}

/// The table as AMD's and the kernel's documents lay it out, written here by hand.
fn table(secret: &[u8]) -> Vec<u8> {
    let guid = |text: &str| -> Vec<u8> {
        let b: Vec<u8> = (0..16)
            .map(|i| u8::from_str_radix(&text.replace('-', "")[2 * i..2 * i + 2], 16).unwrap())
            .collect();
        [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].iter().map(|i| b[*i]).collect()
    };
    let mut table = guid("1e74f542-71dd-4d66-963e-ef4287ff173b");
    table.extend(u32::try_from(20 + 20 + secret.len()).unwrap().to_le_bytes());
    table.extend(guid(LUKS));
    table.extend(u32::try_from(20 + secret.len()).unwrap().to_le_bytes());
    table.extend(secret);
    table.resize(table.len().next_multiple_of(16), 0);
    table
}

#[test]
fn our_session_a_measured_kernel_and_a_secret() {
    let corner = Corner::new(Lab::shared());
    corner.session("0x1");
    let said = full_launch(&corner, "0x1", Some("console=ttyS0"));
    assert_eq!(said, format!("{}: running, verified\n", corner.guest));
    assert_eq!(decrypted(&corner), table(SECRET));
}

#[test]
fn sevctl_sessions_are_accepted_for_every_policy_with_and_without_a_kernel() {
    for policy in [0x1u32, 0x3, 0xb] {
        for cmdline in [None, Some("console=ttyS0 quiet")] {
            let corner = Corner::new(Lab::shared());
            corner.sevctl_session(policy);
            full_launch(&corner, &format!("{policy:#x}"), cmdline);
            assert_eq!(decrypted(&corner), table(SECRET), "policy {policy:#x}, {cmdline:?}");
        }
    }
}

#[test]
fn with_a_session_and_without_keys_the_guest_waits_for_its_owner_who_verifies_it() {
    let corner = Corner::new(Lab::shared());
    corner.session("0x1");
    corner.domain(Some("console=ttyS0"));
    let out = corner.launch("0x1", &[]).output().unwrap();
    assert_code(&out, 0);
    assert!(err(&out).contains("virt-sev verify"), "{}", err(&out));
    assert_eq!(corner.lab.state(&corner.guest), "paused");

    let evidence = corner.text("evidence.json");
    let out = corner.virt_sev(&["measurement", "-c", &corner.lab.uri, &corner.guest, "-o", &evidence]);
    assert_code(&out, 0);
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&evidence).unwrap()).unwrap();
    assert_eq!(json["schema"], "virt-sev/measurement/1");
    assert_eq!(json["mode"], "sev");
    assert_eq!(json["policy"], "0x1");
    assert!(json.get("cbitpos").is_none(), "evidence is what the owner needs");
    let out = corner.virt_sev(&["measurement", "-c", &corner.lab.uri, &corner.guest, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((&json["cbitpos"], &json["reduced-phys-bits"]), (&51.into(), &1.into()));

    std::fs::write(corner.path("secret"), SECRET).unwrap();
    let secret = format!("luks-key:{}", corner.text("secret"));
    let mut command =
        corner.command(&["verify", "-c", &corner.lab.uri, "--domain", &corner.guest, "-s", &secret]);
    let out = command.args(corner.owner(Some("console=ttyS0"))).output().unwrap();
    assert_code(&out, 0);
    assert_eq!(corner.lab.state(&corner.guest), "running");
    assert_eq!(decrypted(&corner), table(SECRET));
}

#[test]
fn a_packet_made_off_line_is_injected() {
    let corner = Corner::new(Lab::shared());
    corner.session("0x1");
    corner.domain(None);
    assert_code(&corner.launch("0x1", &[]).output().unwrap(), 0);
    let out = corner.virt_sev(&["measurement", "-c", &corner.lab.uri, &corner.guest, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    std::fs::write(corner.path("secret"), SECRET).unwrap();
    let out = corner.virt_sev(&[
        "secret",
        "build",
        "--secret",
        &format!("luks-key:{}", corner.text("secret")),
        "--measurement",
        json["measurement"].as_str().unwrap(),
        "--tik",
        &corner.text("owner/tik.bin"),
        "--tek",
        &corner.text("owner/tek.bin"),
        "--secret-header",
        &corner.text("header"),
        "--secret-payload",
        &corner.text("payload"),
    ]);
    assert_code(&out, 0);
    let out = corner.virt_sev(&[
        "secret",
        "inject",
        "-c",
        &corner.lab.uri,
        &corner.guest,
        "--secret-header",
        &corner.text("header"),
        "--secret-payload",
        &corner.text("payload"),
    ]);
    assert_code(&out, 0);
    assert_eq!(decrypted(&corner), table(SECRET));
}

#[test]
fn without_a_session_the_guest_runs_and_the_text_says_that_nothing_was_verified() {
    let corner = Corner::new(Lab::shared());
    let domain = corner.domain(None);
    let firmware = format!("security.sev.firmware={}", corner.lab.file("VIRT_SEV_FIRMWARE").display());
    let mut command = corner.command(&["launch", "-c", &corner.lab.uri, domain.to_str().unwrap()]);
    let out = command
        .args(corner.platform())
        .args(["--set", "security.sev=true", "--set", &firmware])
        .output()
        .unwrap();
    assert_code(&out, 0);
    assert!(err(&out).contains("nothing can be verified"), "{}", err(&out));
    assert_eq!(corner.lab.state(&corner.guest), "running");
}

#[test]
fn a_domain_that_apply_made_is_launched_by_its_name_without_any_key() {
    let corner = Corner::new(Lab::shared());
    corner.session("0x1");
    let domain = corner.domain(Some("console=ttyS0"));
    let mut command = corner.command(&["define", "-c", &corner.lab.uri, domain.to_str().unwrap()]);
    command.args(corner.platform()).args(["--config", &corner.text("owner/keys.yaml")]);
    command.args([
        "--set",
        &format!("security.sev.firmware={}", corner.lab.file("VIRT_SEV_FIRMWARE").display()),
    ]);
    assert_code(&command.output().unwrap(), 0);
    assert_eq!(corner.lab.state(&corner.guest), "shut off");
    let mut command = corner.command(&["launch", "-c", &corner.lab.uri, &corner.guest]);
    // Its own <launchSecurity> is asked of the host as keys are, and this host has no chip.
    command.args(["--skip", "mode-host", "--skip", "kvm"]);
    assert_code(&command.args(corner.owner(Some("console=ttyS0"))).output().unwrap(), 0);
    assert_eq!(corner.lab.state(&corner.guest), "running");
}

#[test]
fn a_session_serves_one_launch() {
    let corner = Corner::new(Lab::shared());
    corner.session("0x1");
    full_launch(&corner, "0x1", None);
    corner.lab.virsh(&["destroy", &corner.guest]);
    let before = corner.lab.virsh(&["dumpxml", "--inactive", &corner.guest]);
    let out = corner.launch("0x1", &[]).args(corner.owner(None)).output().unwrap();
    assert_code(&out, 4);
    assert!(err(&out).contains("used before"), "{}", err(&out));
    assert_eq!(corner.lab.state(&corner.guest), "shut off");
    assert_eq!(corner.lab.virsh(&["dumpxml", "--inactive", &corner.guest]), before);
}

#[test]
fn an_active_guest_is_not_launched_again() {
    let corner = Corner::new(Lab::shared());
    corner.session("0x1");
    full_launch(&corner, "0x1", None);
    std::fs::rename(corner.path("owner"), corner.path("first")).unwrap();
    corner.session("0x1");
    let out = corner.launch("0x1", &[]).args(corner.owner(None)).output().unwrap();
    assert_code(&out, 5);
    assert!(err(&out).contains("active already"), "{}", err(&out));
    assert_eq!(corner.lab.state(&corner.guest), "running");
}

#[test]
fn verifying_on_the_hypervisors_own_machine_needs_insecure() {
    let corner = Corner::new(Lab::shared());
    corner.session("0x1");
    corner.domain(None);
    let mut owner = corner.owner(None);
    owner.retain(|a| a != "--insecure");
    let out = corner.launch("0x1", &[]).args(&owner).output().unwrap();
    assert_code(&out, 3);
    assert_eq!(corner.lab.state(&corner.guest), "none");
    let out =
        corner.command(&["verify", "-c", &corner.lab.uri, "--domain", "x"]).args(&owner).output().unwrap();
    assert_code(&out, 3);
    let out =
        corner.virt_sev(&["session", "-c", &corner.lab.uri, "--policy", "1", "-o", &corner.text("other")]);
    assert_code(&out, 3);
}

#[test]
fn an_interrupted_launch_leaves_nothing() {
    let corner = Corner::new(Lab::shared());
    corner.lab.sev_lab(&["fault", "hang", "--guest", &corner.guest]);
    corner.session("0x1");
    corner.domain(None);
    let mut command = corner.launch("0x1", &[]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The measurement hangs: that is where the signal comes.
    for _ in 0..200 {
        if corner.lab.state(&corner.guest) == "paused" {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(500));
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let out = child.wait_with_output().unwrap();
    assert_code(&out, 5);
    assert!(err(&out).contains("cancelled"), "{}", err(&out));
    assert_eq!(corner.lab.state(&corner.guest), "none");
}

#[test]
fn sev_es_is_verified_and_snp_is_started() {
    let corner = Corner::new(Lab::shared());
    corner.session("0x5");
    corner.domain(Some("console=ttyS0"));
    let out = corner.launch("0x5", &[]).output().unwrap();
    assert_code(&out, 0);
    assert_eq!(corner.lab.state(&corner.guest), "paused");

    let snp = Corner::new(Lab::shared());
    let domain = snp.domain(Some("console=ttyS0"));
    let firmware = format!("security.sev.firmware={}", snp.lab.file("VIRT_SEV_FIRMWARE").display());
    let mut command = snp.command(&["launch", "-c", &snp.lab.uri, domain.to_str().unwrap()]);
    command.args(snp.platform()).args(["--set", "security.sev.snp=true", "--set", &firmware]);
    let out = command.output().unwrap();
    assert_code(&out, 0);
    assert!(err(&out).contains("attests itself"), "{}", err(&out));
    let out = snp.virt_sev(&["measurement", "-c", &snp.lab.uri, &snp.guest, "--format", "json"]);
    assert_code(&out, 0);
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((json["mode"].as_str(), json["policy"].as_str()), (Some("sev-snp"), Some("0x30000")));
}

/// A signal did nothing while a launch waited for a key from a pipe.
#[test]
fn a_launch_that_waits_for_a_key_can_be_interrupted() {
    let corner = Corner::new(Lab::shared());
    corner.session("0x1");
    corner.domain(None);
    let pipe = corner.path("owner/tik.bin");
    std::fs::remove_file(&pipe).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut command = corner.launch("0x1", &[]);
    let mut child = command.args(corner.owner(None)).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none(), "it waits for the key");
    let kill = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    for _ in 0..200 {
        if child.try_wait().unwrap().is_some() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    panic!("SIGTERM did not end it");
}

/// The exit code said that the launch had failed, and the guest ran.
#[test]
fn a_launch_whose_answer_is_lost_is_undone() {
    let corner = Corner::new(Lab::shared());
    for verified in [true, false] {
        corner.session("0x1");
        corner.domain(None);
        let mut command = corner.launch("0x1", &[]);
        if verified {
            command.args(corner.owner(None));
        }
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let out = command.stdout(full).output().unwrap();
        assert_code(&out, 4);
        assert_eq!(corner.lab.state(&corner.guest), "none", "{}", err(&out));
        std::fs::remove_dir_all(corner.path("owner")).unwrap();
    }
}

/// A host that forgets which sessions it used launches once more, and asks for the secret again: by evidence, or of an owner who
/// launches.
#[test]
fn an_owner_who_has_launched_answers_no_other_launch_of_the_session() {
    let corner = Corner::new(Lab::shared());
    corner.session("0x1");
    full_launch(&corner, "0x1", None);
    let forget = || {
        corner.lab.virsh(&["destroy", &corner.guest]);
        corner.lab.virsh(&["undefine", "--keep-nvram", &corner.guest]);
        std::fs::remove_dir_all(corner.path("state/virt-sev/sessions")).unwrap();
    };
    forget();
    let evidence = corner.text("evidence.json");
    assert_code(&corner.launch("0x1", &["--evidence", &evidence]).output().unwrap(), 0);
    let owner = corner.owner(None);
    let mut command =
        corner.command(&["verify", "--evidence", &evidence, "--packet", &corner.text("packet")]);
    command.args(["-s", &format!("luks-key:{}", corner.text("secret"))]);
    let out = command.args(owner.iter().filter(|word| *word != "--insecure")).output().unwrap();
    assert_code(&out, 4);
    assert!(err(&out).contains("has answered another launch"), "{}", err(&out));
    assert!(!corner.path("packet").exists());
    forget();
    let out = corner.launch("0x1", &[]).args(owner).output().unwrap();
    assert_code(&out, 4);
    assert!(err(&out).contains("has answered another launch"), "{}", err(&out));
    assert_eq!(corner.lab.state(&corner.guest), "none");
}

/// An image whose table says that nothing is reserved for a secret: QEMU would put one at address 0, where anybody may
/// read it.
#[test]
fn an_image_without_a_place_takes_no_secret_and_the_answer_is_not_spent() {
    const AREA: [u8; 16] =
        [0x61, 0xb3, 0x2e, 0x4c, 0x9b, 0x7d, 0xc3, 0x4c, 0x80, 0x81, 0x12, 0x7c, 0x90, 0xd3, 0xd2, 0x94];
    let corner = Corner::new(Lab::shared());
    corner.session("0x1");
    corner.domain(None);
    let mut image = std::fs::read(corner.lab.file("VIRT_SEV_FIRMWARE")).unwrap();
    let at = image.windows(16).rposition(|w| w == AREA).unwrap();
    // Base and size, and the length of the entry (edk2, OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.asm).
    image[at - 10..at - 2].fill(0);
    std::fs::write(corner.path("image.fd"), image).unwrap();
    std::fs::write(corner.path("secret"), SECRET).unwrap();
    let (firmware, secret) = (corner.text("image.fd"), format!("luks-key:{}", corner.text("secret")));
    let key = format!("security.sev.firmware={firmware}");
    let mut owner = corner.owner(None);
    *owner.last_mut().unwrap() = firmware;

    let inject = ["--set", &key, "--inject-secret", &secret];
    let out = corner.launch("0x1", &inject).args(&owner).output().unwrap();
    assert_code(&out, 1);
    assert!(err(&out).contains("lacks an area for the launch secret"), "{}", err(&out));
    assert_eq!(corner.lab.state(&corner.guest), "none");

    assert_code(&corner.launch("0x1", &["--set", &key]).output().unwrap(), 0);
    let verify = |more: &[&str]| {
        let mut command = corner.command(&["verify", "-c", &corner.lab.uri, "--domain", &corner.guest]);
        command.args(&owner).args(more).output().unwrap()
    };
    let out = verify(&["-s", &secret]);
    assert_code(&out, 4);
    assert!(err(&out).contains("the firmware has no place for a launch secret"), "{}", err(&out));
    assert_eq!(corner.lab.state(&corner.guest), "paused");
    // Whoever gets a packet may know an address; without one there is no place.
    let packet = corner.text("packet.json");
    assert_code(&verify(&["-s", &secret, "--packet", &packet]), 0);
    let out =
        corner.virt_sev(&["secret", "inject", "-c", &corner.lab.uri, &corner.guest, "--packet", &packet]);
    assert_code(&out, 5);
    assert_eq!(corner.lab.state(&corner.guest), "paused");
}

/// Only `sev` and `sev-snp` are ours. Trust Domain Extensions were taken for SEV-SNP.
#[test]
fn a_guest_of_another_makers_launch_security_is_not_launched() {
    let corner = Corner::new(Lab::shared());
    let path = corner.domain(None);
    let xml = std::fs::read_to_string(&path).unwrap();
    let xml = xml.replace("</domain>", "<launchSecurity type='tdx'/></domain>");
    std::fs::write(&path, xml).unwrap();
    let out = corner.virt_sev(&["launch", "-c", &corner.lab.uri, &corner.text("domain.xml")]);
    assert_code(&out, 4);
    assert!(err(&out).contains("nothing asks for SEV"), "{}", err(&out));
    assert_eq!(corner.lab.state(&corner.guest), "none");
}
