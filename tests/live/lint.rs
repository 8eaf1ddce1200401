//! `lint`, `explain` and what `apply` shows, off line and over a whole hypervisor.

use crate::lab::{Corner, Lab, assert_code, err, program};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};

const BARE: &str = "<domain type='kvm'>\n  <name>bare</name>\n  <memory unit='MiB'>256</memory>\n  <os firmware='efi'>\n    \
                    <type arch='x86_64' machine='q35'>hvm</type>\n  </os>\n  <features>\n    <acpi/>\n  </features>\n  \
                    <devices>\n    <interface type='user'>\n      <model type='virtio'/>\n    </interface>\n    \
                    <memballoon model='virtio' autodeflate='on'/>\n  </devices>\n</domain>\n";
const OWN: &str =
    "  <launchSecurity type='sev'>\n    <policy>0x0001</policy>\n  </launchSecurity>\n</domain>\n";

fn said(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}

fn json(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", said(out)))
}

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// virt-sev in this folder, so that files have short names.
    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(program("virt-sev"));
        // A hypervisor that is not asked for must not be looked for.
        command
            .current_dir(self.0.path())
            .env("LIBVIRT_DEFAULT_URI", "nowhere:///")
            .args(args)
            .output()
            .unwrap()
    }
}

#[test]
fn a_bare_domain_breaks_what_apply_would_mend_and_then_nothing() {
    let desk = Desk::new();
    desk.write("bare.xml", BARE);
    let set = ["--set", "security.sev=true"];
    let out = desk.run(&[&["lint", "bare.xml"], &set[..]].concat());
    assert_code(&out, 1);
    let text = said(&out);
    assert!(
        text.contains("bare.xml:11:5: error: <interface> has no <rom enabled='no'/> [option-rom]\n"),
        "{text}"
    );
    assert!(
        text.contains(
            "bare.xml:14:32: warning: <memballoon> has autodeflate='on', and not 'off' [memballoon]\n"
        ),
        "{text}"
    );
    assert!(err(&out).contains("1 domain: 2 errors, "), "{}", err(&out));
    assert!(!text.contains('\x1b') && !text.contains("rule: "), "{text}");

    // The rules of the findings that apply mends are those of its own explanation.
    let found = json(&desk.run(&[&["lint", "bare.xml", "--format", "json"], &set[..]].concat()));
    assert_eq!(found["schema"], "virt-sev/lint/1");
    let mend = |f: &&Value| f["fix"].as_str().unwrap().contains("virt-sev apply");
    let names = |rows: Vec<&Value>, key: &str| {
        let mut all: Vec<String> = rows.iter().map(|r| r[key].as_str().unwrap().to_owned()).collect();
        all.sort();
        all
    };
    let found = names(found["findings"].as_array().unwrap().iter().filter(mend).collect(), "id");
    let edits = json(&desk.run(&[&["apply", "bare.xml", "--format", "json"], &set[..]].concat()));
    assert_eq!(found, names(edits["edits"].as_array().unwrap().iter().collect(), "rule"));

    assert_code(&desk.run(&[&["apply", "bare.xml", "-o", "done.xml"], &set[..]].concat()), 0);
    // With the keys, and by what the document itself now asks for.
    for args in [
        &["lint", "done.xml", "--strict", "--set", "security.sev=true"][..],
        &["lint", "done.xml", "--strict"],
    ] {
        let out = desk.run(args);
        assert_code(&out, 0);
        assert_eq!(said(&out), "");
    }
}

