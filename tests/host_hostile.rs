//! Folders that stand for no host at all: what `--host-root` is given may come from anybody. Every one gets a report, soon,
//! and nothing of this machine is in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this file is a test")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;
use virt_sev::host::{Fact, HostFacts, Recorder, RootProbe};
use virt_sev::preflight::{HostReport, prometheus};
use virt_sev::report::Style;

/// Every name that is read below a folder.
const FILES: [&str; 22] = [
    "cpuid",
    "msr",
    "nodes",
    "acl",
    "dmesg",
    "unreadable",
    "sev-status",
    "selinux",
    "images",
    "dev/sev",
    "proc/cmdline",
    "proc/meminfo",
    "proc/sys/kernel/osrelease",
    "sys/fs/cgroup/misc.capacity",
    "sys/fs/selinux/enforce",
    "sys/module/kvm_amd/parameters/sev_snp",
    "sys/module/apparmor/parameters/enabled",
    "run/libvirtd.pid",
    "etc/passwd",
    "etc/group",
    "etc/libvirt/qemu.conf",
    "usr/share/qemu/firmware/10-a.json",
];

/// A folder where each of the names was made in this way.
fn folder(make: impl Fn(&Path)) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in FILES {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        make(&path);
    }
    dir
}

/// The report in every form; fails where it does not come.
fn report(dir: &tempfile::TempDir) -> (HostFacts, String) {
    let path = dir.path().to_owned();
    let (answer, wait) = mpsc::channel();
    std::thread::spawn(move || {
        let recorder = Recorder::new(RootProbe::new(path));
        let facts = HostFacts::gather(&recorder, &[]);
        let report = HostReport::new("host", &facts);
        let kept = recorder.into_files().into_values().flatten().collect::<Vec<u8>>();
        let text = report.text(Style::default())
            + &report.json().to_string()
            + &prometheus(&[report])
            + &String::from_utf8_lossy(&kept);
        let _ = answer.send((facts, text));
    });
    wait.recv_timeout(Duration::from_secs(60)).expect("a report comes")
}

#[test]
fn pipes_and_devices_are_not_opened() {
    let pipes = folder(|path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()));
    let (facts, text) = report(&pipes);
    assert!(matches!(&facts.cpuid, Fact::Unreadable(why) if why.contains("not a regular file")));
    assert!(text.contains("/etc/libvirt/qemu.conf: not a regular file"), "{text}");
    let folders = folder(|path| fs::create_dir_all(path).unwrap());
    assert!(matches!(report(&folders).0.cpuid, Fact::Unreadable(_)));
}

#[test]
fn links_lead_nowhere_but_into_the_folder() {
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::write(
        outside.path(),
        "allow OUTSIDE b:chr_file { read };\n660 0 0 /dev/sev OUTSIDE\nccp SEV API:6.6 build:6\n",
    )
    .unwrap();
    let up = Path::new("../../../../../../../../../../..").join(outside.path().strip_prefix("/").unwrap());
    for target in [outside.path(), up.as_path(), Path::new("/dev/zero"), Path::new("/proc/self/environ")] {
        let (facts, text) = report(&folder(|path| symlink(target, path).unwrap()));
        assert_eq!(facts.cpuid, Fact::Absent, "{}", target.display());
        assert!(!text.contains("OUTSIDE") && !text.contains("6.6"), "{text}");
    }
    let (facts, _) = report(&folder(|path| symlink(path.file_name().unwrap(), path).unwrap()));
    assert!(matches!(facts.cpuid, Fact::Unreadable(why) if why.contains("too many links")));
}

#[test]
fn what_is_too_long_is_not_read() {
    let long = folder(|path| fs::File::create(path).unwrap().set_len(1 << 40).unwrap());
    let (facts, text) = report(&long);
    assert!(matches!(&facts.cpuid, Fact::Unreadable(why) if why.contains("longer than")));
    assert!(text.contains("/etc/passwd: longer than"), "{text}");
    let many = tempfile::tempdir().unwrap();
    let descriptors = many.path().join("usr/share/qemu/firmware");
    fs::create_dir_all(&descriptors).unwrap();
    for n in 0..501 {
        fs::write(descriptors.join(format!("{n}.json")), "{}").unwrap();
    }
    assert!(matches!(report(&many).0.firmware, Fact::Unreadable(why) if why.contains("more than 500")));
}

#[test]
fn no_text_steers_a_terminal_or_begins_a_line() {
    let bad = b"\xff\xfe\x1b]0;title\x07\x1b[2J sev 18446744073709551615\nsev_es 99999999999999999999999\n\
                SEV_PLATFORM_STATUS: zz\n660 x y /dev/sev\n0xc0010010: 0xgg\niommu=\x1b[31mpt mem_encrypt=\x08on\n";
    let dir = folder(|path| fs::write(path, bad).unwrap());
    let name = OsStr::from_bytes(b"g\xff\x1b\n");
    fs::create_dir_all(dir.path().join("sys/fs/cgroup").join(name)).unwrap();
    let image = r#"{"interface-types":["uefi"],"mapping":{"device":"memory","filename":"/a\u001b[31m\nb"},
                    "targets":[{"architecture":"x86_64"}],"features":[]}"#;
    fs::write(dir.path().join("usr/share/qemu/firmware").join(name), image).unwrap();
    let (_, text) = report(&dir);
    let shown = text.split("{\"host\"").next().unwrap();
    assert!(!shown.contains(['\x1b', '\x07', '\x08']), "{shown:?}");
    assert!(!shown.lines().any(|line| line.starts_with('b')), "{shown}");
}

#[test]
fn numbers_at_their_ends_are_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let full = "eax=0xffffffff ebx=0xffffffff ecx=0xffffffff edx=0xffffffff";
    let vendor = "eax=0xffffffff ebx=0x68747541 ecx=0x444d4163 edx=0x69746e65";
    write(
        "cpuid",
        &format!("0x0 0x0: {vendor}\n0x1 0x0: {full}\n0x80000000 0x0: {full}\n0x8000001f 0x0: {full}\n"),
    );
    write("sys/fs/cgroup/misc.capacity", "sev 18446744073709551615\nsev_es 0\n");
    write("sys/fs/cgroup/a/misc.current", "sev 18446744073709551615\nsev_es 1\n");
    write("sys/fs/cgroup/b/misc.current", "sev 18446744073709551615\n");
    write("msr", "0xc0010010: 0xffffffffffffffff\n0xc0010132: 0xffffffffffffffff\n0xc0010133: 0x0\n");
    write("dev/sev", "");
    let ff = "ff ".repeat(32);
    write("sev-status", &format!("SEV_PLATFORM_STATUS: {}\nSNP_PLATFORM_STATUS: {ff}\n", "ff ".repeat(12)));
    write("sys/module/kvm_amd/parameters/sev_snp", "Y");
    write("dmesg", "ccp SEV API:4294967295.4294967295 build:4294967295\nccp SEV API:99999999999.1 build:1\n");
    write("proc/meminfo", "MemTotal: 18446744073709551615 kB\nMemAvailable: 1 kB\n");
    write("usr/lib64/libvirt.so.0.4294967295.4294967295", "");
    write("run/libvirtd.pid", "4294967295");
    write("proc/4294967295/limits", "Max locked memory 18446744073709551615 x y\n");
    let (facts, text) = report(&dir);
    assert_eq!(facts.machine.asids.sev.used, Fact::Known(u64::MAX));
    assert!(text.contains("state 255"), "{text}");
}
