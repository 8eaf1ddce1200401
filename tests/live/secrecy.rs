//! No key material in any log, argument list or error text, with the most verbose logging.

use crate::lab::{Corner, Lab, assert_code, program};
use base64::Engine as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SECRET: &[u8] = b"do-not-print-this-secret-anywhere";

/// A value in every form in which it could slip out.
fn forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    let list = bytes.iter().map(u8::to_string).collect::<Vec<_>>();
    let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
    // Without the tail: base64 of a longer text that begins with it has other last characters.
    let base64 = base64[..bytes.len() / 3 * 4].to_owned();
    vec![
        bytes.to_vec(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
        list.join(", ").into_bytes(),
        list.join(",").into_bytes(),
        base64.into_bytes(),
    ]
}

fn holds(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|w| w == needle)
}

fn files_below(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            files_below(&path, into);
        } else if kind.is_file() {
            into.push(path);
        }
    }
}

/// Every process's argument list, read again and again while the launch runs.
fn argument_lists() -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        if let Ok(mut file) = std::fs::File::open(entry.path().join("cmdline")) {
            let _ = file.read_to_end(&mut all);
        }
    }
    all
}

#[test]
fn nothing_secret_is_seen_anywhere() {
    let corner = Corner::new(Lab::shared());
    corner.session("0x1");
    corner.domain(Some("console=ttyS0"));
    std::fs::write(corner.path("secret"), SECRET).unwrap();
    let secrets: Vec<Vec<u8>> = [
        std::fs::read(corner.path("owner/tik.bin")).unwrap(),
        std::fs::read(corner.path("owner/tek.bin")).unwrap(),
        SECRET.to_vec(),
    ]
    .iter()
    .flat_map(|s| forms(s))
    .collect();

    let mut seen: Vec<(String, Vec<u8>)> = Vec::new();
    let mut run = |more: &[&str], wanted: i32| {
        let mut command =
            corner.launch("0x1", &["-vvv", "-s", &format!("luks-key:{}", corner.text("secret"))]);
        command
            .args(corner.owner(Some("console=ttyS0")))
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut arguments = Vec::new();
        while child.try_wait().unwrap().is_none() {
            arguments.extend(argument_lists());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let out = child.wait_with_output().unwrap();
        assert_code(&out, wanted);
        seen.push(("argument lists".into(), arguments));
        seen.push(("stdout".into(), out.stdout));
        seen.push(("stderr".into(), out.stderr));
    };
    run(&[], 0);
    // And on the ways that fail: the session was used; keys that do not fit; a broken key file.
    corner.lab.virsh(&["destroy", &corner.guest]);
    run(&[], 4);
    let owner = corner.path("owner");
    std::fs::rename(owner.join("tik.bin"), owner.join("x")).unwrap();
    std::fs::rename(owner.join("tek.bin"), owner.join("tik.bin")).unwrap();
    std::fs::rename(owner.join("x"), owner.join("tek.bin")).unwrap();
    run(&[], 4);
    std::fs::write(owner.join("tik.bin"), &SECRET[..20]).unwrap();
    run(&[], 4);

    // The state that virt-sev keeps, and everything that libvirt and QEMU wrote. The simulated chip's own record of
    // decrypted secrets is what tests compare with: it is named so and is no log.
    let mut files = Vec::new();
    files_below(&corner.path("state"), &mut files);
    files_below(&corner.lab.dir, &mut files);
    files.retain(|p| {
        !p.starts_with(corner.lab.dir.join("state/guests")) && !p.starts_with(corner.lab.dir.join("files"))
    });
    assert!(files.iter().any(|p| p.extension().is_some_and(|x| x == "log")), "no log was found in {files:?}");
    for path in files {
        seen.push((path.display().to_string(), std::fs::read(&path).unwrap_or_default()));
    }
    for (place, text) in &seen {
        for secret in &secrets {
            assert!(!holds(text, secret), "{place} holds key material");
        }
    }
    // The search finds what is there: the guest's name is in its log.
    assert!(seen.iter().any(|(_, text)| holds(text, corner.guest.as_bytes())));
}

/// No memory image holds a key, and no other process of the same user reads one: the kernel gives the files of a process
/// that is guarded so to root (proc(5)).
#[test]
fn a_process_keeps_its_memory_to_itself() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;
    const NOBODY: u32 = 65534;
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    for name in ["virt-sev", "virt-sev-online"] {
        let copy = dir.path().join(name);
        std::fs::copy(program(name), &copy).unwrap();
        let owner_of_its_files = |mut command: Command| {
            if root {
                command.uid(NOBODY).gid(NOBODY);
            }
            let mut child =
                command.current_dir("/").stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            let environ = format!("/proc/{}/environ", child.id());
            std::thread::sleep(std::time::Duration::from_millis(500));
            let owner = std::fs::metadata(environ).unwrap().uid();
            drop(child.stdin.take());
            child.wait().unwrap();
            owner
        };
        let mut guarded = Command::new(&copy);
        guarded.args(["chain", "verify", "-"]);
        assert_eq!(owner_of_its_files(guarded), 0, "{name}");
        assert_ne!(owner_of_its_files(Command::new("cat")), 0, "any other process");
    }
}
