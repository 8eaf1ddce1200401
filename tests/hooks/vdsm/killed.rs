//! What a kill, a full disk and other calls at the same time leave: the old document or the new one.

use super::*;

fn kill(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// What VDSM would read after a kill is the old document or the new one, and a later call leaves nothing of the killed one.
#[test]
fn killed_at_any_instant_the_file_is_the_old_one_or_the_new_one() {
    let vdsm = FakeVdsm::new();
    let (keys, properties) = session();
    let (properties, old, new) = (borrowed(&properties), machine(), right(&keys));
    let time = |vdsm: &FakeVdsm| {
        let begin = Instant::now();
        assert_eq!(vdsm.call(START, &properties, old.as_bytes()).code, Some(0));
        begin.elapsed()
    };
    let whole = (0..5).map(|_| time(&vdsm)).max().unwrap();
    let (mut olds, mut news) = (0, 0);
    const KILLS: u32 = 200;
    for n in 0..KILLS {
        let file = vdsm.file("tmpkilled", old.as_bytes());
        let mut child = vdsm.command(START, &properties, &file).spawn().unwrap();
        std::thread::sleep(whole * n * 3 / (KILLS * 2));
        kill(&mut child);
        let now = fs::read_to_string(&file).unwrap();
        assert!(now == old || now == new, "after {n}/{KILLS}: {now}");
        let count = if now == old { &mut olds } else { &mut news };
        *count += 1;
        assert!(["0", "1"].contains(&&*vdsm.flags_now()));
        // A guest whose document asks for a session begins paused.
        assert!(now == old || vdsm.flags_now() == "1");
        fs::write(vdsm.flags(), "0").unwrap();
    }
    assert!(olds > 0 && news > 0, "{olds} old, {news} new");
    fs::remove_file(vdsm.path("tmp/tmpkilled")).unwrap();
    // What a killed one left, whether or not one was hit between draft and name.
    let left = vdsm.path("tmp/.tmpkilled.0123456789abcdef.virt-sev-draft");
    fs::write(&left, "half").unwrap();
    assert_eq!(vdsm.call(START, &properties, old.as_bytes()).code, Some(0));
    let in_run: Vec<_> =
        fs::read_dir(vdsm.path("run").join(ID)).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(in_run, ["launchflags"]);
}

/// The kernel ends it in the middle of the new document: the longest file that it may write is shorter (setrlimit(2),
/// RLIMIT_FSIZE).
#[test]
fn killed_while_it_writes_the_file_is_the_old_one() {
    let vdsm = FakeVdsm::new();
    let file = vdsm.file("tmpk3x8q2", machine().as_bytes());
    let hook = vdsm.command(START, ES, &file);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -f 4; exec \"$1\"", "sh"]).arg(hook.get_program());
    let envs = hook.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let out = limited.env_clear().envs(envs).output().unwrap();
    assert_eq!(out.status.signal(), Some(25), "SIGXFSZ: {}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(fs::read_to_string(&file).unwrap(), machine());
    assert_eq!(vdsm.beside().len(), 2, "it was not writing yet: {:?}", vdsm.beside());
    // The next call leaves nothing of it.
    assert_eq!(vdsm.call(START, ES, machine().as_bytes()).code, Some(0));
}

/// Between the flags and the document: the flags are a pipe that nobody writes into.
#[test]
fn killed_while_it_waits_it_has_written_nothing() {
    let vdsm = FakeVdsm::new();
    fs::remove_file(vdsm.flags()).unwrap();
    assert!(Command::new("mkfifo").arg(vdsm.flags()).status().unwrap().success());
    let (_, properties) = session();
    let file = vdsm.file("tmpwaits", machine().as_bytes());
    let mut child = vdsm.command(START, &borrowed(&properties), &file).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "it does not wait");
    assert_eq!(vdsm.beside(), ["tmpwaits"]);
    kill(&mut child);
    assert_eq!((fs::read_to_string(&file).unwrap(), vdsm.beside().len()), (machine(), 1));
}

/// On a file system of its own: `before` is done to it, and the hook is called with a file there.
fn on_a_small_disk(before: &str) -> String {
    let vdsm = FakeVdsm::new();
    let file = vdsm.file("old", machine().as_bytes());
    let script = format!(
        "mount -t tmpfs -o size=64k none \"$1\" && cp \"$2\" \"$1/dom\" && cd \"$1\" && {before}\n\
         security_sev=true _hook_domxml=\"$1/dom\" \"$3\" 2>&1; echo \"code $?\"\n\
         cmp \"$1/dom\" \"$2\" && echo same; ls -A \"$1\""
    );
    fs::create_dir(vdsm.path("disk")).unwrap();
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let out = Command::new("unshare")
        .args([if is_root { "-m" } else { "-rm" }, "sh", "-c", &script, "sh"])
        .args([vdsm.path("disk"), file, vdsm.path("hooks").join(START).join("90_virt-sev")])
        .output()
        .unwrap();
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

#[test]
fn a_disk_that_is_full_or_read_only_costs_nothing_but_the_start() {
    let full = on_a_small_disk("{ dd if=/dev/zero of=fill bs=1k 2>/dev/null; true; }");
    assert!(full.contains("cannot be replaced: No space left on device"), "{full}");
    assert!(full.ends_with("code 2\nsame\ndom\nfill\n"), "{full}");
    let read_only = on_a_small_disk("mount -o remount,ro \"$1\"");
    assert!(read_only.contains("cannot be replaced: Read-only file system"), "{read_only}");
    assert!(read_only.ends_with("code 2\nsame\ndom\n"), "{read_only}");
}

#[test]
fn of_a_link_the_file_is_replaced_and_owner_and_mode_stay() {
    let vdsm = FakeVdsm::new();
    let (real, link) = (vdsm.path("real"), vdsm.path("tmp/link"));
    fs::write(&real, machine()).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if is_root {
        std::os::unix::fs::chown(&real, Some(36), Some(36)).unwrap();
    }
    let before = real.metadata().unwrap();
    symlink(&real, &link).unwrap();
    let out = vdsm.command(START, ES, &link).output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(link.is_symlink() && fs::read_to_string(&real).unwrap().contains("<launchSecurity"));
    let now = real.metadata().unwrap();
    let kept = |m: &fs::Metadata| (m.uid(), m.gid(), m.mode());
    assert_eq!(kept(&now), kept(&before));
    assert_ne!(now.ino(), before.ino());
    // A folder, a device: nothing that could be replaced.
    for other in [vdsm.path("tmp"), PathBuf::from("/dev/null")] {
        assert_eq!(vdsm.command(START, ES, &other).output().unwrap().status.code(), Some(2));
    }
}

/// VDSM starts machines at the same time, and their files lie in one folder.
#[test]
fn many_at_once_do_not_meet() {
    let vdsm = FakeVdsm::new();
    let new = right(&["security.sev=true".to_owned(), "security.sev.policy.es=true".to_owned()]);
    let file = |n: usize| vdsm.file(&format!("tmp{n}"), machine().as_bytes());
    let files: Vec<PathBuf> = (0..12).map(file).collect();
    // Each of them twice.
    let children: Vec<Child> =
        files.iter().chain(&files).map(|file| vdsm.command(START, ES, file).spawn().unwrap()).collect();
    for child in children {
        let out = child.wait_with_output().unwrap();
        assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    }
    assert!(files.iter().all(|file| fs::read_to_string(file).unwrap() == new));
    assert_eq!(vdsm.beside().len(), files.len());
}
