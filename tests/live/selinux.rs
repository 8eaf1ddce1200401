//! What SELinux's loaded policy lets libvirt's guests do, asked of a real kernel: Debian's, in QEMU, with a policy of our own.

use crate::lab::{program, setup};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a program that must succeed; its stdout.
fn run(command: &mut Command) -> String {
    let out = command.output().unwrap();
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// An initramfs of busybox, virt-sev with its libraries, the policy, and the guest's own program.
fn initramfs(folder: &Path) -> std::path::PathBuf {
    let support = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/support/selinux");
    let tree = folder.join("tree");
    for name in ["bin", "dev", "proc", "sys"] {
        fs::create_dir_all(tree.join(name)).unwrap();
    }
    // Busybox is in the demo's guest already.
    let demo = folder.join("demo");
    fs::create_dir(&demo).unwrap();
    let unpack = format!("gzip -dc '{}' | cpio -i --quiet", setup("VIRT_SEV_INITRD").display());
    run(Command::new("sh").args(["-c", &unpack]).current_dir(&demo));
    fs::copy(demo.join("bin/busybox"), tree.join("bin/busybox")).unwrap();
    fs::copy(support.join("init"), tree.join("init")).unwrap();
    run(Command::new("chmod").arg("755").arg(tree.join("init")));
    let virt_sev = program("virt-sev");
    run(Command::new("strip").arg("-o").arg(tree.join("bin/virt-sev")).arg(&virt_sev));
    let libraries = run(Command::new("ldd").arg(&virt_sev));
    for path in libraries.split_whitespace().filter(|word| word.starts_with('/')) {
        run(Command::new("cp").args(["--parents", "-L", path]).arg(&tree));
    }
    let mut policy = Command::new("checkpolicy");
    policy.args(["-M", "-U", "allow", "-c", "31", "-o"]).arg(tree.join("policy"));
    run(policy.arg(support.join("policy.te")).env("PATH", "/usr/bin:/usr/sbin:/bin"));
    let image = folder.join("initrd.img");
    let pack = format!("find . | cpio -o -H newc --quiet | gzip -1 >'{}'", image.display());
    run(Command::new("sh").args(["-c", &pack]).current_dir(&tree));
    image
}

#[test]
fn the_loaded_policy_answers_for_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("timeout");
    command.args(["200", "qemu-system-x86_64", "-M", "q35", "-cpu", "max", "-m", "512", "-no-reboot"]);
    command.args(["-nographic", "-nodefaults", "-serial", "stdio", "-kernel"]).arg(setup("VIRT_SEV_KERNEL"));
    command.arg("-initrd").arg(initramfs(folder.path()));
    command.args(["-append", "console=ttyS0 security=selinux selinux=1 enforcing=0 quiet loglevel=3"]);
    let told = run(command.stdin(Stdio::null()));
    let line = |name: &str| {
        let begin = format!("{name}: ");
        told.lines().find_map(|l| l.strip_prefix(&begin)).unwrap_or_else(|| panic!("{name}: {told}"))
    };
    for (name, state, text) in [
        ("unloaded", "unreadable", "no policy is loaded"),
        ("default", "known", "lets svirt_t use sev_device_t"),
        ("half", "known", "does not let old_t use sev_device_t"),
        ("unknown", "unreadable", "does not know nosuch_t or sev_device_t"),
        ("unlabelled", "known", "does not let svirt_t use device_t"),
        ("labelled", "known", "lets svirt_t use sev_device_t"),
    ] {
        let said = line(name);
        assert!(said.contains(&format!("\"state\": \"{state}\"")) && said.contains(text), "{name}: {said}");
    }
    assert!(!line("labelled").contains("does not"), "{}", line("labelled"));
    assert_eq!(line("collected").trim(), "allow svirt_t sev_device_t:chr_file { open read write ioctl };");
}
