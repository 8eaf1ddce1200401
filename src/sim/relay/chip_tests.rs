//! The chip's answers, without QEMU: a guest with a session made here, memory in a vector.

use super::*;
use crate::crypto::measure::{Claims, measurement};
use crate::crypto::packet::tests::packet;
use crate::guest::argv::{Firmware, SevObject};
use crate::guest::firmware::{Area, tests::image};
use crate::launch::Prepared;
use p384::SecretKey;
use p384::elliptic_curve::Generate;
use std::path::Path;

const SECRET: Area = Area { base: 0x81_0000, size: 0xc00 };
const HASHES: Area = Area { base: 0x81_0c00, size: 0x400 };

#[derive(Default)]
struct Recorded(Vec<(u64, Vec<u8>)>);

impl Memory for Recorded {
    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<()> {
        self.0.push((address, bytes.to_vec()));
        Ok(())
    }
}

struct Bench {
    chip: Chip,
    _folder: tempfile::TempDir,
}

fn platform() -> Platform {
    let bytes = |n: u8| vec![n; 2084];
    Platform { pdh_key: SecretKey::generate(), pdh: bytes(1), chain: bytes(2), id: vec![3; 64] }
}

fn sev(policy: u64) -> SevObject {
    SevObject {
        snp: false,
        policy,
        cbitpos: Some(51),
        reduced_phys_bits: Some(1),
        dh_cert_file: None,
        session_file: None,
        kernel_hashes: false,
    }
}

fn prepare(
    sev: &SevObject,
    firmware: &[u8],
    settings: &Settings,
    folder: &Path,
) -> Result<(Guest, Prepared, State)> {
    let file = folder.join("fw.fd");
    std::fs::write(&file, firmware).unwrap();
    let firmware = Firmware::Bios(file);
    let guest = Guest { name: "g".into(), sev: Some(sev.clone()), firmware, vcpus: 2, ..Guest::default() };
    let state = State::new(&folder.join("state")).unwrap();
    let prepared = Prepared::new(sev, &guest, settings, &platform(), &state, Path::new("/none"))?;
    Ok((guest, prepared, state))
}

fn bench_with(sev: &SevObject, secret: Area) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let settings_file = folder.path().join(crate::settings::FILE);
    let settings = Settings::default();
    settings.write(&settings_file).unwrap();
    let image = image(8192, secret, HASHES, 0x80_b004);
    let (guest, prepared, state) = prepare(sev, &image, &settings, folder.path()).unwrap();
    let launch = Some(prepared.measure(0x00a0_0f11, &settings, &state).unwrap());
    let chip = Chip { settings_file, settings, platform: platform(), state, guest, launch, running: false };
    Bench { chip, _folder: folder }
}

impl Bench {
    fn set(&self, faults: &[Fault]) {
        let settings = Settings { faults: faults.to_vec(), ..Settings::default() };
        settings.write(&self.chip.settings_file).unwrap();
    }

    fn ask(&mut self, command: &str) -> Result<Answer> {
        self.chip.answer(command, &json!({}), &mut Recorded::default())
    }

    fn value(&mut self, command: &str) -> Value {
        let Answer::Return(value) = self.ask(command).unwrap() else { panic!("{command}: no answer") };
        value
    }

    fn measured(&mut self) -> Vec<u8> {
        let value = self.value("query-sev-launch-measure");
        STANDARD.decode(value["data"].as_str().unwrap()).unwrap()
    }

    /// What a guest owner computes, from the specification.
    fn expected(&self, policy: u32, nonce: &[u8]) -> Vec<u8> {
        let launch = self.chip.launch.as_ref().unwrap();
        let claims = Claims { api: (1, 55), build: 21, policy };
        measurement(&launch.keys.tik, claims, &launch.digest, nonce.try_into().unwrap()).unwrap().to_vec()
    }

    fn inject(&mut self, arguments: &Value) -> Result<Vec<(u64, Vec<u8>)>> {
        let mut memory = Recorded::default();
        self.chip.answer("sev-inject-launch-secret", arguments, &mut memory)?;
        Ok(memory.0)
    }

    fn packet(&self, plain: &[u8]) -> Value {
        let launch = self.chip.launch.as_ref().unwrap();
        let (header, data) = packet(&launch.keys, &launch.measurement(&[]).unwrap(), plain);
        json!({"packet-header": STANDARD.encode(header), "secret": STANDARD.encode(data)})
    }
}

