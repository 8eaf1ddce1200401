//! The blocks of docs/recipes.md, as they stand there, with the programs that they name. What cannot run here is played, and
//! said to be: CloudStack's agent, and what Terraform defines.

use crate::defining::Defining;
use crate::hooks;
use crate::lab::{Corner, Lab, assert_code, err, program, root, setup};
use crate::reader::fenced;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder in which a reader works: the keys of the document, and what a platform without the chip needs to be told.
struct Desk<'a> {
    corner: Corner<'a>,
}

impl<'a> Desk<'a> {
    fn new(lab: &'a Lab) -> Self {
        let new = Self { corner: Corner::new(lab) };
        let [keys, _] = new.blocks("yaml").try_into().unwrap();
        fs::write(new.corner.path("keys.yaml"), format!("{keys}{}", new.platform())).unwrap();
        let skip: String = lab.rules().iter().map(|rule| format!("--skip {rule} ")).collect();
        let real = program("virt-sev");
        let text = format!("#!/bin/sh\ncommand=$1; shift\nexec {} $command {skip}\"$@\"\n", real.display());
        new.program("virt-sev", &text);
        for name in ["virt-sev-edit", "cloudstack/libvirt-vm-xml-transformer.sh"] {
            let text = fs::read_to_string(root().join("examples").join(name)).unwrap();
            new.program(name.rsplit('/').next().unwrap(), &text);
        }
        new
    }

    /// Keys that a host with the chip does not need.
    fn platform(&self) -> String {
        let firmware = self.corner.lab.file("VIRT_SEV_FIRMWARE");
        format!("security.sev.firmware: {}\nsecurity.sev.memory.lock: none\n", firmware.display())
    }

    fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.corner.path("bin").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// A block with this guest, this hypervisor and its files. The lab's libvirtd has drivers for neither networks nor storage.
    fn here(&self, block: &str) -> String {
        let lab = self.corner.lab;
        block
            .replace("web1", &self.corner.guest)
            .replace("qemu:///system", &lab.uri)
            .replace("/etc/virt-sev/keys.yaml", &self.corner.text("keys.yaml"))
            .replace("--disk /var/lib/libvirt/images", &format!("--disk source.file={}", lab.files.display()))
            .replace("format=raw", "driver.type=raw")
            .replace("--network default", "--network user")
    }

    fn blocks(&self, language: &str) -> Vec<String> {
        fenced("docs/recipes.md", language).iter().map(|block| self.here(block)).collect()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        // Debian's Python is the one that knows libvirt.
        let path = format!("{}:/usr/bin:{}", self.corner.text("bin"), std::env::var("PATH").unwrap());
        command.current_dir(self.corner.dir.path()).env("PATH", path).stdin(Stdio::null());
        command.env("HOME", self.corner.dir.path()).env("LC_ALL", "C.UTF-8");
        command
    }

    fn run(&self, block: &str) -> Output {
        self.command("bash").args(["-euo", "pipefail", "-c", block]).output().unwrap()
    }

    /// A domain of libvirt's, as the person wrote it.
    fn defined(&self) -> String {
        let domain = self.corner.domain(None);
        self.corner.lab.virsh(&["define", domain.to_str().unwrap()]);
        self.definition()
    }

    fn definition(&self) -> String {
        self.corner.lab.virsh(&["dumpxml", "--inactive", &self.corner.guest])
    }

    /// The definition is one in which virt-sev finds nothing to change, with its keys recorded.
    fn is_right(&self) {
        let definition = self.definition();
        assert!(definition.contains("<launchSecurity type='sev'"), "{definition}");
        assert!(definition.contains("urn:virt-sev:config:1"), "{definition}");
        fs::write(self.corner.path("defined.xml"), definition).unwrap();
        let out = self.command("virt-sev").args(["apply", "--check", "defined.xml"]).output().unwrap();
        assert_code(&out, 0);
    }
}

/// No rule makes this one right.
fn wrong(domain: &str) -> String {
    domain.replace("arch='x86_64'", "arch='aarch64'").replace("machine='q35'", "machine='virt'")
}

