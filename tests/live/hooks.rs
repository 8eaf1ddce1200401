//! libvirt's hook, run by a real libvirtd: what it lets start, what it refuses, and what it leaves alone.

use crate::lab::{Corner, Lab, assert_code, err, program};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A daemon with the hook, and the folder of its site policy and of its records, `state`. `warn_only: [kvm]`: the lab may
/// have no KVM.
pub(crate) fn lab() -> (Lab, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    open(dir.path());
    let hook = dir.path().join("virt-sev-libvirt-hook");
    fs::copy(program("virt-sev-libvirt-hook"), &hook).unwrap();
    open(&hook);
    let policy = dir.path().join("policy.yaml");
    fs::write(&policy, "warn_only: [kvm]\n").unwrap();
    let script = dir.path().join("hook");
    let (policy, state) = (policy.display(), state(&dir).display().to_string());
    let text = format!(
        "#!/bin/sh\nXDG_STATE_HOME={state} VIRT_SEV_SITE_POLICY={policy} exec {} \"$@\"\n",
        hook.display()
    );
    fs::write(&script, text).unwrap();
    open(&script);
    (Lab::start_with(&["--hook", script.to_str().unwrap()]), dir)
}

fn state(dir: &TempDir) -> PathBuf {
    dir.path().join("state")
}

/// Defines a domain with these keys recorded, and whatever `change` makes of it.
fn define(corner: &Corner<'_>, keys: &[&str], change: impl FnOnce(String) -> String) {
    corner.domain(None);
    let firmware = format!("security.sev.firmware={}", corner.lab.file("VIRT_SEV_FIRMWARE").display());
    let mut arguments = vec!["apply", "--record", "--set", "security.sev=true", "--set", &firmware];
    arguments.extend(corner.platform());
    arguments.extend(keys.iter().flat_map(|key| ["--set", key]));
    let input = corner.text("domain.xml");
    arguments.push(&input);
    let out = corner.virt_sev(&arguments);
    assert_code(&out, 0);
    let file = corner.path("defined.xml");
    fs::write(&file, change(String::from_utf8(out.stdout).unwrap())).unwrap();
    corner.lab.virsh(&["define", file.to_str().unwrap()]);
}

fn start(corner: &Corner<'_>) -> Output {
    corner.lab.try_virsh(&["start", &corner.guest, "--paused"])
}