#[test]
fn the_measurement_is_the_owners() {
    let mut bench = bench_with(&sev(3), SECRET);
    let got = bench.measured();
    assert_eq!(got, bench.expected(3, &got[32..]));
    assert_eq!(got, bench.measured(), "asking twice changes nothing");
    let info = bench.value("query-sev");
    assert_eq!(info["policy"], 3);
    assert_eq!(info["state"], "launch-secret");
    assert_eq!(info["sev-type"], "sev");
}

#[test]
fn every_fault_shows() {
    let mut bench = bench_with(&sev(3), SECRET);
    for fault in
        [Fault::TamperedFirmware, Fault::StaleMeasurement, Fault::RandomMeasurement, Fault::WrongPolicy]
    {
        bench.set(&[fault]);
        let got = bench.measured();
        assert_ne!(got, bench.expected(3, &got[32..]), "{fault}");
    }
    bench.set(&[Fault::WrongPolicy]);
    assert_eq!(bench.value("query-sev")["policy"], 2);
    let got = bench.measured();
    assert_eq!(got, bench.expected(2, &got[32..]), "the chip is honest about the wrong policy");
    bench.set(&[Fault::WrongBuildId]);
    assert_eq!(bench.value("query-sev")["build-id"], 22);
    bench.set(&[Fault::HangAt(Step::Measure)]);
    assert_eq!(bench.ask("query-sev-launch-measure").unwrap(), Answer::Silence);
    bench.set(&[Fault::HangAt(Step::Inject), Fault::HangAt(Step::Resume)]);
    for command in ["sev-inject-launch-secret", "cont"] {
        assert_eq!(bench.ask(command).unwrap(), Answer::Silence);
    }
    bench.set(&[Fault::CrashAt(Step::Measure)]);
    assert_eq!(bench.ask("query-sev-launch-measure").unwrap(), Answer::Die(Step::Measure));
    bench.set(&[]);
    let got = bench.measured();
    assert_eq!(got, bench.expected(3, &got[32..]), "a fault that is taken back is gone");
}

#[test]
fn the_stale_measurement_is_the_launch_befores() {
    let mut bench = bench_with(&sev(1), SECRET);
    let first = bench.measured();
    let settings = Settings::default();
    let folder = bench._folder.path().to_path_buf();
    let (_, prepared, state) = prepare(&sev(1), &image(8192, SECRET, HASHES, 4), &settings, &folder).unwrap();
    bench.chip.launch = Some(prepared.measure(0, &settings, &state).unwrap());
    assert_ne!(bench.measured(), first);
    bench.set(&[Fault::StaleMeasurement]);
    assert_eq!(bench.measured(), first);
}

#[test]
fn a_secret_reaches_memory_once_decrypted_and_is_kept() {
    let mut bench = bench_with(&sev(1), SECRET);
    let plain = [7u8; 64];
    let packet = bench.packet(&plain);
    assert_eq!(bench.inject(&packet).unwrap(), [(0x81_0000, plain.to_vec())]);
    let folder = bench.chip.state.guest("g").unwrap();
    assert_eq!(std::fs::read(folder.join("secrets/001.bin")).unwrap(), plain);
    let mut elsewhere = packet.clone();
    elsewhere["gpa"] = json!(0x1000);
    assert_eq!(bench.inject(&elsewhere).unwrap()[0].0, 0x1000);

    assert_eq!(bench.ask("cont").unwrap(), Answer::Pass);
    let refused = bench.inject(&packet).unwrap_err().to_string();
    assert_eq!(refused, "SEV: Not in correct state. (LSECRET) 3");
    assert_eq!(bench.value("query-sev")["state"], "running");
    let log = std::fs::read_to_string(bench._folder.path().join("state/log")).unwrap();
    assert!(!log.contains("\u{7}\u{7}") && log.contains("64 bytes at 0x810000"));
}

#[test]
fn secrets_are_refused_as_qemu_and_the_chip_refuse_them() {
    let mut bench = bench_with(&sev(1), Area { base: 0, size: 0 });
    let packet = bench.packet(&[7; 16]);
    assert!(bench.inject(&packet).unwrap_err().to_string().contains("secret area is empty"));

    let mut bench = bench_with(&sev(1), Area { size: 32, ..SECRET });
    assert!(bench.inject(&bench.packet(&[7; 48])).unwrap_err().to_string().contains("48 bytes"));
    let mut bad = bench.packet(&[7; 16]);
    bad["secret"] = json!("!");
    assert_eq!(bench.inject(&bad).unwrap_err().to_string(), "SEV: Failed to decode data");
    bad["packet-header"] = json!("");
    assert_eq!(bench.inject(&bad).unwrap_err().to_string(), "SEV: Failed to decode sequence header");
    let stranger = bench_with(&sev(1), SECRET).packet(&[7; 16]);
    assert!(bench.inject(&stranger).unwrap_err().to_string().contains("fw_error=11"));
    let ours = bench.packet(&[7; 16]);
    bench.set(&[Fault::CrashAt(Step::Inject)]);
    let crash = bench.chip.answer("sev-inject-launch-secret", &ours, &mut Recorded::default()).unwrap();
    assert_eq!(crash, Answer::Die(Step::Inject));
}

