//! libvirt's hook (libvirt, docs/hooks.rst): what each operation may end with, whatever comes in.

use super::{domain, root, run};
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;
use virt_sev::launch::journal::{Entry, Journal};

const HOOK: &str = env!("CARGO_BIN_EXE_virt-sev-libvirt-hook");
const ES: &[&str] = &["security.sev=true", "security.sev.policy.es=true"];

/// Every operation and sub-operation that libvirt has or has had, and some that it has not.
const OPERATIONS: &[[&str; 2]] = &[
    ["prepare", "begin"],
    ["start", "begin"],
    ["started", "begin"],
    ["stopped", "end"],
    ["release", "end"],
    ["migrate", "begin"],
    ["restore", "begin"],
    ["reconnect", "begin"],
    ["attach", "begin"],
    ["shutdown", "-"],
    ["prepare", "end"],
    ["Start", "begin"],
    ["invented", "begin"],
    ["", ""],
];

fn world() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn call(world: &Path, operation: &str, sub: &str, xml: &[u8]) -> Output {
    run(HOOK, &["web1", operation, sub, "-"], world, &[], xml)
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What each operation ends with for a domain of this sort.
fn expected(operation: [&str; 2], starts: i32, moves: i32) -> i32 {
    match operation {
        ["prepare" | "start", "begin"] => starts,
        ["migrate" | "restore", "begin"] => moves,
        _ => 0,
    }
}

#[test]
fn every_operation_with_every_sort_of_input() {
    let good = domain(ES, true);
    let broken = good.replace("<policy>0x0005", "<policy>0x0001");
    let plain = good.replace("launchSecurity", "none").replace("urn:virt-sev:config:1", "urn:other");
    let torn = &good.as_bytes()[..good.len() / 2];
    let mut huge = b"<domain><launchSecurity/>".to_vec();
    huge.resize(40 << 20, b'x');
    let mut late = b"<domain>".to_vec();
    late.resize(40 << 20, b' ');
    late.extend_from_slice(b"<launchSecurity type='sev'/></domain>");
    let inputs: [(&str, &[u8], i32, i32); 10] = [
        ("right", good.as_bytes(), 0, 1),
        ("broken", broken.as_bytes(), 1, 1),
        ("without SEV", plain.as_bytes(), 0, 0),
        ("torn", torn, 1, 1),
        ("no domain that speaks of SEV", b"launchSecurity \xff\xfe", 1, 1),
        ("garbage", &[0xfe; 4096], 0, 0),
        ("nothing", b"", 0, 0),
        ("huge", &huge, 1, 1),
        ("huge, with SEV at its end", &late, 1, 1),
        ("huge, without SEV", &huge[40..], 0, 0),
    ];
    for operation in OPERATIONS {
        for (what, xml, starts, moves) in inputs {
            // It takes its time, and differs in nothing else.
            if what.starts_with("huge") && !["prepare", "restore", "reconnect"].contains(&operation[0]) {
                continue;
            }
            let world = world();
            let output = call(world.path(), operation[0], operation[1], xml);
            let wanted = expected(*operation, starts, moves);
            assert_eq!(output.status.code(), Some(wanted), "{operation:?} {what}: {}", stderr(&output));
            assert!(output.stdout.is_empty(), "{operation:?} {what}: libvirt would take this for a document");
            assert_eq!(stderr(&output).is_empty(), wanted == 0, "{operation:?} {what}: {}", stderr(&output));
        }
    }
    for arguments in [&[][..], &["web1"], &["web1", "prepare"]] {
        let output = run(HOOK, arguments, world().path(), &[], broken.as_bytes());
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{arguments:?}");
    }
}

#[test]
fn a_veto_says_why_and_what_to_do() {
    let good = domain(ES, true);
    let world = world();
    let says = |xml: String| stderr(&call(world.path(), "prepare", "begin", xml.as_bytes()));
    let text = says(good.replace("<policy>0x0005", "<policy>0x0001"));
    assert!(
        text.contains("<policy> is 0x0001, and not 0x0005") && text.contains("[launch-security]"),
        "{text}"
    );
    let at = good.find("<launchSecurity").unwrap();
    let end = good.find("</launchSecurity>").unwrap() + "</launchSecurity>".len();
    let text = says(format!("{}{}", &good[..at], &good[end..]));
    assert!(text.contains("has no <launchSecurity"), "the recorded keys ask for it: {text}");
    let text = stderr(&call(world.path(), "restore", "begin", good.as_bytes()));
    assert!(text.starts_with("virt-sev: web1: a SEV guest cannot be restored\n"), "{text}");
    let text = says(good.replace("<metadata>", &format!("<metadata>{}", "<a>".repeat(300))));
    assert!(
        text.contains("too large") && text.contains("\n  No guest needs as much. Look into its <metadata>"),
        "{text}"
    );
}

#[test]
fn an_image_that_cannot_do_what_the_guest_needs_is_refused() {
    let world = world();
    let image = world.path().join("OVMF.fd");
    fs::write(&image, vec![0; 4 << 20]).unwrap();
    let firmware = format!("security.sev.firmware={}", image.display());
    let xml = domain(&["security.sev=true", "security.sev.policy.es=true", &firmware], false);
    let output = call(world.path(), "prepare", "begin", xml.as_bytes());
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("OVMF.fd") && text.contains("[firmware-capable]"), "{text}");
}

