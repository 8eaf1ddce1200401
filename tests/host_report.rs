//! What `virt-sev host` says of each host in `tests/roots`: the whole report beside it, as text and as JSON.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this file is a test")]

use std::fs;
use std::path::{Path, PathBuf};
use virt_sev::host::{Fact, HostFacts, RealProbe, Recorder, RootProbe, domcaps};
use virt_sev::preflight::{HostReport, fleet, prometheus};
use virt_sev::report::Style;

fn roots() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/roots");
    let mut roots: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    roots.sort();
    roots
}

fn report(root: &Path) -> HostReport {
    let mut facts = HostFacts::gather(&RootProbe::new(root), &[]);
    if let Ok(xml) = fs::read_to_string(root.join("domcaps.xml")) {
        facts.domcaps = Fact::Known(domcaps::parse(&xml).unwrap());
    }
    HostReport::new(root.file_name().unwrap().to_str().unwrap(), &facts)
}

/// Equal to the file, or written into it with `UPDATE_GOLDEN=1`.
fn golden(file: &Path, text: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(file, text).unwrap();
    }
    let wanted = fs::read_to_string(file).unwrap_or_default();
    assert_eq!(text, wanted, "{}: UPDATE_GOLDEN=1 writes it anew", file.display());
}

#[test]
fn every_host_has_its_report() {
    for root in roots() {
        let report = report(&root);
        golden(&root.join("report.txt"), &report.text(Style { details: true, ..Style::default() }));
        // One is enough to hold the form: both are made from the same report.
        if !root.ends_with("genoa-snp") {
            continue;
        }
        let json = serde_json::to_string_pretty(&report.json()).unwrap();
        golden(&root.join("report.json"), &format!("{json}\n"));
    }
}

#[test]
fn no_line_is_too_long_and_no_failing_layer_is_without_a_fix() {
    for root in roots() {
        let report = report(&root);
        for line in report.text(Style::default()).lines() {
            assert!(line.chars().count() <= 100, "{}: {line}", root.display());
        }
        for told in &report.findings {
            let failing = told.finding.severity == virt_sev::Severity::Error;
            assert!(!failing || !told.finding.fix.is_empty(), "{}: {told:?}", root.display());
        }
    }
}

/// Writes what a recorder kept, and reads it back.
fn again(files: std::collections::BTreeMap<PathBuf, Vec<u8>>) -> (HostFacts, String) {
    let dir = tempfile::tempdir().unwrap();
    let mut all = String::new();
    for (path, bytes) in files {
        all += &String::from_utf8_lossy(&bytes);
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    (HostFacts::gather(&RootProbe::new(dir.path()), &[]), all)
}

#[test]
fn a_collected_report_is_read_back_to_the_same_verdict() {
    for root in roots() {
        let recorder = Recorder::new(RootProbe::new(&root));
        let facts = HostFacts::gather(&recorder, &[]);
        let (back, _) = again(recorder.into_files());
        let text = |facts| HostReport::new("host", facts).text(Style::default());
        assert_eq!(text(&back), text(&facts), "{}", root.display());
    }
}

#[test]
fn this_machine_collected_says_the_same_and_what_was_unreadable_stays_so() {
    let recorder = Recorder::new(RealProbe::system());
    let mut facts = HostFacts::gather(&recorder, &[]);
    let (mut back, _) = again(recorder.into_files());
    // Whether we may open the device is no property of the host.
    for facts in [&mut facts, &mut back] {
        facts.machine.access =
            facts.machine.access.clone().map(|a| virt_sev::host::Access { ours: None, ..a });
    }
    assert_eq!(HostReport::new("host", &back).json(), HostReport::new("host", &facts).json());
}

#[test]
fn a_collected_report_has_no_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("proc/cmdline", "root=/dev/sda luks.key=HUSH iommu=pt\n");
    write("etc/libvirt/qemu.conf", "vnc_password = \"HUSH\"\nnamespaces = []\n");
    write("dmesg", "[1.0] audit: HUSH\n[1.1] ccp 0000:22:00.1: SEV API:1.55 build:8\n");
    write("sys/module/apparmor/parameters/enabled", "Y\n");
    write("etc/apparmor.d/abstractions/libvirt-qemu", "# HUSH\n/dev/sev rw,\n");
    write("run/libvirtd.pid", "9\n");
    write("proc/9/limits", "HUSH\nMax locked memory  unlimited  unlimited  bytes\n");
    write("unreadable", "/dev/cpu/0/msr: Permission denied (os error 13)\n");
    let recorder = Recorder::new(RootProbe::new(dir.path()));
    let facts = HostFacts::gather(&recorder, &[]);
    let (back, all) = again(recorder.into_files());
    assert!(!all.contains("HUSH"), "{all}");
    assert_eq!(back.machine, facts.machine);
    assert_eq!(back.machine.confinement.apparmor, Fact::Known(true));
    assert!(matches!(&back.machine.processor.syscfg, Fact::Unreadable(why) if why.contains("denied")));
    assert!(
        HostReport::new("host", &back)
            .text(Style::default())
            .contains("As root these are read too: SYSCFG, RMP.")
    );
}

#[test]
fn several_hosts_are_a_table_and_metrics() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/roots");
    let reports = ["genoa-full", "milan-init-failed", "turin-snp"].map(|name| report(&folder.join(name)));
    let table = fleet(&reports, Style::default());
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(
        lines,
        [
            "host               sev     sev-es  sev-snp failing",
            "genoa-full         yes     no      no      ASIDs",
            "milan-init-failed  ?       ?       ?",
            "turin-snp          yes     yes     yes",
        ]
    );
    let many = prometheus(&reports);
    assert!(many.contains("virt_sev_asids_free{host=\"turin-snp\",pool=\"sev-es\"} 508\n"), "{many}");
    assert!(!many.contains("virt_sev_asids_used{host=\"milan-init-failed\""), "not known: {many}");
    let one = prometheus(&reports[..1]);
    assert!(one.contains("virt_sev_mode_available{mode=\"sev-snp\"} 0\n"), "{one}");
    assert!(one.contains("virt_sev_asids_used{pool=\"sev-es\"} 99\n"), "{one}");
    assert_eq!(one.matches("# TYPE ").count(), 4);
}
