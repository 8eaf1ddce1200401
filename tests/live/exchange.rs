//! Host and guest owner with nothing between them but files: chain, bundle, evidence, packet. Each has a folder and a state
//! of its own, and what goes from one to the other is copied by name.

use crate::lab::{Corner, Lab, assert_code, err, setup};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SECRET: &[u8] = b"a secret of the owner's, 7 \xff\0";
const CMDLINE: &str = "console=ttyS0";

struct Exchange<'a> {
    corner: Corner<'a>,
}

impl<'a> Exchange<'a> {
    fn new() -> Self {
        let exchange = Self { corner: Corner::new(Lab::shared()) };
        for side in ["owner", "host"] {
            std::fs::create_dir(exchange.corner.path(side)).unwrap();
        }
        std::fs::write(exchange.file("owner", "disk.key"), SECRET).unwrap();
        std::fs::copy(exchange.platform("ask_ark.cert"), exchange.file("owner", "ask_ark.cert")).unwrap();
        let domain = exchange.corner.domain(Some(CMDLINE));
        std::fs::rename(domain, exchange.file("host", "domain.xml")).unwrap();
        exchange
    }

    fn platform(&self, name: &str) -> PathBuf {
        self.corner.lab.platform(name)
    }

    fn file(&self, side: &str, name: &str) -> PathBuf {
        self.corner.path(side).join(name)
    }

    fn json(&self, side: &str, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.file(side, name)).unwrap()).unwrap()
    }

    fn put(&self, side: &str, name: &str, value: &Value) {
        std::fs::write(self.file(side, name), value.to_string()).unwrap();
    }

    fn carry(&self, name: &str, from: &str, to: &str) {
        std::fs::copy(self.file(from, name), self.file(to, name)).unwrap();
    }

    /// One side's program: its own folder, its own state.
    fn on(&self, side: &str) -> Command {
        let mut command = self.corner.command(&[]);
        command.current_dir(self.corner.path(side));
        for (name, of) in [("XDG_STATE_HOME", "state"), ("XDG_CACHE_HOME", "cache")] {
            command.env(name, self.corner.path(&format!("{side}-{of}")));
        }
        command
    }

    fn host(&self, args: &str) -> Output {
        let (command, rest) = args.split_once(' ').unwrap();
        let at = if command == "chain" || command == "secret" { 2 } else { 1 };
        let mut words: Vec<&str> = vec![command];
        words.extend(rest.split(' '));
        words.splice(at..at, ["-c", self.corner.lab.uri.as_str()]);
        self.on("host").args(words).output().unwrap()
    }

    fn owner(&self, args: &str) -> Output {
        self.on("owner").args(args.split(' ')).output().unwrap()
    }

    /// The owner makes a bundle from what the host gave, into `bundle.json`, its keys into the folder `keys`.
    fn bundle(&self, more: &str) {
        self.bundle_for("0x1", more);
    }

    fn bundle_for(&self, policy: &str, more: &str) {
        assert_code(&self.host("chain fetch -o chain.cert"), 0);
        self.carry("chain.cert", "host", "owner");
        let out = self.owner(&format!(
            "session --chain chain.cert --ca ask_ark.cert --policy {policy} -o keys --bundle bundle.json{more}"
        ));
        assert_code(&out, 0);
        self.carry("bundle.json", "owner", "host");
    }

    fn launch(&self, more: &str) -> Output {
        self.launch_of("domain.xml", "evidence.json", more)
    }

    fn launch_of(&self, domain: &str, evidence: &str, more: &str) -> Output {
        let firmware = self.corner.lab.file("VIRT_SEV_FIRMWARE");
        let mut args = format!(
            "launch {domain} --config bundle.json --evidence {evidence} --set security.sev.firmware={}",
            firmware.display()
        );
        for word in self.corner.platform() {
            args = args + " " + word;
        }
        self.host(&(args + more))
    }

    fn verify(&self, more: &str) -> Output {
        let own = |name: &str| setup(name).display().to_string();
        self.owner(&format!(
            "verify --evidence evidence.json --tik keys/tik.bin --tek keys/tek.bin --firmware {} --kernel {} --initrd {} --cmdline {CMDLINE}{more}",
            own("VIRT_SEV_FIRMWARE"),
            own("VIRT_SEV_KERNEL"),
            own("VIRT_SEV_INITRD")
        ))
    }

    fn answer(&self) -> Output {
        self.verify(" --inject-secret luks-key:disk.key --packet packet.json")
    }

    /// A launch that waits for its owner, whose evidence the owner has.
    fn launched(more: &str) -> Self {
        let exchange = Self::new();
        exchange.bundle(more);
        assert_code(&exchange.launch(""), 0);
        exchange.carry("evidence.json", "host", "owner");
        exchange
    }

    fn state(&self) -> String {
        self.corner.lab.state(&self.corner.guest)
    }

    fn inject(&self) -> Output {
        self.host(&format!("secret inject {} --packet packet.json --resume", self.corner.guest))
    }
}

