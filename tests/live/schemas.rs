//! Every kind of answer in JSON, as the programs give it, against its published schema.

use crate::lab::{Corner, Lab, code, err, root, setup};
use crate::python::python;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Answers, a line each.
struct Heard<'a> {
    corner: &'a Corner<'a>,
    lines: String,
}

impl Heard<'_> {
    fn take(&mut self, json: &[u8], whose: &str) {
        let value: Value = serde_json::from_slice(json).unwrap_or_else(|e| panic!("{whose}: {e}"));
        self.lines += &format!("{value}\n");
    }

    /// A command that answers in JSON.
    fn says(&mut self, args: &str) {
        self.says_with(args, &[]);
    }

    fn says_with(&mut self, args: &str, more: &[&str]) {
        let mut command = self.corner.command(&args.split_whitespace().collect::<Vec<_>>());
        command.args(more).args(["--format", "json"]).current_dir(self.corner.dir.path());
        let out = command.output().unwrap();
        assert!([0, 1].contains(&code(&out)), "{args}: {}", err(&out));
        self.take(&out.stdout, args);
    }

    fn file(&mut self, name: &str) {
        self.take(&fs::read(self.corner.path(name)).unwrap(), name);
    }
}

/// What the C library alone answers, through its Python package.
const LIBRARY: &str = r#"
import json, sys, virtsev
config = virtsev.Config({"security.sev": True, "security.sev.session.dh": open(sys.argv[1]).read(),
                         "security.sev.session.data": open(sys.argv[2]).read()})
print(json.dumps(config.resolve()))
print(json.dumps(virtsev.Config({}).resolve()))
print(json.dumps(config.plan(open(sys.argv[3]).read()).answer))
try:
    virtsev.Config({"security.sev": "perhaps"}).resolve()
except virtsev.Error as e:
    print(json.dumps(e.args[2]))
"#;

