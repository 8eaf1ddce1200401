//! The manual and the completions in the programs that read them: groff, bash, fish, zsh. And what `make install` leaves of them.

use crate::lab::{program, root};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

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

/// Where a document leads: `](FILE#PLACE)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    links.map(|link| link.split('#').next().unwrap()).filter(|link| !link.is_empty() && !link.contains("://"))
}

#[test]
fn what_is_installed_holds_together_and_goes() {
    let dir = tempfile::tempdir().unwrap();
    let make = |what: &str| {
        let built = program("virt-sev");
        let destdir = format!("DESTDIR={}", dir.path().display());
        let out = format!("OUT={}", built.parent().unwrap().display());
        said("make", &["-s", "--no-print-directory", what, &destdir, &out, "PREFIX=/usr"]);
        let files = said("find", &[dir.path().to_str().unwrap(), "-not", "-type", "d"]);
        files.lines().map(PathBuf::from).collect::<Vec<_>>()
    };
    let files = make("install");
    let usr = dir.path().join("usr");
    for file in [
        "bin/virt-sev",
        "libexec/virt-sev/virt-sev-online",
        "libexec/virt-sev/virt-sev-libvirt-hook",
        "libexec/virt-sev/virt-sev-vdsm-hook",
        "libexec/virt-sev/virt-sev-kubevirt-hook",
        "share/man/man1/virt-sev.1",
        "share/man/man5/virt-sev-policy.5",
        "share/man/man8/virt-sev-libvirt-hook.8",
        "share/bash-completion/completions/virt-sev",
        "share/virt-sev/schemas/verify.json",
    ] {
        assert!(usr.join(file).is_file(), "{file}");
    }
    let mut seen = 0;
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "md")) {
        let text = fs::read_to_string(file).unwrap();
        for link in links(&text) {
            assert!(file.parent().unwrap().join(link).exists(), "{}: {link}", file.display());
            seen += 1;
        }
    }
    assert!(seen > 60, "{seen} links");
    assert_eq!(make("uninstall"), Vec::<PathBuf>::new());
}