/// Everything below a folder, one text.
fn all_below(dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        all.extend(if path.is_dir() { all_below(&path) } else { std::fs::read(path).unwrap() });
    }
    all
}

#[test]
fn a_guest_is_attested_and_gets_its_secret_through_four_files() {
    let x = Exchange::new();
    x.bundle(&format!(" --firmware {}", setup("VIRT_SEV_FIRMWARE").display()));
    assert_code(&x.owner("chain verify chain.cert --ca ask_ark.cert"), 0);
    let bundle = x.json("owner", "bundle.json");
    assert_eq!(bundle["schema"], "virt-sev/bundle/1");
    let shown = x.owner("chain verify chain.cert --ca ask_ark.cert --format json");
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(bundle["platform"]["pdh"], shown["certificates"][0]["fingerprint"]);

    let out = x.launch("");
    assert_code(&out, 0);
    assert!(err(&out).contains("virt-sev verify --evidence evidence.json"), "{}", err(&out));
    assert_eq!(x.state(), "paused");
    let evidence = x.json("host", "evidence.json");
    assert_eq!(
        (&evidence["schema"], &evidence["mode"], &evidence["domain"]),
        (&"virt-sev/measurement/1".into(), &"sev".into(), &x.corner.guest.as_str().into())
    );
    // `measurement` writes the same.
    assert_code(&x.host(&format!("measurement {} -o again.json", x.corner.guest)), 0);
    let again = x.json("host", "again.json");
    for (name, value) in evidence.as_object().unwrap() {
        assert_eq!(&again[name], value, "{name}");
    }

    x.carry("evidence.json", "host", "owner");
    let out = x.answer();
    assert_code(&out, 0);
    let next = format!("secret inject -c URI {} --packet packet.json --resume", x.corner.guest);
    assert!(err(&out).contains(&next), "{}", err(&out));
    assert_eq!(x.state(), "paused");
    x.carry("packet.json", "owner", "host");
    assert_code(&x.inject(), 0);
    assert_eq!(x.state(), "running");

    // What the chip decrypted is the owner's secret, and the host has never seen it or a key in clear.
    let folder = x.corner.lab.dir.join("state/guests").join(&x.corner.guest).join("secrets");
    let decrypted = std::fs::read(folder.join("001.bin")).unwrap();
    let holds = |all: &[u8], part: &[u8]| all.windows(part.len()).any(|w| w == part);
    assert!(holds(&decrypted, SECRET));
    let hosts = [all_below(&x.corner.path("host")), all_below(&x.corner.path("host-state"))].concat();
    for name in ["keys/tik.bin", "keys/tek.bin", "disk.key"] {
        let secret = std::fs::read(x.file("owner", name)).unwrap();
        let text = serde_json::to_string(&secret).unwrap();
        let hex: String = secret.iter().map(|b| format!("{b:02x}")).collect();
        for form in [&secret[..], text.as_bytes(), hex.as_bytes()] {
            assert!(!holds(&hosts, form), "{name} is on the host");
        }
    }
}

#[test]
fn a_sev_es_guest_of_two_processors_goes_the_same_way() {
    let x = Exchange::new();
    let path = x.file("host", "domain.xml");
    let cpu = "<vcpu>2</vcpu>\n  <cpu><model>EPYC-Milan</model></cpu>";
    let xml = std::fs::read_to_string(&path).unwrap().replace("<vcpu>1</vcpu>", cpu);
    std::fs::write(&path, xml).unwrap();
    x.bundle_for("0x5", "");
    assert_eq!(x.json("owner", "bundle.json")["config"]["security.sev.policy.es"], "true");
    assert_code(&x.launch(""), 0);
    x.carry("evidence.json", "host", "owner");
    assert_eq!(x.json("owner", "evidence.json")["mode"], "sev-es");
    let secret = "--inject-secret luks-key:disk.key --packet packet.json";
    assert_code(&x.verify(&format!(" --num-cpus 3 --vcpu-type EPYC-Milan {secret}")), 1);
    assert!(!x.file("owner", "packet.json").exists());
    assert_code(&x.verify(&format!(" --num-cpus 2 --vcpu-type EPYC-Milan {secret}")), 0);
    x.carry("packet.json", "owner", "host");
    assert_code(&x.inject(), 0);
    assert_eq!(x.state(), "running");
}

