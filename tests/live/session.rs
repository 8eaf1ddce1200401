//! `session`: its files are complete or not there, whatever happens while they are written; and what it refuses.

use crate::chain::{Place, ca, hex, platform};
use crate::lab::{assert_code, err, program};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const FILES: [&str; 5] = ["godh.b64", "keys.yaml", "session.b64", "tek.bin", "tik.bin"];

fn arguments(place: &Place, keys: &str) -> Vec<String> {
    let chain = place.put("chain.cert", &platform("full-chain.cert"));
    let keys = place.path(keys).display().to_string();
    ["session", "--chain", &chain, "--ca", &ca(), "--policy", "0x5", "-o", &keys].map(str::to_owned).into()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .map(|dir| dir.map(|e| e.unwrap().file_name().into_string().unwrap()).collect())
        .unwrap_or_default();
    names.sort();
    names
}

fn session(place: &Place, keys: &str, more: &[&str]) -> Output {
    let mut args = arguments(place, keys);
    args.extend(more.iter().map(|a| (*a).to_owned()));
    place.run(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn the_files_are_the_owners_alone_under_any_mask() {
    let place = Place::new();
    let mut args = arguments(&place, "keys");
    args.extend(["--bundle".into(), place.path("bundle.json").display().to_string()]);
    let out = Command::new("sh")
        .args(["-c", "umask 0; exec \"$0\" \"$@\""])
        .arg(program("virt-sev"))
        .args(&args)
        .env("XDG_CACHE_HOME", place.path("cache"))
        .output()
        .unwrap();
    assert_code(&out, 0);
    assert_eq!(names(&place.path("keys")), FILES);
    let mode = |name: &str| place.path(name).metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("keys"), 0o700);
    for name in FILES {
        assert_eq!(mode(&format!("keys/{name}")), 0o600, "{name}");
    }
    assert_eq!(mode("bundle.json"), 0o600);
    // LXD's own keys, where they can say it.
    let yaml = std::fs::read_to_string(place.path("keys/keys.yaml")).unwrap();
    let keys: Vec<&str> = yaml.lines().skip(1).filter_map(|l| l.split_once(':')).map(|(k, _)| k).collect();
    assert_eq!(
        keys,
        ["security.sev", "security.sev.policy.es", "security.sev.session.dh", "security.sev.session.data"]
    );
    let out = place.run(&["keys", "--convert", place.path("bundle.json").to_str().unwrap()]);
    assert_code(&out, 0);
    assert_eq!(String::from_utf8(out.stdout).unwrap().lines().count(), 4);
}

/// A disk that is full: no file may grow beyond a kilobyte, and a certificate in base64 is longer.
#[test]
fn nothing_is_left_where_the_disk_is_full() {
    for (there, bundle) in [(false, false), (true, false), (false, true)] {
        let place = Place::new();
        let mut args = arguments(&place, "keys");
        if bundle {
            args.extend(["--bundle".into(), place.path("bundle.json").display().to_string()]);
        }
        if there {
            std::fs::create_dir(place.path("keys")).unwrap();
        }
        let before = names(place.dir.path());
        let out = Command::new("bash")
            .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\""])
            .arg(program("virt-sev"))
            .args(&args)
            .output()
            .unwrap();
        assert_code(&out, 4);
        assert!(err(&out).contains("cannot write to") && err(&out).contains("too large"), "{}", err(&out));
        assert_eq!(names(place.dir.path()), before);
        assert!(names(&place.path("keys")).is_empty());
    }
}

#[test]
fn what_is_there_stays_and_a_place_that_cannot_be_had_is_told() {
    let place = Place::new();
    std::fs::create_dir(place.path("keys")).unwrap();
    std::fs::write(place.path("keys/tik.bin"), "mine").unwrap();
    let out = session(&place, "keys", &[]);
    assert_code(&out, 4);
    assert!(err(&out).contains("keys/tik.bin: the file exists already"), "{}", err(&out));
    assert_eq!(names(&place.path("keys")), ["tik.bin"]);
    // A bundle that is there, or cannot be: then there are no keys either.
    std::fs::write(place.path("bundle.json"), "mine").unwrap();
    for bundle in ["bundle.json", "nowhere/bundle.json", "chain.cert/x", "new/tik.bin"] {
        let bundle = place.path(bundle).display().to_string();
        let out = session(&place, "new", &["--bundle", &bundle]);
        assert_code(&out, 4);
        assert_eq!(names(place.dir.path()), ["bundle.json", "chain.cert", "keys"], "{}", err(&out));
    }
    assert_eq!(std::fs::read(place.path("bundle.json")).unwrap(), b"mine");
    for folder in ["chain.cert", "chain.cert/x", "no/such/parent", "/proc/new", "/dev/null"] {
        let out = session(&place, folder, &[]);
        assert_code(&out, 4);
        assert!(err(&out).contains("cannot"), "{folder}: {}", err(&out));
    }
    // A link in the place of a file is not followed.
    std::os::unix::fs::symlink(place.path("stolen"), place.path("keys/tek.bin")).unwrap();
    std::fs::remove_file(place.path("keys/tik.bin")).unwrap();
    assert_code(&session(&place, "keys", &[]), 4);
    assert!(!place.path("stolen").exists());
}

