//! The Python package against a real libvirtd: beside libvirt-python, interrupted, as its document says.

use crate::lab::{Corner, Lab, assert_code, code, err, program, root, setup};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The system's Python, where libvirt-python is, with the package and the library of this build.
pub(crate) fn python(script: &Path) -> Command {
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-B", "-X", "faulthandler"]).arg(script);
    command.env("PYTHONPATH", root().join("python")).env("VIRTSEV_LIBRARY", program("libvirtsev.so"));
    command
}

/// A script of `tests/live/python` with what it has to know of the lab.
fn script(corner: &Corner<'_>, name: &str) -> Command {
    let lab = corner.lab;
    let other = corner.path("other.fd");
    let mut image = fs::read(setup("VIRT_SEV_FIRMWARE")).unwrap();
    image[0x1000] ^= 1;
    fs::write(&other, image).unwrap();
    let known = serde_json::json!({
        "uri": lab.uri,
        "guest": corner.guest,
        "domain": corner.domain(None),
        "folder": corner.dir.path(),
        "firmware": lab.file("VIRT_SEV_FIRMWARE"),
        "own-firmware": setup("VIRT_SEV_FIRMWARE"),
        "other-firmware": other,
        "chain": lab.platform("chain.cert"),
        "ca": lab.platform("ask_ark.cert"),
        "rules": lab.rules(),
    });
    let mut command = python(&root().join("tests/live/python").join(name));
    command.arg(known.to_string()).env("XDG_STATE_HOME", corner.path("state"));
    command
}

#[test]
fn libvirt_python_and_the_library_share_a_connection() {
    let corner = Corner::new(Lab::shared());
    let out = script(&corner, "one_process.py").output().unwrap();
    assert_code(&out, 0);
    assert_eq!((&*out.stdout, &*out.stderr), (&b"ok\n"[..], &b""[..]));
}

/// The measurement hangs, and Ctrl-C comes: once, and again and again.
#[test]
fn ctrl_c_undoes_a_launch_from_python() {
    for more in [0, 5] {
        let corner = Corner::new(Lab::shared());
        corner.lab.sev_lab(&["fault", "hang", "--guest", &corner.guest]);
        let mut command = script(&corner, "interrupted.py");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(said.any(|line| line == "started"), "it did not start");
        std::thread::sleep(Duration::from_millis(500));
        let begin = Instant::now();
        for _ in 0..=more {
            let pid = child.id().to_string();
            // All of them while the launch is being undone.
            assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        }
        let told: Vec<String> = said.collect();
        let out = child.wait_with_output().unwrap();
        assert!(told[0].starts_with("CancelledError: ") && told.join(" ").contains("destroyed"), "{told:?}");
        // As Python ends for it.
        assert_eq!(out.status.signal(), Some(2), "{}", err(&out));
        assert!(err(&out).contains("KeyboardInterrupt"), "{}", err(&out));
        assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
        assert_eq!(corner.lab.state(&corner.guest), "none");
    }
}

/// The programs of the document, by the names in their first lines.
#[test]
fn the_exchange_of_the_document_runs() {
    let corner = Corner::new(Lab::shared());
    let text = fs::read_to_string(root().join("docs/python.md")).unwrap();
    for block in text.split("```python\n").skip(1) {
        let block = block.split("```").next().unwrap();
        let name = block.strip_prefix("# ").and_then(|b| b.split_whitespace().next()).unwrap();
        fs::write(corner.path(name), block).unwrap();
    }
    symlink(setup("VIRT_SEV_FIRMWARE"), corner.path("OVMF.amdsev.fd")).unwrap();
    fs::write(corner.path("disk.key"), "the disk's key").unwrap();
    // What this platform needs to be told stands in the domain.
    let key = |name: &str, value: &str| format!("<v:key name='security.sev.{name}'>{value}</v:key>");
    let keys =
        key("firmware", corner.lab.file("VIRT_SEV_FIRMWARE").to_str().unwrap()) + &key("memory.lock", "none");
    let xml = fs::read_to_string(corner.domain(None)).unwrap();
    let metadata = format!(
        "<metadata><v:config xmlns:v='urn:virt-sev:config:1'>{keys}</v:config></metadata>\n  <memory"
    );
    fs::write(corner.path("guest.xml"), xml.replacen("<memory", &metadata, 1)).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let mut command = python(&corner.path(program));
        command.args(arguments).current_dir(corner.dir.path()).env("XDG_STATE_HOME", corner.path("state"));
        command.output().unwrap()
    };
    let uri = corner.lab.uri.as_str();

    let (chain, ca) = (corner.lab.platform("chain.cert"), corner.lab.platform("ask_ark.cert"));
    let out = run("session.py", &[chain.to_str().unwrap()]);
    assert!(code(&out) != 0 && err(&out).contains("CertificateError"), "{}", err(&out));
    assert_code(&run("session.py", &[chain.to_str().unwrap(), ca.to_str().unwrap()]), 0);
    let launch = [&[uri, "guest.xml"], corner.lab.rules()].concat();
    let out = run("launch.py", &launch);
    assert_code(&out, 0);
    assert!(String::from_utf8_lossy(&out.stdout).contains("measured"), "{out:?}");
    assert_eq!(corner.lab.state(&corner.guest), "paused");
    let out = run("launch.py", &launch);
    assert_code(&out, 1);
    assert!(err(&out).contains("used"), "{}", err(&out));

    assert_code(&run("verify.py", &[]), 0);
    assert_code(&run("inject.py", &[uri, &corner.guest]), 0);
    assert_eq!(corner.lab.state(&corner.guest), "running");
    let secret = corner.lab.dir.join("state/guests").join(&corner.guest).join("secrets/001.bin");
    assert!(fs::read(secret).unwrap().windows(14).any(|w| w == b"the disk's key"));

    // Another image is not what was measured.
    let mut image = fs::read(setup("VIRT_SEV_FIRMWARE")).unwrap();
    image[0x1000] ^= 1;
    fs::remove_file(corner.path("OVMF.amdsev.fd")).unwrap();
    fs::write(corner.path("OVMF.amdsev.fd"), image).unwrap();
    let out = run("verify.py", &[]);
    assert_code(&out, 1);
    assert!(err(&out).starts_with("not verified: "), "{}", err(&out));
}

/// What `make wheel` builds goes where the document says, and is imported from there.
pub(crate) fn the_wheel_goes_into_a_virtual_environment(blocks: Vec<String>) {
    let [install] = blocks.try_into().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let wheel = format!("make -s -C {} wheel DIST={}/dist >&2", root().display(), dir.path().display());
    let import = "venv/bin/python -c 'import virtsev; print(virtsev.__file__, virtsev.Config({\"security.sev\": True}))'";
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", &format!("{wheel}\n{install}{import}")]).current_dir(&dir);
    // Debian's Python is the one that knows libvirt.
    command.env("PATH", format!("/usr/bin:{}", std::env::var("PATH").unwrap()));
    let out =
        command.env("VIRTSEV_LIBRARY", program("libvirtsev.so")).env_remove("PYTHONPATH").output().unwrap();
    assert_code(&out, 0);
    let told = String::from_utf8_lossy(&out.stdout);
    assert!(told.lines().last().unwrap().contains("/venv/lib/python3"), "{told}");
}
