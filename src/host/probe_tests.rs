//! Reading a folder that stands for a host.

use super::*;
use std::fs;
use std::os::unix::fs::symlink;

fn host() -> (tempfile::TempDir, RootProbe) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("root/etc")).unwrap();
    fs::write(dir.path().join("root/etc/a"), "inside").unwrap();
    fs::write(dir.path().join("secret"), "outside").unwrap();
    let probe = RootProbe::new(dir.path().join("root"));
    (dir, probe)
}

#[test]
fn a_file_is_read_below_the_root_and_named_without_it() {
    let (dir, probe) = host();
    assert_eq!(probe.read(Path::new("/etc/a"), 100), Fact::Known(b"inside".to_vec()));
    assert_eq!(probe.read(Path::new("/etc/none"), 100), Fact::Absent);
    assert_eq!(probe.read(Path::new("/etc/a/b"), 100), Fact::Absent);
    let Fact::Unreadable(why) = probe.read(Path::new("/etc/a"), 5) else { panic!() };
    assert_eq!(why, "/etc/a: longer than 5 bytes");
    let Fact::Unreadable(why) = probe.read(Path::new("/etc"), 5) else { panic!() };
    assert!(!why.contains(dir.path().to_str().unwrap()), "{why}");
}

#[test]
fn links_never_lead_outside() {
    let (dir, probe) = host();
    let root = dir.path().join("root");
    symlink("../../secret", root.join("etc/up")).unwrap();
    symlink(dir.path().join("secret"), root.join("etc/absolute")).unwrap();
    symlink("/etc", root.join("conf")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    for path in ["/etc/up", "/etc/absolute", "/../secret", "/etc/../../secret"] {
        assert_eq!(probe.read(Path::new(path), 100), Fact::Absent, "{path}");
    }
    assert_eq!(probe.read(Path::new("/conf/a"), 100), Fact::Known(b"inside".to_vec()));
    assert!(matches!(probe.read(Path::new("/loop"), 100), Fact::Unreadable(_)));
    assert_eq!(probe.list(Path::new("/conf")), Fact::Known(vec!["a".into()]));
}

#[test]
fn the_real_machine_is_read_without_trouble() {
    let probe = RealProbe::system();
    assert!(matches!(probe.read(Path::new("/proc/self/status"), 1 << 20), Fact::Known(_)));
    assert_eq!(probe.exists(Path::new("/nowhere/at/all")), Fact::Absent);
    assert_eq!(probe.user_firmware(), None);
    assert!(matches!(probe.read(Path::new("/dev/zero"), 10), Fact::Unreadable(_)));
}
