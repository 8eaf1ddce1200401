//! The sidecar, called by Google's gRPC (`launcher.py`) as KubeVirt's virt-launcher calls it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests

#[path = "../support/kubevirt.rs"]
mod machines;

use machines::{ALL, SECRET, longer, machine};
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use virt_sev::hook::kubevirt::define;
use virt_sev::host::RealProbe;

const SIDECAR: &str = env!("CARGO_BIN_EXE_virt-sev-kubevirt-sidecar");
/// What virt-launcher chooses from these, the newest first.
const BOTH: [&str; 2] = ["v1alpha3", "v1alpha2"];

fn here() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/sidecar"))
}

/// A folder of hooks, and a client's modules.
struct World(TempDir);

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        fs::create_dir(world.folder()).unwrap();
        let out = format!("--python_out={}", world.0.path().display());
        let mut protoc = Command::new("protoc");
        let made = protoc
            .current_dir(here().join("proto"))
            .arg(out)
            .args(["info.proto", "v1alpha2.proto", "v1alpha3.proto"])
            .status();
        assert!(made.expect("protoc is missing: run `make setup`").success());
        world
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("hooks")
    }

    fn socket(&self) -> PathBuf {
        self.folder().join("virt-sev.sock")
    }

    fn start(&self, more: &[&str]) -> Sidecar {
        Sidecar::start(&self.folder(), more, &[])
    }

    fn call(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("/usr/bin/python3");
        command
            .arg("-B")
            .arg(here().join("launcher.py"))
            .arg(self.0.path())
            .arg(self.socket())
            .args(arguments);
        command.output().unwrap()
    }

    /// `OnDefineDomain`, with the documents as files.
    fn ask(&self, command: &str, version: &str, vmi: &[u8], domain: &[u8]) -> Output {
        let file = |name: &str, bytes: &[u8]| {
            let path = self.0.path().join(name);
            fs::write(&path, bytes).unwrap();
            path.display().to_string()
        };
        self.call(&[command, version, &file("vmi", vmi), &file("domain", domain)])
    }

    #[track_caller]
    fn defined(&self, version: &str, vmi: &str, domain: &str) -> String {
        answer(&self.ask("define", version, vmi.as_bytes(), domain.as_bytes()))
    }

    fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder()).unwrap();
        names.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }
}