/// The scripts are installed as the document says, below a folder of the test.
pub(crate) fn the_recipes_are_followed(blocks: Vec<String>) {
    let [virt_install, edit, install_editor, edit_first, install_transformer] = blocks.try_into().unwrap();
    what_virt_install_prints_is_defined_and_starts(&virt_install);
    virsh_edit_makes_a_domain_right_or_leaves_it(&edit);
    let desk = Desk::new(Lab::shared());
    let bin = desk.corner.text("bin");
    fs::remove_dir_all(&bin).unwrap();
    desk.program("sudo", "#!/bin/sh\nexec \"$@\"\n");
    let from = format!("cd {}\n", root().display());
    let install = from.clone() + &install_editor.replace("/usr/local/bin", &bin);
    assert_code(&desk.run(&install), 0);
    let install = from + &install_transformer.replace("/etc/cloudstack/agent/hooks", &bin);
    assert_code(&desk.run(&install), 0);
    for name in ["virt-sev-edit", "libvirt-vm-xml-transformer.sh"] {
        assert!(fs::metadata(desk.corner.path("bin").join(name)).unwrap().permissions().mode() & 0o111 != 0);
    }
    an_editor_of_ones_own_first(&edit, &edit_first);
}

fn what_virt_install_prints_is_defined_and_starts(block: &str) {
    // Where libvirt knows of firmware: virt-install asks.
    let lab = Defining::open().lab;
    let install = |desk: &Desk<'_>, more: &str| {
        let disk = lab.files.join(format!("{}.img", desk.corner.guest));
        fs::write(&disk, vec![0; 1 << 20]).unwrap();
        fs::set_permissions(&disk, fs::Permissions::from_mode(0o666)).unwrap();
        let out = desk.run(&desk.here(block).replace("--print-xml", &format!("{more} --print-xml")));
        fs::remove_file(&disk).unwrap();
        out
    };
    let desk = Desk::new(lab);
    assert_code(&install(&desk, ""), 0);
    desk.is_right();
    assert_eq!(lab.state(&desk.corner.guest), "running");

    let other = Desk::new(lab);
    let out = install(&other, "--memorybacking source.type=file,access.mode=shared");
    assert!(!out.status.success() && err(&out).contains("/domain/memoryBacking"), "{}", err(&out));
    assert_eq!(lab.state(&other.corner.guest), "none");
}

fn virsh_edit_makes_a_domain_right_or_leaves_it(edit: &str) {
    let desk = Desk::new(Lab::shared());
    desk.defined();
    assert_code(&desk.run(&desk.here(edit)), 0);
    desk.is_right();

    let other = Desk::new(desk.corner.lab);
    let before = other.defined();
    fs::write(other.corner.path("keys.yaml"), "security.sev: perhaps\n").unwrap();
    let out = other.run(&other.here(edit));
    assert!(!out.status.success() && err(&out).contains("'perhaps'"), "{}", err(&out));
    assert_eq!(other.definition(), before);
}

fn an_editor_of_ones_own_first(make_right: &str, edit: &str) {
    let desk = Desk::new(Lab::shared());
    desk.defined();
    assert_code(&desk.run(&desk.here(make_right)), 0);
    let edit = desk.here(edit);
    // In the place of a person: what is said to it, and the answer to `Edit again?`.
    let by_hand = |script: &str, answers: &str| {
        desk.program("nano", &format!("#!/bin/sh\n{script}\n"));
        desk.run(&format!("printf '{answers}' | {edit}"))
    };
    assert_code(&by_hand("sed -i '/launchSecurity/,/launchSecurity/d' \"$1\"", ""), 0);
    desk.is_right();
    let before = desk.definition();
    let spoil = "sed -i \"s/arch='x86_64'/arch='aarch64'/\" \"$1\"";
    let out = by_hand(spoil, "n\\n");
    assert!(!out.status.success() && err(&out).contains("/domain/os/type"), "{}", err(&out));
    assert_eq!(desk.definition(), before);
    // The second time the person mends it, and changes something else.
    let mend = "sed -i \"s/arch='aarch64'/arch='x86_64'/; s/<vcpu.*vcpu>/<vcpu>2<\\/vcpu>/\" \"$1\"";
    let out = by_hand(&format!("if grep -q aarch64 \"$1\"; then {mend}; else {spoil}; fi"), "y\\n");
    assert_code(&out, 0);
    desk.is_right();
    assert!(desk.definition().contains(">2</vcpu>"), "{}", desk.definition());
}

/// Plays CloudStack's agent, which does not run here: the script gets a method and the domain, both outputs are read as
/// one, line by line, and where it does not end well the domain is what it was (LibvirtKvmAgentHook.java, Script.java).
fn transformed(desk: &Desk<'_>, script: &Path, domain: &str) -> String {
    let both = "exec \"$0\" \"$@\" 2>&1";
    let out = desk.command("sh").args(["-c", both]).arg(script).args(["transform", domain]).output();
    match out {
        Ok(out) if out.status.success() => {
            String::from_utf8(out.stdout).unwrap().lines().map(|line| format!("{line}\n")).collect()
        }
        _ => domain.to_owned(),
    }
}

