//! libvirtsev over a real libvirtd, from C: programs of the folder `c`, each with a corner of the lab.

use crate::lab::{Corner, Lab, assert_code, root, setup};
use crate::reader::{PLAIN, fenced, said};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

/// How a program is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Build {
    C,
    Cpp,
    /// C, with AddressSanitizer and UndefinedBehaviorSanitizer.
    Sanitized,
}

/// The folder of what these tests build, with the library under the name that programs load.
fn work() -> PathBuf {
    let work = Path::new(env!("CARGO_TARGET_TMPDIR")).join("live-c");
    std::fs::create_dir_all(&work).unwrap();
    work
}

/// Where the library lies under the name that programs load.
pub(crate) fn library() -> PathBuf {
    let folder = work();
    for name in ["libvirtsev.so.0", "libvirtsev.so"] {
        let built = crate::lab::program("libvirtsev.so");
        let link = folder.join(name);
        if std::fs::read_link(&link).ok().as_ref() != Some(&built) {
            let _ = std::fs::remove_file(&link);
            std::os::unix::fs::symlink(&built, &link).unwrap();
        }
    }
    folder
}

/// Compiles a source, once in this process; warnings are errors.
pub(crate) fn compiled(source: &Path, build: Build, libraries: &[&str]) -> PathBuf {
    static DONE: Mutex<BTreeMap<(PathBuf, Build), PathBuf>> = Mutex::new(BTreeMap::new());
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(program) = done.get(&(source.to_owned(), build)) {
        return program.clone();
    }
    let name = source.file_stem().unwrap().to_str().unwrap();
    let program = library().join(format!("{name}-{build:?}"));
    let (compiler, language): (_, &[&str]) = match build {
        Build::C | Build::Sanitized => ("gcc", &["-xc", "-std=gnu11"]),
        Build::Cpp => ("g++", &["-xc++", "-std=c++17"]),
    };
    let mut command = Command::new(compiler);
    command.args(language).args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-g", "-pthread"]);
    if build == Build::Sanitized {
        command.args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-O1"]);
    }
    for folder in ["include", "tests/capi"] {
        command.arg("-I").arg(root().join(folder));
    }
    command.arg(source).arg("-xnone").arg("-L").arg(library()).args(libraries).arg("-o").arg(&program);
    let out = command.output().unwrap();
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
    done.insert((source.to_owned(), build), program.clone());
    program
}

/// A program of the folder `c`.
fn built(name: &str, build: Build) -> PathBuf {
    compiled(&root().join("tests/live/c").join(name), build, &["-lvirtsev", "-lvirt"])
}

/// What a program needs to know of the lab and of its corner.
pub(crate) fn in_corner<'c>(command: &'c mut Command, corner: &Corner<'_>) -> &'c mut Command {
    command.env("LD_LIBRARY_PATH", library()).env("XDG_STATE_HOME", corner.path("state"));
    for (name, value) in [
        ("LAB_CHAIN", corner.lab.platform("chain.cert")),
        ("LAB_CA", corner.lab.platform("ask_ark.cert")),
        ("LAB_FIRMWARE", corner.lab.file("VIRT_SEV_FIRMWARE")),
        ("LAB_OWN_FIRMWARE", setup("VIRT_SEV_FIRMWARE")),
        ("LAB_DOMAIN", corner.path("domain.xml")),
        ("LAB_SESSION", corner.path("session")),
    ] {
        command.env(name, value);
    }
    command
        .env("LAB_URI", &corner.lab.uri)
        .env("LAB_GUEST", &corner.guest)
        .env("LAB_KVM", if corner.lab.kvm { "yes" } else { "no" })
        .env("LAB_PID", corner.lab.daemon())
}

#[track_caller]
pub(crate) fn is_ok(out: &Output) {
    let [said, told] = [&out.stdout, &out.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(out.status.success() && said.ends_with("ok\n"), "{}\n{said}\n{told}", out.status);
    // The library prints nothing.
    assert!(told.is_empty(), "{told}");
}

/// valgrind, which says nothing unless it finds something.
pub(crate) fn valgrind() -> Command {
    let mut command = Command::new("valgrind");
    command.args([
        "--quiet",
        "--error-exitcode=9",
        "--leak-check=full",
        "--errors-for-leak-kinds=definite,possible",
    ]);
    command
}

/// Runs a program in this corner to a good end.
#[track_caller]
fn runs(corner: &Corner<'_>, program: &Path, arguments: &[&str]) {
    is_ok(&in_corner(Command::new(program).args(arguments), corner).output().unwrap());
}

/// A corner whose guest is defined already: its definition is to be there afterwards.
fn with_a_definition(lab: &Lab) -> Corner<'_> {
    let corner = Corner::new(lab);
    let domain = corner.domain(None);
    corner.lab.virsh(&["define", domain.to_str().unwrap()]);
    std::fs::write(&domain, corner.lab.virsh(&["dumpxml", "--inactive", &corner.guest])).unwrap();
    corner
}

