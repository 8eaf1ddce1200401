//! The command lines that the running text of the documents names, each run. In: the documents. A span of code that is a
//! command line of virt-sev or of virsh, and has no row here, fails; so does a row that no document has.

use crate::commands::{documents, text};
use crate::examples::{reader, script};
use crate::lab::{assert_code, program};
use std::collections::BTreeSet;

/// A command line; what stands for the words in capitals, and what it reads; shell that is true after it, as in `examples.rs`.
type Mention = (&'static str, &'static [(&'static str, &'static str)], &'static str);

/// They run in this order, the first ones as docs/owner.md has them.
const MENTIONED: &[Mention] = &[
    ("virt-sev chain fetch -c qemu:///system --fetch -o chain.cert", &[], "virt-sev chain verify chain.cert"),
    (
        "virt-sev session --chain chain.cert --policy 0x1 -o keys/ --bundle bundle.json --firmware OVMF.amdsev.fd",
        &[],
        "test -s keys/tik.bin",
    ),
    (
        "virt-sev launch -c qemu:///system guest.xml --config bundle.json --evidence evidence.json",
        &[],
        "[ $(virsh domstate guest) = paused ]",
    ),
    (
        "virt-sev verify --evidence evidence.json --tik keys/tik.bin --tek keys/tek.bin --firmware OVMF.amdsev.fd \
         --inject-secret luks-key:disk.key --packet packet.json",
        &[],
        "jq -e .payload packet.json",
    ),
    (
        "virt-sev secret inject -c qemu:///system guest --packet packet.json --resume",
        &[],
        "[ $(virsh domstate guest) = running ] && holds guest",
    ),
    ("virt-sev chain verify FILE…", &[("FILE…", "chain.cert")], "said PDH"),
    (
        "virt-sev measurement NAME -o FILE",
        &[("NAME", "guest"), ("FILE", "again.json")],
        "jq -e .measurement again.json",
    ),
    ("virsh dumpxml NAME", &[("NAME", "guest")], "said '<launchSecurity'"),
    ("virt-sev launch -c URI --recover", &[], "[ $(virsh domstate guest) = running ]"),
    ("virt-sev launch --recover", &[], "[ $(virsh domstate guest) = running ]"),
    ("virt-sev lint -c qemu:///system --all", &[], "said guest"),
    (
        "virsh managedsave-remove NAME",
        &[("NAME", "guest")],
        "virsh destroy guest && virsh domstate guest | grep 'shut off'",
    ),
    ("virsh undefine NAME --nvram", &[("NAME", "guest")], "! virsh domstate guest"),
    ("virsh -c URI version", &[], "said QEMU"),
    ("virsh -c URI domcapabilities --virttype kvm", &[("--virttype kvm", "--virttype qemu")], "said '<sev '"),
    (
        "virt-sev chain fetch -c URI -o FILE",
        &[("FILE", "fetched.cert")],
        "virt-sev chain verify fetched.cert",
    ),
    ("virt-sev chain verify FILE", &[("FILE", "fetched.cert")], "said PDH"),
    (
        "virt-sev session --chain FILE --policy POLICY -o DIR",
        &[("FILE", "chain.cert"), ("POLICY", "0x5"), ("DIR", "es/")],
        "test -s es/tik.bin",
    ),
    ("virt-sev apply --config keys.yaml", &[("keys.yaml", "keys.yaml < web1.xml")], "said '<launchSecurity'"),
    ("virt-sev apply -c URI", &[("URI", "URI --config keys.yaml < web1.xml")], "said '<launchSecurity'"),
    ("virt-sev keys --convert FILE", &[("FILE", "bundle.json")], "said security.sev.session.dh"),
    (
        "virt-sev keys --convert vm.yaml",
        &[("vm.yaml", "$KUBEVIRT/vm-sev-es.yaml")],
        "said security.sev.policy.es",
    ),
    ("virt-sev generate --list", &[], "said cloud-image"),
    ("virt-sev host --collect DIR", &[("DIR", "report/")], "test -d report"),
    ("virt-sev host -c URI --host-root DIR", &[("DIR", "$HOST")], "said 'secure processor'"),
    (
        "virt-sev check -c URI --host-root DIR DOMAIN",
        &[("DIR", "$HOST"), ("DOMAIN", "web1.xml --config keys.yaml")],
        "said 'web1: sev can be launched'",
    ),
    ("virt-sev firmware inspect IMAGE", &[("IMAGE", "OVMF.amdsev.fd")], "said '^launch secret'"),
    ("virt-sev explain ID", &[("ID", "no-asid")], "said '^no-asid: '"),
    ("virt-sev explain RULE", &[("RULE", "virtio-iommu")], "said '^virtio-iommu: '"),
    ("virt-sev explain MESSAGE", &[("MESSAGE", "failed to initialize ret=-16")], "said '^no-asid: '"),
    ("virt-sev explain 'MESSAGE'", &[("MESSAGE", "failed to initialize ret=-16")], "said '^no-asid: '"),
    ("virt-sev snp report FILE --kds-address", &[("FILE", "report.bin")], "said https://kdsintf.amd.com/"),
    (
        "curl -o vcek.der \"$(virt-sev snp report FILE --kds-address)\"",
        &[("FILE", "report.bin")],
        "openssl x509 -inform der -in vcek.der -noout",
    ),
    (
        "virt-sev-kubevirt-hook --vmi \"$(kubectl get vmi NAME -o json)\" --domain \"$(cat domain.xml)\"",
        &[("virt-sev-kubevirt-hook", "$KUBEVIRT_HOOK")],
        "said '<launchSecurity'",
    ),
];

/// Spans that name an option of a command: no command line without more.
const PARTS: [&str; 7] = [
    "virt-sev digest --mode snp",
    "virt-sev measurement -o FILE",
    "virt-sev session --bundle",
    "virt-sev session --bundle FILE",
    "virt-sev session --chain FILE",
    "virt-sev session --policy POLICY",
    "virt-sev snp id-block --author-key FILE",
];

/// The spans of code in a document's running text.
fn spans(document: &str) -> Vec<String> {
    let mut is_fenced = false;
    let mut running = String::new();
    for line in text(document).lines() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        } else if !is_fenced {
            running += &format!("{line} ");
        }
    }
    running.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// More than the name of a command, which is small letters only.
