//! The start of the hook programs against `true`, and beside a hook in Python that only parses the domain and looks at its
//! policy. The runs take turns. libvirt waits for its hook, so what counts is the whole process.

mod common;

use common::{median, time};
use std::fs::{self, File};
use std::io::{Result, Write as _};
use std::process::Command;

const TURNS: usize = 200;
const SLOW: usize = 10;
const PEER: &str = "\
import sys, xml.etree.ElementTree as tree
domain = tree.parse(sys.stdin).getroot()
security = domain.find('launchSecurity')
sys.exit(1 if security is not None and not int(security.findtext('policy'), 0) & 1 else 0)
";

fn main() -> Result<()> {
    let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cases/001-virt-install-uefi");
    let (plain, sev) = (format!("{cases}/in.xml"), format!("{cases}/out.xml"));
    let peer = std::env::temp_dir().join(format!("virt-sev-hook-{}.py", std::process::id()));
    File::create(&peer)?.write_all(PEER.as_bytes())?;
    let state = std::env::temp_dir();
    let hook = |operation: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_virt-sev-libvirt-hook"));
        command.args(["web1", operation, "begin", "-"]).env("XDG_STATE_HOME", &state);
        command.env("VIRT_SEV_LOG_SOCKET", "/nowhere").env("VIRT_SEV_SITE_POLICY", "/nowhere");
        command
    };
    let time = |mut command: Command, input: &str| time(command.stdin(File::open(input)?));
    let (mut trues, mut others, mut plains, mut sevs, mut peers) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for turn in 0..TURNS {
        trues.push(time(Command::new("true"), &sev)?);
        others.push(time(hook("stopped"), &sev)?);
        plains.push(time(hook("prepare"), &plain)?);
        sevs.push(time(hook("prepare"), &sev)?);
        if turn % SLOW == 0 {
            let mut command = Command::new("/usr/bin/python3");
            command.arg(&peer);
            peers.push(time(command, &sev)?);
        }
    }
    fs::remove_file(&peer)?;
    let nothing = median(trues);
    println!("medians of {TURNS} turns ({} of Python)", TURNS / SLOW);
    for (what, times) in [
        ("virt-sev-libvirt-hook stopped", others),
        ("virt-sev-libvirt-hook prepare, without SEV", plains),
        ("virt-sev-libvirt-hook prepare, SEV", sevs),
        ("a hook in Python", peers),
    ] {
        let time = median(times);
        println!("{what:<44} {:7.2} ms    {:.1} times true", time * 1e3, time / nothing);
    }
    Ok(())
}
