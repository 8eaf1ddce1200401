//! What a guest owner is told of a launch: the one change that explains a measurement, and what a policy file refuses.
//! Off line over measurements that are computed here, and in a launch.

use crate::lab::{Corner, Lab, assert_code, err, program, setup};
use crate::snp_platform::Platform;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;
use virt_sev::host::ovmf;
use virt_sev::measure::cpu::CpuSignature;
use virt_sev::measure::expected::Processors;
use virt_sev::measure::kernel_hashes::KernelHashes;
use virt_sev::measure::sev::Measured;
use virt_sev::measure::verify::{Evidence, Expected, expected_mac};
use virt_sev::measure::vmsa::InitialState;
use virt_sev::redact::Secret;

const CMDLINE: &str = "console=ttyS0 quiet";

/// How a guest was really launched. What its owner says is [`Launch::said`].
struct Launch {
    firmware: Vec<u8>,
    initrd: bool,
    hashes: bool,
    cmdline: Vec<u8>,
    vcpus: u32,
    cpu: CpuSignature,
    features: u64,
    tik: [u8; 16],
    reported: Evidence,
}

fn firmware() -> Vec<u8> {
    fs::read(setup("VIRT_SEV_FIRMWARE")).unwrap()
}

impl Launch {
    fn said(policy: u32) -> Self {
        Self {
            firmware: firmware(),
            initrd: true,
            hashes: true,
            cmdline: CMDLINE.into(),
            vcpus: 2,
            cpu: CpuSignature::of_model("EPYC-Milan").unwrap(),
            features: 0,
            tik: [2; 16],
            reported: Evidence { measurement: [9; 48], api_major: 1, api_minor: 55, build_id: 21, policy },
        }
    }

    fn evidence(&self, policy: u32) -> Evidence {
        let kernel = self.hashes.then(|| {
            let mut initrd = &b"initrd"[..];
            let initrd = self.initrd.then_some(&mut initrd as _);
            KernelHashes::read(&mut &b"kernel"[..], initrd, Some(&self.cmdline)).unwrap()
        });
        let processors = Processors::Built {
            cpu: self.cpu,
            count: self.vcpus,
            reset_addr: ovmf::inspect(&self.firmware).unwrap().es_reset_addr,
            state: Some(InitialState::Legacy),
            features: self.features,
        };
        let measured = Measured::new(&mut &self.firmware[..]).unwrap();
        let expected = Expected::of_launch(&measured, kernel.as_ref(), policy, Some(&processors)).unwrap();
        let mut signed = Evidence { api_major: 1, api_minor: 55, build_id: 21, policy, ..self.reported };
        let mac = expected_mac(&signed, &expected.digests[0].digest, &Secret::new(self.tik)).unwrap();
        signed.measurement[..32].copy_from_slice(&mac);
        Evidence { measurement: signed.measurement, ..self.reported }
    }
}

/// The owner's files, and `verify` with them.
struct Owner(TempDir);

impl Owner {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
        write("tek", &[1; 16]);
        write("tik", &[2; 16]);
        write("kernel", b"kernel");
        write("initrd", b"initrd");
        write("OVMF.fd", &firmware());
        Self(dir)
    }

    fn verify(&self, seen: &Evidence, more: &[&str]) -> Output {
        let mut command = Command::new(program("virt-sev"));
        command.current_dir(self.0.path()).args(["verify", "--tik", "tik", "--tek", "tek"]);
        command.args(["--measurement", &STANDARD.encode(seen.measurement)]);
        command.args([
            "--api-major",
            &seen.api_major.to_string(),
            "--api-minor",
            &seen.api_minor.to_string(),
        ]);
        command.args(["--build-id", &seen.build_id.to_string(), "--policy", &seen.policy.to_string()]);
        command.args(more).output().unwrap()
    }

    fn verify_all(&self, seen: &Evidence, more: &[&str]) -> Output {
        let mut args =
            vec!["-f", "OVMF.fd", "--kernel", "kernel", "--initrd", "initrd", "--cmdline", CMDLINE];
        args.extend(["--num-cpus", "2", "--vcpu-type", "EPYC-Milan"]);
        args.extend(more);
        self.verify(seen, &args)
    }
}

fn json(out: &Output) -> serde_json::Value {
    serde_json::from_slice(&out.stdout).unwrap()
}

