//! Our arithmetic against sevctl, virt-qemu-sev-validate and a platform in Python, off line.
//! What each of them is and why it is independent: `tests/support/peers/README.md`.

// A test says no by panicking; clippy's own exception reaches functions marked `#[test]`, not their helpers.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "support/peers/mod.rs"]
mod peers;

#[path = "support/peers/launch.rs"]
mod launch;

use launch::{BootFiles, POLICIES, measured};
use peers::{base64, hex, platform, platform_does, read, sevctl};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use virt_sev::host::ovmf;
use virt_sev::inject::packet;
use virt_sev::inject::table::{SecretTable, read_secret};
use virt_sev::measure::cpu::CpuSignature;
use virt_sev::measure::sev::launch_digest;
use virt_sev::measure::verify::{Expected, check};
use virt_sev::measure::vmsa::{InitialState, VcpuSetup, VcpuState, Vmsa};
use virt_sev::redact::Secret;
use virt_sev::session::blob::SessionBlob;
use virt_sev::session::cert::{Cert, Usage};
use virt_sev::session::chain::Chain;
use virt_sev::session::create::create;
use virt_sev::session::keys::read_key;
use virt_sev::session::roots::Roots;

fn unwrap_on_the_platform(godh: &Path, session: &Path, policy: u32) -> serde_json::Value {
    let policy = policy.to_string();
    let pem = platform().join("pdh.pem");
    platform_does([OsStr::new("unwrap"), pem.as_ref(), godh.as_ref(), session.as_ref(), policy.as_ref()])
}

#[test]
fn a_session_made_by_sevctl_is_read_and_bound_to_its_policy() {
    for policy in POLICIES {
        let dir = tempfile::tempdir().unwrap();
        let pdh = platform().join("pdh.cert");
        let out = sevctl(["session", pdh.to_str().unwrap(), &policy.to_string()], dir.path());
        assert!(out.status.success(), "{out:?}");
        let godh = Cert::parse(Usage::Pdh, &read(dir.path(), "vm_godh.b64")).unwrap();
        let blob = SessionBlob::parse(&read(dir.path(), "vm_session.b64")).unwrap();
        let tik = read_key("TIK", &mut &read(dir.path(), "vm_tik.bin")[..]).unwrap();
        assert!(blob.is_for(policy, &tik).unwrap());
        assert!(!blob.is_for(policy ^ 8, &tik).unwrap());
        assert!(!godh.claims_signature_of(Usage::Pek));
        // The platform in Python opens sevctl's session: it may judge ours.
        let seen = unwrap_on_the_platform(
            &dir.path().join("vm_godh.b64"),
            &dir.path().join("vm_session.b64"),
            policy,
        );
        assert_eq!((&seen["wrap_mac"], &seen["policy_mac"]), (&true.into(), &true.into()));
        assert_eq!(seen["tik"], hex(tik.expose()));
    }
}

#[test]
fn a_session_made_by_us_is_opened_by_the_platform() {
    let pdh = Cert::parse(Usage::Pdh, &read(platform(), "pdh.cert")).unwrap();
    for policy in POLICIES.into_iter().chain([5, 0x1801_003f]) {
        let dir = tempfile::tempdir().unwrap();
        let session = create(&pdh, policy).unwrap();
        session.write(dir.path(), None).unwrap();
        let (godh, blob) = (dir.path().join("godh.b64"), dir.path().join("session.b64"));
        let seen = unwrap_on_the_platform(&godh, &blob, policy);
        assert_eq!(
            seen,
            serde_json::json!({
                "sizes": [2084, 128],
                // Version 1, API 0.0, PDH, ECDH with SHA-256, P-384: as sevctl writes it.
                "header": "0100000000000000031000000300000002000000",
                "rest_is_empty": true,
                "wrap_mac": true,
                "policy_mac": true,
                "tek": hex(&read(dir.path(), "tek.bin")),
                "tik": hex(&read(dir.path(), "tik.bin")),
            })
        );
        assert_eq!(unwrap_on_the_platform(&godh, &blob, policy ^ 1)["policy_mac"], false);
    }
}

