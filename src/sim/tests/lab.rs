//! `sev-lab` around a real libvirtd.
//! In: libvirtd, virsh and QEMU, installed. Out: exit codes, and nothing left behind. Never: the machine's own libvirt.
//!
//! Run with `cargo test -p virt-sev-sim --features live`.

// Only functions marked #[test] count as tests for clippy; this whole file is one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn lab(options: &[&str], script: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sev-lab"))
        .arg("run")
        .args(options)
        .args(["--", "sh", "-c", script])
        .output()
        .unwrap()
}

fn text(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

/// No folder, and no process whose executable or command line is in it.
fn assert_gone(folder: &Path) {
    assert!(!folder.exists(), "{} stays", folder.display());
    let name = folder.to_str().unwrap();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&line).contains(name), "{} stays", entry.path().display());
    }
}

fn folder_of(out: &Output) -> PathBuf {
    let text = text(out);
    let line = text.lines().find_map(|line| line.strip_prefix("DIR ")).unwrap_or_else(|| panic!("{text}"));
    line.into()
}

const GUEST: &str = r#"
echo "DIR $VIRT_SEV_LAB_DIR"
cat > "$VIRT_SEV_LAB_DIR/g.xml" <<X
<domain type='qemu'><name>g</name><memory unit='MiB'>64</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os>
<launchSecurity type='sev'><policy>1</policy></launchSecurity></domain>
X
virsh -q create --paused "$VIRT_SEV_LAB_DIR/g.xml" || exit 9
"#;

#[test]
fn a_guest_is_measured_and_nothing_is_left() {
    let script = format!("{GUEST} virsh domlaunchsecinfo g && exit 42");
    let out = lab(&[], &script);
    assert_eq!(out.status.code(), Some(42), "{}", text(&out));
    assert!(text(&out).contains("sev-measurement"));
    assert_gone(&folder_of(&out));
}

#[test]
fn a_killed_daemon_comes_back_and_finds_its_guest() {
    let lab_program = env!("CARGO_BIN_EXE_sev-lab");
    let script = format!(
        "{GUEST} kill -9 $VIRT_SEV_LAB_PID && '{lab_program}' restart && virsh domlaunchsecinfo g && virsh resume g"
    );
    let out = lab(&[], &script);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    assert_gone(&folder_of(&out));
}

#[test]
fn faults_come_and_go() {
    let lab_program = env!("CARGO_BIN_EXE_sev-lab");
    let script = format!(
        "virsh nodesevinfo >/dev/null 2>&1 && exit 1
        '{lab_program}' forget && virsh nodesevinfo || exit 2
        {GUEST}
        '{lab_program}' fault crash-at=measure --guest g
        virsh domlaunchsecinfo g && exit 3
        # libvirt answers the question before it takes in that the guest has gone.
        for _ in $(seq 100); do virsh list --name | grep -q g || exit 0; sleep 0.1; done
        exit 4"
    );
    let out = lab(&["--fault", "no-sev"], &script);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    assert_gone(&folder_of(&out));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let out = lab(&["--file", "/nowhere/image"], "true");
    assert_eq!(out.status.code(), Some(125));
    assert_eq!(text(&out), "sev-lab: --file /nowhere/image: there is no such file\n");
}