#[test]
fn the_one_change_behind_a_measurement_is_named_in_one_line_and_the_verdict_stays_no() {
    let owner = Owner::new();
    let mut older = firmware();
    let middle = older.len() / 2;
    older[middle] ^= 1;
    fs::write(owner.0.path().join("OVMF.older.fd"), &older).unwrap();
    let genoa = CpuSignature::of_model("EPYC-Genoa").unwrap();
    let change = |policy: u32, change: &dyn Fn(&mut Launch)| {
        let mut launch = Launch::said(policy);
        change(&mut launch);
        launch.evidence(policy)
    };
    let cases: Vec<(Evidence, &str, &str)> = vec![
        (
            change(5, &|l| l.firmware = older.clone()),
            "firmware",
            "launched from the firmware ./OVMF.older.fd",
        ),
        (change(5, &|l| l.features = 1), "sev-features", "SEV_FEATURES is 0x1, not 0x0"),
        (change(5, &|l| l.features = 0x20), "sev-features", "SEV_FEATURES is 0x20, not 0x0"),
        (change(5, &|l| l.features = 0x21), "sev-features", "SEV_FEATURES is 0x21, not 0x0"),
        (change(5, &|l| l.vcpus = 1), "vcpus", "1 processor, not 2"),
        (change(5, &|l| l.vcpus = 64), "vcpus", "64 processors, not 2"),
        (change(5, &|l| l.cpu = genoa), "cpu", "EPYC-Genoa"),
        (change(1, &|l| l.cmdline.push(b' ')), "cmdline", "has a blank at its end"),
        (change(1, &|l| l.cmdline.insert(0, b' ')), "cmdline", "has a blank at its start"),
        (change(1, &|l| l.cmdline.push(b'\n')), "cmdline", "has a line end at its end"),
        (change(1, &|l| l.cmdline.push(0)), "cmdline", "with a NUL more at its end"),
        (change(1, &|l| l.initrd = false), "initrd", "without the initrd"),
        (change(1, &|l| l.hashes = false), "kernel-hashes", "kernel hashes are off"),
        (change(1, &|l| l.tik = [1; 16]), "keys", "TIK and TEK are exchanged"),
        (change(1, &|l| l.reported.policy = 3), "reported", "the policy is 0x1, not 0x3"),
        (change(1, &|l| l.reported.api_minor = 51), "reported", "the API's minor version is 0x37, not 0x33"),
        (change(1, &|l| l.reported.api_major = 0), "reported", "the API's major version is 0x1, not 0x0"),
        (change(1, &|l| l.reported.build_id = 22), "reported", "the build is 0x15, not 0x16"),
    ];
    for (seen, id, text) in &cases {
        let out = owner.verify_all(seen, &[]);
        assert_code(&out, 1);
        assert_eq!(String::from_utf8_lossy(&out.stdout), "not verified\n");
        let said = err(&out);
        let line = said.lines().find(|l| l.contains("One change makes the measurement right: "));
        assert!(line.is_some_and(|l| l.contains(text)), "{text}: {said}");
        let out = owner.verify_all(seen, &["--json"]);
        assert_code(&out, 1);
        let answer = json(&out);
        assert_eq!((&answer["verified"], &answer["cause"]["id"]), (&false.into(), &(*id).into()), "{answer}");
    }
    // The other way round: what is as said is verified, and two changes at once are nothing that is guessed at.
    for policy in [1, 5] {
        assert_code(&owner.verify_all(&Launch::said(policy).evidence(policy), &[]), 0);
    }
    let out = owner.verify_all(&change(5, &|l| (l.vcpus, l.initrd) = (4, false)), &[]);
    assert_code(&out, 1);
    assert!(
        err(&out).contains("No single change that was tried makes the measurement right."),
        "{}",
        err(&out)
    );
    assert_eq!(
        json(&owner.verify_all(&change(5, &|l| (l.vcpus, l.initrd) = (4, false)), &["--json"]))["cause"],
        serde_json::Value::Null
    );
}

