//! `man/` and `completions/`: made from the same table of options as the program, and compared with it. In: [`Cli`], the key
//! table. Out: the files that are installed. `UPDATE_GOLDEN=1` writes them (`make generate`).

use super::Cli;
use clap::{Arg, ArgAction, Command, CommandFactory as _};
use clap_complete::{Shell, generate};
use roff::{Roff, bold, italic, roman};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use virt_sev::config::KEYS;

const ENVIRONMENT: &[(&str, &str)] = &[
    ("LIBVIRT_DEFAULT_URI", "The hypervisor of a command that must have one, where --connect is not given."),
    ("XDG_STATE_HOME", "The records of launches, used sessions and answers are in virt-sev below it."),
    ("TERM", "Where it is dumb, no colour and no line that is written over."),
    ("NO_COLOR", "Where it is set and not empty, no colour, unless --color always."),
];

const FILES: &[(&str, &str)] = &[
    ("/var/lib/virt-sev", "root's records, without XDG_STATE_HOME; for others ~/.local/state/virt-sev."),
    ("/etc/virt-sev/policy.yaml", "What the site wants of SEV guests: virt-sev-libvirt-hook(8)."),
    ("/usr/share/doc/virt-sev", "The documents, or below /usr/local; docs/start.md is the first."),
];

