//! `examples/manager.c`: built as its head says, run as a user would, watched by valgrind and AddressSanitizer.

use crate::c_library::{Build, compiled, in_corner, library, valgrind};
use crate::lab::{Corner, Lab, assert_code, err, root, setup};
use crate::launches::decrypted;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

fn manager(build: Build) -> PathBuf {
    compiled(&root().join("examples/manager.c"), build, &["-lvirt", "-ldl"])
}

/// The manager on this corner's domain, with what a platform without the chip needs.
fn command(corner: &Corner<'_>, mut command: Command) -> Command {
    in_corner(&mut command, corner).arg(&corner.lab.uri).arg(corner.path("domain.xml"));
    command.arg(format!("security.sev.firmware={}", corner.lab.file("VIRT_SEV_FIRMWARE").display()));
    command.args(["security.sev.memory.lock=none", "--option", "skip=mode-host", "--option", "timeout=60"]);
    if !corner.lab.kvm {
        command.args(["--option", "skip=kvm"]);
    }
    command
}

/// The same with a session, and with its owner's keys and a secret.
fn measured(corner: &Corner<'_>, program: Command) -> Command {
    corner.session("0x1");
    corner.domain(None);
    std::fs::write(corner.path("secret"), "a secret").unwrap();
    let mut command = command(corner, program);
    command.args(["--keys", &corner.text("owner/keys.yaml")]);
    for option in [
        format!("tik={}", corner.text("owner/tik.bin")),
        format!("tek={}", corner.text("owner/tek.bin")),
        format!("firmware={}", setup("VIRT_SEV_FIRMWARE").display()),
        format!("inject-secret=luks-key:{}", corner.text("secret")),
        "insecure=true".to_owned(),
    ] {
        command.args(["--owner", &option]);
    }
    command
}

/// A whole measured launch; what the manager said on standard error.
fn launches(corner: &Corner<'_>, program: Command) -> String {
    let out = measured(corner, program).output().unwrap();
    assert_code(&out, 0);
    let said = String::from_utf8(out.stdout.clone()).unwrap();
    for line in ["recovered: {", "host: {", "check: {", "launched: {"] {
        assert!(said.lines().any(|l| l.starts_with(line)), "{line}: {said}");
    }
    assert!(said.contains("\"verified\":true"), "{said}");
    assert_eq!(corner.lab.state(&corner.guest), "running");
    assert!(decrypted(corner).windows(8).any(|w| w == b"a secret"));
    err(&out)
}

#[test]
fn a_measured_launch_with_a_secret_in_c_and_cpp_and_with_sanitizers() {
    for build in [Build::C, Build::Cpp, Build::Sanitized] {
        let corner = Corner::new(Lab::shared());
        let told = launches(&corner, Command::new(manager(build)));
        let steps: Vec<&str> = told
            .lines()
            .map(|l| l.strip_prefix("... {\"step\":\"").and_then(|l| l.split('"').next()).unwrap_or(l))
            .collect();
        assert_eq!(steps, ["defined", "started", "measured", "verified", "injected", "resumed"]);
    }
}

/// Nothing is suppressed.
#[test]
fn a_measured_launch_under_valgrind_without_a_finding() {
    let corner = Corner::new(Lab::shared());
    let mut valgrind = valgrind();
    valgrind.arg(manager(Build::C));
    let told = launches(&corner, valgrind);
    assert!(told.lines().all(|l| l.starts_with("... {")), "{told}");
}

#[test]
fn sev_snp_is_started_unmeasured() {
    let corner = Corner::new(Lab::shared());
    corner.domain(None);
    let out =
        command(&corner, Command::new(manager(Build::C))).arg("security.sev.snp=true").output().unwrap();
    assert_code(&out, 0);
    assert!(err(&out).contains("attests itself"), "{}", err(&out));
    assert_eq!(corner.lab.state(&corner.guest), "running");
}

#[test]
fn errors_have_a_name_a_message_and_a_hint() {
    let corner = Corner::new(Lab::shared());
    corner.domain(None);
    let program = manager(Build::C);
    let run = |more: &[&str]| {
        let out = command(&corner, Command::new(&program)).args(more).output().unwrap();
        assert_code(&out, 1);
        err(&out)
    };
    let told = run(&["security.sev=perhaps"]);
    assert!(told.starts_with("security.sev: VIRTSEV_ERR_CONFIG: ") && told.contains("'perhaps'"), "{told}");
    let told = run(&["--owner", "insecure=true", "security.sev=true"]);
    assert!(told.contains("launched: VIRTSEV_ERR_USAGE: "), "{told}");
    corner.lab.sev_lab(&["fault", "no-asid", "--guest", &corner.guest]);
    let told = run(&["security.sev=true"]);
    assert!(told.contains("launched: VIRTSEV_ERR_HYPERVISOR: libvirt does not start the guest"), "{told}");
    assert!(told.contains("was removed, for there was none before"), "{told}");
    // What the command tells, the library tells.
    assert!(told.contains("Every ASID of this kind is in use"), "{told}");
    assert!(told.lines().any(|line| line.ends_with("`virt-sev explain no-asid` tells more.")), "{told}");
    assert_eq!(corner.lab.state(&corner.guest), "none");
    // Without the library the program says so.
    let out = Command::new(&program).args(["test:///default", "none"]).env("LD_LIBRARY_PATH", "/").output();
    let out = out.unwrap();
    assert_code(&out, 1);
    assert!(err(&out).contains("libvirtsev.so.0"), "{}", err(&out));
    let out = Command::new(&program)
        .args(["qemu+unix:///session?socket=/there/is/none", corner.path("domain.xml").to_str().unwrap()])
        .env("LD_LIBRARY_PATH", library())
        .output()
        .unwrap();
    assert_code(&out, 1);
}

#[test]
fn ctrl_c_ends_a_launch_in_order() {
    let corner = Corner::new(Lab::shared());
    corner.lab.sev_lab(&["fault", "hang", "--guest", &corner.guest]);
    let mut command = measured(&corner, Command::new(manager(Build::C)));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    while !told.contains("started") && stderr.read_line(&mut told).unwrap() > 0 {}
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    stderr.read_to_string(&mut told).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{told}");
    assert!(told.contains("launched: VIRTSEV_ERR_CANCELLED: "), "{told}");
    assert!(!told.contains("still in use") && !told.contains("not freed"), "{told}");
    assert_eq!(corner.lab.state(&corner.guest), "none");
}

/// `kill -9`: the next run puts right what it left.
#[test]
fn a_manager_that_died_is_recovered_from_by_the_next() {
    let corner = Corner::new(Lab::shared());
    corner.lab.sev_lab(&["fault", "hang", "--guest", &corner.guest]);
    let mut command = measured(&corner, Command::new(manager(Build::C)));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    while !told.contains("started") && stderr.read_line(&mut told).unwrap() > 0 {}
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(corner.lab.state(&corner.guest), "paused");
    corner.lab.sev_lab(&["forget", "--guest", &corner.guest]);
    std::fs::rename(corner.path("owner"), corner.path("first")).unwrap();
    let out = measured(&corner, Command::new(manager(Build::C))).output().unwrap();
    assert_code(&out, 0);
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(said.contains("The guest was destroyed"), "{said}");
    assert_eq!(corner.lab.state(&corner.guest), "running");
}
