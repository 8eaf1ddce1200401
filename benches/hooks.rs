//! The start of the hook programs against `true`, each beside a hook in Python that does a part of the same: for libvirt it
//! parses the domain and looks at its policy; for KubeVirt it parses machine and domain, sets `iommu` and prints. The runs take
//! turns. Whoever calls a hook waits for it, so what counts is the whole process.

mod common;

use common::{median, time};
use std::fs::{self, File};
use std::io::{Result, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const TURNS: usize = 200;
const SLOW: usize = 10;
const PEER: &str = "\
import sys, xml.etree.ElementTree as tree
domain = tree.parse(sys.stdin).getroot()
security = domain.find('launchSecurity')
sys.exit(1 if security is not None and not int(security.findtext('policy'), 0) & 1 else 0)
";

const KUBEVIRT_PEER: &str = "\
import json, sys, xml.etree.ElementTree as tree
machine, domain = json.loads(sys.argv[2]), tree.fromstring(sys.argv[4])
if 'launchSecurity' in machine['spec']['domain']:
    for device in domain.find('devices'):
        if 'virtio' in str(device.attrib):
            tree.SubElement(device, 'driver').set('iommu', 'on')
sys.stdout.write(tree.tostring(domain, 'unicode'))
";

fn main() -> Result<()> {
    libvirt()?;
    kubevirt()
}

/// What the times are, as lines.
fn show(turns: [(&str, Vec<Duration>); 4], nothing: f64) {
    for (what, times) in turns {
        let time = median(times);
        println!("{what:<44} {:7.2} ms    {:.1} times true", time * 1e3, time / nothing);
    }
}

fn peer(text: &str, name: &str) -> Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("virt-sev-{name}-{}.py", std::process::id()));
    File::create(&path)?.write_all(text.as_bytes())?;
    Ok(path)
}

fn python(script: &Path) -> Command {
    let mut command = Command::new("/usr/bin/python3");
    command.arg(script);
    command
}

fn kubevirt() -> Result<()> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/hooks/kubevirt");
    let read = |name: &str| fs::read_to_string(format!("{folder}/{name}"));
    let (plain, sev) =
        ((read("plain.json")?, read("plain.xml")?), (read("sev-es.json")?, read("sev-es.xml")?));
    let peer = peer(KUBEVIRT_PEER, "kubevirt")?;
    let time = |mut command: Command, (vmi, domain): &(String, String)| {
        time(command.args(["--vmi", vmi, "--domain", domain]))
    };
    let hook = || Command::new(env!("CARGO_BIN_EXE_virt-sev-kubevirt-hook"));
    let (mut trues, mut versions, mut plains, mut sevs, mut peers) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for turn in 0..TURNS {
        trues.push(time(Command::new("true"), &sev)?);
        versions.push(common::time(hook().arg("--version"))?);
        plains.push(time(hook(), &plain)?);
        sevs.push(time(hook(), &sev)?);
        if turn % SLOW == 0 {
            peers.push(time(python(&peer), &sev)?);
        }
    }
    fs::remove_file(&peer)?;
    let rows = [
        ("virt-sev-kubevirt-hook --version", versions),
        ("virt-sev-kubevirt-hook, without SEV", plains),
        ("virt-sev-kubevirt-hook, SEV-ES", sevs),
        ("a hook in Python", peers),
    ];
    show(rows, median(trues));
    Ok(())
}

fn libvirt() -> Result<()> {
    let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cases/001-virt-install-uefi");
    let (plain, sev) = (format!("{cases}/in.xml"), format!("{cases}/out.xml"));
    let peer = peer(PEER, "libvirt")?;
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
            peers.push(time(python(&peer), &sev)?);
        }
    }
    fs::remove_file(&peer)?;
    let nothing = median(trues);
    println!("medians of {TURNS} turns ({} of Python)", TURNS / SLOW);
    let rows = [
        ("virt-sev-libvirt-hook stopped", others),
        ("virt-sev-libvirt-hook prepare, without SEV", plains),
        ("virt-sev-libvirt-hook prepare, SEV", sevs),
        ("a hook in Python", peers),
    ];
    show(rows, nothing);
    Ok(())
}
