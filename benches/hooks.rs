//! The start of the hook programs against `true`, and beside hooks in Python: one that only parses the domain and looks at its
//! policy, as libvirt's; one that puts `<launchSecurity>` into the domain and writes it back, as VDSM's; one that parses machine and
//! domain, sets `iommu` and prints, as KubeVirt's. The runs take turns. Whoever calls a hook waits for it, so what counts is the
//! whole process.

mod common;

use common::{median, time};
use std::fs::{self, File};
use std::io::Result;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::Duration;

const TURNS: usize = 200;
const SLOW: usize = 10;
const LIBVIRT_PEER: &str = "\
import sys, xml.etree.ElementTree as tree
domain = tree.parse(sys.stdin).getroot()
security = domain.find('launchSecurity')
sys.exit(1 if security is not None and not int(security.findtext('policy'), 0) & 1 else 0)
";

const VDSM_PEER: &str = "\
import os, xml.dom.minidom as dom
document = dom.parse(os.environ['_hook_domxml'])
security = document.createElement('launchSecurity')
security.setAttribute('type', 'sev')
policy = document.createElement('policy')
policy.appendChild(document.createTextNode('0x0005'))
security.appendChild(policy)
document.documentElement.appendChild(security)
with open(os.environ['_hook_domxml'], 'wb') as f:
    f.write(document.toxml(encoding='utf-8'))
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
    let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cases/001-virt-install-uefi");
    let (plain, sev) = (format!("{cases}/in.xml"), format!("{cases}/out.xml"));
    let dir = tempfile::tempdir()?;
    let at = |name: &str| dir.path().join(name);
    fs::write(at("libvirt.py"), LIBVIRT_PEER)?;
    fs::write(at("vdsm.py"), VDSM_PEER)?;
    fs::write(at("kubevirt.py"), KUBEVIRT_PEER)?;
    fs::create_dir(at("before_vm_start"))?;
    let link = at("before_vm_start/virt-sev");
    symlink(env!("CARGO_BIN_EXE_virt-sev-vdsm-hook"), &link)?;
    let libvirt = |operation: &str, input: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_virt-sev-libvirt-hook"));
        command.args(["web1", operation, "begin", "-"]).env("XDG_STATE_HOME", dir.path());
        command.env("VIRT_SEV_LOG_SOCKET", "/nowhere").env("VIRT_SEV_SITE_POLICY", "/nowhere");
        time(command.stdin(File::open(input)?))
    };
    let vdsm = |mut command: Command, properties: &[(&str, &str)]| {
        fs::copy(&plain, at("domxml"))?;
        time(command.envs(properties.iter().copied()).env("_hook_domxml", at("domxml")))
    };
    let machine = |name: &str, end: &str| {
        fs::read_to_string(format!("{}/../../tests/hooks/kubevirt/{name}.{end}", env!("CARGO_MANIFEST_DIR")))
    };
    let kubevirt = |mut command: Command, name: &str| {
        time(command.args(["--vmi", &machine(name, "json")?, "--domain", &machine(name, "xml")?]))
    };
    let kubevirt_hook = || Command::new(env!("CARGO_BIN_EXE_virt-sev-kubevirt-hook"));
    let python = |script: &str| {
        let mut command = Command::new("/usr/bin/python3");
        command.arg(at(script));
        command
    };
    let es = [("security_sev", "true"), ("security_sev_policy_es", "true")];
    let (mut trues, mut times): (Vec<Duration>, [Vec<Duration>; 10]) = Default::default();
    for turn in 0..TURNS {
        trues.push(time(Command::new("true").stdin(File::open(&sev)?))?);
        times[0].push(libvirt("stopped", &sev)?);
        times[1].push(libvirt("prepare", &plain)?);
        times[2].push(libvirt("prepare", &sev)?);
        times[4].push(vdsm(Command::new(&link), &[])?);
        times[5].push(vdsm(Command::new(&link), &es)?);
        times[7].push(kubevirt(kubevirt_hook(), "plain")?);
        times[8].push(kubevirt(kubevirt_hook(), "sev-es")?);
        if turn % SLOW == 0 {
            times[3].push(time(python("libvirt.py").stdin(File::open(&sev)?))?);
            times[6].push(vdsm(python("vdsm.py"), &[])?);
            times[9].push(kubevirt(python("kubevirt.py"), "sev-es")?);
        }
    }
    let nothing = median(trues);
    println!("medians of {TURNS} turns ({} of Python)", TURNS / SLOW);
    let names = [
        "virt-sev-libvirt-hook stopped",
        "virt-sev-libvirt-hook prepare, without SEV",
        "virt-sev-libvirt-hook prepare, SEV",
        "a hook of libvirt in Python",
        "virt-sev-vdsm-hook, without SEV",
        "virt-sev-vdsm-hook, SEV",
        "a hook of VDSM in Python",
        "virt-sev-kubevirt-hook, without SEV",
        "virt-sev-kubevirt-hook, SEV-ES",
        "a hook of KubeVirt in Python",
    ];
    for (what, times) in names.iter().zip(times) {
        let time = median(times);
        println!("{what:<44} {:7.2} ms    {:.1} times true", time * 1e3, time / nothing);
    }
    Ok(())
}
