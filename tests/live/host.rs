//! `virt-sev host`: this machine, hosts that are folders, and what the simulator was told, through libvirt.

use crate::afar::Afar;
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

/// Every process that the dynamic linker loads anything into says so, with its number: there is one, and no PATH to find
/// another program by. Nothing that the report needs comes from the environment.
#[test]
fn a_report_starts_no_program_and_needs_no_environment() {
    let mut command = Command::new(program("virt-sev"));
    let out = command.arg("host").env_clear().env("LD_DEBUG", "files").output().unwrap();
    let numbers: std::collections::BTreeSet<String> = err(&out)
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(number, _)| number.trim().to_owned())
        .filter(|number| number.parse::<u32>().is_ok())
        .collect();
    assert_eq!(numbers.len(), 1, "{numbers:?}: {}", err(&out));
    assert!(said(&out).starts_with("this machine\n"), "{}", said(&out));
}

fn row<'a>(report: &'a Value, layer: &str, name: &str) -> &'a Value {
    let layers = report["layers"].as_array().unwrap();
    let facts = layers.iter().find(|l| l["name"] == layer).unwrap()["facts"].as_array().unwrap();
    facts.iter().find(|f| f["name"] == name).unwrap_or_else(|| panic!("{layer}: no {name}"))
}

const LIBVIRT: &str = "libvirt and QEMU";
const MODES: [&str; 3] = ["sev", "sev-es", "sev-snp"];

/// Each line: what the simulator is told, what libvirt's domain capabilities are then, whether it has node SEV info, and
/// the modes that libvirt and a host with everything agree on.
#[test]
fn libvirt_says_what_the_simulator_was_told_and_the_machine_has_the_last_word() {
    let lab = Lab::start();
    let corner = Corner::new(&lab);
    let uri = lab.uri.as_str();
    let told: [(&[&str], &str, bool, &[&str]); 4] = [
        (&["sev", "es", "snp"], "sev, sev-es, sev-snp; maxGuests 410, maxESGuests 99", true, &MODES),
        (&["sev", "es"], "sev, sev-es; maxGuests 410, maxESGuests 99", true, &MODES[..2]),
        (&["sev"], "sev; maxGuests 410, maxESGuests 0", true, &MODES[..1]),
        (&[], "no SEV", false, &[]),
    ];
    for (offer, caps, node, agreed) in told {
        lab.sev_lab(&[&["offer"][..], offer].concat());
        let own = json(&corner.virt_sev(&["host", "-c", uri, "--format", "json"]));
        assert_eq!(row(&own, LIBVIRT, "domain capabilities")["text"], caps, "{offer:?}");
        let info = row(&own, LIBVIRT, "node SEV info");
        let known = if node { ("known", "chip named") } else { ("unreadable", "") };
        assert_eq!(info["state"], known.0, "{info}");
        assert!(info["text"].as_str().unwrap().contains(known.1), "{info}");
        assert!(row(&own, LIBVIRT, "QEMU")["text"].as_str().unwrap().contains('.'));
        // This machine has no SEV, whatever the simulator offers.
        for mode in MODES {
            let failing = own["modes"][mode]["failing"].to_string();
            assert!(Path::new("/dev/sev").exists() || failing.contains("secure processor"), "{failing}");
        }
        // A host with everything has what libvirt says, and no more.
        let root = root("genoa-snp");
        let joined = json(&corner.virt_sev(&["host", "-c", uri, "--host-root", &root, "--format", "json"]));
        assert_eq!(row(&joined, "processor", "brand")["text"], "AMD EPYC 9124 16-Core Processor");
        for mode in MODES {
            let verdict = &joined["modes"][mode];
            assert_eq!(verdict["available"], agreed.contains(&mode), "{offer:?} {mode}: {verdict}");
            let failing = if agreed.contains(&mode) { "[]" } else { "[\"libvirt and QEMU\"]" };
            assert_eq!(verdict["failing"].to_string(), failing, "{offer:?} {mode}");
        }
    }

    // A daemon that hangs is told by its name, and another host is told all the same.
    lab.signal_daemon("-STOP");
    let out = corner.virt_sev(&["host", "-c", uri, "-c", "test:///default", "--timeout", "2"]);
    lab.signal_daemon("-CONT");
    assert_code(&out, 5);
    assert!(said(&out).contains("test:///default"), "{}", said(&out));
    assert!(
        err(&out).contains(uri) && err(&out).contains("`virt-sev explain no-daemon-answer`"),
        "{}",
        err(&out)
    );
}

#[test]
fn several_hosts_are_a_table_and_one_that_is_lost_hides_no_other() {
    let corner = Corner::new(Lab::shared());
    let uri = corner.lab.uri.as_str();
    let fleet = corner.virt_sev(&["host", "-c", uri, "-c", uri]);
    assert_eq!(said(&fleet).lines().count(), 3, "{}", said(&fleet));
    let lost = corner.virt_sev(&["host", "-c", uri, "-c", "qemu+unix:///system?socket=/nowhere"]);
    assert_code(&lost, 5);
    assert!(said(&lost).contains(uri), "the one that answers is told: {}", said(&lost));
    assert_code(&corner.virt_sev(&["lint", "--all", "-c", uri, "-c", uri]), 2);
}

/// Of a remote host only libvirt is heard, and what this machine has is not taken for it; its own report fills the rest in.
#[test]
fn a_remote_host_is_told_by_libvirt_and_by_the_folder_that_came_from_it() {
    let corner = Corner::new(Lab::shared());
    let afar = Afar::new(&corner);
    let ask = |more: &[&str]| {
        let mut command = corner.command(&["host", "-c", &afar.uri, "--format", "json"]);
        command.args(more);
        afar.run(command)
    };
    let alone = ask(&[]);
    assert_code(&alone, 1);
    let report = json(&alone);
    for (layer, name) in [
        ("processor", "encrypted memory"),
        ("kernel module", "sev"),
        ("secure processor", "/dev/sev"),
        ("secure processor", "platform status"),
        ("ASIDs", "sev ASIDs"),
        ("confinement", "AppArmor"),
        ("firmware images", "descriptors"),
    ] {
        assert_eq!(row(&report, layer, name)["state"], "not-asked", "{layer}: {name}");
    }
    assert_eq!(row(&report, LIBVIRT, "domain capabilities")["state"], "known");
    for mode in MODES {
        assert_eq!(report["modes"][mode]["decision"], "unknown", "libvirt alone proves nothing");
    }
    assert!(said(&alone).contains("--host-root"), "{}", said(&alone));
    let both = ask(&["--host-root", &root("genoa-snp")]);
    assert_code(&both, 0);
    for mode in MODES {
        assert_eq!(json(&both)["modes"][mode]["available"], true, "{mode}: {}", said(&both));
    }
}
