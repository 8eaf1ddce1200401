//! What a user is told: no option that does nothing, no dead end, no help that does not fit a screen.

use crate::lab::{Corner, Lab, assert_code, err, program, setup};
use std::process::Command;

fn said(out: &std::process::Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[test]
fn launch_refuses_every_option_of_the_verification_that_would_do_nothing() {
    for option in [
        "--firmware",
        "--kernel",
        "--initrd",
        "--cmdline",
        "--api-major",
        "--api-minor",
        "--build-id",
        "--policy",
        "--num-cpus",
        "--vmsa-cpu0",
        "--vmsa-cpu1",
        "--cpu-family",
        "--cpu-model",
        "--cpu-stepping",
    ] {
        let out = Command::new(program("virt-sev")).args(["launch", "x", option, "1"]).output().unwrap();
        assert_code(&out, 2);
        assert!(err(&out).contains(&format!("{option} needs the guest owner's keys")), "{}", err(&out));
    }
}

#[test]
fn verify_says_what_it_expects_and_what_comes_next() {
    let corner = Corner::new(Lab::shared());
    corner.session("0x1");
    corner.domain(Some("console=ttyS0"));
    let out = corner.launch("0x1", &[]).output().unwrap();
    assert_code(&out, 0);
    // The owner is elsewhere: an address that only this host understands would be of no use.
    let next = err(&out);
    assert!(next.contains("verify -c 'qemu+ssh://HOST/"), "{next}");
    assert!(next.contains("--kernel FILE --initrd FILE --cmdline TEXT"), "{next}");

    let verify = |more: &[&str], cmdline: &str| {
        let mut command = corner.command(&["verify", "-c", &corner.lab.uri, "--domain", &corner.guest]);
        command.args(corner.owner(Some(cmdline))).args(more).output().unwrap()
    };
    let out = verify(&["-d"], "console=ttyS0");
    assert_code(&out, 0);
    let digest = said(&out).trim().rsplit(' ').next().unwrap().to_owned();
    assert!(err(&out).contains(&format!("expected launch digest {digest}")), "{}", err(&out));
    assert!(err(&out).contains(&format!("resume {}", corner.guest)), "{}", err(&out));
    for key in ["owner/tik.bin", "owner/tek.bin"] {
        let hex: String =
            std::fs::read(corner.path(key)).unwrap().iter().map(|b| format!("{b:02x}")).collect();
        assert!(!err(&out).contains(&hex), "{key} in the debug information");
    }

    let out = verify(&["-v"], "other");
    assert_code(&out, 1);
    assert_eq!(said(&out), "not verified\n");
    assert!(err(&out).contains("expected measurement "), "{}", err(&out));

    assert_code(&verify(&["--secret-header", "h", "--secret-payload", "p"], "console=ttyS0"), 2);
    corner.lab.virsh(&["resume", &corner.guest]);
    std::fs::write(corner.path("secret"), "x").unwrap();
    let out = verify(&["-s", &format!("luks-key:{}", corner.text("secret"))], "console=ttyS0");
    assert_code(&out, 5);
    assert!(err(&out).contains("the guest is not paused\n  A secret goes in"), "{}", err(&out));
}

#[test]
fn a_document_without_uuid_defined_twice_says_the_way_out() {
    let corner = Corner::new(Lab::shared());
    let domain = corner.domain(None);
    let define =
        || corner.virt_sev(&["define", "-c", &corner.lab.uri, domain.to_str().unwrap(), "--no-metadata"]);
    assert_code(&define(), 0);
    let out = define();
    assert_code(&out, 5);
    assert!(
        err(&out).contains("Put the domain's <uuid> into the document, or name the defined domain"),
        "{}",
        err(&out)
    );
}

#[test]
fn secret_build_answers_in_json_and_wants_two_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    for (name, bytes) in [("tk", &[7; 32][..]), ("secret", b"s")] {
        std::fs::write(path(name), bytes).unwrap();
    }
    let zeros = "A".repeat(64);
    let build = |payload: &str| {
        let secret = format!("luks-key:{}", path("secret"));
        Command::new(program("virt-sev"))
            .args(["secret", "build", "--format", "json", "--tk", &path("tk"), "--measurement", &zeros])
            .args(["--secret", &secret, "--secret-header", &path("h"), "--secret-payload", &path(payload)])
            .output()
            .unwrap()
    };
    assert_code(&build("h"), 2);
    let out = build("p");
    assert_code(&out, 0);
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(json["schema"], "virt-sev/secret/1");
    assert_eq!(json["files"], serde_json::json!([path("h"), path("p")]));
}

