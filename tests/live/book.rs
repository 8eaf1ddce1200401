//! The commands of the book's own chapters and of README: those of docs/start.md as they stand there, in a lab as `make lab` opens
//! it; the others with what only another machine has in its place: a chip, LXD, OpenStack, Kubernetes, Proxmox, oVirt's engine,
//! each played here by a few lines of shell. In: the blocks of a document, from `commands.rs`.

use crate::commands::shown;
use crate::lab::{assert_code, err, program, root};
use crate::reader::{MEASURED, PLAIN, Reader, owners_files, said};
use std::fs;
use std::process::Command;

pub(crate) fn the_first_five_minutes_are_as_the_document_says(blocks: Vec<String>) {
    let reader = Reader::new();
    let out = reader.run(&blocks.concat());
    assert_code(&out, 0);
    let told = said(&out);
    for line in ["paused", "guest: secret: correct horse battery staple", "guest: up"] {
        assert!(told.lines().any(|l| l.trim_end() == line), "{line}: {told}");
    }
    assert!(told.contains("\nexit code 1: no secret for this one\n"), "{told}");
    assert!(err(&out).contains("the launch measurement is not the expected one"), "{}", err(&out));
}

/// From the host's report to two guests that run, and what the chip has decrypted for the one that its owner has verified.
fn on_a_host(blocks: &str) {
    let reader = Reader::new();
    reader.play_the_chip();
    let out = reader.run(&reader.here(blocks));
    assert_code(&out, 0);
    for guest in ["web1", "web2"] {
        assert_eq!(reader.lab.state(guest), "running", "{guest}: {}", err(&out));
    }
    assert!(said(&out).lines().any(|l| l.starts_with("verified: ")), "{}", said(&out));
    assert!(reader.secret("web1").windows(14).any(|w| w == b"the disk's key"));
    let measured = fs::read_to_string(reader.path("evidence.json")).unwrap();
    assert!(measured.contains("virt-sev/measurement/"), "{measured}");
}

pub(crate) fn an_epyc_host_is_taken_from_its_report_to_guests_that_run(blocks: Vec<String>) {
    on_a_host(&blocks.concat());
}

#[test]
fn with_sev_es_the_epyc_host_needs_the_options_that_the_document_names() {
    let page = fs::read_to_string(root().join("docs/epyc.md")).unwrap();
    let [make, policy, processors] =
        ["--set security.sev.policy.es=true --cpu EPYC", "--policy 0x5", "--num-cpus 2 --vcpu-type EPYC"];
    for options in [make, policy, processors] {
        assert!(page.contains(&format!("`{options}`")), "{options}");
    }
    let blocks = shown("docs/epyc.md").concat();
    let blocks = blocks
        .replace("generate web1", &format!("generate web1 {make}"))
        .replace("--policy 0x1", policy)
        .replace("virt-sev verify", &format!("virt-sev verify {processors}"));
    on_a_host(&blocks);
}

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

