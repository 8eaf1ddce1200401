//! What `virt-sev host` says of each host in `tests/roots`: the whole report beside it, as text and as JSON.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this file is a test")]

use std::fs;
use std::path::{Path, PathBuf};
use virt_sev::host::{Fact, HostFacts, RootProbe, domcaps};
use virt_sev::preflight::HostReport;
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