#[test]
fn a_policy_file_says_which_measured_launches_are_acceptable() {
    let owner = Owner::new();
    let seen = Launch::said(1).evidence(1);
    let policy = |text: &str| fs::write(owner.0.path().join("policy.yaml"), text).unwrap();
    let verify = |more: &[&str]| owner.verify_all(&seen, &[&["--policy-file", "policy.yaml"], more].concat());

    policy(
        "allowed_policies: [0x1, 5]\nmin_fw_api_major: 1\nmin_fw_api_minor: 55\nallowed_build_ids: [21]\n",
    );
    assert_code(&verify(&[]), 0);
    policy("allowed_policies: [0x3]\nmin_fw_api_major: 1\nmin_fw_api_minor: 56\nallowed_build_ids: [22]\n");
    let out = verify(&[]);
    assert_code(&out, 1);
    assert_eq!(String::from_utf8_lossy(&out.stdout), "not verified\n");
    for says in [
        "policy file: allowed_policies: the guest policy 0x1 is not allowed\n  Allowed: 0x3.",
        "policy file: min_fw_api_major: the SEV firmware has API 1.55, which is too old\n  Allowed: 1.56 and newer.",
        "policy file: allowed_build_ids: the SEV firmware's build 21 is not allowed\n  Allowed: 22.",
    ] {
        assert!(err(&out).contains(says), "{says}: {}", err(&out));
    }
    let answer = json(&verify(&["--json"]));
    assert_eq!(
        (&answer["verified"], answer["findings"].as_array().unwrap().len()),
        (&false.into(), 3),
        "{answer}"
    );
    assert_eq!(answer["findings"][0]["id"], "policy-file");
    assert_code(&Command::new(program("virt-sev")).args(["explain", "policy-file"]).output().unwrap(), 0);
    // Nothing secret is packed for a launch that is not acceptable.
    fs::write(owner.0.path().join("secret"), "s").unwrap();
    let pack = ["-s", "luks-key:secret", "--secret-header", "header", "--secret-payload", "payload"];
    assert_code(&verify(&pack), 1);
    assert!(!owner.0.path().join("header").exists());

    // Its digests are enough, without any image; they hold the kernel too.
    let digest = json(&owner.verify_all(&seen, &["--json"]))["digest"].as_str().unwrap().to_owned();
    policy(&format!("allowed_digests:\n- {}\n- {digest}\n", "0".repeat(64)));
    let alone = ["--policy-file", "policy.yaml"];
    assert_code(&owner.verify(&seen, &alone), 0);
    assert_code(&owner.verify(&Launch { initrd: false, ..Launch::said(1) }.evidence(1), &alone), 1);
    assert_code(&owner.verify(&seen, &[&alone[..], &["--kernel", "kernel"]].concat()), 2);
    assert_code(&verify(&[]), 0);
    policy(&format!("allowed_digests: [{}]\n", "0".repeat(64)));
    assert_code(&verify(&[]), 1);
    policy("allowed_digest: []\n");
    let out = verify(&[]);
    assert_code(&out, 4);
    assert!(err(&out).contains("policy.yaml:1: an unknown key in the policy file"), "{}", err(&out));
    assert_code(&owner.verify(&seen, &["--policy-file", "none"]), 4);
}

#[test]
fn a_launch_that_the_policy_file_refuses_leaves_nothing() {
    let corner = Corner::new(Lab::shared());
    corner.domain(None);
    let launch = |text: &str, more: &[&str]| {
        let _ = fs::remove_dir_all(corner.path("owner"));
        corner.session("0x1");
        fs::write(corner.path("policy.yaml"), text).unwrap();
        let mut command = corner.launch("0x1", &["--policy-file", &corner.text("policy.yaml")]);
        command.args(more).output().unwrap()
    };
    let owned = |c: &Corner<'_>| c.owner(None);
    let args = owned(&corner);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let out = launch("min_fw_api_major: 9\n", &args);
    assert_code(&out, 1);
    assert!(err(&out).contains("policy file: min_fw_api_major"), "{}", err(&out));
    assert_eq!(corner.lab.state(&corner.guest), "none");
    // Without the owner's keys nothing would be judged by it.
    assert_code(&launch("min_fw_api_major: 1\n", &[]), 2);
    assert_code(&launch("min_fw_api_major: 0\n", &args), 0);
    assert_eq!(corner.lab.state(&corner.guest), "running");
}