/// Keys as a case of `tests/cases` has them.
pub(super) fn keys_of(case: &str, keys: &[&str]) -> Vec<String> {
    let file = root().join("tests/cases").join(case).join("config.yaml");
    let all = fs::read_to_string(file).unwrap();
    let one = |key: &&str| {
        let line = all.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(": "));
        format!("{key}={}", line.unwrap().trim_matches('"'))
    };
    keys.iter().map(one).collect()
}

/// With a session, its other keys recorded or not.
fn with_session(record: bool) -> String {
    let session = ["security.sev.session.dh", "security.sev.session.data"];
    let session = keys_of("007-direct-kernel-attested", &session);
    domain(&["security.sev=true", &session[0], &session[1]], record)
}

/// Blobs are never recorded, and the numbers of the processor are libvirt's to write: neither contradicts the record.
#[test]
fn what_no_record_can_hold_does_not_contradict_it() {
    let blobs = ["host_data", "id_block", "id_auth", "guest_visible_workarounds"];
    let blobs = blobs.map(|key| format!("security.sev.snp.{key}"));
    let blobs = keys_of("130-recorded-without-blobs-snp", &blobs.each_ref().map(String::as_str));
    let mut snp = vec!["security.sev.snp=true"];
    snp.extend(blobs.iter().map(String::as_str));
    for xml in [with_session(true), domain(&snp, true)] {
        assert!(xml.contains("<virtsev:config") && !xml.contains("name=\"security.sev.session"), "{xml}");
        let filled = "<cbitpos>51</cbitpos><reducedPhysBits>1</reducedPhysBits></launchSecurity>";
        let filled = xml.replace("</launchSecurity>", filled);
        for (xml, wanted) in [(&xml, 0), (&filled, 0), (&filled.replace("<policy>0x", "<policy>0x4"), 1)] {
            let output = call(world().path(), "prepare", "begin", xml.as_bytes());
            assert_eq!(output.status.code(), Some(wanted), "{xml}\n{}", stderr(&output));
        }
    }
    // A number that is recorded is not libvirt's.
    let own = domain(&["security.sev=true", "security.sev.cbitpos=51"], true);
    let text = stderr(&call(
        world().path(),
        "prepare",
        "begin",
        own.replace("<cbitpos>51", "<cbitpos>47").as_bytes(),
    ));
    assert!(text.contains("cbitpos> is 47"), "{text}");
}

#[test]
fn a_session_starts_one_guest() {
    for xml in [with_session(false), with_session(true)] {
        let world = world();
        let code = |operation| call(world.path(), operation, "begin", xml.as_bytes()).status.code();
        assert_eq!((code("prepare"), code("prepare")), (Some(0), Some(0)), "to look at it uses nothing");
        assert_eq!(code("start"), Some(0));
        for operation in ["prepare", "start"] {
            let output = call(world.path(), operation, "begin", xml.as_bytes());
            let text = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{operation}");
            assert!(
                text.contains("this session was used before, at ") && text.contains("domain web1"),
                "{text}"
            );
        }
    }
}

/// `virt-sev launch` claims the session before it starts the guest, and is not to be vetoed for it.
#[test]
fn a_launch_under_way_has_its_own_session() {
    let xml = with_session(false);
    let world = world();
    let state = world.path().join("state/virt-sev");
    let domain = virt_sev::domain::Domain::parse(xml.as_str()).unwrap();
    let uuid = domain.facts().uuid.clone().unwrap();
    let record = Journal::below(&state).write(&Entry::new("qemu:///x", &uuid, "web1", None)).unwrap();
    let code = |operation| call(world.path(), operation, "begin", xml.as_bytes()).status.code();
    for operation in ["prepare", "start", "start"] {
        assert_eq!(code(operation), Some(0), "{operation}");
    }
    record.done();
    assert_eq!((code("start"), code("start")), (Some(0), Some(1)));
}

