//! `virt-sev generate`: what it makes is defined by a real libvirtd and launched; its images are read by other programs.

use crate::lab::{Corner, Lab, assert_code, err};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const LEAST: [&str; 5] = ["web1", "--memory", "256MiB", "--vcpus", "1"];

/// No test here but the last two needs a hypervisor: a corner without a lab.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn text(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.0.path().join(name), text).unwrap();
        self.text(name)
    }

    fn files(&self) -> BTreeSet<String> {
        let files = std::fs::read_dir(self.0.path()).unwrap();
        files.map(|f| f.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(crate::lab::program("virt-sev"));
        command.arg("generate").args(LEAST).args(more);
        command
    }

    fn run(&self, more: &[&str]) -> Output {
        self.command(more).output().unwrap()
    }
}

fn names(files: &[&str]) -> BTreeSet<String> {
    files.iter().map(|f| (*f).to_owned()).collect()
}

#[test]
fn what_is_generated_is_as_apply_wants_it_and_the_same_every_time() {
    let bench = Bench::new();
    for keys in [
        &["security.sev=true"][..],
        &["security.sev=1", "security.sev.policy.es=1"],
        &["security.sev.snp=on"],
    ] {
        let sets: Vec<&str> = keys.iter().flat_map(|k| ["--set", k]).collect();
        let mut more = vec!["--disk", "/srv/a.qcow2", "--network", "default", "--numa", "1", "--tpm"];
        more.extend(&sets);
        let one = bench.run(&more);
        assert_code(&one, 0);
        assert_eq!(one.stdout, bench.command(&more).current_dir("/").output().unwrap().stdout);
        let mut apply = Command::new(crate::lab::program("virt-sev"))
            .args(["apply", "--check"])
            .args(&sets)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        apply.stdin.take().unwrap().write_all(&one.stdout).unwrap();
        assert!(apply.wait().unwrap().success(), "{keys:?}");
    }
    let out = bench.run(&[]);
    assert_code(&out, 0);
    assert!(
        err(&out).contains("no key asks for SEV") && err(&out).contains("nothing to boot"),
        "{}",
        err(&out)
    );
    assert_eq!(bench.files(), names(&[]));
}

