//! `virt-sev apply` as a whole process, against `virt-xml --edit --launchSecurity` on the same document, and `virt-sev host`
//! against `virt-host-validate qemu`; both against `true`, which is what any process costs. The runs take turns, so that
//! what else the machine does meets them all alike. On a host with SEV both would answer yes: this is for one without.

mod common;

use common::{found, median, time, time_to};
use std::fs::File;
use std::io::Result;
use std::path::Path;
use std::process::Command;

/// Turns of the quick ones; virt-xml has one in each [`SLOW`] of them.
const TURNS: usize = 200;
const SLOW: usize = 10;

fn main() -> Result<()> {
    let input = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/001-virt-install-uefi/in.xml");
    let virt_xml = found("virt-xml")?;
    // The library that is virt-xml's own, not another Python's.
    let python = Path::new("/usr/bin/python3");
    let nothing = || Command::new("true");
    let apply = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_virt-sev"));
        command.args(["apply", "-q", "--set", "security.sev=true"]);
        command
    };
    let peer = || {
        let mut command = Command::new(python);
        command.arg(&virt_xml).args(["--connect", "test:///default", "--edit", "--print-xml"]);
        command.args(["--launchSecurity", "sev,policy=0x01"]);
        command
    };
    let host = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_virt-sev"));
        command.arg("host");
        command
    };
    let validate = found("virt-host-validate")?;
    let host_peer = || {
        let mut command = Command::new(&validate);
        command.arg("qemu");
        command
    };
    let time = |command: &mut Command| time(command.stdin(File::open(&input)?));
    // 1 is the answer no: this host has no SEV.
    let time_no = |command: &mut Command| time_to(command.stdin(File::open(&input)?), 1);
    // What is in the page cache is there for all of them.
    for mut command in [nothing(), apply(), peer()] {
        time(&mut command)?;
    }
    for mut command in [host(), host_peer()] {
        time_no(&mut command)?;
    }
    let (mut trues, mut applies, mut peers) = (Vec::new(), Vec::new(), Vec::new());
    let (mut hosts, mut host_peers) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        trues.push(time(&mut nothing())?);
        applies.push(time(&mut apply())?);
        hosts.push(time_no(&mut host())?);
        if turn % SLOW == 0 {
            peers.push(time(&mut peer())?);
            host_peers.push(time_no(&mut host_peer())?);
        }
    }
    let (nothing, apply, peer) = (median(trues), median(applies), median(peers));
    let (host, host_peer) = (median(hosts), median(host_peers));
    println!("medians of {TURNS} turns ({} of virt-xml)", TURNS / SLOW);
    println!("true                                {:9.2} ms", nothing * 1e3);
    println!(
        "virt-sev apply                      {:9.2} ms    {:.1} times true",
        apply * 1e3,
        apply / nothing
    );
    println!(
        "virt-xml --edit --launchSecurity    {:9.2} ms    {:.0} times virt-sev apply",
        peer * 1e3,
        peer / apply
    );
    println!(
        "virt-sev host                       {:9.2} ms    {:.1} times true, {} 50 ms",
        host * 1e3,
        host / nothing,
        if host < 0.050 { "under" } else { "NOT under" }
    );
    println!(
        "virt-host-validate qemu             {:9.2} ms    {:.1} times virt-sev host",
        host_peer * 1e3,
        host_peer / host
    );
    Ok(())
}