#[test]
fn a_right_domain_and_a_plain_one_start_and_a_broken_one_does_not() {
    let (lab, _dir) = lab();
    let good = Corner::new(&lab);
    define(&good, &[], |xml| xml);
    let out = start(&good);
    assert!(out.status.success(), "{}", err(&out));

    let plain = Corner::new(&lab);
    lab.virsh(&["define", plain.domain(None).to_str().unwrap()]);
    let out = start(&plain);
    assert!(out.status.success(), "{}", err(&out));

    let broken = Corner::new(&lab);
    define(&broken, &["security.sev.policy=0x3"], |xml| xml.replace("<policy>0x0003", "<policy>0x0001"));
    let out = start(&broken);
    assert!(!out.status.success());
    assert!(
        err(&out).contains("virt-sev: ") && err(&out).contains("<policy> is 0x0001, and not 0x0003"),
        "{}",
        err(&out)
    );
    assert_eq!(lab.state(&broken.guest), "shut off");

    // Guests live through another start of the daemon, whose hook is asked about each of them.
    lab.kill_daemon();
    lab.sev_lab(&["restart"]);
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while lab.state(&good.guest) != "paused" && std::time::Instant::now() < end {
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!((lab.state(&good.guest), lab.state(&plain.guest)), ("paused".into(), "paused".into()));
}

#[test]
fn a_sev_guest_is_not_restored() {
    let (lab, _dir) = lab();
    let corner = Corner::new(&lab);
    lab.virsh(&["define", corner.domain(None).to_str().unwrap()]);
    lab.virsh(&["start", &corner.guest]);
    let image = lab.files.join("saved");
    lab.virsh(&["save", &corner.guest, image.to_str().unwrap()]);
    let xml = lab.virsh(&["save-image-dumpxml", image.to_str().unwrap()]);
    let security = "<launchSecurity type='sev'><policy>0x0001</policy></launchSecurity>\n</domain>";
    let file = corner.path("saved.xml");
    fs::write(&file, xml.replace("</domain>", security)).unwrap();
    let out = lab.try_virsh(&["restore", image.to_str().unwrap(), "--xml", file.to_str().unwrap()]);
    assert!(!out.status.success());
    assert!(err(&out).contains("a SEV guest cannot be restored"), "{}", err(&out));
    // The same image as it was is none of the hook's business.
    lab.virsh(&["restore", image.to_str().unwrap()]);
    assert_eq!(lab.state(&corner.guest), "running");

    // QEMU lets no SEV guest be saved. The simulator's is a plain one to it, so there is an image, which must not be used.
    let sev = Corner::new(&lab);
    define(&sev, &[], |xml| xml);
    lab.virsh(&["start", &sev.guest, "--paused"]);
    lab.virsh(&["managedsave", &sev.guest]);
    // libvirt 11.3 takes the veto, drops the image, and tells the caller nothing of it.
    start(&sev);
    assert_eq!(lab.state(&sev.guest), "shut off");
    let log = fs::read_to_string(lab.dir.join("log/libvirtd.log")).unwrap();
    assert!(log.contains(&format!("{}: a SEV guest cannot be restored", sev.guest)), "{log}");
}

/// `virt-sev launch` through the hook, with a session; then the same session by hand. Where both keep their records in one
/// folder the hook sees that the session is the launch's; where they do not, it claims the session itself.
#[test]
fn a_session_serves_one_start() {
    for is_shared in [true, false] {
        let (lab, dir) = lab();
        let corner = Corner::new(&lab);
        corner.session("0x1");
        corner.domain(None);
        let mut launch = corner.launch("0x1", &[]);
        // The lab's daemon is not root, nor is its hook: no record of root's is theirs to read.
        let user = fs::metadata(lab.dir.join("home")).unwrap();
        let owner = format!("{}:{}", user.uid(), user.gid());
        fs::create_dir(state(&dir)).unwrap();
        for path in [dir.path(), corner.dir.path()] {
            assert!(Command::new("chown").args(["-R", &owner]).arg(path).status().unwrap().success());
        }
        if is_shared {
            let own = dir.path().join("virt-sev");
            for name in ["virt-sev", "virt-sev-online"] {
                fs::copy(program(name), own.with_file_name(name)).unwrap();
            }
            let arguments: Vec<_> = launch.get_args().map(ToOwned::to_owned).collect();
            launch = Command::new(own);
            launch.args(arguments).env("XDG_STATE_HOME", state(&dir)).uid(user.uid()).gid(user.gid());
        }
        assert_code(&launch.output().unwrap(), 0);
        assert_eq!(lab.state(&corner.guest), "paused");
        lab.virsh(&["destroy", &corner.guest]);
        let out = start(&corner);
        assert!(!out.status.success());
        let by = if is_shared { &format!("domain {}", corner.guest) } else { "started through libvirt" };
        let told = err(&out);
        assert!(told.contains("this session was used before, at ") && told.contains(by), "{told}");
        assert_eq!(told.contains("started through libvirt"), !is_shared, "{told}");
    }
}

/// `virt-sev hook` makes a link that runs, takes it away, and leaves alone what is not its own.
#[test]
fn the_command_installs_and_removes_the_hook() {
    let dir = tempfile::tempdir().unwrap();
    let (at, link) = (dir.path().to_str().unwrap(), dir.path().join("qemu.d/virt-sev"));
    let hook = |what: &str, more: &[&str]| {
        Command::new(program("virt-sev"))
            .args(["hook", what, "libvirt", "--dir", at])
            .args(more)
            .output()
            .unwrap()
    };
    let text = |out: &Output| String::from_utf8(out.stdout.clone()).unwrap();
    let ends = |out: Output, code: i32, with: &str| {
        assert_code(&out, code);
        assert!(err(&out).contains(with), "{}", err(&out));
    };
    ends(hook("remove", &[]), 0, "there is none to remove");
    ends(hook("install", &[]), 0, "The daemon must read its hooks again");
    ends(hook("install", &[]), 0, "installed already");
    let answer: serde_json::Value =
        serde_json::from_str(&text(&hook("install", &["--format", "json"]))).unwrap();
    assert_eq!(answer["hook"], link.to_str().unwrap());
    assert_eq!((&answer["installed"], &answer["changed"]), (&true.into(), &false.into()));
    let run =
        Command::new(&link).args(["g", "reconnect", "begin", "-"]).stdin(Stdio::null()).output().unwrap();
    assert_code(&run, 0);
    ends(hook("remove", &[]), 0, "removed");
    assert!(link.symlink_metadata().is_err());

    // One that an earlier virt-sev left, from elsewhere.
    std::os::unix::fs::symlink("/nowhere/virt-sev-libvirt-hook", &link).unwrap();
    ends(hook("install", &[]), 0, "installed");
    assert_eq!(fs::read_link(&link).unwrap(), program("virt-sev-libvirt-hook"));
    fs::remove_file(&link).unwrap();

    fs::write(&link, "#!/bin/sh\n").unwrap();
    for what in ["install", "remove"] {
        ends(hook(what, &[]), 4, "Give it another name");
        assert_eq!(fs::read(&link).unwrap(), b"#!/bin/sh\n");
    }
    fs::remove_dir_all(dir.path().join("qemu.d")).unwrap();
    fs::write(dir.path().join("qemu.d"), "").unwrap();
    ends(hook("install", &[]), 4, "It does no more than `mkdir -p ");
    ends(hook("remove", &[]), 4, "It does no more than `rm ");
    fs::remove_dir_all(at).unwrap();
    ends(hook("install", &[]), 4, "--dir names another folder");
}