#[test]
fn es_measures_the_processors_too() {
    let one = bench_with(&sev(1), SECRET);
    let es = bench_with(&sev(5), SECRET);
    assert_ne!(one.chip.launch.unwrap().digest, es.chip.launch.unwrap().digest);
}

#[test]
fn snp_has_no_measurement_and_another_shape() {
    let snp = SevObject { snp: true, policy: 0x30000, ..sev(0) };
    let mut bench = bench_with(&snp, SECRET);
    let refused = bench.ask("query-sev-launch-measure").unwrap_err().to_string();
    assert_eq!(refused, "SEV launch measurement is not available");
    let info = bench.value("query-sev");
    assert_eq!((info["sev-type"].as_str(), info["snp-policy"].as_u64()), (Some("sev-snp"), Some(0x30000)));
    assert!(info.get("policy").is_none());
    assert!(bench.ask("migrate").unwrap_err().to_string().contains("Migration is not implemented"));
}

#[test]
fn what_hardware_refuses_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let good = image(8192, SECRET, HASHES, 0x80_b004);
    let refused = |sev: &SevObject, settings: &Settings| {
        prepare(sev, &good, settings, folder.path()).err().map(|e| e.to_string()).unwrap_or_default()
    };
    let usual = Settings::default();
    let with = |faults: &[Fault]| Settings { faults: faults.to_vec(), ..Settings::default() };
    assert_eq!(refused(&sev(1), &usual), "");
    let cbit = SevObject { cbitpos: Some(47), ..sev(1) };
    assert!(refused(&cbit, &usual).contains("cbitpos check failed, host '51' requested '47'"));
    let bits = SevObject { reduced_phys_bits: Some(0), ..sev(1) };
    assert!(refused(&bits, &usual).contains("reduced_phys_bits check failed"));
    assert!(refused(&sev(0x41), &usual).contains("fw_error=7"));
    assert!(refused(&sev(0x3801_0001), &usual).contains("asks for API 1.56"));
    assert_eq!(refused(&sev(0x3701_0001), &usual), "");
    assert!(refused(&sev(5), &with(&[Fault::NoEs])).contains("host SEV-ES support unavailable"));
    assert_eq!(refused(&sev(1), &with(&[Fault::NoEs])), "");
    assert!(refused(&sev(1), &with(&[Fault::NoSev])).contains("/dev/sev"));
    assert!(refused(&sev(1), &with(&[Fault::NoAsid])).contains("ret=-16"));
    assert!(
        refused(&SevObject { session_file: Some("/s".into()), ..sev(1) }, &usual).contains("fw_error=22")
    );
    let snp = SevObject { snp: true, policy: 0x10000, ..sev(0) };
    assert!(refused(&snp, &usual).contains("bit 17"));
    let none = Settings { modes: vec![Mode::Sev], ..Settings::default() };
    assert!(refused(&SevObject { policy: 0x30000, ..snp }, &none).contains("SEV-SNP support unavailable"));
}

#[test]
fn capabilities_carry_the_platform_and_vanish_with_sev() {
    let mut bench = bench_with(&sev(1), SECRET);
    let caps = bench.value("query-sev-capabilities");
    assert_eq!(caps["cbitpos"], 51);
    assert_eq!(STANDARD.decode(caps["pdh"].as_str().unwrap()).unwrap(), vec![1; 2084]);
    assert_eq!(bench.ask("qom-list-types").unwrap(), Answer::Pass);
    for question in ["query-kvm", "query-accelerators"] {
        assert_eq!(bench.ask(question).unwrap(), Answer::Pass);
    }
    bench.set(&[Fault::NoSev]);
    assert_eq!(bench.ask("query-sev-capabilities").unwrap_err().to_string(), "SEV is not enabled in KVM");
    assert_eq!(
        bench.ask("qom-list-types").unwrap(),
        Answer::WithoutTypes(vec!["sev-guest", "sev-snp-guest"])
    );
}
