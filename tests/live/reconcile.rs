//! `examples/reconcile.py` with real guests: a folder of files, and a host that is to be as they say.

use crate::lab::{Corner, Lab, assert_code, err, root, setup};
use crate::python::python;
use serde_json::json;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder of guests, and the lab that is to have them.
struct Folder<'a> {
    corner: Corner<'a>,
}

impl<'a> Folder<'a> {
    fn new(lab: &'a Lab) -> Self {
        let folder = Self { corner: Corner::new(lab) };
        fs::create_dir(folder.corner.path("guests")).unwrap();
        folder
    }

    fn file(&self, name: &str) -> PathBuf {
        self.corner.path("guests").join(name)
    }

    /// A guest, as LXD would have its keys.
    fn guest(&self, name: &str, keys: &[(&str, &str)], cpu: &str) {
        let firmware = self.corner.lab.file("VIRT_SEV_FIRMWARE").display().to_string();
        let ours = [("security.sev.firmware", &*firmware), ("security.sev.memory.lock", "none")];
        let mut yaml = format!("name: {name}\nconfig:\n");
        for (key, value) in ours.iter().chain(keys) {
            yaml += &format!("  {key}: \"{}\"\n", value.trim());
        }
        fs::write(self.file(&format!("{name}.yaml")), yaml).unwrap();
        let xml = fs::read_to_string(self.corner.domain(None)).unwrap();
        let xml = xml.replace(&self.corner.guest, name).replace("</vcpu>", &format!("</vcpu>{cpu}"));
        fs::write(self.file(&format!("{name}.xml")), xml).unwrap();
    }

    /// The example with what this platform needs to be told.
    fn command(&self, more: &[&str]) -> Command {
        let mut command = python(&root().join("examples/reconcile.py"));
        command.arg(self.corner.path("guests")).args(["-c", &self.corner.lab.uri]).args(more);
        for rule in self.corner.lab.rules() {
            command.args(["--skip", rule]);
        }
        command.env("XDG_STATE_HOME", self.corner.path("state"));
        command
    }

    /// One round: its exit code, and a line for each guest.
    #[track_caller]
    fn once(&self, wanted: i32) -> Vec<String> {
        let out = self.command(&["--once"]).output().unwrap();
        assert_code(&out, wanted);
        lines(&out)
    }

    /// What libvirt has of a guest: its definition, and the number of its run.
    fn now(&self, name: &str) -> (String, String) {
        let lab = self.corner.lab;
        (lab.virsh(&["dumpxml", "--inactive", name]), lab.virsh(&["domid", name]))
    }