#[test]
fn a_measurement_is_confirmed_by_both_peers_and_a_changed_one_by_nobody() {
    let files = BootFiles::new();
    let pdh = Cert::parse(Usage::Pdh, &read(platform(), "pdh.cert")).unwrap();
    for policy in POLICIES {
        let session = create(&pdh, policy).unwrap();
        session.write(&files.dir().join(format!("session-{policy}")), None).unwrap();
        for direct in [false, true] {
            let hashes = direct.then(|| files.hashes());
            let digest = launch_digest(&mut files.firmware(), hashes.as_ref(), None).unwrap();
            let seen = measured(policy, &digest, &session.keys.tik);

            assert_eq!(
                files.sevctl_measurement(policy, direct, &seen.measurement[32..], &[]),
                seen.measurement
            );
            assert_eq!(files.validate(&seen, direct, &[]), (0, String::new()));

            for byte in [0, 31, 32, 47] {
                let mut changed = seen;
                changed.measurement[byte] ^= 1;
                assert_eq!(files.validate(&changed, direct, &[]).0, 1, "byte {byte}");
                assert!(!check(&changed, &Expected::one(digest), &session.keys.tik).unwrap().matched());
            }
            // The other way to boot is another guest.
            assert_eq!(files.validate(&seen, !direct, &[]).0, 1);
        }
    }
}

#[test]
fn the_kernel_table_agrees_where_initrd_or_command_line_are_missing_or_odd() {
    let files = BootFiles::new();
    let pdh = Cert::parse(Usage::Pdh, &read(platform(), "pdh.cert")).unwrap();
    let session = create(&pdh, 1).unwrap();
    session.write(&files.dir().join("session-1"), None).unwrap();
    for (initrd, cmdline) in [
        (false, None),
        (true, None),
        (false, Some("")),
        (true, Some(" console=ttyS0 ")),
        (true, Some("root=UUID=ä \t\"quoted value\"")),
    ] {
        let hashes = files.hashes_of(initrd, cmdline);
        let digest = launch_digest(&mut files.firmware(), Some(&hashes), None).unwrap();
        let seen = measured(1, &digest, &session.keys.tik);
        let kernel = peers::kernel();
        let mut args = vec!["--kernel", kernel.to_str().unwrap()];
        args.extend(initrd.then_some(["--initrd", "initrd"]).into_iter().flatten());
        args.extend(cmdline.map(|c| ["--cmdline", c]).into_iter().flatten());
        assert_eq!(files.validate(&seen, false, &args), (0, String::new()), "{initrd} {cmdline:?}");
    }
}

#[test]
fn vmsa_pages_and_sev_es_digests_agree() {
    let files = BootFiles::new();
    let image = fs::read(peers::firmware()).unwrap();
    let reset = ovmf::inspect(&image).unwrap().es_reset_addr;
    let pdh = Cert::parse(Usage::Pdh, &read(platform(), "pdh.cert")).unwrap();
    let policy = 5;
    let session = create(&pdh, policy).unwrap();
    session.write(&files.dir().join("session-5"), None).unwrap();
    // Naples, Milan, Genoa, Turin.
    for (family, model, stepping) in [(23, 1, 2), (25, 1, 1), (25, 17, 1), (26, 2, 1)] {
        let cpu = CpuSignature::new(family, model, stepping).unwrap();
        let firmware = peers::firmware();
        for n in ["0", "1"] {
            let out = sevctl(
                [
                    "vmsa",
                    "build",
                    &format!("vmsa{n}"),
                    "--userspace",
                    "qemu",
                    "--cpu",
                    n,
                    "--family",
                    &family.to_string(),
                    "--model",
                    &model.to_string(),
                    "--stepping",
                    &stepping.to_string(),
                    "--firmware",
                    firmware.to_str().unwrap(),
                ],
                files.dir(),
            );
            assert!(out.status.success(), "{out:?}");
        }
        let (vmsa0, vmsa1) = (read(files.dir(), "vmsa0"), read(files.dir(), "vmsa1"));
        let setup = VcpuSetup::sev_es(cpu, InitialState::Legacy);
        assert!(Vmsa::boot(&setup).bytes()[..] == vmsa0, "the boot processor's page");
        assert!(Vmsa::further(&setup, reset.unwrap()).bytes()[..] == vmsa1, "the further processors' page");
        for count in [1, 2, 5] {
            let built = VcpuState::built(&setup, reset, count).unwrap();
            let hashes = files.hashes();
            let digest = launch_digest(&mut &image[..], Some(&hashes), Some(&built)).unwrap();
            let seen = measured(policy, &digest, &session.keys.tik);
            let count = count.to_string();
            let pages = ["--num-cpus", &count, "--vmsa-cpu0", "vmsa0", "--vmsa-cpu1", "vmsa1"];
            let sku = [
                "--num-cpus",
                &count,
                "--cpu-family",
                &family.to_string(),
                "--cpu-model",
                &model.to_string(),
                "--cpu-stepping",
                &stepping.to_string(),
            ];
            assert_eq!(
                files.sevctl_measurement(policy, true, &seen.measurement[32..], &pages),
                seen.measurement
            );
            assert_eq!(files.validate(&seen, true, &pages), (0, String::new()));
            assert_eq!(files.validate(&seen, true, &sku), (0, String::new()));
            // The newer initial state is another digest, which these peers do not know.
            let newer = VcpuSetup { state: InitialState::Init2, ..setup };
            let newer = VcpuState::built(&newer, reset, 1).unwrap();
            assert_ne!(launch_digest(&mut &image[..], Some(&hashes), Some(&newer)).unwrap(), digest);
        }
    }
}