#[track_caller]
fn answer(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A sidecar that runs, and is killed with the test.
struct Sidecar(Child);

impl Sidecar {
    fn start(folder: &Path, more: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(SIDECAR);
        command.arg("--directory").arg(folder).args(more).envs(environment.iter().copied());
        let child = Self(command.stderr(Stdio::piped()).spawn().unwrap());
        let socket = folder.join("virt-sev.sock");
        let begin = Instant::now();
        while UnixStream::connect(&socket).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(20), "no sidecar");
            std::thread::sleep(Duration::from_millis(10));
        }
        child
    }

    fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Waits for its end: the code, and all of its log.
    fn end(mut self) -> (Option<i32>, String) {
        let begin = Instant::now();
        while self.0.try_wait().unwrap().is_none() {
            assert!(begin.elapsed() < Duration::from_secs(20), "the sidecar lives on");
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut log = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (self.0.wait().unwrap().code(), log)
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_tells_what_it_does() {
    let world = World::new();
    let points = r#"[["OnDefineDomain", 0], ["Shutdown", 0]]"#;
    for (arguments, points, versions) in [
        (&[][..], points, r#"["v1alpha3", "v1alpha2"]"#),
        (&["--version", "v1alpha3"], points, r#"["v1alpha3"]"#),
        // It has no Shutdown.
        (&["--version", "v1alpha2"], r#"[["OnDefineDomain", 0]]"#, r#"["v1alpha2"]"#),
    ] {
        let sidecar = world.start(arguments);
        assert_eq!(answer(&world.call(&["info"])), format!("[\"virt-sev\", {points}, {versions}]"));
        assert_eq!(world.files(), ["virt-sev.sock"], "virt-launcher takes each file for a sidecar");
        sidecar.signal("TERM");
        assert_eq!(sidecar.end().0, Some(0));
        assert_eq!(world.files(), [""; 0]);
    }
}

/// The program of `src/hooks` prints what `define` gives: so all three say the same.
#[test]
fn the_same_domain_as_from_the_program() {
    let world = World::new();
    let sidecar = world.start(&[]);
    for name in ALL {
        let (vmi, made) = machine(name);
        let wanted = define(vmi.as_bytes(), made.as_bytes(), &RealProbe::system()).unwrap().domain;
        assert_eq!(wanted == made.as_bytes(), name == "plain");
        for version in BOTH {
            assert_eq!(world.defined(version, &vmi, &made).as_bytes(), wanted, "{name} {version}");
        }
    }
    sidecar.signal("TERM");
    let (code, log) = sidecar.end();
    assert!(code == Some(0) && log.contains("made right") && log.contains("unchanged"), "{log}");
    assert!(log.contains("[hostdev]") && !log.contains(SECRET) && !log.contains('<'), "{log}");
}

#[test]
fn documents_that_no_argument_holds() {
    let world = World::new();
    let _sidecar = world.start(&[]);
    let (vmi, made) = machine("sev-es");
    let megabyte = longer(&made, 1 << 20);
    let xml = world.defined("v1alpha3", &vmi, &megabyte);
    assert!(xml.len() > megabyte.len() && xml.matches("iommu=\"on\"").count() > 4000);
    // The machine with it.
    let padded = vmi.replacen('{', &format!("{{{}", " ".repeat(1 << 20)), 1);
    assert_eq!(world.defined("v1alpha2", &padded, &megabyte), xml);
    // Go's gRPC takes no answer over 4 MiB, and what asks for one is told so.
    let most = longer(&made, (4 << 20) - 4096);
    let output = world.ask("define", "v1alpha3", vmi.as_bytes(), most.as_bytes());
    assert!(
        said(&output).contains("INVALID_ARGUMENT") && said(&output).contains("too long"),
        "{}",
        said(&output)
    );
    let output = world.ask("define", "v1alpha3", vmi.as_bytes(), &vec![b' '; 9 << 20]);
    assert!(said(&output).starts_with("OUT_OF_RANGE"), "{}", said(&output));
    assert_eq!(world.defined("v1alpha3", &vmi, &megabyte), xml);
}

#[test]
fn a_refusal_is_a_status_with_its_reason() {
    let world = World::new();
    let sidecar = world.start(&[]);
    let (vmi, made) = machine("sev-es");
    let with = |key: &str| {
        vmi.replace("\"annotations\":{", &format!("\"annotations\":{{\"virt-sev.config/{key}\":\"1\","))
    };
    let plain = machine("plain");
    let asked =
        plain.0.replace("\"annotations\":{", "\"annotations\":{\"virt-sev.config/security.sev\":\"true\",");
    for (vmi, domain, words) in [
        (with("security.sev.polcy"), made.as_bytes(), "there is no such key"),
        (asked, plain.1.as_bytes(), "no spec.domain.launchSecurity"),
        (String::new(), made.as_bytes(), "the VMI is not JSON"),
        (vmi[..vmi.len() / 2].to_owned(), made.as_bytes(), "the VMI is not JSON"),
        (SECRET.to_owned(), made.as_bytes(), "the VMI is not JSON"),
        (vmi.clone(), b"", "the domain is empty"),
        (vmi.clone(), &made.as_bytes()[..made.len() / 2], "the domain, line "),
        (vmi.clone(), b"<domain>\xff", "not UTF-8"),
        (
            (0..60).fold(vmi.clone(), |vmi, n| {
                vmi.replacen(
                    "\"annotations\":{",
                    &format!("\"annotations\":{{\"virt-sev.config/k\u{e9}{n}\":\"1\","),
                    1,
                )
            }),
            made.as_bytes(),
            "log of the hook's container has all of it",
        ),
    ] {
        let output = world.ask("define", "v1alpha3", vmi.as_bytes(), domain);
        let said = said(&output);
        assert!(said.starts_with("INVALID_ARGUMENT: virt-sev: ") && said.contains(words), "{words}: {said}");
        assert!(!said.contains(SECRET) && !said.contains('<') && output.stdout.is_empty(), "{said}");
    }
    assert!(answer(&world.call(&["info"])).contains("virt-sev"));
    sidecar.signal("INT");
    let (code, log) = sidecar.end();
    assert!(code == Some(0) && !log.contains(SECRET) && !log.contains('<'), "{log}");
    assert!(log.contains("k\u{e9}59"), "the log has all of it");
}

#[test]
fn what_it_has_not_and_what_is_no_message() {
    let world = World::new();
    let _sidecar = world.start(&[]);
    for path in [
        "/kubevirt.hooks.v1alpha1.Callbacks/OnDefineDomain",
        "/kubevirt.hooks.v1alpha2.Callbacks/Shutdown",
        "/grpc.health.v1.Health/Check",
        "/",
    ] {
        let said = said(&world.call(&["unknown", path]));
        assert!(said.starts_with("UNIMPLEMENTED"), "{path}: {said}");
    }
    for version in BOTH {
        assert_eq!(answer(&world.call(&["cloud-init", version])), "ab");
    }
    assert!(said(&world.call(&["rubbish"])).starts_with("INTERNAL"));
    // Another protocol altogether.
    let mut stream = UnixStream::connect(world.socket()).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let _ = stream.read_to_end(&mut Vec::new());
    assert!(answer(&world.call(&["info"])).contains("virt-sev"));
}

#[test]
fn many_calls_at_once() {
    let world = World::new();
    let _sidecar = world.start(&[]);
    let (vmi, made) = machine("snp");
    let wanted = define(vmi.as_bytes(), made.as_bytes(), &RealProbe::system()).unwrap().domain;
    let output = world.ask("define-many", "v1alpha3", vmi.as_bytes(), made.as_bytes());
    assert_eq!(answer(&output).as_bytes(), wanted);
}

#[test]
fn a_fault_inside_ends_the_call_and_no_more() {
    let world = World::new();
    let sidecar = Sidecar::start(&world.folder(), &[], &[("VIRT_SEV_HOOK_PANIC", "1")]);
    let (vmi, made) = machine("gpu");
    for _ in 0..3 {
        let said = said(&world.ask("define", "v1alpha3", vmi.as_bytes(), made.as_bytes()));
        assert!(
            said.starts_with("INTERNAL: virt-sev: ") && said.contains("the hook failed inside"),
            "{said}"
        );
        assert!(answer(&world.call(&["info"])).contains("virt-sev"));
    }
    sidecar.signal("TERM");
    let (code, log) = sidecar.end();
    assert!(code == Some(0) && !log.contains('<'), "{log}");
}

#[test]
fn it_ends_with_its_guest() {
    let world = World::new();
    let sidecar = world.start(&[]);
    answer(&world.call(&["shutdown"]));
    let (code, log) = sidecar.end();
    assert!(code == Some(0) && log.contains("the guest is gone"), "{log}");
    assert_eq!(world.files(), [""; 0]);
}

/// A client that keeps its connection does not keep the container.
#[test]
fn it_ends_though_somebody_stays() {
    let world = World::new();
    let sidecar = world.start(&[]);
    let _idle = UnixStream::connect(world.socket()).unwrap();
    answer(&world.call(&["info"]));
    sidecar.signal("TERM");
    assert_eq!(sidecar.end().0, Some(0));
}

#[test]
fn killed_and_started_again() {
    let world = World::new();
    let (vmi, made) = machine("sev-es");
    let first = world.start(&[]);
    let xml = world.defined("v1alpha3", &vmi, &made);
    first.signal("KILL");
    assert_eq!(first.end().0, None);
    assert_eq!(world.files(), ["virt-sev.sock"]);
    let second = world.start(&[]);
    assert_eq!(world.files(), ["virt-sev.sock"]);
    assert_eq!(world.defined("v1alpha3", &vmi, &made), xml);
    // One that lives is not put out of its place.
    let third = Command::new(SIDECAR).arg("--directory").arg(world.folder()).output().unwrap();
    assert!(third.status.code() == Some(4) && said(&third).contains("another sidecar"), "{}", said(&third));
    assert_eq!(world.defined("v1alpha3", &vmi, &made), xml);
    drop(second);
    // Nor is what is no socket.
    fs::remove_file(world.socket()).unwrap();
    fs::write(world.socket(), "x").unwrap();
    let fourth = Command::new(SIDECAR).arg("--directory").arg(world.folder()).output().unwrap();
    assert!(fourth.status.code() == Some(4) && said(&fourth).contains("no socket"), "{}", said(&fourth));
}

/// The socket of a sidecar that another one replaced stays when the first ends.
#[test]
fn it_takes_away_its_own_socket_only() {
    let world = World::new();
    let sidecar = world.start(&[]);
    fs::remove_file(world.socket()).unwrap();
    let _other = UnixListener::bind(world.socket()).unwrap();
    sidecar.signal("TERM");
    assert_eq!(sidecar.end().0, Some(0));
    assert_eq!(world.files(), ["virt-sev.sock"]);
}

#[test]
fn the_command_line() {
    let run = |arguments: &[&str]| Command::new(SIDECAR).args(arguments).output().unwrap();
    assert_eq!(
        answer(&run(&["--version"])),
        format!("virt-sev-kubevirt-sidecar {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert!(answer(&run(&["--help"])).contains("--directory DIR"));
    for (arguments, code, words) in [
        (&["--version", "v1alpha1"][..], 2, "wanted v1alpha3 or v1alpha2"),
        (&["--directory"], 2, "takes a folder"),
        (&["--port", "1"], 2, "there is no such option"),
        (&["--directory", "/nowhere"], 4, "hooks.kubevirt.io/hookSidecars"),
    ] {
        let output = run(arguments);
        assert!(output.status.code() == Some(code) && said(&output).contains(words), "{}", said(&output));
    }
}