    /// Waits until a guest is started, paused. While libvirt still starts it, it says another reason.
    fn is_started(&self, name: &str) {
        for _ in 0..1200 {
            let out = self.corner.lab.try_virsh(&["domstate", "--reason", name]);
            if String::from_utf8_lossy(&out.stdout).trim() == "paused (user)" {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{name} is not started");
    }

    fn memory(&self, name: &str, which: &[&str]) -> String {
        let xml = self.corner.lab.virsh(&[&["dumpxml", name], which].concat());
        let (_, rest) = xml.split_once("<memory").unwrap();
        rest.split(['>', '<']).nth(1).unwrap().to_owned()
    }
}

/// The table, with one space between columns.
fn lines(out: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&out.stdout);
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// The owner's program, with a state of its own.
fn owner(folder: &Folder<'_>, step: &str, evidence: &str) -> Output {
    let corner = &folder.corner;
    let known = json!({
        "chain": corner.lab.platform("chain.cert"),
        "ca": corner.lab.platform("ask_ark.cert"),
        "keys": corner.path("keys"),
        "firmware": setup("VIRT_SEV_FIRMWARE"),
        "evidence": folder.file(evidence),
        "packet": corner.path("packet.json"),
    });
    let mut command = python(&root().join("tests/live/python/owner.py"));
    command.args([step, &known.to_string()]).env("XDG_STATE_HOME", corner.path("owner-state"));
    command.output().unwrap()
}

#[test]
fn three_guests_are_launched_attested_and_kept() {
    let lab = Lab::start();
    let folder = Folder::new(&lab);
    assert_code(&owner(&folder, "session", ""), 0);
    let session = |file: &str| fs::read_to_string(folder.corner.path("keys").join(file)).unwrap();
    folder.guest("plain", &[("security.sev", "true")], "");
    let es = [
        ("security.sev", "true"),
        ("security.sev.policy.es", "true"),
        ("security.sev.session.dh", &session("godh.b64")),
        ("security.sev.session.data", &session("session.b64")),
    ];
    folder.guest("es", &es, "<cpu><model>EPYC-Milan</model></cpu>");
    folder.guest("snp", &[("security.sev.snp", "true")], "");

    // What was left of an earlier launch is not taken for an answer to this one.
    fs::write(folder.file("es.packet.json"), "{}").unwrap();
    let waits = "es paused launched, waits for its owner";
    assert_eq!(folder.once(0), [waits, "plain running launched", "snp running launched"]);
    let kept = ["plain running as it should be", "snp running as it should be"];
    let before = ["es", "plain", "snp"].map(|name| folder.now(name));
    assert_eq!(folder.once(0), ["es paused waits for its owner", kept[0], kept[1]]);
    assert_eq!(
        ["es", "plain", "snp"].map(|name| folder.now(name)),
        before,
        "the second round changed something"
    );

    // The owner, another process with nothing but files, answers; the host puts the answer beside.
    assert_code(&owner(&folder, "answer", "es.evidence.json"), 0);
    fs::copy(folder.corner.path("packet.json"), folder.file("es.packet.json")).unwrap();
    assert_eq!(folder.once(0), ["es running has its owner's secrets", kept[0], kept[1]]);
    let decrypted = fs::read(lab.dir.join("state/guests/es/secrets/001.bin")).unwrap();
    assert!(decrypted.windows(14).any(|w| w == b"the disk's key"));
    assert!(!folder.file("es.packet.json").exists() && !folder.file("es.evidence.json").exists());
    assert_eq!(folder.once(0), ["es running as it should be", kept[0], kept[1]]);

    // A file changes: the running guest does not, its next start does.
    let path = folder.file("plain.xml");
    let xml = fs::read_to_string(&path).unwrap().replace("<memory unit='MiB'>256", "<memory unit='MiB'>320");
    fs::write(&path, xml).unwrap();
    let changed = "plain running as it should be, changed from its next start on";
    assert_eq!(folder.once(0), ["es running as it should be", changed, kept[1]]);
    assert_eq!(folder.memory("plain", &[]), "262144");
    assert_eq!(folder.memory("plain", &["--inactive"]), "327680");
    assert_eq!(folder.now("plain").1, before[1].1, "it runs on");
    assert_eq!(folder.once(0), ["es running as it should be", kept[0], kept[1]]);
    lab.virsh(&["destroy", "plain"]);
    assert_eq!(folder.once(0), ["es running as it should be", "plain running launched", kept[1]]);
    assert_eq!(folder.memory("plain", &[]), "327680");

    // Broken files, a name that is another's, a session that was used: the others go on.
    fs::write(folder.file("a-broken.yaml"), "config: [").unwrap();
    fs::copy(folder.file("plain.xml"), folder.file("a-broken.xml")).unwrap();
    fs::write(folder.file("b-alone.yaml"), "config: {}").unwrap();
    fs::copy(folder.file("plain.yaml"), folder.file("c-other.yaml")).unwrap();
    fs::copy(folder.file("plain.xml"), folder.file("c-other.xml")).unwrap();
    lab.virsh(&["destroy", "es"]);
    let told = folder.once(1);
    let of =
        |name: &str| told.iter().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{told:?}"));
    assert!(of("a-broken failed").contains("document 1"), "{told:?}");
    assert!(of("b-alone failed").contains("b-alone.xml"), "{told:?}");
    assert!(of("c-other failed").contains("the domain's name is not c-other"), "{told:?}");
    assert!(of("es failed").contains("session was used"), "{told:?}");
    assert!(told.iter().any(|l| l == kept[0]) && told.iter().any(|l| l == kept[1]), "{told:?}");
    assert_eq!(lab.state("es"), "shut off");

    let out = folder.command(&["--once", "--no-such-option"]).output().unwrap();
    assert_code(&out, 2);
}

/// libvirtd dies in the middle of a launch: an error, no hang, and the next run, or the next round, recovers.
#[test]
fn a_daemon_that_dies_under_the_manager_is_survived() {
    for more in [&["--once"][..], &["--interval", "0.5"]] {
        let lab = Lab::start();
        let folder = Folder::new(&lab);
        folder.guest("plain", &[("security.sev", "true")], "");
        lab.sev_lab(&["fault", "hang"]);
        let mut child = folder.command(more).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        folder.is_started("plain");
        lab.kill_daemon();
        let begin = Instant::now();
        let mut table = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let first = table.next().unwrap();
        assert!(first.starts_with("plain") && first.contains("failed"), "{first}");
        assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
        lab.sev_lab(&["forget"]);
        if more == ["--once"] {
            assert_eq!(child.wait().unwrap().code(), Some(1));
            lab.sev_lab(&["restart"]);
            assert_eq!(lab.state("plain"), "paused", "the guest outlives its daemon");
            let out = folder.command(more).output().unwrap();
            assert_code(&out, 0);
            assert!(err(&out).contains("The guest was destroyed"), "{}", err(&out));
            assert_eq!(lines(&out), ["plain running launched"]);
        } else {
            // While nobody is there it says so, and tries again.
            let is_away = |line: &str| line.contains("failed") && line.starts_with(&lab.uri);
            assert!(table.any(|line| is_away(&line)));
            lab.sev_lab(&["restart"]);
            assert!(table.any(|line| line.contains("running") && line.contains("launched")));
            let pid = child.id().to_string();
            assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
            assert_eq!(child.wait().unwrap().code(), Some(0));
            let mut told = String::new();
            child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
            assert!(told.contains("The guest was destroyed"), "{told}");
        }
        assert_eq!(lab.state("plain"), "running");
    }
}

/// SIGTERM in the middle of a launch: all is undone before the manager ends.
#[test]
fn a_manager_that_is_stopped_leaves_no_guest_behind() {
    let lab = Lab::start();
    let folder = Folder::new(&lab);
    folder.guest("plain", &[("security.sev", "true")], "");
    lab.sev_lab(&["fault", "hang"]);
    let mut child = folder.command(&[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    folder.is_started("plain");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{told}");
    assert!(told.contains("cancelled") && told.contains("destroyed"), "{told}");
    assert_eq!(lab.state("plain"), "none");
}
