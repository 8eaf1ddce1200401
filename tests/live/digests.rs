//! `virt-sev digest` against sev-snp-measure, sevctl and virt-qemu-sev-validate: random combinations, a fixed seed.
//!
//! Who is the oracle for what: sev-snp-measure for SEV, for SEV-SNP, and for SEV-ES after KVM_SEV_INIT2, the only state that
//! it knows; sevctl and virt-qemu-sev-validate for SEV, and for SEV-ES after KVM_SEV_INIT, the only state that they know.
//! SEV_FEATURES of SEV-ES: sev-snp-measure's library, and sevctl over its own page with the eight bytes set here.

mod guest;
mod words;

use crate::lab::{assert_code, err, program, setup};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use guest::{Dice, Guest, Mode, images, python, said};
use std::fs;
use std::process::Command;
use tempfile::TempDir;
use virt_sev::hex;

const SEED: u64 = 0x5e5_5e5;
const COMBINATIONS: u64 = 80;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn random_guests_have_the_digests_of_every_peer() {
    let seed = number("VIRT_SEV_DIGESTS_SEED", SEED);
    println!("VIRT_SEV_DIGESTS_SEED={seed}");
    let mut dice = Dice(seed.max(1));
    let mut refused = 0;
    for n in 0..number("VIRT_SEV_DIGESTS", COMBINATIONS) {
        let dir = TempDir::new().unwrap();
        let mode = [Mode::Sev, Mode::EsLegacy, Mode::EsInit2, Mode::Snp][usize::try_from(n % 4).unwrap()];
        let guest = Guest::new(&mut dice, mode, dir.path());
        let out = guest.ours(&[], dir.path());
        // An image of Debian's package ovmf with 4 MiB has no SEV-SNP metadata: QEMU starts no such guest from it.
        if mode == Mode::Snp && guest.image.to_string_lossy().contains("4M") {
            assert_code(&out, 4);
            assert!(err(&out).contains("no SEV-SNP metadata"), "{}", err(&out));
            refused += 1;
            continue;
        }
        let digest = said(&out);
        let length = if mode == Mode::Snp { 96 } else { 64 };
        assert!(digest.len() == length && hex::decode(&digest).is_some_and(|b| hex::encode(&b) == digest));
        guest.confirm(&digest, dir.path());
    }
    println!("refused, as they must be: {refused}");
}

#[test]
fn the_digest_is_written_in_every_form() {
    let dir = TempDir::new().unwrap();
    for mode in [Mode::Sev, Mode::EsLegacy, Mode::Snp] {
        let mut guest = Guest::new(&mut Dice(7), mode, dir.path());
        guest.image = setup("VIRT_SEV_FIRMWARE");
        let digest = said(&guest.ours(&[], dir.path()));
        let base64 = said(&guest.ours(&["--output-format", "base64"], dir.path()));
        assert_eq!(STANDARD.encode(hex::decode(&digest).unwrap()), base64);
        let json = guest.ours(&["--format", "json"], dir.path());
        let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!((&json["schema"], &json["digest"]), (&"virt-sev/digest/1".into(), &digest.into()));
        let firmware = &json["inputs"]["firmware"];
        assert!(firmware["file"].as_str().unwrap().ends_with("OVMF.amdsev.fd"));
        let sum = Command::new("sha256sum").arg(&guest.image).output().unwrap();
        assert!(String::from_utf8_lossy(&sum.stdout).starts_with(firmware["sha256"].as_str().unwrap()));
    }
}

#[test]
fn without_a_state_the_answer_is_qemus_choice_and_the_other_is_told() {
    let dir = TempDir::new().unwrap();
    let of = |features: &str, more: &[&str]| {
        let mut command = Command::new(program("virt-sev"));
        command.args([
            "digest",
            "--mode",
            "sev-es",
            "--num-cpus",
            "2",
            "--vcpu-type",
            "EPYC-Milan",
            "--firmware",
        ]);
        command.arg(setup("VIRT_SEV_FIRMWARE")).args(["--guest-features", features]).args(more);
        command.current_dir(dir.path()).output().unwrap()
    };
    for (features, own, other) in [("0", "on", "off"), ("0x20", "off", "on")] {
        let free = of(features, &[]);
        assert_eq!(said(&free), said(&of(features, &["--legacy-vm-type", own])));
        let other = said(&of(features, &["--legacy-vm-type", other]));
        assert!(err(&free).contains(&other), "{}", err(&free));
        assert!(err(&of(features, &["--legacy-vm-type", own])).is_empty());
        assert!(err(&of(features, &["-q"])).is_empty());
        let json: serde_json::Value =
            serde_json::from_slice(&of(features, &["--format", "json"]).stdout).unwrap();
        let states: Vec<&str> = ["/states/0/digest", "/states/1/digest"]
            .map(|at| json.pointer(at).unwrap().as_str().unwrap())
            .to_vec();
        assert_eq!(states, [said(&free).as_str(), &other]);
    }
}

