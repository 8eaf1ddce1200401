//! Who reads the documents and types what they show: in a folder of its own, with a lab around it. In: documents of the
//! repository. Out: their blocks, and what these give.

use crate::lab::{Lab, program, root, setup};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The blocks of a document, each with its language; that of an indented one is empty.
pub(crate) fn blocks(text: &str) -> Vec<(String, String)> {
    let (mut all, mut fence, mut was_blank) = (Vec::<(String, String)>::new(), None, true);
    for line in text.lines() {
        let inner = line.trim_start();
        let indent = line.len() - inner.len();
        if let Some(language) = inner.strip_prefix("```") {
            if fence.take().is_none() {
                all.push((language.to_owned(), String::new()));
                fence = Some(indent);
            }
        } else if let Some(by) = fence {
            all.last_mut().unwrap().1 += &format!("{}\n", line.get(by..).unwrap_or_default());
        } else if indent >= 4 && was_blank {
            all.push((String::new(), format!("{inner}\n")));
        } else if indent >= 4 && all.last().is_some_and(|(language, _)| language.is_empty()) {
            all.last_mut().unwrap().1 += &format!("{inner}\n");
        }
        was_blank = inner.is_empty();
    }
    all
}

/// The blocks of a document that are fenced as this language.
pub(crate) fn fenced(document: &str, language: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(document)).unwrap();
    blocks(&text).into_iter().filter(|(of, _)| of == language).map(|(_, block)| block).collect()
}

/// A domain as a person would write it.
pub(crate) const PLAIN: &str = "<domain type='kvm'><name>web1</name><memory unit='MiB'>512</memory>\
    <os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features></domain>\n";

/// Keys for one launch, and `web1` measured with them, paused: in the folder that has what `world` leaves.
pub(crate) const MEASURED: &str = "virt-sev session --chain chain.cert --policy 0x1 -o session/\n\
    virt-sev launch web1.xml --config session/keys.yaml --evidence evidence.json\n";

/// A report of AMD's Genoa that VirTEE has published (src/snp/testdata/README.md).
pub(crate) const REPORT: &[u8] = include_bytes!("../../src/snp/testdata/genoa-v3.bin");
/// Where a report has REPORT_DATA and MEASUREMENT (AMD 56860, table 23).
pub(crate) const REPORT_DATA: std::ops::Range<usize> = 0x50..0x90;
pub(crate) const MEASUREMENT: std::ops::Range<usize> = 0x90..0xc0;

/// The files of a guest's owner that the documents name, and `curl` in `bin`, in the place of AMD's service and of the network.
pub(crate) fn owners_files(folder: &Path) {
    let at = |name: &str| folder.join(name);
    for (name, from) in [
        ("OVMF.amdsev.fd", "VIRT_SEV_FIRMWARE"),
        ("vmlinuz", "VIRT_SEV_KERNEL"),
        ("initrd.img", "VIRT_SEV_INITRD"),
    ] {
        symlink(setup(from), at(name)).unwrap();
    }
    fs::write(at("report.bin"), REPORT).unwrap();
    fs::write(at("nonce.bin"), &REPORT[REPORT_DATA]).unwrap();
    fs::write(at("disk.key"), "the disk's key").unwrap();
    let curl = format!(
        "#!/bin/sh\ncase $3 in https://kdsintf.amd.com/vcek/v1/Genoa/*) cp {} \"$2\" ;; *) exit 22 ;; esac\n",
        root().join("src/snp/testdata/genoa-v3-vcek.der").display()
    );
    let _ = fs::create_dir(at("bin"));
    fs::write(at("bin/curl"), curl).unwrap();
    fs::set_permissions(at("bin/curl"), fs::Permissions::from_mode(0o755)).unwrap();
}

/// A reader's shell, in a folder of its own, with a lab around it.
pub(crate) struct Reader {
    pub(crate) lab: Lab,
    pub(crate) dir: tempfile::TempDir,
}

