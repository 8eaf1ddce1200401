//! Texts as kernels, libvirt and AppArmor write them.

use super::super::asids::read as asids;
use super::super::confinement::read as confinement;
use super::super::folder::RootProbe;
use super::*;
use std::fs;

fn root(files: &[(&str, &str)]) -> (tempfile::TempDir, RootProbe) {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let probe = RootProbe::new(dir.path());
    (dir, probe)
}

#[test]
fn the_last_version_in_the_log_counts() {
    let log =
        "[1.0] ccp 0000:22:00.1: SEV API:1.51 build:3\n[2.0] ccp 0000:22:00.1: SEV-SNP API:1.55 build:21\n";
    assert_eq!(platform(log).api, Some((1, 55, 21)));
    assert_eq!(platform("ccp 0000:01:00.2: SEV API 0.16 build:5").api, Some((0, 16, 5)));
    assert_eq!(platform("usb 1-1: API:9.9 build:1").api, None);
    let failed = platform("[11.7] ccp 0000:42:00.1: SEV-SNP: failed to INIT rc -5, error 0x3\n");
    assert_eq!(failed.failures, ["0000:42:00.1: SEV-SNP: failed to INIT rc -5, error 0x3"]);
    let table = platform("[ 0.4] SEV-SNP: Memory for the RMP table has not been reserved by BIOS\n");
    assert_eq!(table.failures, ["SEV-SNP: Memory for the RMP table has not been reserved by BIOS"]);
    let usual =
        "ccp 0000:22:00.1: Direct firmware load for amd/amd_sev_fam19h_model0xh.sbin failed with error -2\n";
    assert!(platform(usual).failures.is_empty());
}

#[test]
fn asids_are_counted_in_either_version_of_the_controller() {
    let (_dir, new) = root(&[
        ("sys/fs/cgroup/misc.capacity", "sev 410\nsev_es 99\n"),
        ("sys/fs/cgroup/misc.current", "sev 3\nsev_es 99\n"),
    ]);
    assert_eq!((asids(&new).sev.free(), asids(&new).sev_es.free()), (Some(407), Some(0)));
    let (_dir, below) = root(&[
        ("sys/fs/cgroup/misc.capacity", "sev 410\n"),
        ("sys/fs/cgroup/machine.slice/misc.current", "sev 2\n"),
        ("sys/fs/cgroup/system.slice/misc.current", "sev 1\n"),
    ]);
    assert_eq!(asids(&below).sev.used, Fact::Known(3));
    assert_eq!(asids(&below).sev_es.capacity, Fact::Absent);
    let (_dir, first) = root(&[
        ("sys/fs/cgroup/misc/misc.capacity", "sev 15\n"),
        ("sys/fs/cgroup/misc/machine/misc.current", "sev 1\n"),
    ]);
    assert_eq!(asids(&first).sev.free(), Some(14));
    let (_dir, uncounted) = root(&[("sys/fs/cgroup/misc.capacity", "sev 15\n"), ("sys/fs/cgroup/a/x", "")]);
    assert_eq!(asids(&uncounted).sev.used, Fact::Absent);
}

#[test]
fn only_our_words_of_the_command_line_are_kept() {
    let line = "root=/dev/sda1 password=x mem_encrypt=on kvm_amd.sev=1 iommu=pt quiet\n";
    assert_eq!(words(line), ["mem_encrypt=on", "kvm_amd.sev=1", "iommu=pt"]);
}

#[test]
fn apparmor_allows_where_any_file_of_the_profile_does() {
    let enabled = ("sys/module/apparmor/parameters/enabled", "Y\n");
    let base = "etc/apparmor.d/abstractions/libvirt-qemu";
    let (_dir, no) = root(&[enabled, (base, "  # /dev/sev rw,\n  /dev/kvm rw,\n")]);
    assert_eq!(confinement(&no).apparmor, Fact::Known(false));
    let drop_in = ("etc/apparmor.d/abstractions/libvirt-qemu.d/sev", "/dev/sev rw,\n");
    let (_dir, yes) = root(&[enabled, (base, ""), drop_in]);
    assert_eq!(confinement(&yes).apparmor, Fact::Known(true));
    let (_dir, off) = root(&[(base, "")]);
    assert_eq!(confinement(&off).apparmor, Fact::Absent);
}

#[test]
fn limits_versions_and_the_cache() {
    let limits =
        "Limit  Soft Limit  Hard Limit  Units\nMax locked memory         8388608   8388608   bytes\n";
    let (_dir, probe) = root(&[
        ("run/virtqemud.pid", "7\n"),
        ("proc/7/limits", limits),
        ("usr/lib64/libvirt.so.0.10005.0", ""),
        ("var/cache/libvirt/qemu/capabilities/a.xml", "<emulator>/usr/bin/qemu-system-x86_64</emulator>"),
        ("etc/libvirt/qemu.conf", "#namespaces = []\n namespaces = [ ]\n"),
    ]);
    assert_eq!(daemon(&probe), Fact::Known(Daemon { name: "virtqemud", memlock: Some(8_388_608) }));
    assert_eq!(library(&probe), Fact::Known((10, 5, 0)));
    assert_eq!(cache(&probe), Fact::Known(false));
    assert_eq!(confinement(&probe).namespaces, Fact::Known(false));
}