fn is_command_line(span: &str) -> bool {
    let is_name =
        |word: &str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
    let is_ours = ["virt-sev", "virsh"].contains(&span.split(' ').next().unwrap());
    (is_ours || span.contains("virt-sev ") || span.contains("-hook --")) && !span.split(' ').all(is_name)
}

#[test]
fn every_command_line_of_running_text_is_run() {
    let all: BTreeSet<String> =
        documents().iter().flat_map(|d| spans(d)).filter(|span| is_command_line(span)).collect();
    let known = |span: &str| MENTIONED.iter().any(|(row, ..)| *row == span) || PARTS.contains(&span);
    let unknown: Vec<_> = all.iter().filter(|span| !known(span)).collect();
    assert!(unknown.is_empty(), "a row of MENTIONED is missing: {unknown:#?}");
    for row in MENTIONED.iter().map(|(row, ..)| *row).chain(PARTS) {
        assert!(all.contains(row), "{row}: no document has it");
    }

    let reader = reader();
    let here = |(span, values, _): &Mention| {
        let span = values.iter().fold((*span).to_owned(), |span, (word, value)| span.replace(word, value));
        span.replace("URI", "qemu:///system") + "\n"
    };
    let lines: Vec<String> = MENTIONED.iter().map(here).collect();
    let checks: Vec<&str> = MENTIONED.iter().map(|(.., check)| *check).collect();
    let before = format!(
        "KUBEVIRT={} KUBEVIRT_HOOK={}\n\
         sed \"s|</domain>|<launchSecurity type='sev'><policy>0x0001</policy></launchSecurity>&|\" guest.xml | sed \"s/'qemu'/'kvm'/\" > domain.xml",
        crate::lab::root().join("packaging/kubevirt").display(),
        program("virt-sev-kubevirt-hook").display()
    );
    reader.program("kubectl", "echo '{\"spec\": {\"domain\": {\"launchSecurity\": {\"sev\": {}}}}}'");
    assert_code(&reader.run(&script(&reader, "mentions", &before, &lines, &checks)), 0);
}
