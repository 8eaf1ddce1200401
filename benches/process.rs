//! `virt-sev apply` as a whole process, against `virt-xml --edit --launchSecurity` on the same document and against `true`,
//! which is what any process costs. The runs take turns, so that what else the machine does meets them all alike.

mod common;

use common::{found, median, time};
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
    let time = |command: &mut Command| time(command.stdin(File::open(&input)?));
    // What is in the page cache is there for all of them.
    for mut command in [nothing(), apply(), peer()] {
        time(&mut command)?;
    }
    let (mut trues, mut applies, mut peers) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..TURNS {
        trues.push(time(&mut nothing())?);
        applies.push(time(&mut apply())?);
        if turn % SLOW == 0 {
            peers.push(time(&mut peer())?);
        }
    }
    let (nothing, apply, peer) = (median(trues), median(applies), median(peers));
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
    Ok(())
}
