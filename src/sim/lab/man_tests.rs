//! src/sim/man is written by hand: it names every command, option and fault that there is, and no other.

use super::Cli;
use clap::{Command, CommandFactory as _};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use virt_sev_sim::settings::FAULTS;

fn page(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(name);
    let page = fs::read_to_string(file).unwrap();
    let version = format!("\"virt-sev {}\"", env!("CARGO_PKG_VERSION"));
    assert!(page.lines().next().unwrap().contains(&version), "{name}: {version}");
    // What is written is told from what is marked.
    ["\\-", "\\fB", "\\fI", "\\fR"]
        .iter()
        .zip(["-", "", "", ""])
        .fold(page, |p, (mark, text)| p.replace(mark, text))
}

/// Of a section, the words that stand at the head of a paragraph, with what they begin with.
fn heads<'a>(page: &'a str, section: &str, start: &'a str) -> BTreeSet<&'a str> {
    let from = page.split(&format!(".SH {section}\n")).nth(1).unwrap().split(".SH ").next().unwrap();
    let heads = from.split(".TP\n").skip(1).flat_map(|part| part.lines().next());
    heads.flat_map(|l| l.split([' ', '"', ',', ';'])).filter(|w| w.starts_with(start)).collect()
}

fn options(command: &Command) -> BTreeSet<String> {
    let named = command.get_arguments().filter_map(|a| a.get_long());
    named.filter(|l| *l != "help" && *l != "version").map(|l| format!("--{l}")).collect()
}

#[test]
fn the_manual_of_the_lab_names_what_there_is() {
    let page = page("sev-lab.1");
    let mut cli = Cli::command();
    cli.build();
    let (run, others): (Vec<_>, Vec<_>) =
        cli.get_subcommands().filter(|c| c.get_name() != "help").partition(|c| c.get_name() == "run");
    let said: BTreeSet<_> = heads(&page, "OPTIONS OF RUN", "--").into_iter().map(str::to_owned).collect();
    assert_eq!(said, options(run[0]));
    let said: BTreeSet<_> = heads(&page, "OTHER OPTIONS", "--").into_iter().map(str::to_owned).collect();
    let mut there: BTreeSet<_> = others.iter().flat_map(|c| options(c)).collect();
    there.extend(["--help".to_owned(), "--version".to_owned()]);
    assert_eq!(said, there);
    for command in cli.get_subcommands().filter(|c| c.get_name() != "help") {
        assert!(page.contains(&format!("\nsev-lab {}", command.get_name())), "{command}");
        assert!(page.contains(&format!("\n.B {}\n", command.get_name())), "{command}");
    }
    let mut said = heads(&page, "FAULTS", "");
    said.retain(|word| !matches!(*word, "" | ".B" | ".BR"));
    assert_eq!(said, FAULTS.iter().map(|(name, _)| *name).collect());
}

#[test]
fn the_manual_of_the_demo_names_what_there_is() {
    let page = page("virt-sev-demo.1");
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/virt-sev-demo");
    let program = fs::read_to_string(program).unwrap();
    let usage = program.lines().find_map(|l| l.strip_prefix("usage=")).unwrap();
    let mut taken: BTreeSet<&str> =
        usage.split(|c: char| !c.is_ascii_lowercase() && c != '-').filter(|w| w.starts_with("--")).collect();
    taken.insert("--help");
    assert_eq!(heads(&page, "OPTIONS", "--"), taken);
}
