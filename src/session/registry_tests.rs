use super::*;
use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

fn blob(n: u8) -> SessionBlob {
    SessionBlob::parse(&[n; 128]).unwrap()
}

#[test]
fn a_second_use_is_refused_and_says_when_and_for_what() {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::open(&dir.path().join("deep/er")).unwrap();
    assert_eq!(registry.used(&blob(1)).unwrap(), None);
    registry.claim(&blob(1), "domain web1\non qemu:///system").unwrap();
    let e = registry.claim(&blob(1), "domain web2").unwrap_err();
    assert_eq!(e.kind(), Kind::Session);
    assert!(e.to_string().starts_with("this session was used before, at 2"), "{e}");
    assert!(e.to_string().contains("Z for domain web1 on qemu:///system\n"), "{e}");
    registry.claim(&blob(2), "domain web2").unwrap();
    // Another process, later.
    let again = Registry::open(&dir.path().join("deep/er")).unwrap();
    assert!(again.claim(&blob(2), "x").is_err());
    assert!(again.used(&blob(2)).unwrap().is_some_and(|u| u.ends_with("for domain web2")));
}

#[test]
fn of_many_claims_at_once_exactly_one_succeeds() {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::open(dir.path()).unwrap();
    for round in 0..20u8 {
        let won: usize = std::thread::scope(|s| {
            let threads: Vec<_> =
                (0..8).map(|_| s.spawn(|| registry.claim(&blob(round), "a race").is_ok())).collect();
            threads.into_iter().map(|t| usize::from(t.join().unwrap())).sum()
        });
        assert_eq!(won, 1);
    }
}

#[test]
fn folder_and_files_are_private_and_hold_no_session() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("virt-sev");
    Registry::open(&folder).unwrap().claim(&blob(3), "x").unwrap();
    let mode = |p: &Path| p.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join("sessions"))), (0o700, 0o700));
    let file = folder.join("sessions").join(blob(3).id());
    assert_eq!(mode(&file), 0o600);
    assert!(!std::fs::read_to_string(file).unwrap().contains("AwMD"));
}

#[test]
fn a_claim_that_died_while_writing_still_counts() {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::open(dir.path()).unwrap();
    std::fs::write(dir.path().join("sessions").join(blob(4).id()), "").unwrap();
    let e = registry.claim(&blob(4), "x").unwrap_err();
    assert!(e.to_string().starts_with("this session was used before, at 2"), "{e}");
}

/// The text said "before, before"; and of a full disk not that the session was lost.
#[test]
fn what_is_known_of_a_claim_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::open(dir.path()).unwrap();
    let record = |n| dir.path().join("sessions").join(blob(n).id());
    std::os::unix::fs::symlink("/nowhere", record(6)).unwrap();
    let e = registry.claim(&blob(6), "x").unwrap_err().to_string();
    assert!(e.starts_with("this session was used before, nobody can tell when"), "{e}");
    std::fs::create_dir(record(7)).unwrap();
    let e = registry.claim(&blob(7), "x").unwrap_err().to_string();
    assert!(e.contains("Is a directory") && e.contains("Mend that, and try again"), "{e}");
}

#[test]
fn an_unusable_registry_is_an_error_not_a_yes() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    assert_eq!(Registry::open(&dir.path().join("file")).unwrap_err().kind(), Kind::File);
    let registry = Registry::open(dir.path()).unwrap();
    std::fs::remove_dir(dir.path().join("sessions")).unwrap();
    let e = registry.claim(&blob(5), "x").unwrap_err();
    assert_eq!(e.kind(), Kind::File);
}

#[test]
fn the_folder_is_the_contracts() {
    let env: HashMap<_, _> = HashMap::from([("HOME", "/home/u"), ("XDG_STATE_HOME", "/s")]);
    let folder = |without: &str, root: bool| {
        let env = |n: &str| env.get(n).filter(|_| n != without).map(Into::into);
        Registry::PLACE.folder_for(env, root).map(|p| p.display().to_string()).unwrap()
    };
    assert_eq!(folder("", true), "/s/virt-sev");
    assert_eq!(folder("XDG_STATE_HOME", true), "/var/lib/virt-sev");
    assert_eq!(folder("XDG_STATE_HOME", false), "/home/u/.local/state/virt-sev");
}

#[test]
fn times_are_those_of_the_calendar() {
    for (seconds, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_399, "2000-02-28T23:59:59Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (1_700_000_000, "2023-11-14T22:13:20Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"),
    ] {
        assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), text);
    }
}

#[test]
fn a_damaged_file_counts_as_used_and_reaches_no_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::open(dir.path()).unwrap();
    registry.claim(&blob(4), "x").unwrap();
    std::fs::write(dir.path().join("sessions").join(blob(4).id()), b"\xff\x1b[31mx\nsecond\n").unwrap();
    let told = registry.used(&blob(4)).unwrap().unwrap();
    assert!(!told.contains(['\x1b', '\n']) && told.contains("[31mx"), "{told:?}");
}