#[test]
fn what_the_site_wants_is_kept() {
    let es = domain(ES, false);
    let sev = domain(&["security.sev=true"], false);
    let plain = "<domain type='kvm'><name>web1</name></domain>".to_owned();
    let world = world();
    let judged = |policy: &str, xml: &str| {
        fs::write(world.path().join("policy.yaml"), policy).unwrap();
        let output = call(world.path(), "prepare", "begin", xml.as_bytes());
        (output.status.code().unwrap(), stderr(&output))
    };
    for (policy, xml, code, text) in [
        ("allowed_modes: [sev-es, sev-snp]", &es, 0, ""),
        ("allowed_modes: [sev-es, sev-snp]", &sev, 1, "sev is not allowed here"),
        ("allowed_modes: [sev-es, sev-snp]", &plain, 0, ""),
        ("required_policy_bits: 0x4", &es, 0, ""),
        ("required_policy_bits: 0x4", &sev, 1, "does not set the bits 0x4"),
        ("allowed_firmware: ['00']", &sev, 1, "not the digest of a firmware image"),
        ("allowed_modes: []", &sev, 1, "an empty list"),
        ("allowed_mode: [sev]", &sev, 1, "an unknown key"),
        ("allowed_mode: [sev]", &plain, 0, ""),
        ("ask_host: true", &sev, 1, "mode-host"),
    ] {
        let (found, said) = judged(policy, xml);
        assert_eq!((found, said.contains(text)), (code, true), "{policy}: {said}");
    }
    let broken = domain(ES, true).replace("<policy>0x0005", "<policy>0x0001");
    assert_eq!(judged("required_policy_bits: 0x1", &broken).0, 1);
    assert_eq!(judged("warn_only: [launch-security]", &broken).0, 0);
    let (code, text) = judged("warn_only: [kwm]", &sev);
    assert!(code == 1 && text.contains("policy.yaml:1: warn_only: no such rule: found 'kwm'"), "{text}");
}

/// A link to a folder that is not mounted was no policy at all, and a pipe was waited for, by guests without SEV too.
#[test]
fn a_site_policy_that_cannot_be_read_stops_guests_with_sev_alone() {
    let sev = domain(&["security.sev=true"], false);
    let plain = "<domain><name>web1</name><description>no launchSecurity</description></domain>";
    for (what, text) in [
        ("link", "No such file"),
        ("link of the folder", "No such file"),
        ("pipe", "no regular file"),
        ("folder", "is a folder"),
        ("# nothing", "0 documents"),
    ] {
        let world = world();
        let mut path = world.path().join("policy.yaml");
        match what {
            "link" => symlink("/nowhere/policy.yaml", &path).unwrap(),
            "link of the folder" => {
                symlink("/nowhere", world.path().join("etc")).unwrap();
                path = world.path().join("etc/policy.yaml");
            }
            "pipe" => pipe(&path),
            "folder" => fs::create_dir(&path).unwrap(),
            text => fs::write(&path, text).unwrap(),
        }
        let policy = [("VIRT_SEV_SITE_POLICY", path.to_str().unwrap())];
        let start =
            |xml: &str| run(HOOK, &["web1", "start", "begin", "-"], world.path(), &policy, xml.as_bytes());
        let (refused, plain) = (start(&sev), start(plain));
        let said = stderr(&refused);
        assert_eq!((refused.status.code(), plain.status.code()), (Some(1), Some(0)), "{what}: {said}");
        assert!(said.contains(text) && said.contains("Mend it; or remove it"), "{what}: {said}");
    }
}

/// The digest of an image that is a pipe was waited for, and libvirt waited for the hook.
#[test]
fn an_image_that_never_ends_keeps_nobody_waiting() {
    let world = world();
    let image = world.path().join("OVMF.fd");
    pipe(&image);
    fs::write(world.path().join("policy.yaml"), format!("allowed_firmware: ['{}']", "00".repeat(32)))
        .unwrap();
    let xml = domain(&["security.sev=true", &format!("security.sev.firmware={}", image.display())], false);
    let text = stderr(&call(world.path(), "start", "begin", xml.as_bytes()));
    assert!(text.contains("which firmware image it boots from could not be seen"), "{text}");
}

/// To warn of what is wrong with a session must not let a guest past the site and past the check of its session.
#[test]
fn what_cannot_be_read_starts_nothing_whatever_only_warns() {
    let xml = domain(&["security.sev=true"], false);
    let unread = xml.replace("</launchSecurity>", "<session>AAAA</session></launchSecurity>");
    let world = world();
    for policy in [
        "",
        "warn_only: [session-pair]",
        "warn_only: [session-pair, launch-security]\nallowed_modes: [sev-snp]",
    ] {
        fs::write(world.path().join("policy.yaml"), format!("ask_host: false\n{policy}")).unwrap();
        let output = call(world.path(), "prepare", "begin", unread.as_bytes());
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{policy}: {text}");
        assert!(
            text.contains("/domain/launchSecurity/session") && text.contains("virt-sev lint"),
            "{policy}: {text}"
        );
    }
}