/// What the agent does with it: a guest without a definition.
fn created(desk: &Desk<'_>, domain: &str) -> Output {
    let file = desk.corner.path("created.xml");
    fs::write(&file, domain).unwrap();
    desk.corner.lab.try_virsh(&["create", "--paused", file.to_str().unwrap()])
}

/// A domain of CloudStack's, with the document's `extraconfig` at its end, and the keys of this platform in it.
fn with_extraconfig(desk: &Desk<'_>) -> String {
    let [metadata] = desk.blocks("xml").try_into().unwrap();
    let key = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        format!("<virtsev:key name=\"{name}\">{value}</virtsev:key>\n")
    };
    let keys: String = desk.platform().lines().map(key).collect();
    let metadata = metadata.replace("</virtsev:config>", &format!("{keys}</virtsev:config>"));
    let domain = fs::read_to_string(desk.corner.domain(None)).unwrap();
    domain.replace("</domain>", &format!("{metadata}</domain>"))
}

#[test]
fn cloudstacks_guests_are_transformed_or_do_not_start() {
    let desk = Desk::new(Lab::shared());
    let [properties] = desk.blocks("properties").try_into().unwrap();
    let (_, name) =
        properties.trim().split_once("agent.hooks.libvirt_vm_xml_transformer.shell_script=").unwrap();
    let script = desk.corner.path("bin").join(name);
    // One without keys comes back as it was, whether virt-sev is there or not.
    let plain = fs::read_to_string(desk.corner.domain(None)).unwrap();
    assert_eq!(transformed(&desk, &script, &plain), plain);

    let domain = with_extraconfig(&desk);
    let right = transformed(&desk, &script, &domain);
    assert!(right.contains("<launchSecurity type='sev'>"), "{right}");
    // What the agent starts, libvirt starts; a second time it has nothing to change.
    assert_eq!(transformed(&desk, &script, &right), right);
    assert_code(&created(&desk, &right), 0);
    desk.corner.lab.virsh(&["destroy", &desk.corner.guest]);

    let refused = |domain: &str, why: &str| {
        let printed = transformed(&desk, &script, domain);
        assert!(printed.starts_with("not started: ") && printed.contains(why), "{printed}");
        let out = created(&desk, &printed);
        assert!(!out.status.success() && err(&out).contains(why), "{}", err(&out));
        assert_eq!(desk.corner.lab.state(&desk.corner.guest), "none");
    };
    refused(&wrong(&domain), "/domain/os/type");
    desk.program("virt-sev", "#!/bin/sh\nkill -9 $$\n");
    refused(&domain, "not started: exit code 137");
    fs::remove_file(desk.corner.path("bin/virt-sev")).unwrap();
    refused(&domain, "virt-sev: not found");
    assert_eq!(transformed(&desk, &script, &plain), plain);
}

/// Whatever becomes of the script: a guest whose keys want SEV does not start without it where libvirt's hook is.
#[test]
fn cloudstacks_guest_without_its_transformer_is_refused_by_libvirts_hook() {
    let (lab, _dir) = hooks::lab();
    let desk = Desk::new(&lab);
    let domain = with_extraconfig(&desk);
    let untouched = transformed(&desk, &desk.corner.path("bin/none"), &domain);
    assert_eq!(untouched, domain);
    let out = created(&desk, &untouched);
    assert!(!out.status.success() && err(&out).contains("<domain> has no <launchSecurity"), "{}", err(&out));
    let script = desk.corner.path("bin/libvirt-vm-xml-transformer.sh");
    assert_code(&created(&desk, &transformed(&desk, &script, &domain)), 0);
}