#[test]
fn images_are_created_private_and_others_read_them() {
    let bench = Bench::new();
    let (base, top) = (bench.text("base.qcow2"), bench.text("top,1.qcow2"));
    assert_code(&bench.run(&["--disk", &format!("{base},1GiB")]), 0);
    let user = bench.write("user.yaml", "#cloud-config\npassword: hunter2\n");
    let net = bench.write("net.yaml", "version: 2\n");
    let disk = format!("{},backing={base}", top.replace(',', ",,"));
    let seed = format!("{},user-data={user},network-config={net}", bench.text("seed.iso"));
    let raw = format!("{},3MiB", bench.text("b.raw"));
    let more = [
        "--disk",
        &disk,
        "--disk",
        &raw,
        "--cloud-init",
        &seed,
        "--format",
        "json",
        "-vv",
        "--set",
        "security.sev=1",
    ];
    let out = bench.run(&more);
    assert_code(&out, 0);
    assert!(!err(&out).contains("hunter2") && !String::from_utf8_lossy(&out.stdout).contains("hunter2"));
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(json["schema"], "virt-sev/generate/1");
    assert_eq!(json["created"], serde_json::json!([top, bench.text("b.raw"), bench.text("seed.iso")]));
    assert!(json["xml"].as_str().unwrap().contains("top,1.qcow2"));
    for image in ["base.qcow2", "top,1.qcow2", "b.raw", "seed.iso"] {
        let mode = std::fs::metadata(bench.text(image)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{image}");
    }
    assert_eq!(
        bench.files(),
        names(&["base.qcow2", "top,1.qcow2", "b.raw", "seed.iso", "user.yaml", "net.yaml"])
    );

    let info = Command::new("qemu-img").args(["info", "--output=json", &top]).output().unwrap();
    let info: serde_json::Value = serde_json::from_slice(&info.stdout).unwrap();
    assert_eq!((&info["virtual-size"], &info["format"]), (&(1u64 << 30).into(), &"qcow2".into()));
    assert_eq!(
        (&info["backing-filename"], &info["backing-filename-format"]),
        (&base.into(), &"qcow2".into())
    );
    assert_eq!(std::fs::metadata(bench.text("b.raw")).unwrap().size(), 3 << 20);

    // What cloud-init asks for, asked as it asks: by label and file system. Then the files themselves.
    let blkid = Command::new("/usr/sbin/blkid")
        .args(["-p", "-o", "export", &bench.text("seed.iso")])
        .output()
        .unwrap();
    let told = String::from_utf8(blkid.stdout).unwrap();
    assert!(told.contains("LABEL=cidata\n") && told.contains("TYPE=iso9660\n"), "{told}");
    let inside = bench.text("inside");
    let read = Command::new("xorriso")
        .args(["-osirrox", "on", "-indev", &bench.text("seed.iso"), "-extract", "/", &inside])
        .output()
        .unwrap();
    assert!(read.status.success(), "{}", err(&read));
    let file = |name: &str| std::fs::read_to_string(Path::new(&inside).join(name)).unwrap();
    assert_eq!(file("user-data"), "#cloud-config\npassword: hunter2\n");
    assert_eq!(file("network-config"), "version: 2\n");
    assert_eq!(file("meta-data"), "{\"instance-id\":\"web1\",\"local-hostname\":\"web1\"}\n");
}

#[test]
fn nothing_is_made_where_something_is_wrong() {
    let bench = Bench::new();
    let there = bench.write("there.qcow2", "mine");
    let link = bench.text("link.qcow2");
    std::os::unix::fs::symlink("/nowhere", &link).unwrap();
    let [to_same, to_there] = ["new.qcow2", "there.qcow2"].map(|target| {
        let link = bench.text(&format!("to-{target}"));
        std::os::unix::fs::symlink(target, &link).unwrap();
        link
    });
    let before = bench.files();
    let new = format!("{},1MiB", bench.text("new.qcow2"));
    let (over, linked) = (format!("{there},1MiB"), format!("{link},1MiB"));
    let seed = format!("{},user-data=/nowhere", bench.text("seed.iso"));
    let below = format!("{},1MiB,backing=/nowhere.raw", bench.text("x.qcow2"));
    let same = bench.text("new.qcow2");
    let answer = bench.text("answer.xml");
    let cases: &[(&[&str], i32, &str)] = &[
        (&["--disk", &over], 4, "there.qcow2: the image is there already"),
        (&["--disk", &linked], 4, "link.qcow2: the image is there already"),
        (&["-o", "/nowhere/x.xml"], 4, "/nowhere/x.xml: the domain document cannot be written"),
        (&["-o", &same], 2, "new.qcow2: the answer would be written over a file that the domain needs"),
        (&["-o", &to_same], 2, "new.qcow2: the answer would be written over"),
        (&["-o", &to_there, "--disk", &there], 2, "there.qcow2: the answer would be written over"),
        (&["-o", &there, "--kernel", &there], 2, "there.qcow2: the answer would be written over"),
        (&["--disk", &new.replace("/new", "//new")], 2, "one file is two disks"),
        (&["-o", &answer, "--cloud-init", &seed], 4, "/nowhere: the user data cannot be opened"),
        (&["-o", &answer, "--disk", &below], 4, "x.qcow2: qemu-img cannot create the image"),
        (&["--disk", "/nowhere/x.raw,1MiB"], 4, "/nowhere/x.raw: the image cannot be written: No such file"),
        (&["--set", "security.sev=maybe"], 4, "security.sev"),
        (&["--set", "security.sev=1", "--skip", "nothing"], 2, "no such rule"),
        (&["--template", "../default"], 2, "there is no such template"),
        (&["--cpu", "a b", "--disk", "c"], 2, "--cpu: not a CPU model"),
        (&["--cloud-init", "/s.iso,user-data=-", "--config", "-"], 2, "standard input can be only one"),
    ];
    for (more, code, says) in cases {
        let out = bench.run(&[&["--disk", &new], *more].concat());
        assert_code(&out, *code);
        assert!(err(&out).contains(says) && !err(&out).contains(".virt-sev."), "{more:?}: {}", err(&out));
        assert!(out.stdout.is_empty(), "{more:?}");
        assert_eq!(bench.files(), before, "{more:?}");
    }
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "mine");
    for (more, program) in [
        (&["--disk", &new][..], "qemu-img"),
        (&["--cloud-init", &seed.replace("/nowhere", &there)], "xorriso"),
    ] {
        let out = bench.command(more).env("PATH", "/nowhere").output().unwrap();
        assert_code(&out, 5);
        assert!(err(&out).contains(&format!("{program} is not installed")), "{}", err(&out));
        assert_eq!(bench.files(), before);
    }
    // A full device: the answer fails last of all, and the disk goes again.
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let out = bench.command(&["--disk", &new]).stdout(full).output().unwrap();
    assert_code(&out, 4);
    assert_eq!(bench.files(), before);
    // But a document that is written keeps the disk that it needs.
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let out =
        bench.command(&["--disk", &new, "-o", &answer, "--format", "json"]).stdout(full).output().unwrap();
    assert_code(&out, 4);
    assert!(Path::new(&answer).exists() && Path::new(&same).exists());
}

