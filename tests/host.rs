//! Hosts that are folders: facts from `tests/roots`, and the verdict on each mode.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this file is a test")]

use std::fs;
use std::path::{Path, PathBuf};
use virt_sev::config::Mode;
use virt_sev::finding::{Cause, Severity};
use virt_sev::host::{Fact, FirmwareDevice, HostFacts, RealProbe, RootProbe, domcaps};
use virt_sev::preflight::{Decision, verdict};
use virt_sev::report::{Note, Style, render};

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/roots").join(name)
}

fn host(name: &str) -> HostFacts {
    let mut host = HostFacts::gather(&RootProbe::new(root(name)), &[]);
    let caps = root(name).join("domcaps.xml");
    if caps.exists() {
        host.domcaps = Fact::Known(domcaps::parse(&fs::read_to_string(caps).unwrap()).unwrap());
    }
    host
}

const MODES: [Mode; 3] = [Mode::Sev, Mode::SevEs, Mode::SevSnp];

/// Which layers of which mode fail, as `mode path`.
fn failing(name: &str) -> Vec<String> {
    let host = host(name);
    let mut out = Vec::new();
    for mode in MODES {
        let verdict = verdict(mode, &host);
        let failed = verdict.findings.iter().filter(|f| f.severity == Severity::Error);
        let paths: Vec<&str> = failed.map(|f| f.path.as_str()).collect();
        assert_eq!(verdict.available(), paths.is_empty(), "{name} {mode:?}: {:?}", verdict.findings);
        assert_eq!(verdict.decision == Decision::Unavailable, !paths.is_empty());
        out.extend(paths.iter().map(|p| format!("{} {p}", mode.as_str())));
    }
    out
}

const CPU: &str = "processor";
const KVM: &str = "/sys/module/kvm_amd/parameters/";
const LIBVIRT: &str = "libvirt domain capabilities";

#[test]
fn milan_has_every_mode() {
    assert_eq!(failing("milan"), Vec::<String>::new());
    let host = host("milan");
    let cpu = host.cpuid.known().unwrap();
    assert_eq!((cpu.cbitpos, cpu.reduced_phys_bits, cpu.max_asid, cpu.min_sev_asid), (51, 5, 509, 128));
    assert_eq!(host.cpu_vendor.known().unwrap(), "AuthenticAMD");
}

#[test]
fn sev_es_beside_snp_is_a_warning_of_the_host() {
    let verdict = verdict(Mode::SevEs, &host("milan"));
    let warning = verdict.findings.iter().find(|f| f.severity == Severity::Warning).unwrap();
    assert!(warning.detail.contains("1.58") && warning.source.contains("CVE-2025-48514"));
    assert_eq!(warning.cause, Cause::Host);
}

#[test]
fn rome_has_sev_only_whatever_libvirt_lists() {
    assert!(host("rome-sev-only").domcaps.known().unwrap().sev_snp, "libvirt over-reports here");
    assert_eq!(
        failing("rome-sev-only"),
        [
            format!("sev-es {CPU}"),
            format!("sev-es {KVM}sev_es"),
            format!("sev-es {LIBVIRT}"),
            format!("sev-snp {CPU}"),
            format!("sev-snp {KVM}sev_es"),
            format!("sev-snp {KVM}sev_snp"),
            format!("sev-snp {LIBVIRT}"),
        ]
    );
}

#[test]
fn every_asid_for_sev_es_leaves_none_for_sev() {
    assert_eq!(
        failing("all-asids-es"),
        [format!("sev {CPU}"), format!("sev {LIBVIRT}"), format!("sev-snp {KVM}sev_snp")]
    );
}

#[test]
fn a_module_that_is_off_says_which_parameter() {
    let all = failing("module-off");
    for (mode, name) in [("sev", "sev"), ("sev-es", "sev_es"), ("sev-snp", "sev_snp")] {
        assert!(all.contains(&format!("{mode} {KVM}{name}")), "{all:?}");
        assert!(all.contains(&format!("{mode} {LIBVIRT}")), "{all:?}");
    }
    assert!(all.iter().all(|line| !line.ends_with(CPU)));
}

#[test]
fn no_device_fails_every_mode() {
    let all = failing("no-device");
    for mode in MODES {
        assert!(all.contains(&format!("{} /dev/sev", mode.as_str())), "{all:?}");
    }
}

#[test]
fn intel_fails_in_every_layer_and_is_named() {
    let all = failing("intel");
    assert_eq!(all.len(), 4 + 5 + 6, "{all:?}");
    let findings = verdict(Mode::Sev, &host("intel")).findings;
    let notes: Vec<_> = findings.iter().map(Note::new).collect();
    let text = render(&notes, Style { explain: true, ..Style::default() });
    assert!(text.contains("GenuineIntel") && text.contains("fix: ") && text.contains("source: "), "{text}");
}