#[test]
fn every_answer_is_as_its_schema_says() {
    let corner = Corner::new(Lab::shared());
    let uri = &corner.lab.uri;
    corner.domain(None);
    let platform = corner.platform().join(" ");
    let firmware = corner.lab.file("VIRT_SEV_FIRMWARE").display().to_string();
    let sev = format!("--set security.sev=true --set security.sev.firmware={firmware} {platform}");
    let own =
        format!("--firmware {} --tik keys/tik.bin --tek keys/tek.bin", setup("VIRT_SEV_FIRMWARE").display());
    let (chain, ca) = (corner.lab.platform("chain.cert"), corner.lab.platform("ask_ark.cert"));
    let session = format!("session --chain {} --ca {} --policy 1", chain.display(), ca.display());
    let report = root().join("src/snp/testdata/milan-v2.bin").display().to_string();
    let report = format!("snp report {report}");
    fs::write(corner.path("secret"), "s").unwrap();
    let mut heard = Heard { corner: &corner, lines: String::new() };

    for args in [
        "keys",
        "explain --list",
        "explain --list-messages",
        "explain firmware-capable",
        "generate --list",
        "firmware list",
        "hook install libvirt --dir hooks",
        "hook remove libvirt --dir hooks",
        "lint domain.xml",
        "lint domain.xml --set security.sev=true",
        "apply domain.xml --set security.sev=true --skip kvm",
    ] {
        fs::create_dir_all(corner.path("hooks")).unwrap();
        heard.says(args);
    }
    heard.says(&format!("firmware inspect {firmware}"));
    heard.says(&format!("generate other --memory 1GiB --vcpus 1 {sev}"));
    fs::write(corner.path("lxd.yaml"), "config:\n  security.sev: 'true'\n").unwrap();
    heard.says("keys --convert lxd.yaml");
    heard.says(&format!("digest --mode sev --firmware {firmware}"));
    let kernel = setup("VIRT_SEV_KERNEL").display().to_string();
    heard.says_with(
        &format!("digest --mode sev-es --firmware {firmware} --kernel {kernel} --num-cpus 2 --vcpu-type EPYC-Milan --cmdline"),
        &["a b"],
    );
    heard.says(&format!("digest --mode snp --firmware {firmware} --num-cpus 1 --vcpu-type EPYC-Milan"));
    heard.says(&format!("chain verify {} --ca {}", chain.display(), ca.display()));
    heard.says(&format!("{report} --kds-address"));
    heard.says(&format!("{report} --certs {}", root().join("src/snp/testdata/milan-v2-vcek.der").display()));
    let key = corner.path("id.pem");
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out"])
        .arg(&key)
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    heard.says(&format!("snp id-block --id-key id.pem --launch-digest {}", "00".repeat(48)));

    heard.says(&format!("host -c {uri}"));
    heard.says(&format!("chain fetch -c {uri} --ca {}", ca.display()));
    heard.says(&format!("check -c {uri} domain.xml {sev}"));
    heard.says(&format!("{session} -o keys --bundle bundle.json --firmware {firmware}"));
    heard.file("bundle.json");
    heard.says(&format!("define -c {uri} domain.xml {sev}"));
    corner.lab.virsh(&["undefine", &corner.guest]);
    heard.says(&format!(
        "launch -c {uri} domain.xml --config bundle.json --set security.sev.firmware={firmware} {platform} --evidence evidence.json"
    ));
    heard.file("evidence.json");
    heard.says(&format!("measurement -c {uri} {}", corner.guest));
    // Two answers that are no, and the one that is yes.
    fs::write(corner.path("policy.json"), r#"{"allowed_policies": [3]}"#).unwrap();
    heard.says(&format!("verify --evidence evidence.json {own} --policy-file policy.json"));
    let other = setup("VIRT_SEV_OVMF").join("usr/share/OVMF/OVMF_CODE_4M.fd").display().to_string();
    heard.says(&format!(
        "verify --evidence evidence.json --tik keys/tik.bin --tek keys/tek.bin --firmware {other}"
    ));
    heard.says(&format!(
        "verify --evidence evidence.json {own} --inject-secret luks-key:secret --packet packet.json"
    ));
    heard.file("packet.json");
    let evidence: Value = serde_json::from_slice(&fs::read(corner.path("evidence.json")).unwrap()).unwrap();
    heard.says(&format!(
        "secret build --secret luks-key:secret --measurement {} --tik keys/tik.bin --tek keys/tek.bin --secret-header h --secret-payload p",
        evidence["measurement"].as_str().unwrap()
    ));
    heard.says(&format!("launch -c {uri} --recover"));

    let script = corner.path("library.py");
    fs::write(&script, LIBRARY).unwrap();
    let mut python = python(&script);
    python.args(["keys/godh.b64", "keys/session.b64", "domain.xml"]).current_dir(corner.dir.path());
    let out = python.output().unwrap();
    assert!(out.status.success(), "{}", err(&out));
    String::from_utf8(out.stdout)
        .unwrap()
        .lines()
        .for_each(|line| heard.take(line.as_bytes(), "the library"));

    let mut check = Command::new("/usr/bin/python3")
        .arg(root().join("tests/schemas/validate.py"))
        .arg(root().join("schemas"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(heard.lines.as_bytes()).unwrap();
    let out = check.wait_with_output().unwrap();
    assert!(out.status.success());
    let said = String::from_utf8(out.stdout).unwrap();
    let (wrong, seen) = said.trim_end().rsplit_once('\n').unwrap_or(("", said.trim_end()));
    assert_eq!(wrong, "");
    let seen: BTreeSet<&str> = seen.split(' ').collect();
    let unseen: Vec<String> = fs::read_dir(root().join("schemas"))
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|kind| kind != "common" && !seen.contains(kind.as_str()))
        .collect();
    assert!(unseen.is_empty(), "schemas of no answer that was heard: {unseen:?}");
    let document = fs::read_to_string(root().join("docs/json.md")).unwrap();
    for kind in seen {
        assert!(
            document.contains(&format!("| [`{kind}`](../schemas/{kind}.json) |")),
            "docs/json.md: {kind}"
        );
    }
}