#[test]
fn secret_build_writes_the_same_packet_file_as_verify() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("tk"), [7; 32]).unwrap();
    std::fs::write(dir.path().join("secret"), b"s").unwrap();
    let build = |more: &[&str]| {
        let zeros = "A".repeat(64);
        let args = ["secret", "build", "--tk", "tk", "--measurement", &zeros, "--secret", "luks-key:secret"];
        Command::new(program("virt-sev")).args(args).args(more).current_dir(&dir).output().unwrap()
    };
    assert_code(&build(&[]), 2);
    assert_code(&build(&["--packet", "p", "--secret-header", "h", "--secret-payload", "b"]), 2);
    let out = build(&["--packet", "p"]);
    assert_code(&out, 0);
    assert!(err(&out).contains("secret inject -c URI DOMAIN --packet p --resume"), "{}", err(&out));
    let packet: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("p")).unwrap()).unwrap();
    assert_eq!(packet["schema"], "virt-sev/packet/1");
    assert_eq!(packet["measurement"], "A".repeat(64));
}

#[test]
fn verify_tells_everything_that_is_missing_in_one_run() {
    let verify = |args: &[&str]| {
        let out = Command::new(program("virt-sev")).arg("verify").args(args).output().unwrap();
        assert_code(&out, 2);
        err(&out)
    };
    let nothing = verify(&[]);
    for missing in ["keys are missing", "--measurement", "--api-major", "--policy is", "--firmware is"] {
        assert!(nothing.contains(missing), "{nothing}");
    }
    let nothing_expected = verify(&["--report", "/dev/null"]);
    assert!(nothing_expected.contains("--firmware is needed"), "{nothing_expected}");
    let nowhere = verify(&["--evidence", "/dev/null", "--firmware", "/dev/null", "-s", "luks-key:/dev/null"]);
    assert!(nowhere.contains("--packet is needed") && nowhere.contains("keys are missing"), "{nowhere}");
}

#[test]
fn an_image_without_a_guid_table_is_said_to_have_none() {
    let inspect = |image: &str| {
        let out = Command::new(program("virt-sev")).args(["firmware", "inspect", image]).output().unwrap();
        assert_code(&out, 0);
        err(&out)
    };
    assert!(inspect("/dev/null").contains("no GUID table"));
    assert_eq!(inspect(setup("VIRT_SEV_FIRMWARE").to_str().unwrap()), "");
}

#[test]
fn a_host_root_that_is_not_there_is_no_bad_host() {
    let dir = tempfile::tempdir().unwrap();
    let domain = dir.path().join("g.xml");
    std::fs::write(&domain, "<domain type='kvm'><name>g</name><memory>262144</memory><os><type machine='q35'>hvm</type></os></domain>").unwrap();
    let out = Command::new(program("virt-sev"))
        .args(["apply", domain.to_str().unwrap(), "--set", "security.sev=true", "--host-root", "/nowhere"])
        .output()
        .unwrap();
    assert_code(&out, 4);
    assert!(err(&out).contains("/nowhere: the folder of the host's files is not there"), "{}", err(&out));
    // With a connection the host itself is asked: the folder would do nothing.
    let out = Command::new(program("virt-sev"))
        .args(["apply", domain.to_str().unwrap(), "-c", "test:///default", "--host-root", "/"])
        .output()
        .unwrap();
    assert_code(&out, 2);
}

#[test]
fn help_is_short() {
    for command in
        [&["keys"][..], &["apply"], &["define"], &["session"], &["measurement"], &["secret", "build"]]
    {
        let out = Command::new(program("virt-sev"))
            .args(command)
            .arg("--help")
            .env("COLUMNS", "100")
            .output()
            .unwrap();
        assert_code(&out, 0);
        assert!(said(&out).lines().count() <= 50, "{command:?}: {} lines", said(&out).lines().count());
    }
}