impl Reader {
    pub(crate) fn new() -> Self {
        let new = Self { lab: Lab::start(), dir: tempfile::tempdir().unwrap() };
        fs::create_dir(new.path("bin")).unwrap();
        new
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn program(&self, name: &str, text: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs shell, and waits for five minutes at the most: a guest that does not come up is waited for in the document.
    pub(crate) fn run(&self, shell: &str) -> Output {
        let programs = program("virt-sev");
        let path = [self.path("bin"), programs.parent().unwrap().into(), "/usr/bin".into()];
        let path = path.map(|folder| folder.to_str().unwrap().to_owned()).join(":");
        Command::new("timeout")
            .args(["300", "bash", "-euo", "pipefail", "-c", shell])
            .current_dir(self.dir.path())
            .env("PATH", format!("{path}:{}", std::env::var("PATH").unwrap()))
            .env("LIBVIRT_DEFAULT_URI", &self.lab.uri)
            .env("VIRT_SEV_LAB_URI", &self.lab.uri)
            .env("VIRT_SEV_LAB_KVM", if self.lab.kvm { "yes" } else { "no" })
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

    /// A piece of shell with this hypervisor, its files and the owner's image. The lab's libvirtd is a session's, from afar too,
    /// and has no driver for networks.
    pub(crate) fn here(&self, shell: &str) -> String {
        let files = self.lab.files.to_str().unwrap();
        shell
            .replace("qemu:///system", &self.lab.uri)
            .replace("/system", "/session")
            .replace("/var/lib/libvirt/images", files)
            .replace("/srv", files)
            .replace("/usr/share/OVMF/OVMF.amdsev.fd", self.lab.file("VIRT_SEV_FIRMWARE").to_str().unwrap())
            .replace("--network default", "--network user")
    }

    /// The host's and the owner's program in one: it has what this host's chip would answer, and its root. Another machine is
    /// this one, which a verdict must be told.
    pub(crate) fn play_the_chip(&self) {
        let guest = if self.lab.kvm {
            ""
        } else {
            "s/<domain type='kvm'>/<domain type='qemu'>/; /host-passthrough/d"
        };
        let skip: String = self.lab.rules().iter().map(|rule| format!("--skip {rule} ")).collect();
        let text = format!(
            "real={}\nhost={}\nroot={}\nimage=security.sev.firmware={}\nskip='{skip}'\nunlocked='--set security.sev.memory.lock=none'\n\
             command=$1\nshift\ncase \"$command $*\" in launch*--tik* | 'verify -c '*) set -- --insecure \"$@\" ;; esac\n\
             case \"$*\" in *--recover) exec $real $command \"$@\" ;; esac\n\
             case $command in\n\
             check | define | launch) exec $real $command $skip $unlocked --set $image \"$@\" ;;\n\
             apply) exec $real apply $skip $unlocked \"$@\" ;;\n\
             lint) exec $real lint $skip \"$@\" ;;\n\
             chain | session) exec $real $command \"$@\" --ca $root ;;\n\
             generate)\n$real generate \"$@\" $unlocked > made || exit\n\
             for file in made web?.xml; do [ ! -e $file ] || sed -i \"{guest}\" $file; done\ncat made ;;\n\
             host) $real host \"$@\" || [ $? = 1 ] ;;\n\
             firmware) [ $1 != list ] || set -- \"$@\" --host-root $host; exec $real firmware \"$@\" ;;\n\
             hook) exec $real hook \"$@\" --dir hooks ;;\n\
             *) exec $real $command \"$@\" ;;\nesac",
            program("virt-sev").display(),
            root().join("tests/roots/milan").display(),
            self.lab.platform("ask_ark.cert").display(),
            self.lab.file("VIRT_SEV_FIRMWARE").display(),
        );
        self.program("virt-sev", &text);
        self.program("ssh", &format!("exec virt-ssh-helper '{}'", self.lab.uri));
        owners_files(self.dir.path());
    }

    /// Domains as a person would write them, without SEV; keys; and the chain of the platform.
    pub(crate) fn world(&self) {
        let kind = if self.lab.kvm { "kvm" } else { "qemu" };
        for (name, uuid) in [("guest", '1'), ("web1", '2')] {
            let uuid = format!("</name><uuid>6c1f0f53-6f0c-4b0f-8f37-6d1f5d3d9b5{uuid}</uuid>");
            let domain = PLAIN.replace("web1", name).replace("type='kvm'", &format!("type='{kind}'"));
            // Without a path libvirt looks for an image that a lab does not describe, where virsh defines it.
            let domain = if name == "web1" { domain.replace(" firmware='efi'", "") } else { domain };
            fs::write(self.path(&format!("{name}.xml")), domain.replace("</name>", &uuid)).unwrap();
        }
        let image = self.lab.file("VIRT_SEV_FIRMWARE");
        let keys = format!("security.sev: true\nsecurity.sev.firmware: {}\n", image.display());
        fs::write(self.path("keys.yaml"), keys).unwrap();
        fs::copy(self.lab.platform("chain.cert"), self.path("chain.cert")).unwrap();
    }

    /// What the chip has decrypted for a guest.
    pub(crate) fn secret(&self, guest: &str) -> Vec<u8> {
        fs::read(self.lab.dir.join("state/guests").join(guest).join("secrets/001.bin")).unwrap()
    }
}

pub(crate) fn said(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}