#[test]
fn saved_pages_are_those_of_the_peers_and_give_the_same_digest() {
    let dir = TempDir::new().unwrap();
    for mode in [Mode::EsLegacy, Mode::EsInit2, Mode::Snp] {
        let mut guest = Guest::new(&mut Dice(11), mode, dir.path());
        (guest.image, guest.vcpus) = (setup("VIRT_SEV_FIRMWARE"), 2);
        if mode == Mode::EsInit2 {
            (guest.features, guest.told) = (0, false);
        }
        let folder = format!("{mode:?}");
        let digest = said(&guest.ours(&["--save-vmsa", &folder], dir.path()));
        let ours = ["vmsa-cpu0.bin", "vmsa-cpu1.bin"].map(|n| dir.path().join(&folder).join(n));
        let theirs = if mode == Mode::EsLegacy {
            guest.sevctl_pages(dir.path());
            ["vmsa0", "vmsa1"]
        } else {
            said(&guest.measure(&["--dump-vmsa"], dir.path()));
            ["vmsa0.bin", "vmsa1.bin"]
        };
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!(
                fs::read(ours).unwrap() == fs::read(dir.path().join(theirs)).unwrap(),
                "{mode:?}, {theirs}"
            );
        }
        let mut command = Command::new(program("virt-sev"));
        command.args([
            "digest",
            "--mode",
            if mode == Mode::Snp { "snp" } else { "sev-es" },
            "--num-cpus",
            "2",
        ]);
        command.arg("--firmware").arg(&guest.image).args(guest.boot("--cmdline"));
        command.arg("--vmsa-cpu0").arg(&ours[0]).arg("--vmsa-cpu1").arg(&ours[1]);
        assert_eq!(said(&command.current_dir(dir.path()).output().unwrap()), digest, "{mode:?}");
    }
}

#[test]
fn the_firmwares_part_goes_out_and_in_as_with_sev_snp_measure() {
    let dir = TempDir::new().unwrap();
    let mut guest = Guest::new(&mut Dice(13), Mode::Snp, dir.path());
    guest.image = setup("VIRT_SEV_FIRMWARE");
    let mut command = Command::new(program("virt-sev"));
    command.args(["digest", "--mode", "snp:ovmf-hash", "--firmware"]).arg(&guest.image);
    let hash = said(&command.output().unwrap());
    let mut command = python();
    command.args(["-m", "sevsnpmeasure.cli", "--mode", "snp:ovmf-hash", "--ovmf"]).arg(&guest.image);
    assert_eq!(said(&command.output().unwrap()), hash);
    let whole = said(&guest.ours(&[], dir.path()));
    assert_eq!(said(&guest.ours(&["--snp-ovmf-hash", &hash], dir.path())), whole);
    // A hash of another image counts, and the image itself no more: both programs agree there too.
    let other = "0f".repeat(48);
    let ours = said(&guest.ours(&["--snp-ovmf-hash", &other], dir.path()));
    assert_eq!(said(&guest.measure(&["--snp-ovmf-hash", &other], dir.path())), ours);
    assert_ne!(ours, whole);
}

#[test]
fn a_kernel_that_the_firmware_cannot_verify_has_no_digest() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("kernel"), "kernel").unwrap();
    for image in images() {
        for mode in [Mode::Sev, Mode::EsLegacy, Mode::EsInit2, Mode::Snp] {
            let mut guest = Guest::new(&mut Dice(17), mode, dir.path());
            (guest.image, guest.kernel, guest.initrd) = (image.clone(), Some("kernel".into()), None);
            let out = guest.ours(&[], dir.path());
            assert_code(&out, 4);
            assert!(out.stdout.is_empty());
            // sev-snp-measure refuses too, where it looks at all.
            assert_ne!(
                guest.measure(&[], dir.path()).status.code(),
                Some(0),
                "{mode:?}, {}",
                image.display()
            );
        }
    }
}