/// What `digest` computes stands in a report, and the owner's files verify it; what was launched otherwise is explained.
#[test]
fn a_report_of_sev_snp_is_verified_from_the_owners_files_and_explained_like_any_other() {
    let owner = Owner::new();
    let dir = owner.0.path();
    let mut older = firmware();
    let middle = older.len() / 2;
    older[middle] ^= 1;
    fs::write(dir.join("OVMF.older.fd"), &older).unwrap();
    let platform = Platform::shared();
    let run = |args: &[&str]| Command::new(program("virt-sev")).args(args).current_dir(dir).output().unwrap();
    let (firmware, vcpus) = (["--firmware", "OVMF.fd"], ["--num-cpus", "2", "--vcpu-type", "EPYC-Milan"]);
    let kernel = ["--kernel", "kernel", "--initrd", "initrd", "--cmdline", CMDLINE];
    // A report of a guest that was launched like this.
    let report = |launched: &[&[&str]]| {
        let out = run(&[&["digest", "--mode", "snp"][..], &launched.concat()].concat());
        assert_code(&out, 0);
        let digest = virt_sev::hex::decode(String::from_utf8_lossy(&out.stdout).trim()).unwrap();
        let signed = platform.report("vcek", |report| report[0x90..0xc0].copy_from_slice(&digest));
        fs::write(dir.join("report.bin"), signed).unwrap();
        virt_sev::hex::encode(&digest)
    };
    let certs: Vec<String> =
        ["vcek.pem", "ask.pem"].iter().map(|n| platform.path(n).to_str().unwrap().to_owned()).collect();
    let ark = platform.path("ark.pem");
    let verify = |more: &[&str]| {
        let certs = ["--certs", &certs[0], "--certs", &certs[1], "--ca", ark.to_str().unwrap()];
        run(&[&["verify", "--report", "report.bin"][..], &certs, more].concat())
    };
    let said: Vec<&str> = [&firmware[..], &vcpus, &kernel].concat();

    let digest = report(&[&firmware, &vcpus, &kernel]);
    let out = verify(&said);
    assert_code(&out, 0);
    assert!(
        String::from_utf8_lossy(&out.stdout).contains(&digest),
        "{}",
        String::from_utf8_lossy(&out.stdout)
    );
    fs::write(dir.join("policy.yaml"), format!("allowed_digests: [{digest}]\n")).unwrap();
    assert_code(&verify(&["--policy-file", "policy.yaml"]), 0);
    // Any guest of any host has a report that is signed well: what nobody expects is not verified.
    fs::write(dir.join("policy.yaml"), "min_fw_api_major: 0\n").unwrap();
    for nothing in [&[][..], &["--policy-file", "policy.yaml"]] {
        assert_code(&verify(nothing), 2);
    }
    fs::write(dir.join("policy.yaml"), "min_fw_api_major: 1\n").unwrap();
    let out = verify(&[&said[..], &["--policy-file", "policy.yaml"]].concat());
    assert_code(&out, 1);
    assert!(String::from_utf8_lossy(&out.stdout).contains("which is too old"), "{out:?}");

    let blank = ["--kernel", "kernel", "--initrd", "initrd", "--cmdline", "console=ttyS0 quiet "];
    for (launched, id) in [
        ([&["--firmware", "OVMF.older.fd"][..], &vcpus, &kernel], "firmware"),
        ([&firmware, &["--num-cpus", "8", "--vcpu-type", "EPYC-Milan"], &kernel], "vcpus"),
        ([&firmware, &["--num-cpus", "2", "--vcpu-type", "EPYC-Genoa"], &kernel], "cpu"),
        (
            [
                &firmware,
                &["--num-cpus", "2", "--vcpu-type", "EPYC-Milan", "--guest-features", "0x21"],
                &kernel,
            ],
            "sev-features",
        ),
        ([&firmware, &vcpus, &blank], "cmdline"),
        ([&firmware, &vcpus, &kernel[..2]], "none"),
        ([&firmware, &vcpus, &["--kernel", "kernel", "--cmdline", CMDLINE]], "initrd"),
        ([&firmware, &vcpus, &[]], "kernel-hashes"),
    ] {
        report(&launched);
        let out = verify(&[&said[..], &["--json"]].concat());
        assert_code(&out, 1);
        let answer = json(&out);
        assert_eq!(
            (&answer["verified"], answer["cause"]["id"].as_str().unwrap_or("none")),
            (&false.into(), id),
            "{answer}"
        );
        assert!(
            err(&out).contains(if id == "none" { "No single change" } else { "One change makes" }),
            "{}",
            err(&out)
        );
    }
    // Options of the other modes, and half a description.
    for wrong in [&["--tik", "tik"][..], &["--api-major", "1"], &["--kernel", "kernel"], &["--num-cpus", "2"]]
    {
        assert_code(&verify(wrong), 2);
    }
    assert_code(&verify(&[&firmware[..], &vcpus[..2]].concat()), 2);
}
