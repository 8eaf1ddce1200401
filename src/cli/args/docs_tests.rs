//! Every command line that the documents and --help show is one that the program takes. In: README.md, docs/*.md, the help
//! of every command. Never: a document that shows an option which is gone.

use super::Cli;
use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};
use std::fs;
use std::path::Path;

/// The commands of a piece of shell, as words. A command substitution is a command of its own.
fn commands(shell: &str) -> Vec<Vec<String>> {
    let shell = shell.replace("\\\n", " ").replace("\"$(", " ; ").replace(")\"", " ; ");
    let (mut all, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let mut chars = shell.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => word.get_or_insert_default().extend(chars.by_ref().take_while(|d| *d != c)),
            '#' if word.is_none() => while chars.next_if(|d| *d != '\n').is_some() {},
            // Where it goes is a word that no command sees.
            '>' => while chars.next_if(|d| *d != '\n').is_some() {},
            '|' | ';' | '&' | '\n' => {
                words.extend(word.take());
                all.push(std::mem::take(&mut words));
            }
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    all.push(words);
    all.retain(|words| words.first().is_some_and(|first| first == "virt-sev"));
    all
}

/// The shell of a document's blocks and tables, and what its running text mentions.
fn shown(document: &str) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
    let (mut blocks, mut mentions) = (String::new(), Vec::new());
    let mut fenced = false;
    let mut text = String::new();
    for line in document.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            blocks += &format!("{}\n", line.trim_start());
        } else if line.starts_with('|') {
            blocks += &line.split('`').skip(1).step_by(2).map(|span| format!("{span}\n")).collect::<String>();
        } else {
            text += &format!("{line} ");
        }
    }
    for span in text.split('`').skip(1).step_by(2) {
        mentions.extend(commands(span));
    }
    (commands(&blocks), mentions)
}

/// Why a command line is not taken.
fn refused(words: &[String]) -> Option<clap::Error> {
    Cli::try_parse_from(words).err().filter(|e| e.kind() != ErrorKind::DisplayHelp)
}

#[test]
fn every_command_line_of_the_documents_is_taken() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut documents = vec![root.join("README.md")];
    documents.extend(fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    let (mut whole, mut parts) = (0, 0);
    for path in documents.iter().filter(|p| p.extension().is_some_and(|x| x == "md")) {
        let (blocks, mentions) = shown(&fs::read_to_string(path).unwrap());
        for words in &blocks {
            whole += 1;
            // `virt-sev digest` alone names the command.
            let named = words.iter().skip(1).all(|w| w.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
                && !words.iter().any(|w| w.starts_with('-'));
            let e = refused(words).filter(|e| !(named && is_incomplete(e)));
            assert!(e.is_none(), "{}: {words:?}: {}", path.display(), e.unwrap());
        }
        for words in &mentions {
            parts += 1;
            // `--policy POLICY` stands for a number.
            let vague = |e: &clap::Error| is_incomplete(e) || e.kind() == ErrorKind::ValueValidation;
            let e = refused(words).filter(|e| !vague(e));
            assert!(e.is_none(), "{}: {words:?}: {}", path.display(), e.unwrap());
        }
    }
    assert!(whole > 25 && parts > 25, "{whole} command lines and {parts} mentions");
}

fn is_incomplete(e: &clap::Error) -> bool {
    use ErrorKind::{DisplayHelpOnMissingArgumentOrSubcommand, MissingRequiredArgument, MissingSubcommand};
    [MissingRequiredArgument, MissingSubcommand, DisplayHelpOnMissingArgumentOrSubcommand].contains(&e.kind())
}

#[test]
fn every_example_of_the_help_is_taken() {
    fn look(command: &clap::Command, seen: &mut usize) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for words in commands(help.split_once("xample").map_or("", |(_, examples)| examples)) {
            assert!(refused(&words).is_none(), "{words:?}: {}", refused(&words).unwrap());
            *seen += 1;
        }
        command.get_subcommands().for_each(|sub| look(sub, seen));
    }
    let mut seen = 0;
    look(&Cli::command(), &mut seen);
    assert!(seen > 25, "{seen} examples");
}

#[test]
fn shell_is_taken_apart() {
    let all = commands(
        "sudo x && virt-sev a 'b c' \\\n  --d \"e\" # no\n y | virt-sev f > g\ncurl \"$(virt-sev h i)\" -o k",
    );
    let all: Vec<String> = all.iter().map(|words| words.join("+")).collect();
    assert_eq!(all, ["virt-sev+a+b c+--d+e", "virt-sev+f", "virt-sev+h+i"]);
}