#[test]
fn a_folder_of_templates_of_ones_own() {
    let bench = Bench::new();
    let folder = bench.0.path().to_str().unwrap();
    let least = "<domain type='kvm'><name>{name:text}</name><memory>{memory_kib:uint}</memory>\
                 <os><type arch='x86_64' machine='q35'>hvm</type></os></domain>";
    bench.write("tiny.xml", &format!("<!-- Our smallest.\n     More of it. -->\n{least}"));
    bench.write("default.xml", least);
    bench.write("notes.txt", "{");
    let list = |more: &[&str]| {
        let mut command = Command::new(crate::lab::program("virt-sev"));
        command.args(["generate", "--list", "--template-dir", folder]).args(more).output().unwrap()
    };
    let out = list(&["--format", "json"]);
    assert_code(&out, 0);
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(json["schema"], "virt-sev/templates/1");
    let rows = json["templates"].as_array().unwrap();
    let told: Vec<_> = rows.iter().map(|r| (r["name"].as_str().unwrap(), r["file"].is_string())).collect();
    assert_eq!(told, [("default", true), ("tiny", true), ("cloud-image", false), ("direct-kernel", false)]);
    assert_eq!(rows[1]["title"], "Our smallest.");
    assert!(rows[3]["needs"].as_array().unwrap().contains(&"--kernel".into()));
    let said = String::from_utf8(list(&[]).stdout).unwrap();
    assert!(said.contains("tiny           Our smallest. (") && said.lines().count() == 4, "{said}");

    let out = bench.run(&["--template-dir", folder, "--template", "tiny", "--set", "security.sev=true"]);
    assert_code(&out, 0);
    assert!(String::from_utf8_lossy(&out.stdout).contains("<policy>0x0001</policy>"));
    let out = bench.run(&["--template-dir", folder, "--disk", "/a.raw"]);
    assert_code(&out, 2);
    assert!(err(&out).contains("--template default: this template has no place for an option: found --disk"));
    let bad = bench.write("bad.xml", "<domain><title>{nmae:text}</title></domain>");
    for out in [list(&[]), bench.run(&["--template-dir", folder, "--template", "bad"])] {
        assert_code(&out, 4);
        assert!(
            err(&out).contains(&format!("{bad}, /domain/title: no such slot here: found {{nmae:text}}")),
            "{}",
            err(&out)
        );
        assert!(out.stdout.is_empty());
    }
    assert_code(&bench.run(&["--template-dir", "/nowhere"]), 4);
}

fn console(corner: &Corner<'_>) -> std::path::PathBuf {
    corner.lab.files.join(format!("{}.console", corner.guest))
}