#[test]
fn every_function_of_a_connection_used_right_and_wrong() {
    for build in [Build::C, Build::Cpp] {
        let corner = Corner::new(Lab::shared());
        corner.domain(None);
        runs(&corner, &built("online.c", build), &[]);
    }
}

#[test]
fn the_same_with_sanitizers() {
    let corner = Corner::new(Lab::shared());
    corner.domain(None);
    runs(&corner, &built("online.c", Build::Sanitized), &[]);
}

/// Nothing is suppressed.
#[test]
fn the_same_under_valgrind_without_a_finding() {
    let corner = Corner::new(Lab::shared());
    corner.domain(None);
    is_ok(&in_corner(valgrind().arg(built("online.c", Build::C)), &corner).output().unwrap());
}

#[test]
fn a_launch_cancelled_by_its_own_progress_leaves_nothing() {
    let corner = Corner::new(Lab::shared());
    corner.domain(None);
    runs(&corner, &built("cancel.c", Build::C), &["progress"]);
}

#[test]
fn a_launch_cancelled_while_a_step_hangs_leaves_nothing() {
    let program = built("cancel.c", Build::C);
    for (after, fault) in [
        ("defined", "hang-at=start"),
        ("started", "hang"),
        ("verified", "hang-at=inject"),
        ("injected", "hang-at=resume"),
    ] {
        let lab = Lab::shared();
        for corner in [Corner::new(lab), with_a_definition(lab)] {
            if !corner.path("domain.xml").exists() {
                corner.domain(None);
            }
            corner.lab.sev_lab(&["fault", fault, "--guest", &corner.guest]);
            runs(&corner, &program, &[after]);
        }
    }
}

#[test]
fn a_launch_cancelled_at_any_moment_leaves_nothing() {
    let corner = Corner::new(Lab::shared());
    corner.domain(None);
    runs(&corner, &built("cancel.c", Build::Cpp), &["moment"]);
}

/// Where the daemon itself does not answer: no hang, whether somebody cancels or not.
#[test]
fn a_launch_on_a_silent_daemon_comes_to_an_end() {
    let lab = Lab::start();
    for what in ["silent", "falls-silent"] {
        let corner = Corner::new(&lab);
        corner.domain(None);
        runs(&corner, &built("cancel.c", Build::C), &[what]);
    }
}

#[test]
fn threads_share_a_connection() {
    for what in ["different", "same", "loop"] {
        let corner = Corner::new(Lab::shared());
        let domain = corner.domain(None);
        runs(&corner, &built("many.c", if what == "loop" { Build::Cpp } else { Build::C }), &[what]);
        if what == "same" {
            let xml = std::fs::read_to_string(&domain).unwrap();
            let uuid = "<uuid>1f6ae9c2-5c3e-4d6f-9d4c-6a2a1d5f0b77</uuid>";
            std::fs::write(&domain, xml.replace("<memory ", &format!("{uuid}\n  <memory "))).unwrap();
            runs(&corner, &built("many.c", Build::C), &[what]);
        }
    }
}

/// An error and no hang; what the manager could not undo it recovers from, and it lives all the while.
#[test]
fn libvirtd_killed_under_a_manager_that_lives_on() {
    let lab = Lab::start();
    for corner in [Corner::new(&lab), with_a_definition(&lab)] {
        if !corner.path("domain.xml").exists() {
            corner.domain(None);
        }
        lab.sev_lab(&["fault", "hang", "--guest", &corner.guest]);
        let mut command = Command::new(built("crash.c", Build::C));
        let command = in_corner(&mut command, &corner).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains("started")));
        lab.kill_daemon();
        let failed = lines.any(|line| line == "failed");
        lab.sev_lab(&["restart"]);
        if failed {
            writeln!(child.stdin.take().unwrap(), "restarted").unwrap();
        }
        let last = lines.last();
        let out = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success() && last.as_deref() == Some("ok") && told.is_empty(), "{last:?} {told}");
    }
}

/// A corner on which host and owner run `sides.c`, each with a state of its own.
struct Sides<'a>(Corner<'a>);

