//! What distributions package: every file that is installed belongs to one package, and Debian's symbols are the header's.

use super::cc::{prefix, succeeds, work};
use super::installed::{declared, header};
use super::root;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn debians_symbols_are_the_functions_of_the_header() {
    let symbols = fs::read_to_string(root().join("packaging/debian/libvirtsev0.symbols")).unwrap();
    let listed: Vec<&str> = symbols
        .lines()
        .filter_map(|l| l.strip_prefix(' ')?.split_once("@Base ").map(|(name, _)| name))
        .collect();
    let mut wanted = declared(&header());
    wanted.sort();
    assert_eq!(listed, wanted);
}

/// The versions that packagers read are written by hand.
#[test]
fn the_packages_have_the_version_of_the_crates() {
    let version = env!("CARGO_PKG_VERSION");
    let read = |file: &str| fs::read_to_string(root().join(file)).unwrap();
    let changelog = read("packaging/debian/changelog");
    assert!(changelog.starts_with(&format!("virt-sev ({version}-")), "{changelog}");
    let spec = read("packaging/rpm/virt-sev.spec");
    let of_spec = spec.lines().find_map(|l| l.strip_prefix("Version:")).map(str::trim);
    assert_eq!(of_spec, Some(version));
}

/// Of `install` with Debian's paths, and with Fedora's.
#[test]
fn every_installed_file_is_in_one_package() {
    // The simulator's are a package of their own by their target.
    let debian = files(&["install", "LIBDIR=/usr/lib/x86_64-linux-gnu"]);
    in_one(&debian, &debian_lists());
    let fedora = files(&["install", "install-sim", "LIBDIR=/usr/lib64"]);
    in_one(&fedora, &spec_lists());
}

fn in_one(files: &[String], lists: &[(String, String)]) {
    assert!(files.len() > 50, "{files:?}");
    for file in files {
        let holding = |of: &str, sign: &str| {
            lists
                .iter()
                .any(|(p, pattern)| p == of && pattern.strip_prefix(sign).is_some_and(|p| holds(p, file)))
        };
        let mut packages: Vec<&str> = lists.iter().map(|(package, _)| package.as_str()).collect();
        packages.dedup();
        packages.retain(|package| holding(package, "") && !holding(package, "!"));
        assert_eq!(packages.len(), 1, "{file} is in {packages:?}");
    }
    // And no pattern is for nothing.
    for (package, pattern) in lists {
        let path = pattern.trim_start_matches('!');
        assert!(files.iter().any(|f| holds(path, f)), "{package}: there is no {path}");
    }
}

/// What is installed, programs and libraries of one byte in the place of real ones: what counts is their names.
fn files(arguments: &[&str]) -> Vec<String> {
    prefix(); // empties the folder that all work in, once
    let folder = work().join(format!("packages-{}", arguments.len()));
    let _ = fs::remove_dir_all(&folder);
    let (out, destdir) = (folder.join("out"), folder.join("destdir"));
    fs::create_dir_all(&out).unwrap();
    let mut names: Vec<String> = programs();
    names.extend(["libvirtsev.so", "libvirtsev.a", "libvirt_sev_sim.so"].map(str::to_owned));
    for name in names {
        fs::write(out.join(&name), "\n").unwrap();
        succeeds(Command::new("chmod").arg("0755").arg(out.join(&name)));
    }
    let mut make = Command::new("make");
    make.arg("-C").arg(root()).args(["--no-print-directory", "PREFIX=/usr"]).args(arguments);
    make.arg(format!("OUT={}", out.display())).arg(format!("DESTDIR={}", destdir.display()));
    for variable in ["MAKEFLAGS", "MAKELEVEL", "MFLAGS"] {
        make.env_remove(variable);
    }
    succeeds(&mut make);
    let found = succeeds(Command::new("find").arg(&destdir).args(["-not", "-type", "d", "-printf", "%P\\n"]));
    let found = String::from_utf8(found.stdout).unwrap();
    found.lines().map(str::to_owned).collect()
}

/// The programs that the manifests name.
fn programs() -> Vec<String> {
    let manifests = succeeds(Command::new("find").arg(root().join("src")).args(["-name", "Cargo.toml"]));
    let manifests = String::from_utf8(manifests.stdout).unwrap();
    let of = |file: &str| {
        let text = fs::read_to_string(file).unwrap();
        let names = text.split("[[bin]]").skip(1).filter_map(|t| t.split('"').nth(1).map(str::to_owned));
        names.collect::<Vec<_>>()
    };
    manifests.lines().flat_map(of).collect()
}

/// Package and pattern, out of Debian's lists. What comes from elsewhere than `make install` is left out.
fn debian_lists() -> Vec<(String, String)> {
    let folder = root().join("packaging/debian");
    let mut lists = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let file: PathBuf = entry.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(package) = name.strip_suffix(".install") else { continue };
        lists.extend(patterns(&file).into_iter().map(|p| (package.to_owned(), p)));
    }
    // The Python package comes from the wheel.
    lists.retain(|(package, pattern)| package != "python3-virtsev" && pattern.starts_with("usr/"));
    lists
}

fn patterns(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().filter_map(|l| l.split_whitespace().next().map(str::to_owned)).collect()
}

/// Package and pattern, out of the spec's lists; with `!` before it, what the package leaves out.
fn spec_lists() -> Vec<(String, String)> {
    let macros = [
        ("%{_bindir}", "usr/bin"),
        ("%{_libexecdir}", "usr/libexec"),
        ("%{_libdir}", "usr/lib64"),
        ("%{_includedir}", "usr/include"),
        ("%{_mandir}", "usr/share/man"),
        ("%{_docdir}", "usr/share/doc"),
        ("%{_datadir}", "usr/share"),
        ("%{name}", "virt-sev"),
    ];
    let spec = fs::read_to_string(root().join("packaging/rpm/virt-sev.spec")).unwrap();
    let (files, _) = spec.split_once("\n%changelog").unwrap();
    let mut lists = Vec::new();
    for section in files.split("\n%files").skip(1) {
        let mut lines = section.lines();
        let package = lines.next().unwrap().trim().to_owned();
        for line in lines {
            let Some(path) = line.split_whitespace().last() else { continue };
            if line.starts_with("%license")
                || line.starts_with("%dir")
                || path.starts_with("%{python3_sitelib}")
            {
                continue;
            }
            let path = macros.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
            assert!(!path.contains('%'), "{path}");
            let without = if line.starts_with("%exclude") { "!" } else { "" };
            lists.push((package.clone(), format!("{without}{path}")));
        }
    }
    lists
}

/// Whether a file is what a pattern names, or below it. `*` and `?` stay within a name.
fn holds(pattern: &str, file: &str) -> bool {
    let mut names = file.split('/');
    pattern.split('/').all(|p| names.next().is_some_and(|name| matches(p.as_bytes(), name.as_bytes())))
}

fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|n| matches(rest, &name[n..])),
        ([b'?', rest @ ..], [_, name @ ..]) => matches(rest, name),
        ([p, rest @ ..], [n, name @ ..]) if p == n => matches(rest, name),
        _ => false,
    }
}