/// Only the site can say what it wants: `virt-sev lint` does not know it, `virt-sev explain` does.
#[test]
fn a_veto_of_the_site_names_its_own_next_step() {
    let sev = domain(&["security.sev=true"], true);
    let world = world();
    let says = |policy: &str, xml: &str| {
        fs::write(world.path().join("policy.yaml"), policy).unwrap();
        stderr(&call(world.path(), "prepare", "begin", xml.as_bytes()))
    };
    let digest = "00".repeat(32);
    for policy in
        ["allowed_modes: [sev-es]", "required_policy_bits: 0x4", &format!("allowed_firmware: ['{digest}']")]
    {
        let text = says(policy, &sev);
        assert!(
            text.contains("\n  Give the guest what the site wants, or have /etc/virt-sev/policy.yaml"),
            "{text}"
        );
        assert!(!text.contains("virt-sev lint"), "{text}");
        let topics: Vec<&str> = virt_sev::explain::in_message(&text).iter().map(|t| t.id).collect();
        assert_eq!(topics, ["site-policy"], "{text}");
    }
    let both = says("allowed_modes: [sev-es]", &sev.replace("<policy>0x", "<policy>0x4"));
    assert!(both.contains("[site-policy]") && both.contains("virt-sev lint"), "{both}");
}

#[test]
fn images_that_a_site_does_not_know_are_refused() {
    let world = world();
    let image = world.path().join("OVMF.fd");
    fs::write(&image, vec![1; 4096]).unwrap();
    let xml = domain(&["security.sev=true", &format!("security.sev.firmware={}", image.display())], false);
    let digest = "1b2b7e6ad5e1a0c0b6a4b1b2fa1a3ce1b5a0b9a5c1a2d3e4f5061728394a5b6c";
    fs::write(world.path().join("policy.yaml"), format!("allowed_firmware: ['{digest}']")).unwrap();
    let text = stderr(&call(world.path(), "prepare", "begin", xml.as_bytes()));
    let (_, rest) = text.split_once("the firmware image ").unwrap();
    let own = rest.split(' ').next().unwrap();
    fs::write(world.path().join("policy.yaml"), format!("allowed_firmware: ['{digest}', '{own}']")).unwrap();
    let text = stderr(&call(world.path(), "prepare", "begin", xml.as_bytes()));
    assert!(!text.contains("is not allowed here"), "{text}");
    fs::remove_file(&image).unwrap();
    let text = stderr(&call(world.path(), "prepare", "begin", xml.as_bytes()));
    assert!(text.contains("could not be seen"), "{text}");
}

#[test]
fn a_fault_inside_vetoes_a_start_and_nothing_else() {
    let good = domain(ES, true);
    for operation in OPERATIONS {
        for (xml, starts, moves) in [(good.as_str(), 1, 1), ("<domain/>", 0, 0)] {
            let world = world();
            let arguments = ["web1", operation[0], operation[1], "-"];
            let output = run(HOOK, &arguments, world.path(), &[("VIRT_SEV_HOOK_PANIC", "1")], xml.as_bytes());
            let wanted = expected(*operation, starts, moves);
            assert_eq!(output.status.code(), Some(wanted), "{operation:?}");
            assert!(output.stdout.is_empty());
            assert_eq!(stderr(&output).contains("the hook failed inside"), wanted == 1);
        }
    }
}

#[test]
fn each_decision_is_a_line_of_the_log() {
    let good = domain(ES, true);
    let broken = good.replace("<policy>0x0005", "<policy>0x0001");
    let world = world();
    let log = UnixDatagram::bind(world.path().join("log")).unwrap();
    log.set_nonblocking(true).unwrap();
    let line = |operation: &str, xml: &str| {
        call(world.path(), operation, "begin", xml.as_bytes());
        let mut bytes = [0; 2048];
        let size = log.recv(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes[..size]).into_owned())
    };
    let allowed = line("prepare", &good).unwrap();
    assert!(
        allowed.starts_with("<85>virt-sev-libvirt-hook[") && allowed.ends_with("]: web1 prepare: allowed")
    );
    let refused = line("start", &broken).unwrap();
    assert!(refused.contains("web1 start: refused: ") && !refused.contains('\n'), "{refused}");
    assert!(line("started", &good).unwrap().ends_with("web1 started: runs or waits"));
    assert_eq!((line("prepare", "<domain/>"), line("stopped", &good)), (None, None));

    // A name that would be a decision.
    let name = "web1 start: allowed; web2";
    run(HOOK, &[name, "start", "begin", "-"], world.path(), &[], broken.as_bytes());
    let mut bytes = [0; 2048];
    let size = log.recv(&mut bytes).unwrap();
    let told = String::from_utf8_lossy(&bytes[..size]);
    assert!(told.contains(&format!("]: '{name}' start: refused: ")), "{told}");
}
