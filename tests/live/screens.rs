//! What a terminal shows: nothing is wider than it, and colour only where it is wanted.

use crate::chain::{Place, ca, nodesevinfo};
use crate::key_service::{Does, KeyService};
use crate::lab::{Lab, program, root};
use std::process::{Command, Stdio};

/// What the command writes to a terminal of `columns`, in lines.
fn screen(columns: usize, arguments: &str, variable: Option<(&str, &str)>) -> Vec<String> {
    let shell = format!("stty rows 40 cols {columns}; exec {} {arguments}", program("virt-sev").display());
    let mut script = Command::new("script");
    script
        .args(["-qec", &shell, "/dev/null"])
        .env_remove("NO_COLOR")
        .env("CI", "true")
        .env("TERM", "xterm")
        .envs(variable)
        .stdin(Stdio::null());
    let out = script.output().unwrap();
    String::from_utf8(out.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Without colours.
fn plain(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |line, part| line + part.split_once('m').map_or(part, |(_, rest)| rest))
}

fn roots(name: &str) -> String {
    root().join("tests/roots").join(name).display().to_string()
}

#[test]
fn answers_are_as_wide_as_the_terminal() {
    let templates = root().join("xml-templates/domains");
    let commands = [
        "--help".to_owned(),
        "launch --help".into(),
        "keys".into(),
        "explain --list".into(),
        "explain --list-messages".into(),
        "explain memory-lock".into(),
        format!("host --host-root {}", roots("genoa-busy")),
        format!("firmware list --host-root {} 2>/dev/null", roots("milan")),
        format!("generate --list --template-dir {}", templates.display()),
    ];
    // What is said on standard error, a line each for `grep`, the terminal breaks.
    for columns in [80, 120, 200] {
        for command in &commands {
            let lines = screen(columns, command, None);
            assert!(lines.len() >= 3, "{command}: {lines:?}");
            for line in lines.iter().map(|l| plain(l)) {
                assert!(line.chars().count() <= columns, "{command} at {columns}: {line}");
            }
        }
    }
    // What fits is a table: a program that reads it from a pipe sees the same.
    let out = Command::new(program("virt-sev")).arg("keys").output().unwrap();
    assert_eq!(screen(200, "keys", None).join("\n"), String::from_utf8(out.stdout).unwrap().trim_end());
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let coloured = |arguments: &str, variable| screen(80, arguments, variable).concat().contains("\x1b[");
    let host = format!("host --host-root {}", roots("genoa-busy"));
    let error = "apply --set nonsense=1 /nonexistent".to_owned();
    // What clap writes, it colours by rules of its own, and for any terminal where CI is set.
    for command in [host, error, "lint --help".into(), "lint --nonsense".into()] {
        assert!(coloured(&command, None), "{command}");
        assert!(!coloured(&command, Some(("NO_COLOR", "1"))), "{command}");
        assert!(coloured(&command, Some(("NO_COLOR", ""))), "{command}");
        assert!(!coloured(&command, Some(("TERM", "dumb"))), "{command}");
        assert!(!coloured(&format!("--color=never {command}"), None), "{command}");
        assert!(!coloured(&format!("--color never {command}"), None), "{command}");
        assert!(coloured(&format!("--color always {command}"), Some(("NO_COLOR", "1"))), "{command}");
        let piped = screen(80, &format!("{command} 2>&1 | cat"), None);
        assert!(!piped.concat().contains("\x1b["), "{piped:?}");
    }
}

#[test]
fn a_wait_of_more_than_a_second_is_told_and_leaves_no_line() {
    let lab = Lab::start();
    lab.signal_daemon("-STOP");
    let command = format!("measurement -c '{}' --timeout 3 web1", lab.uri);
    let told = screen(80, &command, None);
    let quiet = screen(80, &format!("-q {command}"), None);
    let dumb = screen(80, &command, Some(("TERM", "dumb")));
    let narrow = screen(20, &command, None);
    lab.signal_daemon("-CONT");
    let last = told.iter().rfind(|l| l.contains("connecting to the hypervisor: 2 s")).unwrap();
    // It is written over, and the error begins a line of its own.
    let rest = last.rsplit('\r').find(|part| !part.is_empty()).unwrap();
    assert!(plain(rest).starts_with("virt-sev: ") && rest.contains("has not answered"), "{told:?}");
    assert!(quiet[0].starts_with("\x1b[1;31mvirt-sev:"), "{quiet:?}");
    assert!(dumb[0].starts_with("virt-sev: "), "{dumb:?}");
    // What the terminal breaks cannot be written over.
    let told: Vec<_> =
        narrow.concat().split('\r').map(str::to_owned).filter(|p| p.starts_with("conn")).collect();
    assert!(!told.is_empty() && told.iter().all(|part| part.len() < 20), "{narrow:?}");
}

#[test]
fn a_key_service_that_is_silent_is_told_too() {
    let (place, service) = (Place::new(), KeyService::that(Does::IsSilent));
    let node = place.put("node.txt", nodesevinfo().as_bytes());
    let command = format!("chain verify {node} --ca {} --fetch --cek-url {} --timeout 3", ca(), service.url);
    let told = screen(80, &command, None);
    assert!(told.concat().contains("\rasking the key service: 2 s"), "{told:?}");
}

#[test]
fn no_name_steers_the_terminal() {
    // Unicode has an escape sequence's beginning in one character too, and letters that turn the others round.
    let name = "\x1b]0;x\x07\u{9b}2J\u{202e}";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("{name}.xml"));
    std::fs::copy(root().join("xml-templates/domains/default.xml"), &path).unwrap();
    let (path, folder) = (path.display(), folder.path().display());
    for arguments in [
        format!("'{name}'"),
        format!("lint '--{name}'"),
        format!("lint --format '{name}'"),
        format!("session --policy '{name}' -o x"),
        format!("lint '{path}'"),
        format!("firmware inspect '{path}'"),
        format!("firmware inspect --format json '{path}'"),
        format!("generate --list --template-dir '{folder}'"),
        format!("generate --list --format json --template-dir '{folder}'"),
    ] {
        let shown = screen(200, &format!("--color never {arguments}"), Some(("TERM", "dumb"))).join("\n");
        assert!(shown.contains("2J"), "{arguments}: {shown:?}");
        assert!(!shown.contains(['\x1b', '\x07', '\u{9b}', '\u{202e}']), "{arguments}: {shown:?}");
    }
}

/// Letters that turn others round hid what a document has, and what changes.
#[test]
fn no_document_steers_the_terminal_by_its_diff() {
    let place = Place::new();
    let document = "<domain type='kvm'>\n<name>a\u{9b}2J\u{202e}b</name>\r\n\t<memory>1</memory>\r<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>\n";
    let path = place.put("a.xml", document.as_bytes());
    let command = format!("--color always apply --set security.sev=true --diff {path}");
    let shown = screen(120, &command, None).join("\n");
    assert!(shown.contains("a 2J b") && shown.contains("\x1b[32m") && shown.contains('\t'), "{shown:?}");
    assert!(!shown.contains(['\r', '\u{9b}', '\u{202e}']), "{shown:?}");
    let piped = screen(120, &format!("{command} | cat"), None).join("\n");
    assert!(piped.contains("a\u{9b}2J\u{202e}b"), "{piped:?}");
}