#[test]
fn the_amdsev_firmware_names_everything_that_a_launch_needs() {
    let contents = ovmf::inspect(&fs::read(peers::firmware()).unwrap()).unwrap();
    assert!(contents.es_reset_addr.is_some(), "{contents:?}");
    // The table of 176 bytes and a table with one key of 64 bytes fit.
    assert!(contents.hashes.is_some_and(|a| a.size >= 176), "{contents:?}");
    assert!(contents.secret.is_some_and(|a| a.size >= 112), "{contents:?}");
    assert!(contents.has_snp_metadata(), "{contents:?}");
}

#[test]
fn secret_packets_of_all_three_hold_the_same_table() {
    const OTHER: &str = "0a46e24d-478c-4eb1-8696-113eeec3aa99";
    const LUKS: &str = "736869e5-84f0-4973-92ec-06879ce3da0b";
    let files = BootFiles::new();
    let dir = files.dir();
    let pdh = Cert::parse(Usage::Pdh, &read(platform(), "pdh.cert")).unwrap();
    let session = create(&pdh, 1).unwrap();
    session.write(&dir.join("session-1"), None).unwrap();
    let digest = launch_digest(&mut files.firmware(), None, None).unwrap();
    let seen = measured(1, &digest, &session.keys.tik);
    let measurement = base64(&seen.measurement);
    let open = |header: &Path, payload: &Path| {
        let (tek, tik) = (dir.join("session-1/tek.bin"), dir.join("session-1/tik.bin"));
        platform_does([
            OsStr::new("open-packet"),
            tek.as_ref(),
            tik.as_ref(),
            measurement.as_ref(),
            header.as_ref(),
            payload.as_ref(),
        ])
    };
    // 17 and 33 bytes leave padding; 24 and 24 bytes fill the table exactly to a multiple of 16, with two secrets.
    for (first, second) in [(17, 33), (24, 0), (0, 1), (3000, 24)] {
        let secrets = [vec![0xa5; first], vec![0x5a; second]];
        fs::write(dir.join("one"), &secrets[0]).unwrap();
        fs::write(dir.join("two"), &secrets[1]).unwrap();

        let mut table = SecretTable::new();
        for (guid, secret) in [LUKS, OTHER].into_iter().zip(&secrets) {
            table.add(guid.parse().unwrap(), read_secret(&mut &secret[..]).unwrap()).unwrap();
        }
        let table = table.to_bytes(None).unwrap();
        let ours = packet::build(&session.keys.tik, &session.keys.tek, &seen.mac(), &table).unwrap();
        fs::write(dir.join("our-header"), ours.header_base64()).unwrap();
        fs::write(dir.join("our-payload"), ours.payload_base64()).unwrap();
        let ours_seen = open(&dir.join("our-header"), &dir.join("our-payload"));
        assert_eq!(ours_seen["mac"], true);
        assert_eq!(ours_seen["flags"], "00000000");
        assert_eq!(ours_seen["table"], hex(table.expose()));

        let out = sevctl(
            [
                "secret",
                "build",
                "--tik",
                "session-1/tik.bin",
                "--tek",
                "session-1/tek.bin",
                "--launch-measure-blob",
                &measurement,
                "--secret",
                &format!("{LUKS}:one"),
                "--secret",
                &format!("{OTHER}:two"),
                "ctl-header",
                "ctl-payload",
            ],
            dir,
        );
        assert!(out.status.success(), "{out:?}");
        assert_eq!(open(&dir.join("ctl-header"), &dir.join("ctl-payload")), ours_seen);

        let other = format!("{OTHER}:two");
        let args = [
            "--inject-secret",
            "luks-key:one",
            "--inject-secret",
            &other,
            "--secret-header",
            "val-header",
            "--secret-payload",
            "val-payload",
        ];
        assert_eq!(files.validate(&seen, false, &args), (0, String::new()));
        let theirs = open(&dir.join("val-header"), &dir.join("val-payload"));
        assert_eq!(theirs["mac"], true);
        // It pads by 16 bytes more where nothing needs padding; the tables' own lengths are the same.
        let theirs = theirs["table"].as_str().unwrap();
        let ours_hex = hex(table.expose());
        assert!(theirs.starts_with(&ours_hex), "{theirs}\n{ours_hex}");
        assert!(theirs[ours_hex.len()..].chars().all(|c| c == '0') && theirs.len() - ours_hex.len() <= 32);
    }
}

