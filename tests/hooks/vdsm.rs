//! VDSM's hook. Its caller is a fake, which does with a hook what VDSM's `lib/vdsm/common/hooks.py` does: a domain in a file of
//! mode 0600, custom properties in the environment, the file read again under its name. oVirt runs on no machine of ours.

use super::{libvirt::keys_of, root};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

mod killed;

const HOOK: &str = env!("CARGO_BIN_EXE_virt-sev-vdsm-hook");
const ID: &str = "5b1f7f5c-6f0e-4a0e-9a53-6c8f0f6d2a11";
const ES: &[Property<'static>] = &[("security_sev", "true"), ("security_sev_policy_es", "true")];
const START: &str = "before_vm_start";
const CONT: &str = "before_vm_cont";

/// A custom property: name and value.
type Property<'a> = (&'a str, &'a str);

struct FakeVdsm {
    dir: TempDir,
}

/// What came of a call.
struct Ran {
    code: Option<i32>,
    stderr: String,
    /// The file was replaced.
    changed: bool,
    /// What VDSM reads back.
    xml: Vec<u8>,
}

impl FakeVdsm {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for point in [START, CONT, "before_vm_migrate_source"] {
            fs::create_dir_all(dir.path().join("hooks").join(point)).unwrap();
            symlink(HOOK, dir.path().join("hooks").join(point).join("90_virt-sev")).unwrap();
        }
        fs::create_dir_all(dir.path().join("run").join(ID)).unwrap();
        fs::create_dir(dir.path().join("tmp")).unwrap();
        fs::write(dir.path().join("run").join(ID).join("launchflags"), "0").unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn flags(&self) -> PathBuf {
        self.path("run").join(ID).join("launchflags")
    }

    fn flags_now(&self) -> String {
        fs::read_to_string(self.flags()).unwrap()
    }

    /// The file as `tempfile.mkstemp()` makes it.
    fn file(&self, name: &str, xml: &[u8]) -> PathBuf {
        let path = self.path("tmp").join(name);
        let mut file = File::create(&path).unwrap();
        file.set_permissions(fs::Permissions::from_mode(0o600)).unwrap();
        file.write_all(xml).unwrap();
        path
    }

    fn beside(&self) -> Vec<String> {
        let list = fs::read_dir(self.path("tmp")).unwrap();
        list.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn command(&self, point: &str, properties: &[Property<'_>], file: &Path) -> Command {
        let mut command = Command::new(self.path("hooks").join(point).join("90_virt-sev"));
        command.env_clear().envs([("PATH", "/usr/bin:/usr/sbin"), ("LC_ALL", "C"), ("vmId", ID)]);
        command.env("PYTHONPATH", ":/usr/lib/python3/vdsm/hook").env("VIRT_SEV_VDSM_RUN", self.path("run"));
        command.envs(properties.iter().copied()).env("_hook_domxml", file);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn call(&self, point: &str, properties: &[Property<'_>], xml: &[u8]) -> Ran {
        self.call_with(point, properties, xml, |command| command)
    }

    fn call_with(
        &self,
        point: &str,
        properties: &[Property<'_>],
        xml: &[u8],
        change: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Ran {
        let file = self.file("tmpk3x8q2", xml);
        let before = file.metadata().unwrap().ino();
        let mut command = self.command(point, properties, &file);
        change(&mut command);
        let Output { status, stdout, stderr } = command.output().unwrap();
        assert!(stdout.is_empty(), "{}", String::from_utf8_lossy(&stdout));
        assert_eq!(self.beside(), ["tmpk3x8q2"], "nothing is left beside the file");
        let now = file.metadata().unwrap();
        assert_eq!(now.permissions().mode() & 0o7777, 0o600);
        let (changed, xml) = (now.ino() != before, fs::read(&file).unwrap());
        fs::remove_file(&file).unwrap();
        Ran { code: status.code(), stderr: String::from_utf8(stderr).unwrap(), changed, xml }
    }
}

/// A machine as the engine gives it to VDSM, from a cluster whose machines have a BIOS.
fn machine() -> String {
    let text = fs::read_to_string(root().join("tests/hooks/vdsm.xml")).unwrap();
    text.lines()
        .filter(|l| !l.contains("<loader") && !l.contains("<nvram"))
        .map(|l| format!("{l}\n"))
        .collect()
}

/// What the keys make of it, by the one way through.
fn right(keys: &[String]) -> String {
    use virt_sev::{config, domain::Domain, host::HostFacts, plan::Options, prepare};
    let keys = config::load_and_resolve(config::Sources { sets: keys, ..Default::default() }).unwrap();
    let domain = Domain::parse(machine()).unwrap();
    prepare::prepare(&Options::default(), domain, None, keys, &HostFacts::not_asked()).unwrap().xml
}

/// A session's keys, and the same as properties.
fn session() -> (Vec<String>, BTreeMap<String, String>) {
    let mut keys = vec!["security.sev=true".to_owned()];
    keys.extend(keys_of(
        "007-direct-kernel-attested",
        &["security.sev.session.dh", "security.sev.session.data"],
    ));
    let pairs = keys.iter().map(|k| k.split_once('=').unwrap());
    let properties = pairs.map(|(k, v)| (k.replace('.', "_"), v.to_owned())).collect();
    (keys, properties)
}

fn borrowed(properties: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    properties.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect()
}

#[test]
fn properties_make_a_machine_right() {
    let vdsm = FakeVdsm::new();
    let others = [("sap_agent", "true"), ("vhost", "net1:true"), ("securitylevel", "high")];
    let ran = vdsm.call(START, &[ES, &others].concat(), machine().as_bytes());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let wanted = right(&["security.sev=true".to_owned(), "security.sev.policy.es=true".to_owned()]);
    assert_eq!(String::from_utf8(ran.xml).unwrap(), wanted);
    assert!(wanted.contains("<policy>0x0005</policy>") && wanted.contains("<ovirt-vm:resumeBehavior>"));
    assert!(ran.stderr.starts_with("virt-sev: warning: /domain/os: "), "{}", ran.stderr);
    assert_eq!(vdsm.flags_now(), "0", "without an owner's session nobody could let it go on");

    // What is right already stays the same file.
    let again = vdsm.call(START, ES, wanted.as_bytes());
    assert_eq!((again.code, again.changed), (Some(0), false), "{}", again.stderr);
}

#[test]
fn recorded_keys_count_below_the_properties() {
    let vdsm = FakeVdsm::new();
    let recorded = "<v:config xmlns:v=\"urn:virt-sev:config:1\"><v:key name=\"security.sev\">true</v:key>\
                    <v:key name=\"security.sev.policy.noks\">true</v:key></v:config></metadata>";
    let xml = machine().replace("</metadata>", recorded);
    let policy = |properties: &[Property<'_>]| {
        let ran = vdsm.call(START, properties, xml.as_bytes());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let text = String::from_utf8(ran.xml).unwrap();
        text.split_once("<policy>").map(|(_, rest)| rest[..6].to_owned())
    };
    assert_eq!(policy(&[]).as_deref(), Some("0x0003"));
    assert_eq!(policy(&[("security_sev_policy_noks", "false")]).as_deref(), Some("0x0001"));
    assert_eq!(policy(&[("security_sev", "false"), ("security_sev_policy_noks", "")]), None);
}

#[test]
fn a_machine_without_sev_is_left_alone_whatever_it_is() {
    let vdsm = FakeVdsm::new();
    let plain = machine();
    let huge = vec![b'x'; 40 << 20];
    let inputs: [(&str, &[u8]); 5] = [
        ("a machine", plain.as_bytes()),
        ("torn", &plain.as_bytes()[..700]),
        ("garbage", &[0xfe; 4096]),
        ("nothing", b""),
        ("huge", &huge),
    ];
    for point in [START, CONT, "before_vm_migrate_source"] {
        for (what, xml) in inputs {
            for panic in [false, true] {
                let ran = vdsm.call_with(point, &[("sap_agent", "1")], xml, |command| {
                    command.envs(panic.then_some(("VIRT_SEV_HOOK_PANIC", "1")))
                });
                assert_eq!((ran.code, &*ran.stderr, ran.changed), (Some(0), "", false), "{point} {what}");
                assert!(ran.xml == xml);
            }
        }
    }
    for properties in [&[("security_sev", "false")][..], &[("security_sev", "")]] {
        let ran = vdsm.call(START, properties, plain.as_bytes());
        assert_eq!((ran.code, ran.changed, ran.xml == plain.as_bytes()), (Some(0), false, true));
    }
    assert_eq!(vdsm.call_with(START, &[], b"", |command| command.env_remove("_hook_domxml")).code, Some(0));
    assert_eq!(
        vdsm.call_with(START, &[], b"", |command| command.env("_hook_domxml", "/no/such/file")).code,
        Some(0)
    );
}

#[test]
fn what_is_wrong_stops_the_start_and_touches_nothing() {
    let vdsm = FakeVdsm::new();
    let plain = machine();
    let image = fs::read_to_string(root().join("tests/hooks/vdsm.xml")).unwrap();
    let i440fx = plain.replace("pc-q35-rhel8.6.0", "pc-i440fx-rhel7.6.0");
    let (_, session) = session();
    let data = session["security_sev_session_data"].as_str();
    let cases: &[(&[Property<'_>], &[u8], &str)] = &[
        (&[("security_sev_polcy_es", "true")], plain.as_bytes(), "Did you mean security_sev_policy_es?"),
        (&[("security_sev_kernel_hash", "")], plain.as_bytes(), "Did you mean security_sev_kernel_hashes?"),
        (&[("Security_Sev", "true")], plain.as_bytes(), "Did you mean security_sev?"),
        (&[("security_sev", "maybe")], plain.as_bytes(), "security.sev (custom property security_sev)"),
        (&[("security_sev_policy_es", "true")], plain.as_bytes(), "security.sev.policy.es"),
        (
            &[("security_sev", "true"), ("security_sev_session_data", data)],
            plain.as_bytes(),
            "security.sev.session.dh",
        ),
        (&[("security_sev", "true"), ("security_sev_session_data", "AAAA")], plain.as_bytes(), "128 bytes"),
        (ES, i440fx.as_bytes(), "[machine-q35]"),
        (ES, image.as_bytes(), "OVMF_CODE.fd: the firmware image is not there"),
        (ES, &plain.as_bytes()[..700], "line 17, column 12"),
        (ES, b"\xff\xfe<domain/>", "the domain is not UTF-8"),
        (ES, b"", "no element"),
    ];
    for (properties, xml, text) in cases {
        let ran = vdsm.call(START, properties, xml);
        assert_eq!((ran.code, ran.changed), (Some(2), false), "{text}: {}", ran.stderr);
        assert!(ran.xml == *xml && ran.stderr.contains(text), "{text}: {}", ran.stderr);
        assert!(ran.stderr.lines().all(|l| l.starts_with("virt-sev: ") || l.starts_with("  ")));
        assert_eq!(vdsm.flags_now(), "0");
    }
    // Every problem of the properties in one run.
    let ran = vdsm.call(START, &[("security_sev_a", "1"), ("security_sev_b", "1")], plain.as_bytes());
    assert_eq!(ran.stderr.matches("there is no such custom property").count(), 2, "{}", ran.stderr);
    let ran = vdsm.call("before_vm_migrate_source", ES, plain.as_bytes());
    assert!(
        ran.code == Some(2) && ran.stderr.contains("before_vm_start or before_vm_cont"),
        "{}",
        ran.stderr
    );
    for gone in [None, Some("/no/such/file")] {
        let ran = vdsm.call_with(START, ES, plain.as_bytes(), |command| {
            command.env_remove("_hook_domxml").envs(gone.map(|path| ("_hook_domxml", path)))
        });
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
        assert!(!ran.stderr.contains("true"), "no value is shown: {}", ran.stderr);
    }
    let no_text = OsStr::from_bytes(b"\xff\xff");
    let ran = vdsm.call_with(START, &[], plain.as_bytes(), |command| command.env("security_sev", no_text));
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
}

#[test]
fn a_machine_with_a_session_begins_paused() {
    let vdsm = FakeVdsm::new();
    let (keys, properties) = session();
    let properties = borrowed(&properties);
    for (before, after) in [("0", "1"), ("4", "5"), ("1", "1")] {
        fs::write(vdsm.flags(), before).unwrap();
        let ran = vdsm.call(START, &properties, machine().as_bytes());
        assert_eq!(
            (ran.code, String::from_utf8(ran.xml).unwrap()),
            (Some(0), right(&keys)),
            "{}",
            ran.stderr
        );
        assert_eq!(vdsm.flags_now(), after);
    }
    // Another hook has made it so: it ran, and could not be resumed once it was paused.
    fs::write(vdsm.flags(), "0").unwrap();
    let ran = vdsm.call(START, &[], right(&keys).as_bytes());
    assert_eq!((ran.code, ran.changed, vdsm.flags_now().as_str()), (Some(0), false, "1"), "{}", ran.stderr);
    let refused = |what: &str, change: &dyn Fn(&mut Command) -> &mut Command, text: &str| {
        let ran = vdsm.call_with(START, &properties, machine().as_bytes(), change);
        assert_eq!((ran.code, ran.changed), (Some(2), false), "{what}: {}", ran.stderr);
        assert!(ran.stderr.contains(text), "{what}: {}", ran.stderr);
    };
    for id in ["", "..", "../../tmp", "a/b"] {
        refused(id, &|command| command.env("vmId", id), "vmId names no machine");
    }
    refused("no id", &|command| command.env_remove("vmId"), "vmId names no machine");
    for flags in ["", "paused", "-1", "1 2"] {
        fs::write(vdsm.flags(), flags).unwrap();
        refused(flags, &|command| command, "the launch flags are no number");
        assert_eq!(vdsm.flags_now(), flags);
    }
    // As where VDSM wakes a machine from hibernation.
    fs::remove_file(vdsm.flags()).unwrap();
    refused("no flags", &|command| command, "hibernation");
    assert_eq!(fs::read_dir(vdsm.path("run").join(ID)).unwrap().count(), 0);
}

#[test]
fn a_guest_runs_on_once_its_launch_was_verified() {
    let vdsm = FakeVdsm::new();
    let (keys, properties) = session();
    let waiting = right(&keys);
    let data = virt_sev::measure::from_base64(&properties["security_sev_session_data"]).unwrap();
    let session = virt_sev::session::blob::SessionBlob::parse(&data).unwrap().id();
    let noted = |id: &str, space: &str| {
        let note = format!("<virtsev:verified xmlns:virtsev=\"{space}\" session=\"{id}\"/></metadata>");
        waiting.replace("</metadata>", &note)
    };
    let ours = "urn:virt-sev:launch:1";
    let snp = right(&["security.sev.snp=true".to_owned()]);
    for (what, xml, code) in [
        ("it waits", waiting.clone(), 2),
        ("noted", noted(&session, ours), 0),
        ("of another launch", noted(&"0".repeat(64), ours), 2),
        ("of another program", noted(&session, "urn:other"), 2),
        ("torn", waiting[..waiting.len() - 20].to_owned(), 2),
        ("no session", right(&["security.sev=true".to_owned()]), 0),
        ("it attests itself", snp, 0),
        ("no SEV", machine(), 0),
    ] {
        // VDSM gives the properties at every point.
        let ran = vdsm.call(CONT, if what == "no SEV" { &[] } else { ES }, xml.as_bytes());
        assert_eq!((ran.code, ran.changed), (Some(code), false), "{what}: {}", ran.stderr);
        assert_eq!(ran.stderr.is_empty(), code == 0, "{what}: {}", ran.stderr);
    }
    let told = vdsm.call(CONT, &[], waiting.as_bytes()).stderr;
    let by_hand =
        format!("virsh metadata {ID} {ours} --live --key virtsev --set '<verified session=\"{session}\"/>'");
    assert!(
        told.starts_with("virt-sev: web1: the guest waits for its owner") && told.contains(&by_hand),
        "{told}"
    );
}

#[test]
fn a_fault_inside_stops_the_start_of_a_sev_guest() {
    let vdsm = FakeVdsm::new();
    let sev = right(&["security.sev=true".to_owned()]);
    for point in [START, CONT] {
        for (properties, xml) in [(ES, machine()), (&[], sev.clone())] {
            let ran = vdsm.call_with(point, properties, xml.as_bytes(), |command| {
                command.env("VIRT_SEV_HOOK_PANIC", "1")
            });
            assert_eq!((ran.code, ran.changed), (Some(2), false));
            assert!(ran.stderr.contains("the hook failed inside"), "{}", ran.stderr);
        }
    }
}
