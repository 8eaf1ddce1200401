//! Guests of Proxmox VE.

use crate::config::import::Format;
use crate::config::{Technology, from_text, from_text_as, resolve};

/// The policy, and what is said.
fn means(text: &str) -> (String, usize) {
    let raw = from_text_as(text, "f", Format::Proxmox).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let policy = match resolve(&raw).unwrap().map(|c| (c.technology, c.kernel_hashes)) {
        Some((Technology::Sev { policy, .. }, hashes)) => format!("{:#x} {hashes:?}", policy.0),
        Some((Technology::Snp(launch), hashes)) => format!("snp {:#x} {hashes:?}", launch.policy.0),
        None => "none".into(),
    };
    (policy, raw.notes().len())
}

#[test]
fn every_type_has_the_policy_that_proxmox_gives_it() {
    for (line, wanted) in [
        ("amd-sev: type=std", ("0x8 Auto", 0)),
        ("amd_sev: std", ("0x8 Auto", 0)),
        ("std", ("0x8 Auto", 0)),
        ("type=std,no-debug=1", ("0x9 Auto", 0)),
        ("amd-sev: type=std,no-debug=1,no-key-sharing=1,kernel-hashes=1", ("0xb Yes", 0)),
        ("amd-sev: type=es,no-debug=on", ("0xd Auto", 0)),
        ("amd-sev: no-debug=1,type=es,kernel-hashes=0", ("0xd No", 0)),
        ("amd-sev: snp", ("snp 0xb0000 Auto", 0)),
        ("amd-sev: type=snp,no-debug=1,allow-smt=0", ("snp 0x20000 Auto", 0)),
        // Proxmox ignores these, and they have no key.
        ("amd-sev: type=snp,no-debug=1,no-key-sharing=1", ("snp 0x30000 Auto", 1)),
        ("amd-sev: type=std,allow-smt=1", ("0x8 Auto", 1)),
        ("cores: 4", ("none", 1)),
    ] {
        assert_eq!(means(line), (wanted.0.to_owned(), wanted.1), "{line}");
    }
}

/// As a file of /etc/pve/qemu-server: a description, settings, a snapshot with another past.
const FILE: &str = "#web: the one\namd-sev: type=es,no-debug=1\nbios: ovmf\ncpu: EPYC-v4\nmachine: q35\n\
                    net0: virtio=BC:24:11:00:00:01,bridge=vmbr0\nparent: before\n\n[before]\namd-sev: type=std\n";

#[test]
fn a_whole_configuration_is_recognised_and_its_snapshots_are_not() {
    assert_eq!(means(FILE), ("0xd Auto".into(), 0));
    let raw = from_text(FILE, "100.conf").unwrap();
    assert_eq!(raw.get("security.sev").unwrap().place, "100.conf:2");
    assert_eq!(means("cores: 2\n[before]\namd-sev: std\n"), ("none".into(), 1));
    let json = "{\"data\": {\"cores\": 4, \"amd-sev\": \"type=es,no-debug=1\"}}";
    assert_eq!(means(json), ("0xd Auto".into(), 0));
    assert_eq!(means("{\"amd-sev\": \"es\"}"), ("0xc Auto".into(), 0));
    assert_eq!(means("\r\namd-sev: std\r\nbios: ovmf\r\n"), ("0x8 Auto".into(), 0));
}

#[test]
fn what_is_not_known_is_refused() {
    for (text, wanted) in [
        ("amd-sev: type=sev", "f:1: not a type of amd-sev: found 'sev', wanted std, es, snp"),
        ("amd-sev: no-debug=1", "not a type of amd-sev: found no type"),
        ("amd-sev: ", "not a type of amd-sev: found ''"),
        ("amd-sev: std,es", "the type stands twice"),
        ("amd-sev: std,no-debug=1,no-debug=0", "no-debug stands twice"),
        ("amd-sev: std,no-debug=2", "no-debug is not a boolean: found '2', wanted 0 or 1"),
        (
            "amd-sev: std,policy=5",
            "found 'policy', wanted type, no-debug, no-key-sharing, allow-smt, kernel-hashes",
        ),
        ("amd-sev: std\namd_sev: es", "f:2: amd-sev stands twice"),
        ("intel-tdx: tdx", "TDX, which is Intel's"),
    ] {
        let e = from_text_as(text, "f", Format::Proxmox).unwrap_err().to_string();
        assert!(e.contains(wanted), "{text:?}: {e}");
    }
    let long = "x".repeat(5 << 20);
    assert!(from_text_as(&long, "f", Format::Proxmox).unwrap_err().to_string().contains("too long"));
    assert!(from_text_as(&"amd-sev: std\n".repeat(100_000), "f", Format::Proxmox).is_err());
}

#[test]
fn every_problem_of_a_line_is_told_in_one_run() {
    let e = from_text("amd-sev: type=foo,no-debug=7,bar=1\n", "f").unwrap_err();
    let all: Vec<_> = e.problems().map(|p| p.alone().to_string()).collect();
    assert_eq!(all.len(), 3, "{all:?}");
    assert!(all[0].contains("'7'") && all[1].contains("'bar'") && all[2].contains("'foo'"), "{all:?}");
}
