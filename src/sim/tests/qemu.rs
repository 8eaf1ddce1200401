//! The simulator around a real QEMU, without libvirt.
//! In: `qemu-system-x86_64` in PATH and a made-up firmware. Out: what libvirt relies on. Never: a started processor.
//!
//! Run with `cargo test -p virt-sev-sim --features live`.

// Only functions marked #[test] count as tests for clippy; this whole file is one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p384::SecretKey;
use p384::elliptic_curve::Generate;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use virt_sev_sim::crypto::cert::{Certificate, Usage, diffie_hellman_key};
use virt_sev_sim::crypto::{aes_ctr, derive, hmac, sha256};

const SIMULATOR: &str = env!("CARGO_BIN_EXE_qemu-sev-sim");

struct Bench {
    folder: tempfile::TempDir,
}

struct Monitor {
    reader: BufReader<UnixStream>,
    greeting: Value,
}

struct Guest {
    child: Child,
    socket: PathBuf,
}

impl Drop for Bench {
    fn drop(&mut self) {
        // The relay ends just after its guest, and may still be writing into the folder that is about to go.
        let end = Instant::now() + Duration::from_secs(20);
        while mentions(self.folder.path()) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn bench(settings: &Value) -> Bench {
    let folder = tempfile::Builder::new().prefix("sim").tempdir_in("/tmp").unwrap();
    // By a process of its own: a descriptor of ours that writes it could be inherited by what another test starts just then, and
    // the program would be "busy".
    let copied = Command::new("cp").arg(SIMULATOR).arg(folder.path().join("qemu-system-x86_64")).status();
    assert!(copied.unwrap().success());
    fs::write(folder.path().join("qemu-sev-sim.json"), settings.to_string()).unwrap();
    fs::write(folder.path().join("fw.fd"), firmware()).unwrap();
    Bench { folder }
}

/// 64 KiB whose GUID table has a secret area of 4 KiB at 0x20000.
fn firmware() -> Vec<u8> {
    let mut table = Vec::new();
    table.extend(0x20000u32.to_le_bytes());
    table.extend(0x1000u32.to_le_bytes());
    table.extend(26u16.to_le_bytes());
    table.extend([
        0x61, 0xb3, 0x2e, 0x4c, 0x9b, 0x7d, 0xc3, 0x4c, 0x80, 0x81, 0x12, 0x7c, 0x90, 0xd3, 0xd2, 0x94,
    ]);
    table.extend(44u16.to_le_bytes());
    table.extend([
        0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45, 0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d,
    ]);
    let mut image = vec![0xf4; 65536];
    let at = image.len() - 32 - table.len();
    image[at..at + table.len()].copy_from_slice(&table);
    image
}

impl Bench {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, name: &str, policy: u32) -> Command {
        let mut command = Command::new(self.path("qemu-system-x86_64"));
        command.args([
            "-S",
            "-display",
            "none",
            "-nodefaults",
            "-m",
            "64",
            "-accel",
            "kvm",
            "-cpu",
            "EPYC-Milan",
        ]);
        command.args(["-name", &format!("guest={name}"), "-machine", "q35,confidential-guest-support=s0"]);
        command.arg("-bios").arg(self.path("fw.fd"));
        command.arg("-object").arg(
            json!({"qom-type": "sev-guest", "id": "s0", "cbitpos": 51, "reduced-phys-bits": 1, "policy": policy})
                .to_string(),
        );
        command.arg("-qmp").arg(format!("unix:{},server=on,wait=off", self.path(name).display()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.arg0(self.path("qemu-system-x86_64"));
        command
    }

    fn start(&self, name: &str) -> Guest {
        Guest { child: self.command(name, 1).spawn().unwrap(), socket: self.path(name) }
    }
}

impl Guest {
    fn monitor(&self) -> Monitor {
        let end = Instant::now() + Duration::from_secs(60);
        let stream = loop {
            match UnixStream::connect(&self.socket) {
                Ok(stream) => break stream,
                Err(e) if Instant::now() > end => panic!("{}: {e}", self.socket.display()),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut monitor = Monitor { reader: BufReader::new(stream), greeting: Value::Null };
        monitor.greeting = monitor.line();
        monitor.ask("qmp_capabilities", &json!({}));
        monitor
    }

    fn ends(&mut self) -> bool {
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if self.child.try_wait().unwrap().is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    fn relay(&self) -> u32 {
        children(self.child.id())
            .into_iter()
            .find(|pid| role(*pid) == "relay")
            .expect("QEMU's child is the relay")
    }
}

fn children(parent: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

fn role(pid: u32) -> String {
    let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split('\0').nth(2).unwrap_or_default().to_owned()
}

impl Monitor {
    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or(Value::Null)
    }

    fn ask(&mut self, command: &str, arguments: &Value) -> Value {
        let request = json!({"execute": command, "arguments": arguments, "id": command});
        writeln!(self.reader.get_mut(), "{request}").unwrap();
        loop {
            let line = self.line();
            assert!(!line.is_null(), "the monitor ended during {command}");
            if line["id"] == command {
                return line;
            }
        }
    }
}

#[test]
fn the_started_process_becomes_qemu_and_its_monitor_answers() {
    let bench = bench(&json!({}));
    let guest = bench.start("a");
    let mut monitor = guest.monitor();
    assert!(monitor.greeting["QMP"]["version"].is_object());
    let exe = fs::read_link(format!("/proc/{}/exe", guest.child.id())).unwrap();
    assert_ne!(exe.parent(), Some(bench.folder.path()), "{} is not the simulator", exe.display());
    let measured = monitor.ask("query-sev-launch-measure", &json!({}));
    assert_eq!(measured["return"]["data"].as_str().unwrap().len(), 64);
    assert_eq!(monitor.ask("query-status", &json!({}))["return"]["running"], false);

    // As after a restart of libvirtd.
    drop(monitor);
    let mut again = guest.monitor();
    assert_eq!(again.ask("query-sev-launch-measure", &json!({}))["return"], measured["return"]);
    let record: Value =
        serde_json::from_slice(&fs::read(bench.path("state/guests/a/launch.json")).unwrap()).unwrap();
    assert_eq!(record["cpu-signature"], 0x00a0_0f11, "EPYC-Milan");
}

#[test]
fn a_refused_guest_says_why_and_does_not_start() {
    let bench = bench(&json!({}));
    let out = bench.command("a", 0x41).output().unwrap();
    assert!(!out.status.success());
    let text = String::from_utf8(out.stderr).unwrap();
    assert!(text.lines().all(|line| line.starts_with("qemu-sev-sim:")), "{text}");
    assert!(text.contains("LAUNCH_START ret=1 fw_error=7"), "{text}");
}

/// A guest owner's certificate and session for this platform, and a packet maker; written out from the specification.
struct Owner {
    certificate: String,
    session: String,
}

const TEK: [u8; 16] = [0x11; 16];
const TIK: [u8; 16] = [0x22; 16];

impl Owner {
    fn new(pdh: &[u8], policy: u32) -> Self {
        let key = SecretKey::generate();
        let platform = diffie_hellman_key(pdh).unwrap();
        let shared = p384::ecdh::diffie_hellman(key.to_nonzero_scalar(), platform.as_affine());
        let master = derive(shared.raw_secret_bytes(), "sev-master-secret", &[1; 16]).unwrap();
        let mut wrapped = [TEK, TIK].concat();
        aes_ctr(&derive(&*master, "sev-kek", &[]).unwrap(), &[2; 16], &mut wrapped);
        let wrap_mac = hmac(&*derive(&*master, "sev-kik", &[]).unwrap(), &[&wrapped]).unwrap();
        let policy_mac = hmac(&TIK, &[&policy.to_le_bytes()]).unwrap();
        let session = [&[1; 16][..], &wrapped, &[2; 16], &wrap_mac, &policy_mac].concat();
        let certificate = Certificate::new(Usage::Pdh, (0, 0), &key.public_key());
        Self { certificate: STANDARD.encode(certificate.bytes()), session: STANDARD.encode(session) }
    }

    fn packet(measurement: &[u8], plain: &[u8]) -> Value {
        let mut data = plain.to_vec();
        aes_ctr(&TEK, &[3; 16], &mut data);
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        let mac =
            hmac(&TIK, &[&[1], &[0; 4], &[3; 16], &length, &length, &data, &measurement[..32]]).unwrap();
        let header = [&[0; 4][..], &[3; 16], &mac].concat();
        json!({"packet-header": STANDARD.encode(header), "secret": STANDARD.encode(data)})
    }
}

#[test]
fn a_secret_is_in_guest_memory_before_the_first_instruction() {
    let bench = bench(&json!({}));
    let setup = Command::new(bench.path("qemu-system-x86_64"))
        .args(["--qemu-sev-sim-role", "setup"])
        .arg(bench.path("qemu-system-x86_64"))
        .status();
    assert!(setup.unwrap().success());
    let owner = Owner::new(&fs::read(bench.path("state/platform/pdh.cert")).unwrap(), 1);
    fs::write(bench.path("dh"), owner.certificate).unwrap();
    fs::write(bench.path("session"), owner.session).unwrap();
    let mut command = bench.command("a", 1);
    command.arg("-object").arg(format!(
        "sev-guest,id=s1,cbitpos=51,reduced-phys-bits=1,policy=1,dh-cert-file={},session-file={}",
        bench.path("dh").display(),
        bench.path("session").display()
    ));
    command.args(["-machine", "q35,confidential-guest-support=s1"]);
    let guest = Guest { child: command.spawn().unwrap(), socket: bench.path("a") };
    let mut monitor = guest.monitor();

    let measured = monitor.ask("query-sev-launch-measure", &json!({}));
    let measurement = STANDARD.decode(measured["return"]["data"].as_str().unwrap()).unwrap();
    let nonce = &measurement[32..];
    let digest = sha256(&[&firmware()]);
    let expected = hmac(&TIK, &[&[4, 1, 55, 21, 1, 0, 0, 0], &digest, nonce]).unwrap();
    assert_eq!(measurement[..32], expected);

    let plain: Vec<u8> = (0..64).collect();
    let packet = Owner::packet(&measurement, &plain);
    assert_eq!(monitor.ask("sev-inject-launch-secret", &packet)["return"], json!({}));
    let seen = bench.path("seen");
    let area = json!({"val": 0x20000, "size": 80, "filename": seen});
    assert_eq!(monitor.ask("pmemsave", &area)["return"], json!({}));
    let seen = fs::read(seen).unwrap();
    assert_eq!(seen[..64], plain);
    assert_eq!(seen[64..], [0; 16], "nothing beyond it");
    assert_eq!(fs::read(bench.path("state/guests/a/secrets/001.bin")).unwrap(), plain);

    monitor.ask("cont", &json!({}));
    let late = monitor.ask("sev-inject-launch-secret", &packet);
    assert_eq!(late["error"]["desc"], "SEV: Not in correct state. (LSECRET) 3");
    assert_eq!(monitor.ask("query-sev", &json!({}))["return"]["state"], "running");
}

#[test]
fn guest_and_relay_live_and_die_together() {
    let bench = bench(&json!({}));
    let mut guest = bench.start("a");
    drop(guest.monitor());
    let relay = guest.relay();
    let pid = rustix::process::Pid::from_raw(i32::try_from(relay).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    assert!(guest.ends(), "the guest ends with its relay");

    let mut guest = bench.start("b");
    drop(guest.monitor());
    let relay = guest.relay();
    guest.child.kill().unwrap();
    assert!(guest.ends());
    let end = Instant::now() + Duration::from_secs(20);
    while role(relay) == "relay" {
        assert!(Instant::now() < end, "the relay ends with its guest");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn asids_run_out_and_come_back() {
    let bench = bench(&json!({"asids": 1}));
    let first = bench.start("a");
    drop(first.monitor());
    let out = bench.command("b", 1).output().unwrap();
    assert!(String::from_utf8(out.stderr).unwrap().contains("no free ASID"));
    drop(first);
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let mut again = bench.start("c");
        std::thread::sleep(Duration::from_millis(300));
        if again.child.try_wait().unwrap().is_none() {
            break;
        }
        assert!(Instant::now() < end, "the ASID comes back");
        let _ = fs::remove_file(bench.path("c"));
    }
}

#[test]
fn a_probe_goes_to_the_background_and_leaves_nothing() {
    let bench = bench(&json!({}));
    let (socket, pid_file) = (bench.path("m"), bench.path("pid"));
    let out = Command::new(bench.path("qemu-system-x86_64"))
        .args(["-S", "-no-user-config", "-nodefaults", "-nographic", "-machine", "none,accel=kvm:tcg"])
        .arg("-qmp")
        .arg(format!("unix:{},server=on,wait=off", socket.display()))
        .arg("-pidfile")
        .arg(&pid_file)
        .arg("-daemonize")
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let pid: i32 = fs::read_to_string(&pid_file).unwrap().trim().parse().unwrap();
    let stream = UnixStream::connect(&socket).unwrap();
    let mut monitor = Monitor { reader: BufReader::new(stream), greeting: Value::Null };
    monitor.greeting = monitor.line();
    monitor.ask("qmp_capabilities", &json!({}));
    let capabilities = monitor.ask("query-sev-capabilities", &json!({}))["return"].clone();
    assert_eq!(capabilities["cbitpos"], 51);
    assert_eq!(capabilities["reduced-phys-bits"], 1);
    let types = monitor.ask("qom-list-types", &json!({"implements": "confidential-guest-support"}));
    assert!(types["return"].to_string().contains("sev-guest"));
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while mentions(&bench.path("")) {
        assert!(Instant::now() < end, "no process of the probe stays");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether a live process has an executable in this folder.
fn mentions(folder: &Path) -> bool {
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .any(|entry| fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe.starts_with(folder)))
}