#[test]
fn without_keys_a_domain_is_judged_by_itself_and_others_are_no_failure() {
    let desk = Desk::new();
    desk.write("bare.xml", BARE);
    desk.write("own.xml", &BARE.replace("</domain>\n", OWN));
    desk.write("wrong.xml", &BARE.replace("</domain>\n", OWN).replace("0x0001", "one"));
    let keys = "<metadata><virtsev:config xmlns:virtsev='urn:virt-sev:config:1'><virtsev:key name='security.sev'>true\
                </virtsev:key></virtsev:config></metadata>";
    desk.write("keys.xml", &BARE.replace("<name>", &format!("{keys}<name>")));

    let out = desk.run(&["lint", "bare.xml"]);
    assert_code(&out, 0);
    assert!(
        said(&out).starts_with("bare.xml:1:1: info: not a SEV domain [launch-security]\n"),
        "{}",
        said(&out)
    );

    let out = desk.run(&["lint", "bare.xml", "own.xml", "wrong.xml", "keys.xml", "--format", "json"]);
    assert_code(&out, 1);
    let all = json(&out);
    let of =
        |key: &str| all["domains"].as_array().unwrap().iter().map(|d| d[key].clone()).collect::<Vec<_>>();
    assert_eq!(
        of("keys"),
        [Value::Null, "launchSecurity".into(), "launchSecurity".into(), "metadata".into()]
    );
    assert_eq!(of("mode"), [Value::Null, "sev".into(), Value::Null, "sev".into()]);
    // Its own policy is right; what is around it is not.
    assert_eq!(of("errors"), [0, 1, 1, 2]);
    let wrong = all["findings"].as_array().unwrap().iter().find(|f| f["file"] == "wrong.xml").unwrap();
    assert_eq!((&wrong["path"], &wrong["line"]), (&"/domain/launchSecurity/policy".into(), &17.into()));
    for field in ["id", "severity", "title", "detail", "path", "fix", "source"] {
        assert!(wrong[field].is_string(), "{field}: {wrong}");
    }
    // What is asked for is not there, but for the metadata.
    assert_code(&desk.run(&["lint", "keys.xml", "--no-metadata"]), 0);
}

#[test]
fn a_bad_input_is_exit_4_and_does_not_stop_the_others() {
    let desk = Desk::new();
    desk.write("own.xml", &BARE.replace("</domain>\n", OWN));
    desk.write("net.xml", "<network/>");
    desk.write("cut.xml", "<domain><name>");
    let out = desk.run(&["lint", "net.xml", "own.xml", "none.xml", "cut.xml"]);
    assert_code(&out, 4);
    assert!(said(&out).contains("own.xml:11:5: error: "), "{}", said(&out));
    for name in ["net.xml", "none.xml", "cut.xml"] {
        assert!(err(&out).contains(&format!("virt-sev: {name}")), "{}", err(&out));
    }
    assert_code(&desk.run(&["lint"]), 2);
    assert_code(&desk.run(&["lint", "--all"]), 2);
    assert_code(&desk.run(&["lint", "own.xml", "--skip", "kvn"]), 2);
    // Wrong keys are told once, and not for every document.
    let out = desk.run(&["lint", "own.xml", "own.xml", "--set", "security.sve=1"]);
    assert_code(&out, 4);
    assert_eq!(err(&out).matches("there is no such key").count(), 1, "{}", err(&out));
    assert_code(&desk.run(&["apply", "own.xml", "--format", "sarif"]), 2);
    let skipped = desk.run(&["lint", "own.xml", "--skip", "option-rom"]);
    assert_code(&skipped, 0);
    assert_code(&desk.run(&["lint", "own.xml", "--skip", "option-rom", "--strict"]), 1);
}

#[test]
fn explained_a_finding_names_its_rule_the_reason_what_breaks_and_the_source() {
    let desk = Desk::new();
    desk.write("own.xml", &BARE.replace("</domain>\n", OWN));
    for args in [
        &["lint", "own.xml", "--explain"][..],
        &["apply", "own.xml", "--explain", "--set", "security.sev=true"],
    ] {
        let text = said(&desk.run(args));
        let from = text.find("[option-rom]").unwrap();
        let part = &text[from..text[from..].find("\n\n").map_or(text.len(), |n| from + n)];
        for label in [
            "    An option ROM is code",
            "    rule: no option ROM\n",
            "    why: ",
            "    without it: ",
            "    source: libvirt docs",
        ] {
            assert!(part.contains(label), "{label:?} is missing:\n{part}");
        }
        assert!(text.lines().all(|l| l.starts_with("own.xml:") || l.chars().count() <= 100), "{text}");
    }
    let text =
        said(&desk.run(&["apply", "own.xml", "--explain", "--set", "security.sev=true", "--skip", "smm"]));
    assert!(
        text.contains("own.xml:11:5: edit: <interface> has no <rom enabled='no'/> [option-rom]\n"),
        "{text}"
    );
    assert!(text.ends_with("left out with --skip: smm\n"), "{text}");

    let one = said(&desk.run(&["explain", "option-rom"]));
    assert!(one.starts_with("option-rom: no option ROM\n") && one.contains("Source: "), "{one}");
    let all = json(&desk.run(&["explain", "--list", "--format", "json"]));
    assert_eq!(
        all["topics"].as_array().unwrap().len(),
        said(&desk.run(&["explain", "--list"])).lines().count()
    );
    assert_code(&desk.run(&["explain", "option-rim"]), 2);
    assert_code(&desk.run(&["explain"]), 2);
}