#[test]
fn evidence_that_was_changed_on_the_way_is_no_evidence() {
    let x = Exchange::launched("");
    let good = x.json("owner", "evidence.json");
    let with = |name: &str, value: Value| {
        let mut evidence = good.clone();
        evidence[name] = value;
        x.put("owner", "evidence.json", &evidence);
        let out = x.answer();
        assert!(!x.file("owner", "packet.json").exists(), "{name}: a packet was written");
        (out.status.code().unwrap(), err(&out))
    };
    let measurement = good["measurement"].as_str().unwrap().to_owned();
    let flipped = |at: usize| {
        let mut text = measurement.clone().into_bytes();
        text[at] = if text[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(text).unwrap()
    };
    for (name, value) in [
        ("measurement", json!(flipped(0))),
        ("measurement", json!(flipped(63))),
        ("api-major", json!(0)),
        ("api-minor", json!(0)),
        ("build-id", json!(0)),
        ("policy", json!("0x0")),
    ] {
        let (code, text) = with(name, value);
        assert_eq!(code, 1, "{name}: {text}");
        assert!(text.contains("the launch measurement is not the expected one"), "{name}: {text}");
    }
    for (name, value, code, says) in [
        ("policy", json!("0x5"), 4, "owner/evidence.json: the evidence contradicts itself"),
        ("mode", json!("sev-snp"), 4, "a SEV-SNP guest has no launch measurement"),
        ("measurement", json!("AAAA"), 4, "the measurement has the wrong size"),
        ("schema", json!("virt-sev/bundle/1"), 4, "this is not evidence of a launch"),
        ("build-id", json!(null), 4, "the evidence has no valid build-id"),
    ] {
        let (found, text) = with(name, value);
        assert_eq!(found, code, "{name}: {text}");
        assert!(text.contains(says.trim_start_matches("owner/")), "{name}: {text}");
    }
    // What nothing depends on may change; another session than the owner's is named where the measurement differs.
    let (code, text) = with("measurement", json!(flipped(5)));
    assert!(code == 1 && !text.contains("names a session"), "{text}");
    x.put("owner", "evidence.json", &good);
    let out = x.verify(" --policy 0x3");
    assert_code(&out, 1);
    assert!(
        err(&out).contains("the guest was launched with another policy: found 0x1, wanted 0x3"),
        "{}",
        err(&out)
    );
    assert_code(&x.answer(), 0);
}

#[test]
fn a_bundle_serves_one_launch_on_an_honest_host_and_on_another() {
    let x = Exchange::launched("");
    assert_code(&x.answer(), 0);
    // The same launch again, for a packet that was lost, is the same answer.
    std::fs::remove_file(x.file("owner", "packet.json")).unwrap();
    assert_code(&x.answer(), 0);
    x.carry("packet.json", "owner", "host");
    std::fs::remove_file(x.file("owner", "packet.json")).unwrap();
    x.corner.lab.virsh(&["destroy", &x.corner.guest]);
    x.corner.lab.virsh(&["undefine", &x.corner.guest]);

    let out = x.launch("");
    assert_code(&out, 4);
    assert!(err(&out).contains("this session was used before, at 2"), "{}", err(&out));
    assert!(err(&out).contains(&format!("for domain {}", x.corner.guest)), "{}", err(&out));
    let out = x.launch(" --insecure");
    assert_code(&out, 4);

    // A host that forgets: its chip takes the session, and the measurement is a true one.
    std::fs::remove_dir_all(x.corner.path("host-state")).unwrap();
    assert_code(&x.launch(""), 0);
    let first = x.json("owner", "evidence.json");
    x.carry("evidence.json", "host", "owner");
    assert_ne!(x.json("owner", "evidence.json")["measurement"], first["measurement"]);
    let out = x.answer();
    assert_code(&out, 4);
    assert!(err(&out).contains("this session has answered another launch, at 2"), "{}", err(&out));
    assert!(out.stdout.is_empty() && !x.file("owner", "packet.json").exists());
    // The packet of the first launch is none for the second.
    let out = x.inject();
    assert_code(&out, 4);
    assert!(err(&out).contains("this packet is for another launch"), "{}", err(&out));
    // Nor where its file says so: the chip holds its MAC against what it has measured itself.
    let mut moved = x.json("host", "packet.json");
    moved["measurement"] = x.json("host", "evidence.json")["measurement"].clone();
    x.put("host", "packet.json", &moved);
    assert_code(&x.inject(), 5);
    assert_eq!(x.state(), "paused");
}

#[test]
fn of_two_launches_of_one_bundle_at_once_one_starts() {
    let x = Exchange::new();
    x.bundle("");
    let document = std::fs::read_to_string(x.file("host", "domain.xml")).unwrap();
    let twin = format!("{}-twin", x.corner.guest);
    let other =
        document.replace(&format!("<name>{}</name>", x.corner.guest), &format!("<name>{twin}</name>"));
    assert_ne!(document, other);
    std::fs::write(x.file("host", "twin.xml"), other).unwrap();
    let outs = std::thread::scope(|scope| {
        let twin = scope.spawn(|| x.launch_of("twin.xml", "twin.json", ""));
        [x.launch(""), twin.join().unwrap()]
    });
    let (won, lost) = if outs[0].status.success() { (&outs[0], &outs[1]) } else { (&outs[1], &outs[0]) };
    assert_code(won, 0);
    assert_code(lost, 4);
    assert!(err(lost).contains("this session was used before"), "{}", err(lost));
    let mut states = [x.state(), x.corner.lab.state(&twin)];
    states.sort();
    assert_eq!(states.iter().filter(|s| *s == "paused").count(), 1, "{states:?}");
    assert_eq!(x.corner.lab.try_virsh(&["dominfo", &twin]).status.success(), outs[1].status.success());
    for name in [&twin, &x.corner.guest] {
        x.corner.lab.try_virsh(&["destroy", name]);
        x.corner.lab.try_virsh(&["undefine", name]);
    }
}

#[test]
fn a_guest_that_somebody_has_resumed_gets_no_secret() {
    let x = Exchange::launched("");
    assert_code(&x.answer(), 0);
    x.carry("packet.json", "owner", "host");
    x.corner.lab.virsh(&["resume", &x.corner.guest]);
    let out = x.inject();
    assert_code(&out, 5);
    assert!(err(&out).contains("the guest is not paused"), "{}", err(&out));
    // Nor one that was stopped again: its chip takes a secret before the first instruction only.
    x.corner.lab.virsh(&["suspend", &x.corner.guest]);
    assert_code(&x.inject(), 5);
    assert_eq!(x.state(), "paused");
}

#[test]
fn a_bundle_for_another_platform_or_another_image_starts_nothing() {
    let x = Exchange::new();
    // Another platform: AMD's own test of a real chip, which this host is not.
    let rome = Path::new(env!("CARGO_MANIFEST_DIR")).join("../session/testdata/rome-platform.bin");
    let out =
        x.owner(&format!("session --chain {} --policy 0x1 -o keys --bundle bundle.json", rome.display()));
    assert_code(&out, 0);
    assert!(err(&out).contains("verified to AMD's root Rome"), "{}", err(&out));
    x.carry("bundle.json", "owner", "host");
    let out = x.launch("");
    assert_code(&out, 1);
    let why = "platform certificates: the bundle was made for another platform";
    assert!(err(&out).contains(why), "{}", err(&out));
    assert_eq!(x.state(), "none");
    assert!(!x.corner.path("host-state").join("virt-sev/sessions").exists(), "the session was used up");
    let out = x.host(&format!("check domain.xml --config bundle.json {}", x.corner.platform().join(" ")));
    assert_code(&out, 1);
    assert!(String::from_utf8_lossy(&out.stdout).contains("made for another platform"));
    // The check is there to tell early; the chip itself refuses such a session.
    let out = x.launch(" --skip bundle");
    assert_code(&out, 5);
    assert!(err(&out).contains("fw_error=11"), "{}", err(&out));
    assert_eq!(x.state(), "none");

    std::fs::remove_dir_all(x.file("owner", "keys")).unwrap();
    std::fs::remove_file(x.file("owner", "bundle.json")).unwrap();
    let other = x.file("owner", "other.fd");
    std::fs::write(&other, std::fs::read(setup("VIRT_SEV_FIRMWARE")).unwrap().split_off(1)).unwrap();
    x.bundle(" --firmware other.fd");
    let out = x.launch("");
    assert_code(&out, 1);
    assert!(err(&out).contains("this is not the firmware image that the owner expects"), "{}", err(&out));
    assert_eq!(x.state(), "none");
}

#[test]
fn a_bundle_that_was_changed_on_the_way_is_seen() {
    let x = Exchange::new();
    x.bundle("");
    let good = x.json("host", "bundle.json");
    let set = |change: &dyn Fn(&mut Value)| {
        let mut bundle = good.clone();
        change(&mut bundle);
        x.put("host", "bundle.json", &bundle);
    };
    // Damage is told before anything starts.
    set(&|b| b["config"]["security.sev.session.data"] = base64(&[1; 128]).into());
    let out = x.launch("");
    assert_code(&out, 4);
    assert!(err(&out).contains("this is not the session that the bundle was made for"), "{}", err(&out));
    set(&|b| b["schema"] = "virt-sev/bundle/9".into());
    let out = x.launch("");
    assert_code(&out, 4);
    assert!(err(&out).contains("of another version of virt-sev"), "{}", err(&out));
    // Another policy: the chip holds it to the session's own.
    set(&|b| b["config"]["security.sev.policy"] = "0x0".into());
    let out = x.launch("");
    assert_code(&out, 5);
    assert!(err(&out).contains("fw_error=11") && err(&out).contains("policy"), "{}", err(&out));
    assert_eq!(x.state(), "none");

    // Somebody on the way puts a session of their own in its place: the guest starts, and its owner sees it.
    let out = x.owner(
        "session --chain chain.cert --ca ask_ark.cert --policy 0x1 -o ../thief --bundle ../thief.json",
    );
    assert_code(&out, 0);
    std::fs::copy(x.corner.path("thief.json"), x.file("host", "bundle.json")).unwrap();
    assert_code(&x.launch(""), 0);
    x.carry("evidence.json", "host", "owner");
    let out = x.answer();
    assert_code(&out, 1);
    assert!(err(&out).contains("names a session that was not made with this TIK"), "{}", err(&out));
    assert!(!x.file("owner", "packet.json").exists());
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn a_packet_that_was_changed_on_the_way_is_refused_by_the_chip() {
    let x = Exchange::launched("");
    assert_code(&x.answer(), 0);
    x.carry("packet.json", "owner", "host");
    let good = x.json("host", "packet.json");
    let mut changed = good.clone();
    let payload = changed["payload"].as_str().unwrap().replacen(|c: char| c != 'A', "A", 1);
    changed["payload"] = payload.into();
    x.put("host", "packet.json", &changed);
    assert_code(&x.inject(), 5);
    assert_eq!(x.state(), "paused");
    changed["schema"] = "x".into();
    x.put("host", "packet.json", &changed);
    let out = x.inject();
    assert_code(&out, 4);
    assert!(err(&out).contains("this is not a secret packet"), "{}", err(&out));
    x.put("host", "packet.json", &good);
    assert_code(&x.inject(), 0);
    assert_eq!(x.state(), "running");
}

#[test]
fn evidence_is_for_a_launch_that_somebody_can_verify_and_is_written_or_there_is_no_launch() {
    let x = Exchange::new();
    x.bundle("");
    let launch = |words: &str| {
        let mut args = format!("launch domain.xml {words}");
        for word in x.corner.platform() {
            args = args + " " + word;
        }
        x.host(&args)
    };
    let firmware = x.corner.lab.file("VIRT_SEV_FIRMWARE");
    let keys = format!("--set security.sev.firmware={}", firmware.display());
    let out = launch(&format!("{keys} --set security.sev=true --evidence evidence.json"));
    assert_code(&out, 2);
    assert!(err(&out).contains("--evidence is for a launch with a guest owner's session"), "{}", err(&out));
    // Found out before the session is used up.
    let out = launch(&format!("{keys} --config bundle.json --evidence nowhere/evidence.json"));
    assert_code(&out, 4);
    assert_eq!(x.state(), "none");
    let out = launch(&format!("{keys} --config bundle.json --evidence /dev/full"));
    assert_code(&out, 4);
    assert_eq!(x.state(), "none");
}

/// With the owner's keys here it is told before the start; without them the chip tells (above).
#[test]
fn a_session_for_another_policy_is_refused_with_its_own_text() {
    let corner = Corner::new(Lab::shared());
    corner.session("0x1");
    corner.domain(None);
    let out = corner.launch("0x3", &[]).args(corner.owner(None)).output().unwrap();
    assert_code(&out, 4);
    let text = err(&out);
    assert!(text.contains("the session is not for this policy and these keys: found policy 0x3"), "{text}");
    assert_eq!(corner.lab.state(&corner.guest), "none");
    // It was not used up: for its own policy it still serves.
    assert_code(&corner.launch("0x1", &[]).args(corner.owner(None)).output().unwrap(), 0);
}
