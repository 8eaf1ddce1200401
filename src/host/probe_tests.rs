//! Reading a folder that stands for a host.

use super::super::acl;
use super::super::folder::RootProbe;
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

/// A Secure Processor that answers with an error of the system, or with bytes.
#[derive(Debug)]
struct Fake(Result<&'static [u8], i32>);

impl Device for Fake {
    fn status(&self, _status: Status) -> std::io::Result<Vec<u8>> {
        self.0.map(<[u8]>::to_vec).map_err(std::io::Error::from_raw_os_error)
    }

    fn attribute(&self, _path: &Path, name: &str) -> std::io::Result<Option<Vec<u8>>> {
        let list = (name == acl::ATTRIBUTE).then(|| vec![2, 0, 0, 0, 2, 0, 6, 0, 9, 0, 0, 0]);
        self.0.map(|_| list).map_err(std::io::Error::from_raw_os_error)
    }
}

#[test]
fn what_the_device_refuses_is_a_fact_with_its_reason() {
    static ANSWERS: Fake = Fake(Ok(&[1, 55, 1]));
    static ERRORS: [(Fake, Option<&str>); 5] = [
        (Fake(Err(2)), None),
        (Fake(Err(13)), Some("Permission denied")),
        (Fake(Err(25)), Some("Inappropriate ioctl for device")),
        (Fake(Err(16)), Some("Device or resource busy")),
        (Fake(Err(22)), Some("Invalid argument")),
    ];
    assert_eq!(RealProbe::system().status(Status::Platform), Fact::NotAsked);
    let probe = RealProbe::system().with(&ANSWERS);
    assert_eq!(probe.status(Status::Snp), Fact::Known(vec![1, 55, 1]));
    let access = probe.access(Path::new("/dev/null")).known().cloned().unwrap();
    assert_eq!(access.acl.known().unwrap().users, [(9, 6)]);
    for (fake, why) in &ERRORS {
        let probe = RealProbe::system().with(fake);
        match (probe.status(Status::Platform), why) {
            (Fact::Unreadable(told), Some(why)) => {
                assert!(told.starts_with("SEV_PLATFORM_STATUS: ") && told.contains(why), "{told}");
            }
            (fact, why) => assert_eq!((fact, *why), (Fact::Absent, None)),
        }
    }
    // A kernel without the command, or that has not initialised SEV-SNP.
    assert_eq!(RealProbe::system().with(&ERRORS[4].0).status(Status::Snp), Fact::Absent);
    let device = RealProbe::system().access(Path::new("/dev/null")).known().cloned().unwrap();
    assert_eq!(device.acl, Fact::NotAsked);
}