/// A file below the repository is what the program's tables say, or becomes it.
fn golden(wrong: &mut Vec<String>, path: &Path, made: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, made).unwrap();
    } else if fs::read_to_string(path).unwrap_or_default() != made {
        wrong.push(path.display().to_string());
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// `virt-sev-chain-fetch`, and the command itself, for every command.
fn pages(command: &Command, name: &str, into: &mut Vec<(String, Command)>) {
    into.push((name.to_owned(), command.clone()));
    for sub in command.get_subcommands().filter(|s| !s.is_hide_set()) {
        pages(sub, &format!("{name}-{}", sub.get_name()), into);
    }
}

/// Running text: a line each, an empty one between paragraphs.
fn text(page: &mut Roff, text: &str) {
    for (n, part) in text.trim().split("\n\n").enumerate() {
        if n > 0 {
            page.control("PP", []);
        }
        page.text([roman(part.replace('\n', " "))]);
    }
}

fn heading(page: &mut Roff, title: &str, name: &str) {
    let section = if name.ends_with("config") { "5" } else { "1" };
    page.control(
        "TH",
        [title, section, concat!("virt-sev ", env!("CARGO_PKG_VERSION")), "virt-sev", "virt-sev manual"],
    );
}

fn listed(page: &mut Roff, heading: &str, rows: &[(&str, &str)]) {
    page.control("SH", [heading]);
    for (name, says) in rows {
        page.control("TP", []);
        page.text([bold(*name)]);
        text(page, says);
    }
}

fn option(page: &mut Roff, arg: &Arg) {
    let mut head = Vec::new();
    let names = arg.get_short().map(|s| format!("-{s}")).into_iter();
    for (n, name) in names.chain(arg.get_long().map(|l| format!("--{l}"))).enumerate() {
        if n > 0 {
            head.push(roman(", "));
        }
        head.push(bold(name));
    }
    let takes = arg.is_positional() || matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    for value in arg.get_value_names().filter(|_| takes).unwrap_or_default() {
        head.push(roman(if head.is_empty() { "" } else { " " }));
        head.push(italic(value.as_str()));
    }
    page.control("TP", []);
    page.text(head);
    let mut says = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let values: Vec<_> = arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
    if takes && !values.is_empty() && !arg.is_hide_possible_values_set() {
        says += &format!(". Values: {}", values.join(", "));
    }
    let defaults: Vec<_> = arg.get_default_values().iter().map(|v| v.to_string_lossy()).collect();
    if takes && !defaults.is_empty() && !arg.is_hide_default_value_set() {
        says += &format!(". Default: {}", defaults.join(", "));
    }
    text(page, &format!("{says}."));
}

/// The page of a command. `all` are the names of every page.
fn page(name: &str, command: &Command, all: &[String]) -> String {
    let mut page = Roff::new();
    heading(&mut page, &name.to_uppercase(), name);
    page.control("SH", ["NAME"]);
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    page.text([roman(format!("{name} - {about}"))]);
    page.control("SH", ["SYNOPSIS"]);
    let usage = command.clone().render_usage().to_string();
    for line in usage.trim_start_matches("Usage:").lines().map(str::trim).filter(|l| !l.is_empty()) {
        page.text([bold(line)]).control("br", []);
    }
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (says, examples) = match help.split_once("Example") {
        Some((says, rest)) => (says, rest.split_once('\n').map_or("", |(_, lines)| lines)),
        None => (help.as_str(), ""),
    };
    if !says.trim().is_empty() && !says.starts_with("Exit codes") {
        page.control("SH", ["DESCRIPTION"]);
        text(&mut page, says);
    }
    let mut groups: Vec<(String, Vec<&Arg>)> = Vec::new();
    for arg in command.get_arguments().filter(|a| !a.is_hide_set()) {
        let of = arg.get_help_heading().unwrap_or(if arg.is_positional() { "Arguments" } else { "Options" });
        match groups.iter_mut().find(|(heading, _)| heading == of) {
            Some((_, args)) => args.push(arg),
            None => groups.push((of.to_owned(), vec![arg])),
        }
    }
    // What every command takes stands last.
    groups.sort_by_key(|(heading, _)| (heading == "Common options", heading != "Arguments"));
    for (heading, args) in &groups {
        page.control("SH", [heading.to_uppercase().as_str()]);
        args.iter().for_each(|arg| option(&mut page, arg));
    }
    let subs: Vec<_> = command.get_subcommands().filter(|s| !s.is_hide_set()).collect();
    if !subs.is_empty() {
        page.control("SH", ["COMMANDS"]);
        for sub in subs {
            page.control("TP", []);
            page.text([bold(format!("{name}-{}", sub.get_name())), roman("(1)")]);
            text(&mut page, &format!("{}.", sub.get_about().map(ToString::to_string).unwrap_or_default()));
        }
    }
    if !examples.is_empty() {
        page.control("SH", ["EXAMPLES"]).control("EX", []);
        for line in examples.lines() {
            page.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        }
        page.control("EE", []);
    }
    page.control("SH", ["EXIT STATUS"]);
    let codes = Cli::command().get_after_help().map(ToString::to_string).unwrap_or_default();
    for one in codes.trim_start_matches("Exit codes:").trim_end_matches('.').split(';') {
        let (code, says) = one.trim().split_once(' ').unwrap();
        page.control("TP", []);
        page.text([bold(code)]);
        page.text([roman(says)]);
    }
    if name == "virt-sev" {
        listed(&mut page, "ENVIRONMENT", ENVIRONMENT);
        listed(&mut page, "FILES", FILES);
    }
    page.control("SH", ["SEE ALSO"]);
    let parent = name.rsplit_once('-').map_or("", |(parent, _)| parent);
    // The parts of a command name each other; virt-sev(1) names every command.
    let near = |other: &&String| {
        let of = other.rsplit_once('-').map_or("", |(parent, _)| parent);
        other.as_str() == parent || of == name || (of == parent && parent != "virt-sev")
    };
    let mut others: Vec<_> =
        all.iter().filter(near).filter(|o| *o != name).map(|o| format!("{o}(1)")).collect();
    others.extend(["virt-sev-config(5)".to_owned(), "virsh(1)".to_owned()]);
    page.text([roman(others.join(", "))]);
    page.to_roff()
}

/// virt-sev-config(5): every key.
fn config_page() -> String {
    let mut page = Roff::new();
    heading(&mut page, "VIRT-SEV-CONFIG", "virt-sev-config");
    page.control("SH", ["NAME"]);
    page.text([roman("virt-sev-config - keys that say what a SEV guest is to be")]);
    page.control("SH", ["DESCRIPTION"]);
    text(
        &mut page,
        "Keys and values are text, in a flat map of YAML or JSON, in an instance document of LXD or Incus, or in a domain's \
         metadata. The first four keys are LXD's, with LXD's meaning.\n\n\
         Booleans are true, 1, yes, on or false, 0, no, off. Numbers are decimal, or hexadecimal with 0x. Blobs are base64. \
         An empty value means that the key is not set.\n\n\
         Of two that set the same key the later counts: the domain's metadata, --config, --set.",
    );
    page.control("SH", ["KEYS"]);
    for key in KEYS {
        page.control("TP", []);
        page.text([bold(key.name), roman(format!(" ({})", key.kind))]);
        let default = key.default.map_or_else(String::new, |default| format!(" Default: {default}."));
        page.text([roman(format!("{}.{default}", key.meaning))]);
    }
    page.control("SH", ["EXAMPLES"]).control("EX", []);
    for line in ["security.sev: true", "security.sev.policy.es: true", "security.sev.firmware: auto"] {
        page.text([roman(line)]);
    }
    page.control("EE", []).control("SH", ["SEE ALSO"]);
    page.text([roman("virt-sev(1), virt-sev-keys(1), virt-sev-apply(1)")]);
    page.to_roff()
}

#[test]
fn the_manual_and_the_completions_are_what_the_program_takes() {
    let mut cli = Cli::command();
    cli.build();
    let mut commands = Vec::new();
    pages(&cli, "virt-sev", &mut commands);
    let names: Vec<String> = commands.iter().map(|(name, _)| name.clone()).collect();
    let mut files: BTreeMap<PathBuf, String> = commands
        .iter()
        .map(|(name, command)| (format!("man/{name}.1").into(), page(name, command, &names)))
        .collect();
    files.insert("man/virt-sev-config.5".into(), config_page());
    let shells = [(Shell::Bash, "virt-sev.bash"), (Shell::Zsh, "_virt-sev"), (Shell::Fish, "virt-sev.fish")];
    for (shell, file) in shells {
        let mut script = Vec::new();
        generate(shell, &mut Cli::command(), "virt-sev", &mut script);
        // clap's way breaks names at blanks, and leaves what the shell would run of one as it is; bash's own, which comes where
        // this has nothing, does neither.
        let script = String::from_utf8(script)
            .unwrap()
            .replace("COMPREPLY=($(compgen -f \"${cur}\"))", "COMPREPLY=()");
        assert!(
            !script.contains("compgen -f")
                && (shell != Shell::Bash || script.contains("-o default virt-sev"))
        );
        files.insert(Path::new("completions").join(file), script);
    }
    let mut wrong = Vec::new();
    for (file, made) in &files {
        golden(&mut wrong, &root().join(file), made);
    }
    assert!(wrong.is_empty(), "run `make generate`:\n{}", wrong.join("\n"));
    for folder in ["man", "completions"] {
        for file in fs::read_dir(root().join(folder)).unwrap() {
            let file = Path::new(folder).join(file.unwrap().file_name());
            // Programs without options and files are described by hand.
            let by_hand = file.extension().is_some_and(|e| e == "8") || file.ends_with("virt-sev-policy.5");
            assert!(by_hand || files.contains_key(&file), "{}: of no command", file.display());
        }
    }
}

/// What is written by hand says of every program and every key what it is, and no more.
#[test]
fn the_pages_that_are_written_by_hand_name_what_there_is() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let version = format!("\"virt-sev {}\"", env!("CARGO_PKG_VERSION"));
    let programs = ["src/hooks/Cargo.toml", "src/sidecar/Cargo.toml"].map(read).concat();
    for name in ["libvirt-hook", "vdsm-hook", "kubevirt-hook", "kubevirt-sidecar"] {
        let page = read(&format!("man/virt-sev-{name}.8"));
        assert!(page.lines().next().unwrap().contains(&version), "{name}");
        assert!(programs.contains(&format!("name = \"virt-sev-{name}\"")), "{name}");
    }
    let page = read("man/virt-sev-policy.5");
    let keys = page.split(".SH KEYS").nth(1).unwrap().split(".SH").next().unwrap();
    let keys: Vec<&str> = keys.lines().filter_map(|l| l.strip_prefix(".B ")).collect();
    assert_eq!(keys, virt_sev::hook::site::KEYS);
    assert!(page.contains(virt_sev::hook::site::PLACE.replace('-', "\\-").as_str()));
}
