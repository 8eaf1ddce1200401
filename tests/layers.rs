//! Imports go one way (CONTRIBUTING.md, "Layout"). Reads the sources; fails on an import against the flow.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::fs;
use std::path::{Path, PathBuf};

/// Each layer with what it may import. `error`, `codes`, `redact`, `finding`, `files`, `guid`, `image` and `draft` are
/// free to all.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("config", &[]),
    ("domain", &[]),
    ("host", &["config"]), // the names of the modes
    ("measure", &[]),
    ("plan", &["config", "domain", "host", "measure"]),
    ("preflight", &["config", "domain", "host", "measure"]),
    ("session", &["config", "domain", "host", "measure"]),
    ("inject", &["config", "domain", "host", "measure"]),
    ("snp", &["measure"]),
    // config reads YAML; domain and host: which processor, which image.
    ("appraisal", &["config", "domain", "host", "measure", "session"]),
    ("generate", &["config", "domain", "plan"]),
    ("prepare", &["config", "domain", "host", "plan", "preflight"]),
    ("owner", &["appraisal", "config", "domain", "host", "inject", "measure", "session"]),
    ("hook", &["config", "domain", "host", "launch", "measure", "plan", "prepare", "session"]),
    (
        "launch",
        &[
            "appraisal",
            "config",
            "domain",
            "host",
            "inject",
            "measure",
            "owner",
            "plan",
            "preflight",
            "prepare",
            "session",
        ],
    ),
];

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|x| x == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn imports_go_one_way() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut looked_at = 0;
    for (layer, allowed) in MAY_IMPORT {
        let mut files = Vec::new();
        sources(&src.join(layer), &mut files);
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for (other, _) in MAY_IMPORT {
                let wrong =
                    other != layer && !allowed.contains(other) && text.contains(&format!("crate::{other}::"));
                assert!(!wrong, "{}: {layer} must not import {other}", file.display());
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > MAY_IMPORT.len(), "the sources were not found");
}

/// The C library follows a caller's pointer in one file, and libvirt's in another.
#[test]
fn raw_pointers_stay_at_the_boundary() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/capi"), &mut files);
    assert!(files.len() > 8, "the sources were not found");
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        if name.starts_with("boundary") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for raw in ["CStr::from_ptr", "from_raw", "transmute", "out.write(", "err.write("] {
            let found = text.lines().find(|l| !l.trim_start().starts_with("//") && l.contains(raw));
            assert!(found.is_none(), "{name}: {raw} belongs into boundary.rs: {found:?}");
        }
    }
}

#[test]
fn no_source_file_is_over_500_lines() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    for file in files {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 500, "{}: {lines} lines", file.display());
    }
}
