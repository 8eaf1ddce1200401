//! The commands of the book's own chapters and of README: those of docs/start.md as they stand there, in a lab as `make lab` opens
//! it; the others with what only another machine has in its place: a chip, LXD, OpenStack, Kubernetes, Proxmox, each played here by
//! a few lines of shell. What no test can run is the firmware set-up of docs/epyc.md, and its kernel's own files.

use crate::documented::fenced;
use crate::lab::{Lab, assert_code, err, program, root, setup};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// A reader's shell, in a folder of its own, with a lab around it.
struct Reader {
    lab: Lab,
    dir: tempfile::TempDir,
}

impl Reader {
    fn new() -> Self {
        let new = Self { lab: Lab::start(), dir: tempfile::tempdir().unwrap() };
        fs::create_dir(new.path("bin")).unwrap();
        new
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs shell, and waits for five minutes at the most: a guest that does not come up is waited for in the document.
    fn run(&self, shell: &str) -> Output {
        let programs = program("virt-sev");
        let path = [self.path("bin"), programs.parent().unwrap().into(), "/usr/bin".into()];
        let path = path.map(|folder| folder.to_str().unwrap().to_owned()).join(":");
        Command::new("timeout")
            .args(["300", "bash", "-euo", "pipefail", "-c", shell])
            .current_dir(self.dir.path())
            .env("PATH", format!("{path}:{}", std::env::var("PATH").unwrap()))
            .env("LIBVIRT_DEFAULT_URI", &self.lab.uri)
            .env("VIRT_SEV_LAB_DIR", &self.lab.dir)
            .env("VIRT_SEV_LAB_FILES", &self.lab.files)
            .env("VIRT_SEV_LAB_STATE", self.lab.dir.join("state"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// A document's shell blocks, with this hypervisor and its files. The lab's libvirtd has no driver for networks.
    fn blocks(&self, document: &str) -> Vec<String> {
        let here = |block: String| {
            block
                .replace("qemu:///system", &self.lab.uri)
                .replace("/var/lib/libvirt/images", self.lab.files.to_str().unwrap())
                .replace("--network default", "--network user")
        };
        fenced(document, "sh").into_iter().map(here).collect()
    }

    /// The host's and the owner's program in one: it has what this host's chip would answer, and its root.
    fn play_the_chip(&self) {
        let guest = if self.lab.kvm {
            ""
        } else {
            "s/<domain type='kvm'>/<domain type='qemu'>/; /host-passthrough/d"
        };
        let skip: String = self.lab.rules().iter().map(|rule| format!("--skip {rule} ")).collect();
        let text = format!(
            "real={}\nroot={}\nimage=security.sev.firmware={}\nskip='{skip}'\nunlocked='--set security.sev.memory.lock=none'\n\
             command=$1\nshift\ncase $command in\n\
             check | define | launch) exec $real $command $skip $unlocked --set $image \"$@\" ;;\n\
             apply) exec $real apply $skip $unlocked \"$@\" ;;\n\
             lint) exec $real lint $skip \"$@\" ;;\n\
             chain | session) exec $real $command \"$@\" --ca $root ;;\n\
             generate)\n$real generate \"$@\" $unlocked > made || exit\n\
             for file in made web?.xml; do [ ! -e $file ] || sed -i \"{guest}\" $file; done\ncat made ;;\n\
             host) $real host \"$@\" || [ $? = 1 ] ;;\n\
             *) exec $real $command \"$@\" ;;\nesac",
            program("virt-sev").display(),
            self.lab.platform("ask_ark.cert").display(),
            self.lab.file("VIRT_SEV_FIRMWARE").display(),
        );
        self.program("virt-sev", &text);
        for (name, from) in [
            ("OVMF.amdsev.fd", "VIRT_SEV_FIRMWARE"),
            ("vmlinuz", "VIRT_SEV_KERNEL"),
            ("initrd.img", "VIRT_SEV_INITRD"),
        ] {
            symlink(setup(from), self.path(name)).unwrap();
        }
        fs::write(self.path("disk.key"), "the disk's key").unwrap();
    }

    /// What the chip has decrypted for a guest.
    fn secret(&self, guest: &str) -> Vec<u8> {
        fs::read(self.lab.dir.join("state/guests").join(guest).join("secrets/001.bin")).unwrap()
    }
}

fn said(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}

#[test]
fn the_first_five_minutes_are_as_the_document_says() {
    let reader = Reader::new();
    let out = reader.run(&fenced("start.md", "sh").concat());
    assert_code(&out, 0);
    let told = said(&out);
    for line in ["paused", "guest: secret: correct horse battery staple", "guest: up"] {
        assert!(told.lines().any(|l| l.trim_end() == line), "{line}: {told}");
    }
    assert!(told.contains("\nexit code 1: no secret for this one\n"), "{told}");
    assert!(err(&out).contains("the launch measurement is not the expected one"), "{}", err(&out));

    // What opens the lab is a target of the Makefile.
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let page = fs::read_to_string(root().join("docs/start.md")).unwrap();
    let targets: Vec<&str> = page.lines().filter_map(|l| l.strip_prefix("    make ")).collect();
    assert_eq!(targets.len(), 2);
    for target in targets.iter().map(|line| line.split(' ').next().unwrap()) {
        assert!(makefile.contains(&format!("\n{target}:\n")), "{target}");
    }
}

/// From the host's report to two guests that run, and what the chip has decrypted for the one that its owner has verified.
fn on_a_host(change: impl Fn(String) -> String) {
    let reader = Reader::new();
    reader.play_the_chip();
    let out = reader.run(&change(reader.blocks("epyc.md").concat()));
    assert_code(&out, 0);
    for guest in ["web1", "web2"] {
        assert_eq!(reader.lab.state(guest), "running", "{guest}: {}", err(&out));
    }
    assert!(said(&out).lines().any(|l| l.starts_with("verified: ")), "{}", said(&out));
    assert!(reader.secret("web1").windows(14).any(|w| w == b"the disk's key"));
    let measured = fs::read_to_string(reader.path("evidence.json")).unwrap();
    assert!(measured.contains("virt-sev/measurement/"), "{measured}");
}

#[test]
fn an_epyc_host_is_taken_from_its_report_to_guests_that_run() {
    on_a_host(|blocks| blocks);
}

#[test]
fn with_sev_es_the_epyc_host_needs_the_options_that_the_document_names() {
    let page = fs::read_to_string(root().join("docs/epyc.md")).unwrap();
    let [make, policy, processors] =
        ["--set security.sev.policy.es=true --cpu EPYC", "--policy 0x5", "--num-cpus 2 --vcpu-type EPYC"];
    for options in [make, policy, processors] {
        assert!(page.contains(&format!("`{options}`")), "{options}");
    }
    on_a_host(|blocks| {
        blocks
            .replace("generate web1", &format!("generate web1 {make}"))
            .replace("--policy 0x1", policy)
            .replace("virt-sev verify", &format!("virt-sev verify {processors}"))
    });
}

/// A domain as a person would write it.
const PLAIN: &str = "<domain type='kvm'><name>web1</name><memory unit='MiB'>512</memory>\
    <os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features></domain>\n";

/// Each of the programs, as far as the document uses it, and the policy that its settings stand for.
const SOURCES: [(&str, &str, &str); 4] = [
    (
        "lxc",
        "echo '{name: web1, config: {security.sev: \"true\", security.sev.policy.es: \"true\"}}'",
        "0x0005",
    ),
    (
        "openstack",
        "case $1 in\nflavor) echo 'properties: {hw:mem_encryption: \"true\", hw:mem_encryption_model: amd-sev}' ;;\n\
         image) echo 'properties: {hw_firmware_type: uefi, hw_machine_type: q35}' ;;\nesac",
        "0x0033",
    ),
    (
        "kubectl",
        "echo '{kind: VirtualMachine, spec: {template: {spec: {domain: {launchSecurity: {sev: {}}}}}}}'",
        "0x0001",
    ),
    ("qm", "echo 'amd-sev: type=es,no-debug=1,no-key-sharing=1'", "0x000f"),
];

#[test]
fn what_other_programs_are_told_becomes_a_domain() {
    let reader = Reader::new();
    let [right, from @ ..] = &reader.blocks("migration.md")[..] else { panic!("no blocks") };
    assert_eq!(from.len(), SOURCES.len());
    for ((name, text, policy), block) in SOURCES.into_iter().zip(from) {
        assert!(block.contains(&format!("{name} ")), "{name}: {block}");
        reader.program(name, text);
        fs::write(reader.path("web1.xml"), PLAIN).unwrap();
        let out = reader.run(&format!("{block}{right}"));
        assert_code(&out, 0);
        let made = fs::read_to_string(reader.path("web1.xml")).unwrap();
        assert!(made.contains(&format!("<policy>{policy}</policy>")), "{name}: {made}");
        assert!(made.contains("urn:virt-sev:config:1"), "{name}: {made}");
    }
}

/// LXD keeps the key in a profile here, and prints both.
const LXC: &str = "case \"$1 $2\" in\n\
    'profile list') echo '[{\"name\": \"sev\", \"config\": {\"security.sev\": \"true\"}}]' ;;\n\
    'config show') echo '{name: web1, profiles: [sev], config: {security.sev.policy.es: \"true\"}}' ;;\nesac";

#[test]
fn the_other_documents_have_a_domain_made_and_read_profiles_and_properties() {
    let reader = Reader::new();
    reader.play_the_chip();
    let [define] = reader.blocks("generate.md").try_into().unwrap();
    assert_code(&reader.run(&define), 0);
    let defined = reader.lab.virsh(&["dumpxml", "--inactive", "web1"]);
    assert!(defined.contains("urn:virt-sev:config:1") && defined.contains("/web1.qcow2"), "{defined}");

    let [profiles, properties] = reader.blocks("config-sources.md").try_into().unwrap();
    reader.program("lxc", LXC);
    reader.program(SOURCES[1].0, SOURCES[1].1);
    fs::write(reader.path("web1.xml"), PLAIN).unwrap();
    let out = reader.run(&profiles);
    assert_code(&out, 0);
    assert!(said(&out).contains("<policy>0x0005</policy>"), "{}", said(&out));
    let out = reader.run(&properties);
    assert_code(&out, 0);
    assert!(said(&out).contains("security.sev.policy.domain: \"true\""), "{}", said(&out));
}

/// All of README's lines but the installation. The last one, from afar, is a second launch.
#[test]
fn the_lines_of_the_readme_are_run() {
    let reader = Reader::new();
    reader.play_the_chip();
    reader.program("lxc", SOURCES[0].1);
    let kind = if reader.lab.kvm { "kvm" } else { "qemu" };
    let domain = PLAIN.replace("web1", "guest").replace("type='kvm'", &format!("type='{kind}'"));
    let uuid = "</name><uuid>6c1f0f53-6f0c-4b0f-8f37-6d1f5d3d9b5e</uuid>";
    fs::write(reader.path("guest.xml"), domain.replace("</name>", uuid)).unwrap();
    let [block] = reader.blocks("../README.md").try_into().unwrap();
    let (installs, lines) = block.split_once('\n').unwrap();
    assert!(installs.contains("make install"), "{installs}");
    let (exchange, afar) = lines.split_once("# Where the owner reaches the host").unwrap();
    let out = reader.run(exchange);
    assert_code(&out, 0);
    assert_eq!(reader.lab.state("guest"), "running");
    assert!(reader.secret("guest").windows(14).any(|w| w == b"the disk's key"));

    reader.lab.virsh(&["destroy", "guest"]);
    fs::remove_dir_all(reader.path("session")).unwrap();
    fs::remove_file(reader.path("bundle.json")).unwrap();
    fs::remove_file(reader.path("evidence.json")).unwrap();
    for command in ["virt-sev session", "virt-sev launch"] {
        let again = exchange.split("\n\n").find(|part| part.contains(command)).unwrap();
        assert_code(&reader.run(again), 0);
    }
    // The owner's machine is the host's here.
    let afar = afar.replace("qemu+ssh://host/system", &format!("{} --insecure", reader.lab.uri));
    let out = reader.run(&format!("#{afar}"));
    assert_code(&out, 0);
    assert_eq!(reader.lab.state("guest"), "running");
}

#[test]
fn every_symptom_leads_to_what_explain_says_of_it() {
    let reader = Reader::new();
    let out = reader.run(&reader.blocks("troubleshooting.md").concat());
    assert_code(&out, 0);
    assert!(said(&out).starts_with("no-asid: "), "{}", said(&out));

    let page = fs::read_to_string(root().join("docs/troubleshooting.md")).unwrap();
    let mut messages = 0;
    for row in page.lines().filter(|l| l.starts_with("| `")) {
        let (message, rest) = row[3..].split_once('`').unwrap();
        let Some((_, id)) = rest.split_once("(messages.md#") else { continue };
        // A row that begins with the name of a command is about what it does.
        if !rest.starts_with(" |") {
            continue;
        }
        messages += 1;
        let explained = Command::new(program("virt-sev")).args(["explain", message]).output().unwrap();
        let id = id.split(')').next().unwrap();
        assert!(said(&explained).starts_with(&format!("{id}: ")), "{message}: {}", said(&explained));
    }
    assert!(messages > 15, "{messages}");
}