#[test]
fn of_many_at_once_one_has_the_folder_whole() {
    for there in [false, true] {
        let place = Place::new();
        if there {
            std::fs::create_dir(place.path("keys")).unwrap();
        }
        let args = arguments(&place, "keys");
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let children: Vec<_> = (0..6)
            .map(|_| place.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
            .collect();
        let codes: Vec<i32> = children.into_iter().map(|mut c| c.wait().unwrap().code().unwrap()).collect();
        assert_eq!(codes.iter().filter(|c| **c == 0).count(), 1, "{codes:?}");
        assert!(codes.iter().all(|c| [0, 4].contains(c)), "{codes:?}");
        assert_eq!(names(&place.path("keys")), FILES);
        assert_eq!(names(place.dir.path()), ["chain.cert", "keys"]);
    }
}

/// Killed at any time while it writes, a new folder is there with everything in it, or not at all.
#[test]
fn a_run_that_is_killed_leaves_all_or_nothing() {
    let place = Place::new();
    let (mut nothing, mut all) = (0, 0);
    for n in 0..40u32 {
        let name = format!("keys-{n}");
        let args = arguments(&place, &name);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut child = place.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // From the moment in which anything of it is there, a little later each time.
        let begun = || names(place.dir.path()).iter().any(|found| found.contains(&name));
        while !begun() && child.try_wait().unwrap().is_none() {}
        std::thread::sleep(Duration::from_micros(u64::from(n * n) * 20));
        let _ = child.kill();
        let finished = child.wait().unwrap().success();
        if place.path(&name).exists() {
            assert_eq!(names(&place.path(&name)), FILES, "run {n}");
            all += 1;
        } else {
            assert!(!finished, "run {n}");
            nothing += 1;
        }
    }
    assert!(
        nothing > 0 && all > 0,
        "{nothing} left nothing, {all} everything: it was never killed in the middle"
    );
    // What a killed run leaves is hidden, private, and of no session that anybody was given.
    for hidden in names(place.dir.path()).iter().filter(|n| n.starts_with('.')) {
        assert_eq!(place.path(hidden).metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
    // The next run clears it away.
    assert_code(&session(&place, "keys", &[]), 0);
    assert_eq!(names(place.dir.path()).into_iter().find(|n| n.starts_with('.')), None);
}

/// Killed in a folder that is there, when the keys are on the disk and have no names yet.
#[test]
fn keys_that_a_killed_run_leaves_go_with_the_next_run() {
    let place = Place::new();
    std::fs::create_dir(place.path("keys")).unwrap();
    let out = Command::new("sh")
        .args(["-c", "ulimit -c 0; ulimit -f 1; exec \"$0\" \"$@\""])
        .arg(program("virt-sev"))
        .args(arguments(&place, "keys"))
        .output()
        .unwrap();
    assert_eq!(out.status.signal(), Some(25), "SIGXFSZ: {}", err(&out));
    let left = names(&place.path("keys"));
    assert!(left.len() > 1 && left.iter().all(|n| n.starts_with('.')), "{left:?}");
    assert!(left.iter().any(|n| n.starts_with(".tek.bin.")), "{left:?}");
    assert_code(&session(&place, "keys", &[]), 0);
    assert_eq!(names(&place.path("keys")), FILES);
}

#[test]
fn a_policy_that_no_chip_takes_is_refused() {
    let place = Place::new();
    let mut args = arguments(&place, "keys");
    args[6] = "0x40".into();
    let out = place.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert_code(&out, 4);
    assert!(err(&out).contains("the policy sets reserved bits"), "{}", err(&out));
    assert!(!place.path("keys").exists());
}

/// A key of the owner's is in no output, whatever is asked for.
#[test]
fn no_key_is_told() {
    let place = Place::new();
    let bundle = place.path("bundle.json").display().to_string();
    let out = session(&place, "keys", &["-vvv", "--format", "json", "--bundle", &bundle]);
    assert_code(&out, 0);
    let told = [out.stdout, out.stderr, std::fs::read(&bundle).unwrap()].concat();
    for name in ["tik.bin", "tek.bin"] {
        let key = std::fs::read(place.path("keys").join(name)).unwrap();
        assert_eq!(key.len(), 16);
        for form in [key.clone(), hex(&key).into_bytes()] {
            assert!(!told.windows(form.len()).any(|w| w == form), "{name}");
        }
    }
    let answer: serde_json::Value =
        serde_json::from_slice(&told[..told.iter().position(|b| *b == b'}').unwrap() + 1]).unwrap();
    assert_eq!(answer["files"].as_array().unwrap().len(), 6);
}

/// From a pipe, from a file without end, from a folder, from what is no certificate: an answer in time, or the wait that a
/// pipe is.
#[test]
fn hostile_files_end_in_an_error() {
    let place = Place::new();
    let fifo = place.path("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let huge = place.path("huge");
    std::fs::File::create(&huge).unwrap().set_len(8 << 30).unwrap();
    let deep = place.put("deep", "[".repeat(1 << 20).as_bytes());
    let text = place.put("text", "AAAA".repeat(1 << 20).as_bytes());
    for file in
        ["/dev/zero", huge.to_str().unwrap(), place.dir.path().to_str().unwrap(), &deep, &text, "/dev/null"]
    {
        let begin = Instant::now();
        let out = place.run(&["chain", "verify", file]);
        assert_code(&out, 4);
        assert!(err(&out).lines().count() < 6, "{file}: {} lines", err(&out).lines().count());
        let out = place.run(&["chain", "verify", file, "--ca", file]);
        assert_code(&out, 4);
        assert!(begin.elapsed() < Duration::from_secs(20), "{file}");
    }
    let mut child = place
        .command(&["chain", "verify", fifo.to_str().unwrap(), "--ca", &ca()])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    std::fs::write(&fifo, platform("chain.cert")).unwrap();
    assert!(child.wait().unwrap().success());
}
