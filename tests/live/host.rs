//! `virt-sev host`: this machine, hosts that are folders, and what the simulator was told, through libvirt.

use crate::lab::{Corner, Lab, assert_code, code, err, program};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root(name: &str) -> String {
    let roots = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/roots");
    roots.join(name).to_str().unwrap().to_owned()
}

fn run(args: &[&str]) -> Output {
    // A hypervisor that is not asked for must not be looked for.
    Command::new(program("virt-sev")).env("LIBVIRT_DEFAULT_URI", "nowhere:///").args(args).output().unwrap()
}

fn said(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}

fn json(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {} {}", said(out), err(out)))
}

#[test]
fn a_host_is_judged_off_line_and_the_code_says_whether_any_mode_works() {
    let out = run(&["host", "--host-root", &root("genoa-snp"), "--format", "json"]);
    assert_code(&out, 0);
    let all = json(&out);
    assert_eq!(all["schema"], "virt-sev/host/1");
    assert_eq!(all["modes"]["sev-snp"]["available"], true);
    assert_eq!(all["modes"]["sev"]["asids"]["free"], 904);
    assert!(!said(&out).contains("tests/roots"), "paths do not carry the folder");

    let out = run(&["host", "--host-root", &root("intel")]);
    assert_code(&out, 1);
    assert!(said(&out).contains("GenuineIntel") && said(&out).contains("fix: "), "{}", said(&out));
    assert_code(&run(&["host", "--host-root", "/nowhere"]), 4);
    assert_code(&run(&["host", "--format", "sarif"]), 2);
    assert_code(&run(&["keys", "--format", "prometheus"]), 2);

    // Domain capabilities alone never make a mode available.
    let caps = format!("{}/domcaps.xml", root("genoa-snp"));
    let out = run(&["host", "--domcaps", &caps, "--format", "json"]);
    assert_code(&out, 1);
    assert_eq!(json(&out)["modes"]["sev-snp"]["decision"], "unknown");
}

#[test]
fn a_collected_report_says_the_same_elsewhere_and_nothing_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let folder: PathBuf = dir.path().join("report");
    let name = folder.to_str().unwrap();
    let here = run(&["host", "--collect", name, "--format", "json"]);
    let there = run(&["host", "--host-root", name, "--format", "json"]);
    assert_eq!(code(&here), code(&there));
    assert_eq!(json(&here)["modes"], json(&there)["modes"]);
    assert_eq!(json(&here)["findings"], json(&there)["findings"]);
    let again = run(&["host", "--collect", name]);
    assert_code(&again, 4);
    assert!(again.stdout.is_empty() && err(&again).contains("already"), "{}", err(&again));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing half made stays");
}

#[test]
fn libvirt_says_what_the_simulator_was_told_and_the_machine_has_the_last_word() {
    let corner = Corner::new(Lab::shared());
    let uri = corner.lab.uri.as_str();
    // This machine has no SEV, whatever the simulator offers.
    let own = corner.virt_sev(&["host", "-c", uri, "--format", "json"]);
    let report = json(&own);
    let failing = report["modes"]["sev"]["failing"].to_string();
    assert!(Path::new("/dev/sev").exists() || failing.contains("secure processor"), "{failing}");
    let row = |report: &Value, layer: &str, name: &str| -> String {
        let layers = report["layers"].as_array().unwrap();
        let facts = layers.iter().find(|l| l["name"] == layer).unwrap()["facts"].as_array().unwrap();
        facts.iter().find(|f| f["name"] == name).unwrap()["text"].as_str().unwrap().to_owned()
    };
    assert!(row(&report, "libvirt and QEMU", "QEMU").contains('.'), "{report}");
    let caps = row(&report, "libvirt and QEMU", "domain capabilities");
    // The simulated platform has both; libvirt counts guests by the real processor's leaf.
    assert!(caps.starts_with("sev, ") && caps.contains("sev-snp"), "{caps}");

    // The other side's files fill in what libvirt does not tell.
    let joined = corner.virt_sev(&["host", "-c", uri, "--host-root", &root("genoa-snp"), "--format", "json"]);
    let joined = json(&joined);
    assert_eq!(row(&joined, "processor", "brand"), "AMD EPYC 9124 16-Core Processor");
    let wanted = if caps.contains("maxGuests 0") { "[\"libvirt and QEMU\"]" } else { "[]" };
    assert_eq!(joined["modes"]["sev"]["failing"].to_string(), wanted);
    assert_eq!(row(&joined, "libvirt and QEMU", "domain capabilities"), caps);

    let fleet = corner.virt_sev(&["host", "-c", uri, "-c", uri]);
    assert_eq!(said(&fleet).lines().count(), 3, "{}", said(&fleet));
    let lost = corner.virt_sev(&["host", "-c", uri, "-c", "qemu+unix:///system?socket=/nowhere"]);
    assert_code(&lost, 5);
    assert!(said(&lost).contains(uri), "the one that answers is told: {}", said(&lost));
    assert_code(&corner.virt_sev(&["lint", "--all", "-c", uri, "-c", uri]), 2);
}
