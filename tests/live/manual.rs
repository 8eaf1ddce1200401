//! The manual and the completions in the programs that read them: groff, bash, fish, zsh.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// What a program prints, which must end well and complain of nothing.
fn said(program: &str, args: &[&str]) -> String {
    let out = Command::new(program)
        .args(args)
        .current_dir(root())
        .output()
        .unwrap_or_else(|e| panic!("{program} (make setup brings it): {e}"));
    let complaints = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && complaints.is_empty(), "{program} {args:?}: {complaints}");
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn groff_has_nothing_to_say_of_any_page() {
    let pages: Vec<_> = std::fs::read_dir(root().join("man")).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(pages.len() > 25);
    for page in &pages {
        let text = said("groff", &["-man", "-Tascii", "-ww", "-rLL=100n", "-P-cbou", page.to_str().unwrap()]);
        for heading in ["NAME", "SYNOPSIS", "SEE ALSO"] {
            let missing = heading == "SYNOPSIS" && page.extension().is_some_and(|e| e == "5");
            assert!(missing || text.contains(heading), "{}: no {heading}", page.display());
        }
    }
}

/// What bash offers for a line whose last word is being typed.
fn bash(words: &[&str]) -> Vec<String> {
    let line = words.join(" ");
    let script = "source completions/virt-sev.bash; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); \
                  $(complete -p virt-sev | sed 's/.*-F \\([^ ]*\\).*/\\1/') virt-sev \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"; \
                  printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut args = vec!["--norc", "-c", script, "bash"];
    args.extend(words);
    let offered = said("bash", &args);
    assert!(!offered.trim().is_empty(), "bash offers nothing for '{line}'");
    offered.lines().map(str::to_owned).collect()
}

#[test]
fn bash_and_fish_offer_commands_options_and_values() {
    let fish = |line: &str| -> Vec<String> {
        let script = format!("source completions/virt-sev.fish; complete -C '{line}'");
        said("fish", &["--no-config", "-c", &script])
            .lines()
            .map(|l| l.split('\t').next().unwrap_or_default().to_owned())
            .collect()
    };
    for (words, wanted) in [
        (&["virt-sev", "lau"][..], &["launch"][..]),
        (&["virt-sev", "chain", "f"], &["fetch"]),
        (&["virt-sev", "apply", "--config-f"], &["--config-format"]),
        (&["virt-sev", "apply", "--config-format", ""], &["lxd", "kubevirt", "nova", "proxmox", "metadata"]),
        (&["virt-sev", "digest", "--mode", "se"], &["sev", "sev-es"]),
    ] {
        for offered in [bash(words), fish(&words.join(" "))] {
            for one in wanted {
                assert!(offered.iter().any(|o| o == one), "{words:?}: {one} not in {offered:?}");
            }
        }
    }
}

#[test]
fn zsh_reads_its_file() {
    said("zsh", &["-f", "-n", "completions/_virt-sev"]);
    let text = std::fs::read_to_string(root().join("completions/_virt-sev")).unwrap();
    assert!(text.starts_with("#compdef virt-sev\n"), "zsh finds a completion by this line");
}