#[test]
fn a_diff_is_one_that_patch_takes_and_names_the_rule_of_each_hunk() {
    let desk = Desk::new();
    // CR LF, and no end of the last line.
    let text = BARE.trim_end().replace('\n', "\r\n");
    desk.write("a b.xml", &text);
    let args = ["apply", "a b.xml", "--set", "security.sev=true"];
    let out = desk.run(&[&args[..], &["--diff"]].concat());
    assert_code(&out, 0);
    let diff = said(&out);
    assert!(diff.starts_with("--- a b.xml\t\n+++ a b.xml\t\n@@ -2,"), "{diff}");
    assert!(diff.contains("@@ dump-core, memory-lock\n") && diff.contains("@@ firmware-uefi\n"), "{diff}");
    assert!(diff.contains("\n\\ No newline at end of file\n"), "{diff}");
    let wanted = said(&desk.run(&args));
    desk.write("d.patch", &diff);
    let patch =
        Command::new("patch").args(["--binary", "-p0", "-i", "d.patch"]).current_dir(desk.0.path()).output();
    assert_code(&patch.unwrap(), 0);
    assert_eq!(std::fs::read_to_string(desk.0.path().join("a b.xml")).unwrap(), wanted);

    desk.write("a b.xml", &text);
    let colour = said(&desk.run(&[&args[..], &["--diff", "--color", "always"]].concat()));
    assert!(
        colour
            .contains("\x1b[32m+  <memory unit='MiB'\x1b[7m dumpCore='off'\x1b[27m>256</memory>\x1b[0m\r\n"),
        "{colour}"
    );
    // What is right already has no diff.
    desk.write("done.xml", &wanted);
    assert_eq!(said(&desk.run(&["apply", "done.xml", "--set", "security.sev=true", "--diff"])), "");
}

/// What SARIF 2.1.0 requires of the parts that are written (sections 3.13 to 3.49): checked here, since no validator
/// comes with Debian. That the log also passes the published JSON schema was seen once, by hand.
fn is_sarif(log: &Value) {
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().contains("sarif-2.1.0"));
    let [run] = log["runs"].as_array().unwrap().as_slice() else { panic!("one run") };
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "virt-sev");
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        for text in ["shortDescription", "fullDescription", "help"] {
            assert!(!rule[text]["text"].as_str().unwrap().is_empty(), "{rule}");
        }
        let level = &rule["defaultConfiguration"]["level"];
        let known = ["error", "warning", "note"].iter().any(|known| level == known);
        assert!(level.is_null() || known, "{rule}");
    }
    for one in run["invocations"].as_array().unwrap() {
        assert!(one["executionSuccessful"].is_boolean());
    }
    let artifacts = run["artifacts"].as_array().unwrap();
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        assert!(result["message"]["text"].as_str().unwrap().ends_with('.'));
        let place = &result["locations"][0]["physicalLocation"];
        let artifact = usize::try_from(place["artifactLocation"]["index"].as_u64().unwrap()).unwrap();
        assert_eq!(artifacts[artifact]["location"]["uri"], place["artifactLocation"]["uri"]);
        let at = |name: &str| place["region"][name].as_u64().unwrap();
        assert!(at("startLine") > 0 && at("startColumn") > 0);
        assert!((at("endLine"), at("endColumn")) > (at("startLine"), at("startColumn")));
    }
}

#[test]
fn sarif_has_what_its_specification_requires() {
    let desk = Desk::new();
    desk.write("späte gäste.xml", &BARE.replace("</domain>\n", OWN));
    let out = desk.run(&["lint", "späte gäste.xml", "--format", "sarif"]);
    assert_code(&out, 1);
    let log = json(&out);
    is_sarif(&log);
    let run = &log["runs"][0];
    assert_eq!(run["artifacts"][0]["location"]["uri"], "sp%C3%A4te%20g%C3%A4ste.xml");
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    let rom = run["results"].as_array().unwrap().iter().find(|r| r["ruleId"] == "option-rom").unwrap();
    assert_eq!(rom["level"], "error");
    assert_eq!(rom["locations"][0]["physicalLocation"]["region"]["startLine"], 11);
    let out = desk.run(&["lint", "späte gäste.xml", "none.xml", "--format", "sarif"]);
    assert_code(&out, 4);
    is_sarif(&json(&out));
    assert_eq!(json(&out)["runs"][0]["invocations"][0]["executionSuccessful"], false);
}