/// A folder with the built-in templates, for the hypervisor that this lab has, and with the console in a file. Without
/// KVM the processor is the emulator's.
fn templates(corner: &Corner<'_>) -> Vec<String> {
    let kvm = corner.platform().iter().all(|a| *a != "kvm");
    let folder = corner.path("templates");
    std::fs::create_dir(&folder).unwrap();
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xml-templates/domains");
    for file in std::fs::read_dir(built_in).unwrap() {
        let file = file.unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        let console = format!("<serial type='file'><source path='{}'/></serial>", console(corner).display());
        let text = text.replace("<serial type='pty'/>", &console).replace("<console type='pty'/>", "");
        let text = if kvm { text } else { text.replace("<domain type='kvm'>", "<domain type='qemu'>") };
        std::fs::write(folder.join(file.file_name()), text).unwrap();
    }
    let mut args = vec!["--template-dir".to_owned(), folder.to_str().unwrap().to_owned()];
    if !kvm {
        args.extend(["--cpu".to_owned(), "maximum".to_owned()]);
    }
    args
}

#[test]
fn a_generated_domain_is_defined_as_it_is() {
    let corner = Corner::new(Lab::shared());
    let user = corner.text("user.yaml");
    std::fs::write(&user, "#cloud-config\n").unwrap();
    let (disk, seed) = (
        format!("{},64MiB", corner.text("disk.qcow2")),
        format!("{},user-data={user}", corner.text("seed.iso")),
    );
    for template in ["default", "cloud-image"] {
        let kernel = corner.lab.file("VIRT_SEV_KERNEL");
        let mut generate = corner.command(&["generate", &corner.guest, "--memory", "512MiB", "--vcpus", "2"]);
        if template == "default" {
            generate.args(templates(&corner)).args(["--kernel", kernel.to_str().unwrap()]);
            generate.args(["--disk", &disk, "--cloud-init", &seed]);
        } else {
            // The images are there now, and are used as they are.
            generate.arg("--template-dir").arg(corner.path("templates")).args(["--template", template]);
            generate.args(["--cpu", "maximum", "--disk", &corner.text("disk.qcow2")]);
            generate.args(["--cloud-init", &corner.text("seed.iso"), "--vsock"]);
        }
        generate.args(["--network", "user", "--numa", "2", "--set", "security.sev=true"]);
        generate.args([
            "--set",
            &format!("security.sev.firmware={}", corner.lab.file("VIRT_SEV_FIRMWARE").display()),
        ]);
        let made = generate.args(corner.platform()).output().unwrap();
        assert_code(&made, 0);
        define(&corner, &made.stdout);
        // What libvirt made of it is still right: nothing was added that a rule would change.
        let dumped = corner.path("dumped.xml");
        std::fs::write(&dumped, corner.lab.virsh(&["dumpxml", "--inactive", &corner.guest])).unwrap();
        let mut again =
            corner.command(&["apply", "--diff", dumped.to_str().unwrap(), "--set", "security.sev=true"]);
        again.args([
            "--set",
            &format!("security.sev.firmware={}", corner.lab.file("VIRT_SEV_FIRMWARE").display()),
        ]);
        let again = again.args(corner.platform()).output().unwrap();
        assert_code(&again, 0);
        assert_eq!(String::from_utf8_lossy(&again.stdout), "");
        let text = std::fs::read_to_string(&dumped).unwrap();
        assert!(text.contains("<uuid>") && text.contains("<mac address="), "{text}");
        for absent in
            ["<graphics", "<video", "type='usb' index='0' model='qemu", "<memballoon model='virtio'"]
        {
            assert!(!text.contains(absent), "{absent}: {text}");
        }
        corner.lab.virsh(&["undefine", "--keep-nvram", &corner.guest]);
    }
}