#[test]
fn a_changed_packet_or_another_measurement_is_refused_by_the_platform() {
    let dir = tempfile::tempdir().unwrap();
    let (tek, tik) = (Secret::new([1; 16]), Secret::new([2; 16]));
    fs::write(dir.path().join("tek"), [1; 16]).unwrap();
    fs::write(dir.path().join("tik"), [2; 16]).unwrap();
    let table = Secret::new(vec![7u8; 32]);
    let good = packet::build(&tik, &tek, &[9; 32], &table).unwrap();
    let mac_holds = |header: &[u8], payload: &[u8], measurement: &[u8]| {
        let path = |n: &str| dir.path().join(n);
        fs::write(path("header"), base64(header)).unwrap();
        fs::write(path("payload"), base64(payload)).unwrap();
        let arguments = [
            "open-packet".into(),
            path("tek"),
            path("tik"),
            base64(measurement).into(),
            path("header"),
            path("payload"),
        ];
        platform_does(arguments)["mac"] == true
    };
    assert!(mac_holds(&good.header, &good.payload, &[9; 48]));
    assert!(!mac_holds(&good.header, &good.payload, &[8; 48]));
    for byte in [0, 4, 19, 20, 51] {
        let mut header = good.header;
        header[byte] ^= 1;
        assert!(!mac_holds(&header, &good.payload, &[9; 48]), "byte {byte} of the header");
    }
    let mut payload = good.payload.clone();
    payload[31] ^= 1;
    assert!(!mac_holds(&good.header, &payload, &[9; 48]));
}

fn sevctl_verifies(chain: &Path, ca: Option<&Path>) -> bool {
    let mut args = vec![OsStr::new("verify"), OsStr::new("--sev"), chain.as_ref()];
    if let Some(ca) = ca {
        args.extend([OsStr::new("--ca"), ca.as_ref()]);
    }
    sevctl(args, Path::new("/")).status.success()
}