#[test]
fn a_whole_hypervisor_is_judged_and_nothing_of_it_changes() {
    let lab = Lab::start();
    let corner = Corner::new(&lab);
    let kind = if corner.platform().contains(&"kvm") { "qemu" } else { "kvm" };
    let define = |name: &str, own: bool| {
        let xml = BARE
            .replace(" firmware='efi'", "")
            .replace("type='kvm'", &format!("type='{kind}'"))
            .replace(">bare<", &format!(">{name}<"));
        let xml = if own { xml.replace("</domain>\n", OWN) } else { xml };
        let path = corner.path(name);
        std::fs::write(&path, xml).unwrap();
        lab.virsh(&["define", path.to_str().unwrap()]);
    };
    define("plain", false);
    define("secret", true);
    // A transient one has no definition but the one that it runs with.
    let transient = corner.path("transient");
    let xml = format!(
        "<domain type='{kind}'><name>transient</name><memory unit='MiB'>64</memory><os><type arch='x86_64' \
         machine='q35'>hvm</type></os></domain>"
    );
    std::fs::write(&transient, xml).unwrap();
    lab.virsh(&["create", "--paused", transient.to_str().unwrap()]);
    let before = lab.virsh(&["dumpxml", "secret"]);
    let lint = |args: &[&str]| {
        let more = ["-c", &lab.uri, "--skip", "kvm", "--skip", "mode-host"];
        corner.virt_sev(&[&["lint"], args, &more[..]].concat())
    };

    let out = lint(&["--all", "--format", "json"]);
    assert_code(&out, 1);
    let all = json(&out);
    let rows: Vec<_> =
        all["domains"].as_array().unwrap().iter().map(|d| (d["domain"].clone(), d["mode"].clone())).collect();
    let row = |name: &str, mode: Value| (Value::from(name), mode);
    assert_eq!(rows, [row("plain", Value::Null), row("secret", "sev".into()), row("transient", Value::Null)]);
    let ids: Vec<_> = all["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["domain"] == "secret")
        .map(|f| f["id"].as_str().unwrap())
        .collect();
    for id in ["memory-lock", "virtio-iommu", "option-rom", "memballoon", "dump-core"] {
        assert!(ids.contains(&id), "{id}: {ids:?}");
    }
    let out = lint(&["--all"]);
    // The place is that of `virsh dumpxml --inactive`.
    let line = said(&out).lines().find(|l| l.contains("[option-rom]")).unwrap().to_owned();
    let number: usize = line.split(':').nth(1).unwrap().parse().unwrap();
    let document = lab.virsh(&["dumpxml", "--inactive", "secret"]);
    assert!(document.lines().nth(number - 1).unwrap().contains("<interface"), "{line}\n{document}");
    assert!(said(&out).contains("plain:1:1: info: not a SEV domain"), "{}", said(&out));
    assert!(err(&out).contains("3 domains: ") && err(&out).contains("2 are not SEV"), "{}", err(&out));

    let log = json(&lint(&["--all", "--format", "sarif"]));
    is_sarif(&log);
    let base = log["runs"][0]["originalUriBaseIds"]["HYPERVISOR"]["uri"].as_str().unwrap();
    assert!(base.starts_with("qemu:///") && base.ends_with('/') && !base.contains('?'), "{base}");

    assert_code(&lint(&["--domain", "plain", "--domain", "transient"]), 0);
    let out = lint(&["--domain", "nobody", "--domain", "secret"]);
    assert_code(&out, 5);
    assert!(err(&out).contains("nobody: there is no such domain"), "{}", err(&out));
    assert!(
        said(&out).contains("[option-rom]"),
        "one that is not there does not stop the others: {}",
        said(&out)
    );
    // Without --skip the host's layers are judged as well, as `apply -c` does.
    let out = corner.virt_sev(&["lint", "-c", &lab.uri, "--domain", "secret"]);
    assert_code(&out, 1);
    assert!(said(&out).contains("[mode-host]"), "{}", said(&out));
    assert_eq!(lab.virsh(&["dumpxml", "secret"]), before);
    lab.virsh(&["destroy", "transient"]);
    for name in ["plain", "secret"] {
        lab.virsh(&["undefine", "--keep-nvram", name]);
    }
}