#[test]
fn a_generated_direct_kernel_guest_is_launched_verified_and_runs() {
    let corner = Corner::new(Lab::shared());
    corner.session("0x1");
    let cmdline = "console=ttyS0 quiet";
    let key = |name: &str, value: &str| format!("security.sev{name}={value}");
    let mut generate = corner.command(&["generate", &corner.guest, "--memory", "256MiB", "--vcpus", "1"]);
    generate.args(templates(&corner)).args(["--template", "direct-kernel", "--cmdline", cmdline]);
    generate.arg("--kernel").arg(corner.lab.file("VIRT_SEV_KERNEL"));
    generate.arg("--initrd").arg(corner.lab.file("VIRT_SEV_INITRD"));
    let disk = corner.lab.files.join(format!("{}.qcow2", corner.guest));
    generate.args(["--disk", &format!("{},1MiB", disk.display())]);
    generate.args([
        "--set",
        &key("", "true"),
        "--set",
        &key(".firmware", corner.lab.file("VIRT_SEV_FIRMWARE").to_str().unwrap()),
        "--set",
        &key(".session.dh", &format!("@{}", corner.text("owner/godh.b64"))),
        "--set",
        &key(".session.data", &format!("@{}", corner.text("owner/session.b64"))),
    ]);
    let out = generate.args(corner.platform()).args(["-o", &corner.text("domain.xml")]).output().unwrap();
    assert_code(&out, 0);
    assert!(out.stdout.is_empty());
    // The lab's daemon is an ordinary user's, who cannot take the image over as a system's daemon does.
    std::fs::set_permissions(&disk, std::fs::Permissions::from_mode(0o666)).unwrap();
    let out = corner.launch("0x1", &[]).args(corner.owner(Some(cmdline))).output().unwrap();
    assert_code(&out, 0);
    assert_eq!(String::from_utf8_lossy(&out.stdout), format!("{}: running, verified\n", corner.guest));
    assert_eq!(corner.lab.state(&corner.guest), "running");
    // Its own word, on the console that the template gave it. Under TCG, on a busy machine, a boot takes its time.
    let said = || String::from_utf8_lossy(&std::fs::read(console(&corner)).unwrap_or_default()).into_owned();
    for _ in 0..240 {
        if said().contains("guest: up") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    panic!("the guest did not speak in two minutes: {}", said());
}

#[test]
fn libvirt_knows_the_processor_that_a_measured_guest_gets() {
    let corner = Corner::new(Lab::shared());
    let folder = templates(&corner)[1].clone();
    corner.session("0x5");
    let firmware = format!("security.sev.firmware={}", corner.lab.file("VIRT_SEV_FIRMWARE").display());
    let dh = format!("security.sev.session.dh=@{}", corner.text("owner/godh.b64"));
    let data = format!("security.sev.session.data=@{}", corner.text("owner/session.b64"));
    let es = ["security.sev=true", "security.sev.policy.es=true", &dh, &data];
    for (keys, model) in [(&es[..], "EPYC"), (&["security.sev.snp=true"], "EPYC-v4")] {
        let mut generate = corner.command(&["generate", &corner.guest, "--memory", "256MiB", "--vcpus", "1"]);
        generate.args(["--template-dir", &folder, "--set", &firmware]).args(corner.platform());
        let made = generate.args(keys.iter().flat_map(|k| ["--set", k])).output().unwrap();
        assert_code(&made, 0);
        // A measured guest whose processor is not pinned would be warned of.
        assert!(!err(&made).contains("warning"), "{}", err(&made));
        define(&corner, &made.stdout);
        let xml = corner.lab.virsh(&["dumpxml", "--inactive", &corner.guest]);
        assert!(xml.contains(&format!("<model fallback='forbid'>{model}</model>")), "{xml}");
        corner.lab.virsh(&["undefine", "--keep-nvram", &corner.guest]);
    }
}

/// libvirt validates the document and defines it.
fn define(corner: &Corner<'_>, xml: &[u8]) {
    let mut define = Command::new("virsh")
        .args(["-q", "-c", &corner.lab.uri, "define", "--validate", "/dev/stdin"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    define.stdin.take().unwrap().write_all(xml).unwrap();
    assert!(define.wait().unwrap().success(), "{}", String::from_utf8_lossy(xml));
}