impl<'a> Sides<'a> {
    fn new() -> Self {
        let corner = Corner::new(Lab::shared());
        corner.domain(None);
        Self(corner)
    }

    /// One of them does something; file names are below the corner's folder.
    #[track_caller]
    fn does(&self, role: &str, arguments: &[&str]) {
        let mut command = Command::new(built("sides.c", Build::C));
        in_corner(&mut command, &self.0).arg(role).args(arguments).current_dir(self.0.dir.path());
        let side = if ["launch", "inject", "clear"].contains(&role) { "host-state" } else { "owner-state" };
        is_ok(&command.env("XDG_STATE_HOME", self.0.path(side)).output().unwrap());
    }

    fn state(&self) -> String {
        self.0.lab.state(&self.0.guest)
    }
}

const NO: &str = "-1";
const SESSION: &str = "-8";
const FILE: &str = "-9";

#[test]
fn host_and_owner_as_two_programs() {
    let x = Sides::new();
    for session in ["s1", "s2"] {
        x.does("session", &[session]);
    }
    x.does("launch", &["s1", "evidence-1"]);
    assert_eq!(x.state(), "paused");
    x.does("answer", &["s1", "evidence-1", "packet-1", "0"]);
    // Evidence of another launch, for another session's owner.
    x.does("answer", &["s2", "evidence-1", "none", NO, "measurement"]);
    // The guest is launched again: what was for the first launch is not for the second.
    x.does("clear", &["all"]);
    x.does("launch", &["s2", "evidence-2"]);
    x.does("inject", &["packet-1", SESSION, "another launch"]);
    x.does("answer", &["s1", "evidence-2", "none", NO, "measurement"]);
    x.does("inject", &["evidence-2", FILE, ""]);
    assert_eq!(x.state(), "paused");
    x.does("answer", &["s2", "evidence-2", "packet-2", "0"]);
    x.does("inject", &["packet-2", "0"]);
    assert_eq!(x.state(), "running");
    let secrets = x.0.lab.dir.join("state/guests").join(&x.0.guest).join("secrets");
    let decrypted = std::fs::read(secrets.join("001.bin")).unwrap();
    assert!(decrypted.windows(23).any(|w| w == b"a secret of the owner's"));
}

#[test]
fn an_owner_verifies_over_a_connection() {
    let x = Sides::new();
    for session in ["s1", "s2"] {
        x.does("session", &[session]);
    }
    x.does("launch", &["s1", "evidence"]);
    x.does("verify", &["s2", NO, "measurement"]);
    x.does("stop", &["s1", "verified"]);
    x.does("verify", &["s1", "0"]);
    assert_eq!(x.state(), "running");
    // Once the secret is in there is no way back: a cancelled call left it in a paused guest.
    x.does("clear", &["all"]);
    x.does("launch", &["s2", "evidence"]);
    x.does("stop", &["s2", "injected"]);
}

/// A folder with this source, and what its program says that was built there, with the library below a prefix of one's own.
fn linked(name: &str, source: &str, build: &str, run: &str) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().display();
    let programs = crate::lab::program("libvirtsev.so");
    fs::write(dir.path().join(name), source).unwrap();
    fs::write(dir.path().join("guest.xml"), PLAIN).unwrap();
    let script = format!(
        "make -s -C {} install-lib PREFIX={at}/prefix OUT={} >&2\nexport PKG_CONFIG_PATH={at}/prefix/lib/pkgconfig\n\
         {build}\nLD_LIBRARY_PATH={at}/prefix/lib {run}\n",
        root().display(),
        programs.parent().unwrap().display()
    );
    Command::new("bash").args(["-euo", "pipefail", "-c", &script]).current_dir(&dir).output().unwrap()
}

pub(crate) fn a_program_is_linked_as_the_document_says(blocks: Vec<String>) {
    let [build] = blocks.try_into().unwrap();
    let done = linked("tool.c", &fenced("docs/abi.md", "c")[1], &build, "./a.out guest.xml");
    assert_code(&done, 0);
    assert!(said(&done).contains("<launchSecurity type='sev'>"), "{}", said(&done));
}

pub(crate) fn the_manager_is_built_as_its_head_says(blocks: Vec<String>) {
    let [build] = blocks.try_into().unwrap();
    let source = fs::read_to_string(root().join("examples/manager.c")).unwrap();
    let done = linked("manager.c", &source, &build, "./manager");
    assert_code(&done, 2);
    assert!(crate::lab::err(&done).starts_with("usage: "), "{}", crate::lab::err(&done));
}
