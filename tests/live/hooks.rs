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

fn hook(what: &str, whose: &str, dir: &Path) -> Output {
    let mut command = Command::new(program("virt-sev"));
    command.args(["hook", what, whose, "--format", "json", "--dir"]).arg(dir).output().unwrap()
}

#[track_caller]
fn ends(out: &Output, code: i32, with: &str) {
    assert_code(out, code);
    assert!(err(out).contains(with), "{}", err(out));
}

/// `virt-sev hook` makes links that run, takes them away, and leaves alone what is not its own.
#[test]
fn the_command_installs_and_removes_hooks() {
    for (whose, links, after) in [
        ("libvirt", &["qemu.d/virt-sev"][..], "The daemon must read its hooks again"),
        ("vdsm", &["before_vm_start/90_virt-sev", "before_vm_cont/90_virt-sev"], "engine-config"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path();
        let links: Vec<PathBuf> = links.iter().map(|link| at.join(link)).collect();
        let last = links.last().unwrap();
        let target = program(&format!("virt-sev-{whose}-hook"));
        ends(&hook("remove", whose, at), 0, "there is none to remove");
        let out = hook("install", whose, at);
        ends(&out, 0, after);
        let answer: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!((&answer["installed"], &answer["changed"]), (&true.into(), &true.into()));
        assert_eq!(answer["hooks"], serde_json::json!(links));
        ends(&hook("install", whose, at), 0, "installed already");
        for link in &links {
            let mut command = Command::new(link);
            let run = command.args(["g", "reconnect", "begin", "-"]).stdin(Stdio::null()).output().unwrap();
            assert_code(&run, 0);
        }

        // One that an earlier virt-sev left, from elsewhere.
        fs::remove_file(last).unwrap();
        std::os::unix::fs::symlink(Path::new("/nowhere").join(target.file_name().unwrap()), last).unwrap();
        ends(&hook("install", whose, at), 0, "installed");
        assert_eq!(fs::read_link(last).unwrap(), target);
        ends(&hook("remove", whose, at), 0, "removed");
        assert!(links.iter().all(|link| link.symlink_metadata().is_err()));

        fs::write(last, "#!/bin/sh\n").unwrap();
        for what in ["install", "remove"] {
            ends(&hook(what, whose, at), 4, "Give it another name");
            assert_eq!(fs::read(last).unwrap(), b"#!/bin/sh\n");
            assert!(links.iter().all(|link| link == last || link.symlink_metadata().is_err()), "all or none");
        }
        fs::remove_dir_all(last.parent().unwrap()).unwrap();
        fs::write(last.parent().unwrap(), "").unwrap();
        ends(&hook("install", whose, at), 4, "It does no more than `mkdir -p ");
        ends(&hook("remove", whose, at), 4, "It does no more than `rm ");
        fs::remove_dir_all(at).unwrap();
        ends(&hook("install", whose, at), 4, "--dir names another folder");
    }
}

/// VDSM passes over a hook that its own user cannot run, and the guest starts without SEV.
#[test]
fn a_hook_that_vdsm_would_pass_over_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(dir.path(), 0o755);
    for folder in ["bin", "hooks"] {
        fs::create_dir(at(folder)).unwrap();
    }
    for name in ["virt-sev", "virt-sev-vdsm-hook"] {
        fs::copy(program(name), at("bin").join(name)).unwrap();
    }
    let install = || {
        let mut command = Command::new(at("bin/virt-sev"));
        let out = command.args(["hook", "install", "vdsm", "--dir"]).arg(at("hooks")).output().unwrap();
        assert_code(&out, 0);
        err(&out)
    };
    let ways = ["bin", "bin/virt-sev-vdsm-hook", "hooks/before_vm_start"].map(at);
    install();
    for closed in &ways {
        ways.iter().for_each(|path| mode(path, 0o755));
        assert!(!install().contains("without a word"));
        mode(closed, 0o750);
        let told = install();
        assert!(told.contains(&format!("{}: not for every user", closed.display())), "{told}");
    }
}

/// A guest that VDSM started paused, with a session: its resume waits for the owner's answer, which `virt-sev` notes.
#[test]
fn vdsm_resumes_a_guest_once_its_owner_has_answered() {
    let lab = Lab::shared();
    let dir = tempfile::tempdir().unwrap();
    assert_code(&hook("install", "vdsm", dir.path()), 0);
    let resumes = |corner: &Corner<'_>| {
        let file = corner.path("domxml");
        fs::write(&file, lab.virsh(&["dumpxml", &corner.guest])).unwrap();
        let mut command = Command::new(dir.path().join("before_vm_cont/90_virt-sev"));
        command.env_clear().env("_hook_domxml", file).output().unwrap()
    };
    for by in ["inject", "verify", "hand"] {
        let corner = Corner::new(lab);
        corner.session("0x1");
        corner.domain(None);
        assert_code(&corner.launch("0x1", &[]).output().unwrap(), 0);
        let out = resumes(&corner);
        assert_code(&out, 2);
        let told = err(&out);
        match by {
            "hand" => {
                let by_hand = told.lines().find_map(|line| line.split_once("another way: ")).unwrap().1;
                let script = by_hand.replacen("virsh", &format!("virsh -q -c '{}'", lab.uri), 1);
                assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success(), "{script}");
            }
            "verify" => {
                let mut arguments =
                    vec!["verify".to_owned(), "-c".into(), lab.uri.clone(), "--domain".into()];
                arguments.extend([corner.guest.clone()]);
                arguments.extend(corner.owner(None));
                assert_code(
                    &corner
                        .command(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
                        .output()
                        .unwrap(),
                    0,
                );
            }
            _ => {
                let secret = corner.path("secret");
                fs::write(&secret, "key").unwrap();
                let (evidence, packet) = (corner.text("evidence.json"), corner.text("packet.json"));
                let run = |arguments: &[&str]| assert_code(&corner.virt_sev(arguments), 0);
                run(&["measurement", "-c", &lab.uri, &corner.guest, "-o", &evidence]);
                let secret = format!("luks-key:{}", secret.display());
                let mut build = vec!["verify".to_owned(), "--evidence".into(), evidence.clone()];
                build.extend(["--inject-secret".into(), secret, "--packet".into(), packet.clone()]);
                build.extend(corner.owner(None));
                run(&build.iter().map(String::as_str).collect::<Vec<_>>());
                run(&["secret", "inject", "-c", &lab.uri, &corner.guest, "--packet", &packet]);
            }
        }
        let out = resumes(&corner);
        assert_code(&out, 0);
        lab.virsh(&["resume", &corner.guest]);
        assert_eq!(lab.state(&corner.guest), "running");
        // The note is of this run alone.
        assert!(!lab.virsh(&["dumpxml", "--inactive", &corner.guest]).contains("urn:virt-sev:launch:1"));
    }
}