pub(crate) fn what_other_programs_are_told_becomes_a_domain(blocks: Vec<String>) {
    let reader = Reader::new();
    let [right, from @ ..] = &blocks[..] else { panic!("no blocks") };
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

pub(crate) fn a_new_domain_is_made_and_defined(blocks: Vec<String>) {
    let reader = Reader::new();
    reader.play_the_chip();
    assert_code(&reader.run(&reader.here(&blocks.concat())), 0);
    let defined = reader.lab.virsh(&["dumpxml", "--inactive", "web1"]);
    assert!(defined.contains("urn:virt-sev:config:1") && defined.contains("/web1.qcow2"), "{defined}");
}

pub(crate) fn keys_come_out_of_profiles_and_properties(blocks: Vec<String>) {
    let reader = Reader::new();
    reader.play_the_chip();
    let [profiles, properties] = blocks.try_into().unwrap();
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

/// README's last line, from afar, is a second launch.
pub(crate) fn the_lines_of_the_readme_are_run(blocks: Vec<String>) {
    let reader = Reader::new();
    reader.play_the_chip();
    reader.program("lxc", SOURCES[0].1);
    reader.world();
    let [lines] = blocks.try_into().unwrap();
    let lines = reader.here(&lines);
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
    let out = reader.run(&format!("#{afar}"));
    assert_code(&out, 0);
    assert_eq!(reader.lab.state("guest"), "running");
}

pub(crate) fn every_symptom_leads_to_what_explain_says_of_it(blocks: Vec<String>) {
    let reader = Reader::new();
    let out = reader.run(&reader.here(&blocks.concat()));
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

/// libvirt's hook and VDSM's are switched on, oVirt's engine learns the properties, and an owner answers.
pub(crate) fn hooks_are_switched_on_and_an_owner_answers(blocks: Vec<String>) {
    let reader = Reader::new();
    reader.play_the_chip();
    fs::create_dir(reader.path("hooks")).unwrap();
    reader.program("systemctl", "[ $2 != virtqemud ] && echo \"$1 $2\" >> told");
    reader.program("engine-config", "printf '%s\\n' \"$@\" >> told");
    let [libvirt, vdsm, engine, owner] = blocks.try_into().unwrap();
    for (block, name, link) in
        [(libvirt, "libvirt", "qemu.d/virt-sev"), (vdsm, "vdsm", "before_vm_cont/90_virt-sev")]
    {
        assert_code(&reader.run(&block), 0);
        let hook = program(&format!("virt-sev-{name}-hook"));
        assert_eq!(fs::read_link(reader.path("hooks").join(link)).unwrap(), hook);
    }
    assert_code(&reader.run(&engine), 0);
    let told = fs::read_to_string(reader.path("told")).unwrap();
    let [reloaded, _, _, set, properties, version, restarted] = told.lines().collect::<Vec<_>>()[..] else {
        panic!("{told}")
    };
    assert_eq!((reloaded, restarted), ("reload libvirtd", "restart ovirt-engine"));
    // What the command itself says that the engine must know.
    fs::remove_dir_all(reader.path("hooks")).unwrap();
    fs::create_dir(reader.path("hooks")).unwrap();
    let asked = err(&reader.run("virt-sev hook install vdsm"));
    let (name, value) = properties.split_once('=').unwrap();
    assert!(asked.contains(&format!("engine-config {set} {name}='{value}' --cver=")), "{asked}");
    assert!(version.starts_with("--cver="), "{version}");

    reader.world();
    assert_code(&reader.run(MEASURED), 0);
    let (evidence, answer) = owner.split_once("virt-sev secret").unwrap();
    let verified = "virt-sev verify --evidence evidence.json --tik session/tik.bin --tek session/tek.bin \\\n  \
                    --firmware OVMF.amdsev.fd --inject-secret luks-key:disk.key --packet packet.json\n";
    let out = reader.run(&reader.here(&format!("{evidence}\n{verified}virt-sev secret{answer}")));
    assert_code(&out, 0);
    assert_eq!(reader.lab.state("web1"), "running");
    assert!(reader.lab.virsh(&["dumpxml", "web1"]).contains("urn:virt-sev:launch:1"));
}

/// What `make demo` opens, and what README shows of it.
#[test]
fn the_demo_says_what_the_readme_shows_of_it() {
    let reader = Reader::new();
    let out = reader.run(root().join("scripts/demo.sh").to_str().unwrap());
    assert_code(&out, 0);
    let told = said(&out);
    let mut seen = 0;
    let page = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, transcripts) = page.split_once("## What it looks like").unwrap();
    for block in transcripts.split("```text\n").skip(1).take(2) {
        for line in block.split("```").next().unwrap().lines().filter(|l| !l.starts_with('$')) {
            assert!(told.lines().any(|l| l.trim_end() == line) || err(&out).contains(line), "{line}: {told}");
            seen += 1;
        }
    }
    assert!(seen > 8, "{seen}");
}

pub(crate) fn a_lab_is_opened_and_a_guest_launched_in_it(blocks: Vec<String>) {
    let reader = Reader::new();
    owners_files(reader.dir.path());
    reader.world();
    let [try_it, launch] = blocks.try_into().unwrap();
    let out = reader.run(&try_it.replace("/path/to/", ""));
    assert_code(&out, 0);
    assert!(said(&out).contains("pdh"), "{}", said(&out));
    // The second line is typed into the shell that the first one opens.
    let (open, typed) = launch.split_once('\n').unwrap();
    fs::write(reader.path("typed"), format!("set -e\n{typed}virsh domstate guest\n")).unwrap();
    let out = reader.run(&format!("{open} < typed"));
    assert_code(&out, 0);
    assert!(said(&out).ends_with("\nrunning\n\n"), "{}", said(&out));
}

pub(crate) fn apparmors_addition_is_switched_on(blocks: Vec<String>) {
    let reader = Reader::new();
    let [link, older] = blocks.try_into().unwrap();
    let etc = reader.path("etc");
    let here = |block: &str| {
        block
            .replace("/etc", etc.to_str().unwrap())
            .replace("/usr/share/virt-sev", root().join("packaging").to_str().unwrap())
    };
    fs::create_dir_all(etc.join("apparmor.d/local/abstractions")).unwrap();
    assert_code(&reader.run(&here(&(link + &older))), 0);
    let folder = etc.join("apparmor.d/abstractions/libvirt-qemu.d");
    assert!(fs::read_to_string(folder.join("virt-sev")).unwrap().contains("/dev/sev"));
    let local = fs::read_to_string(etc.join("apparmor.d/local/abstractions/libvirt-qemu")).unwrap();
    assert_eq!(local, "include if exists <abstractions/libvirt-qemu.d>\n");
}