/// The Groovy form, run as the agent runs it.
#[test]
fn cloudstacks_groovy_file_calls_the_script() {
    let desk = Desk::new(Lab::shared());
    let file = "libvirt-vm-xml-transformer.groovy";
    let script = fs::read_to_string(root().join("examples/cloudstack").join(file)).unwrap();
    let installed = "/etc/cloudstack/agent/hooks/libvirt-vm-xml-transformer.sh";
    assert!(script.contains(installed), "{script}");
    let here = desk.corner.text("bin/libvirt-vm-xml-transformer.sh");
    fs::write(desk.corner.path(file), script.replace(installed, &here)).unwrap();
    let agent = "def engine = new GroovyScriptEngine('.')\n\
        print engine.run(args[0], new Binding()).invokeMethod('transform', [null, new File(args[1]).text] as Object[])\n";
    fs::write(desk.corner.path("agent.groovy"), agent).unwrap();
    let transform = |domain: &str| {
        fs::write(desk.corner.path("given.xml"), domain).unwrap();
        let out = desk.command("groovy").args(["agent.groovy", file, "given.xml"]).output().unwrap();
        assert_code(&out, 0);
        String::from_utf8(out.stdout).unwrap()
    };
    let domain = with_extraconfig(&desk);
    assert!(transform(&domain).contains("<launchSecurity type='sev'>"));
    assert!(transform(&wrong(&domain)).starts_with("not started: "));
    fs::remove_file(&here).unwrap();
    assert!(transform(&domain).starts_with("not started: "));
}

/// The domain as the provider's 0.8 writes it (domain_def.go), for there is no Terraform here.
fn terraforms(corner: &Corner<'_>) -> String {
    let kind = if corner.lab.kvm { "kvm" } else { "qemu" };
    format!(
        "<domain type=\"{kind}\">\n  <name>{}</name>\n  <memory unit=\"MiB\">512</memory>\n  \
         <vcpu placement=\"static\">1</vcpu>\n  <os>\n    <type arch=\"x86_64\" machine=\"q35\">hvm</type>\n  </os>\n  \
         <features>\n    <pae></pae>\n    <acpi></acpi>\n    <apic></apic>\n  </features>\n  <cpu></cpu>\n  <devices>\n    \
         <channel type=\"unix\">\n      <target type=\"virtio\" name=\"org.qemu.guest_agent.0\"></target>\n    </channel>\n    \
         <rng model=\"virtio\">\n      <backend model=\"random\">/dev/urandom</backend>\n    </rng>\n  </devices>\n</domain>",
        corner.guest
    )
}

#[test]
fn what_terraform_defines_is_made_right_before_it_starts() {
    let desk = Desk::new(Lab::shared());
    let corner = &desk.corner;
    let [hcl] = desk.blocks("hcl").try_into().unwrap();
    let (_, rest) = hcl.split_once("command     = <<-EOT\n").unwrap();
    let (commands, _) = rest.split_once("EOT\n").unwrap();
    let define = |xml: &str| {
        fs::write(corner.path("terraform.xml"), xml).unwrap();
        corner.lab.virsh(&["define", &corner.text("terraform.xml")]);
    };
    define(&terraforms(corner).replace("machine=\"q35\"", "machine=\"pc\""));
    let keys = fs::read_to_string(corner.path("keys.yaml")).unwrap();
    fs::write(corner.path("keys.yaml"), format!("{keys}security.sev.policy.es: true\n")).unwrap();
    let out = desk.run(commands);
    assert!(!out.status.success() && err(&out).contains("machine"), "{}", err(&out));
    assert_eq!(corner.lab.state(&corner.guest), "shut off");
    corner.lab.virsh(&["undefine", &corner.guest]);

    fs::write(corner.path("keys.yaml"), keys).unwrap();
    define(&terraforms(corner));
    assert_code(&desk.run(commands), 0);
    assert_eq!(corner.lab.state(&corner.guest), "running");
    assert!(desk.definition().contains("<launchSecurity type='sev'>"));
}

#[test]
fn ansibles_module_defines_what_was_made_right() {
    let desk = Desk::new(Lab::shared());
    let corner = &desk.corner;
    let [_, book] = desk.blocks("yaml").try_into().unwrap();
    fs::write(corner.path("book.yml"), book).unwrap();
    let host =
        "[hypervisors]\nlocalhost ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n";
    fs::write(corner.path("hosts"), host).unwrap();
    let play = |domain: &str| {
        fs::write(corner.path(&format!("{}.xml", corner.guest)), domain).unwrap();
        let mut command = desk.command("ansible-playbook");
        command.args(["-i", "hosts", "book.yml"]).env("ANSIBLE_COLLECTIONS_PATH", setup("VIRT_SEV_ANSIBLE"));
        command.env("ANSIBLE_NOCOLOR", "1").output().unwrap()
    };
    let domain = fs::read_to_string(corner.domain(None)).unwrap();
    let out = play(&wrong(&domain));
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(!out.status.success() && said.contains("/domain/os/type"), "{said}{}", err(&out));
    assert_eq!(corner.lab.state(&corner.guest), "none");
    assert_code(&play(&domain), 0);
    desk.is_right();
    assert_eq!(corner.lab.state(&corner.guest), "running");
}