#[test]
fn a_host_of_which_nothing_is_known_is_told_layer_by_layer() {
    let host = host("nothing");
    assert_eq!((&host.cpuid, &host.dev_sev, &host.firmware), (&Fact::Absent, &Fact::Absent, &Fact::Absent));
    assert_eq!(failing("nothing").len(), 3 + 4 + 5);
}

#[test]
fn descriptors_come_in_order_without_those_hidden_or_for_others() {
    let host = host("milan");
    let firmware = host.firmware.known().unwrap();
    let names: Vec<&str> = firmware.iter().map(|d| d.file.to_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "/usr/share/qemu/firmware/60-edk2-x86_64-amdsev.json",
            "/usr/share/qemu/firmware/60-edk2-x86_64.json"
        ]
    );
    assert_eq!(firmware[0].device, FirmwareDevice::Memory);
    assert_eq!(firmware[0].claims, MODES);
    assert!(!firmware[0].needs_smm);
    assert!(firmware[0].contents.known().is_some(), "the image is there and has no table");
    assert_eq!(firmware[1].device, FirmwareDevice::FlashSplit);
    assert_eq!(firmware[1].claims, [Mode::Sev]);
    assert_eq!(firmware[1].contents, Fact::Absent, "the image is not there");
}

#[test]
fn a_descriptor_in_etc_wins_and_broken_ones_do_not_stop_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let json = |image: &str, features: &str| {
        format!(
            "{{\"interface-types\":[\"uefi\"],\"mapping\":{{\"device\":\"flash\",\"mode\":\"stateless\",\
             \"executable\":{{\"filename\":\"{image}\",\"format\":\"raw\"}}}},\
             \"targets\":[{{\"architecture\":\"x86_64\"}}],\"features\":[{features}]}}"
        )
    };
    write("usr/share/qemu/firmware/50-a.json", &json("/low.fd", ""));
    write("etc/qemu/firmware/50-a.json", &json("/high.fd", "\"requires-smm\",\"amd-sev-es\""));
    write("etc/qemu/firmware/10-broken.json", "{");
    write("etc/qemu/firmware/20-kernel.json", "{\"mapping\":{\"device\":\"kernel\",\"filename\":\"/k\"}}");
    write("etc/qemu/firmware/.hidden.json", &json("/hidden.fd", ""));
    write("extra.fd", "x");
    let extra = [PathBuf::from("/extra.fd"), PathBuf::from("/missing.fd")];
    let host = HostFacts::gather(&RootProbe::new(dir.path()), &extra);
    let firmware = host.firmware.known().unwrap();
    assert_eq!(firmware.len(), 1);
    assert_eq!(firmware[0].image, Path::new("/high.fd"));
    assert_eq!(firmware[0].device, FirmwareDevice::FlashStateless);
    assert_eq!(firmware[0].claims, [Mode::SevEs]);
    assert!(firmware[0].needs_smm);
    assert!(host.firmware_image(&extra[0]).known().is_some());
    assert_eq!(host.firmware_image(&extra[1]), &Fact::Absent);
    assert_eq!(host.firmware_image(Path::new("/high.fd")), &Fact::Absent);
    assert_eq!(host.firmware_image(Path::new("/other.fd")), &Fact::NotAsked);
}

#[test]
fn a_parameter_that_is_neither_yes_nor_no_is_not_taken_for_either() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("sys/module/kvm_amd/parameters");
    fs::create_dir_all(&folder).unwrap();
    for (text, wanted) in
        [("Y\n", Some(true)), ("y", Some(true)), ("1", Some(true)), ("N\n", Some(false)), ("0", Some(false))]
    {
        fs::write(folder.join("sev"), text).unwrap();
        assert_eq!(HostFacts::gather(&RootProbe::new(dir.path()), &[]).kvm_amd.sev.known().copied(), wanted);
    }
    fs::write(folder.join("sev"), "perhaps").unwrap();
    let host = HostFacts::gather(&RootProbe::new(dir.path()), &[]);
    assert!(matches!(&host.kvm_amd.sev, Fact::Unreadable(why) if why.contains("perhaps")));
}

#[test]
fn no_answer_carries_the_path_of_the_root() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("sys/module/kvm_amd/parameters/sev")).unwrap();
    fs::create_dir_all(dir.path().join("cpuid")).unwrap();
    let host = HostFacts::gather(&RootProbe::new(dir.path()), &[PathBuf::from("/sys")]);
    let text = format!("{host:?}");
    assert!(
        matches!(host.cpuid, Fact::Unreadable(_)) && matches!(host.kvm_amd.sev, Fact::Unreadable(_)),
        "{text}"
    );
    assert!(!text.contains(dir.path().to_str().unwrap()), "{text}");
}

#[test]
fn this_machine_is_read_without_an_error() {
    let host = HostFacts::gather(&RealProbe::system(), &[]);
    for mode in MODES {
        let verdict = verdict(mode, &host);
        assert!(!verdict.findings.is_empty());
        assert!(verdict.findings.iter().all(|f| f.id == "mode-host" && !f.title.is_empty()));
    }
}