#[test]
fn a_test_platforms_chain_verifies_with_its_root_and_only_with_it() {
    for bits in [2048, 4096] {
        let dir = peers::new_platform(bits);
        let (chain, ca) = (read(dir.path(), "chain.bin"), read(dir.path(), "ca.bin"));
        assert!(sevctl_verifies(&dir.path().join("chain.bin"), Some(&dir.path().join("ca.bin"))));

        let amd = Roots::built_in().unwrap();
        let mut named = amd.clone();
        named.add("ca.bin", &ca).unwrap();
        let with_ca = [&chain[..], &ca[..]].concat();
        for bytes in [&chain, &with_ca] {
            let verified = Chain::parse(bytes).unwrap().verify(&named).unwrap();
            assert_eq!((verified.root.as_str(), verified.built_in), ("ca.bin", false));
            assert_eq!(verified.pdh.bytes()[..], read(dir.path(), "pdh.cert")[..]);
            let e = Chain::parse(bytes).unwrap().verify(&amd).unwrap_err();
            assert_eq!(e.kind().code().exit, 4);
        }

        let mut unsigned = Chain::parse(&read(dir.path(), "chain-unsigned.bin")).unwrap();
        assert!(!sevctl_verifies(&dir.path().join("chain-unsigned.bin"), Some(&dir.path().join("ca.bin"))));
        let e = unsigned.verify(&named).unwrap_err();
        assert!(e.to_string().starts_with("the CEK certificate is not signed"), "{e}");
        unsigned.replace_cek(&read(dir.path(), "cek.cert")).unwrap();
        assert!(unsigned.verify(&named).is_ok());

        // Another platform's root does not do.
        let mut other = Roots::built_in().unwrap();
        other.add("other.bin", &read(platform(), "ca.bin")).unwrap();
        assert!(!sevctl_verifies(&dir.path().join("chain.bin"), Some(&platform().join("ca.bin"))));
        assert!(Chain::parse(&chain).unwrap().verify(&other).is_err());
    }
}

#[test]
fn real_chains_verify_for_both() {
    for name in ["naples", "rome"] {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/session/testdata/{name}-platform.bin"));
        assert!(sevctl_verifies(&file, None));
        let verified =
            Chain::parse(&fs::read(&file).unwrap()).unwrap().verify(&Roots::built_in().unwrap()).unwrap();
        assert_eq!((verified.root.to_lowercase().as_str(), verified.built_in), (name, true));
    }
}

#[test]
fn a_changed_signed_byte_is_refused_by_both() {
    let (chain, ca) = (read(platform(), "chain.bin"), read(platform(), "ca.bin"));
    let mut roots = Roots::built_in().unwrap();
    roots.add("ca.bin", &ca).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (chain_file, ca_file) = (dir.path().join("chain"), dir.path().join("ca"));
    fs::write(&ca_file, &ca).unwrap();
    for cert in 0..4 {
        // API version, coordinates, reserved bytes, and the signature itself.
        for at in [4, 5, 20, 67, 92, 139, 200, 1043, 1052, 1100, 1124, 1171] {
            let at = cert * 2084 + at;
            let mut changed = chain.clone();
            changed[at] ^= 4;
            let ours = Chain::parse(&changed).and_then(|c| c.verify(&roots));
            assert!(ours.is_err(), "byte {at}");
            fs::write(&chain_file, &changed).unwrap();
            assert!(!sevctl_verifies(&chain_file, Some(&ca_file)), "sevctl accepts byte {at}");
        }
    }
    for at in (0..ca.len()).step_by(31) {
        let mut changed = ca.clone();
        changed[at] ^= 4;
        let ours = Roots::built_in().unwrap().add("ca", &changed);
        assert!(ours.is_err(), "byte {at} of the CA");
    }
}

#[test]
fn fingerprints_are_those_that_sevctl_prints() {
    for bits in [2048, 4096] {
        let dir = peers::new_platform(bits);
        let (chain, ca) = (dir.path().join("chain.bin"), dir.path().join("ca.bin"));
        let args =
            [OsStr::new("verify"), OsStr::new("--sev"), chain.as_ref(), OsStr::new("--ca"), ca.as_ref()];
        let out = sevctl(args, Path::new("/"));
        let said = String::from_utf8(out.stdout).unwrap();
        let both = [read(dir.path(), "chain.bin"), read(dir.path(), "ca.bin")].concat();
        let read = Chain::parse(&both).unwrap();
        let (ask, ark) = read.ca().unwrap();
        let certs = read.certs().map(|c| (c.usage(), c.fingerprint().to_vec()));
        for (usage, fingerprint) in certs.into_iter().chain([ask, ark].map(|c| (c.usage(), c.fingerprint())))
        {
            let line = said
                .lines()
                .find(|l| l.contains(&format!(" {usage} ")) || l.starts_with(&format!("{usage} ")));
            assert!(line.is_some_and(|l| l.ends_with(&hex(&fingerprint))), "{usage}, {bits}: {said}");
        }
    }
}
