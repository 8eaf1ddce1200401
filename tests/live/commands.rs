//! Every command line that a document shows was run. In: the documents, and a table of which test runs which. Fails where a
//! document shows a command that no test runs. The examples of the manual are in `examples.rs`, the command lines of running text in
//! `mentions.rs`.
//!
//! What is to be typed stands in a block fenced as `sh`. A test of the table gets every such block of its document, takes them
//! apart into as many as it runs, and so fails where there is one more.

use crate::lab::root;
use crate::reader::blocks;
use crate::{book, c_library, documented, python, recipes};
use std::fs;
use std::path::Path;

macro_rules! run {
    ($($document:literal: $module:ident::$test:ident;)*) => {
        const RUN: &[&str] = &[$($document),*];
        $(#[test] fn $test() { $module::$test(shown($document)); })*
    };
}

run! {
    "README.md": book::the_lines_of_the_readme_are_run;
    "docs/abi.md": c_library::a_program_is_linked_as_the_document_says;
    "docs/config-sources.md": book::keys_come_out_of_profiles_and_properties;
    "docs/digests.md": documented::the_digests_of_the_document_are_computed;
    "docs/epyc.md": book::an_epyc_host_is_taken_from_its_report_to_guests_that_run;
    "docs/generate.md": book::a_new_domain_is_made_and_defined;
    "docs/hooks.md": book::hooks_are_switched_on_and_an_owner_answers;
    "docs/measurement.md": documented::of_a_guest_without_a_kernel_the_digest_is_that_of_its_firmware;
    "docs/migration.md": book::what_other_programs_are_told_becomes_a_domain;
    "docs/python.md": python::the_wheel_goes_into_a_virtual_environment;
    "docs/recipes.md": recipes::the_recipes_are_followed;
    "docs/snp.md": documented::an_id_block_is_made_and_a_report_verified_as_the_document_says;
    "docs/start.md": book::the_first_five_minutes_are_as_the_document_says;
    "docs/troubleshooting.md": book::every_symptom_leads_to_what_explain_says_of_it;
    "docs/verify.md": documented::a_report_of_another_guest_is_not_verified_by_the_documents_line;
    "examples/manager.c": c_library::the_manager_is_built_as_its_head_says;
    "packaging/debian/virt-sev.README.Debian": book::apparmors_addition_is_switched_on;
    "src/sim/README.md": book::a_lab_is_opened_and_a_guest_launched_in_it;
}

/// Lines that no test runs as they stand, and why.
const ELSEWHERE: &[(&str, &[&str])] = &[
    ("It runs the tests.", &["make check"]),
    (
        "They build everything for release. What they open then, `book.rs` runs: the demo's script, and docs/start.md in a lab.",
        &["make demo", "make lab"],
    ),
    (
        "They install on this machine. `manual.rs` installs below a folder; `make check-packages` installs the packages, as root.",
        &[
            "make && sudo make install && sudo ldconfig",
            "make deb && sudo apt install ./dist/deb/virt-sev_*.deb",
        ],
    ),
    (
        "They make packages, out of a commit, and try them in fresh roots.",
        &[
            "make dist",
            "make deb",
            "make rpm",
            "sudo make check-builds",
            "sudo make check-packages",
            "make build build-sim wheel",
            "make DESTDIR=… PREFIX=/usr LIBDIR=/usr/lib64 PYTHONDIR=/usr/lib/python3/dist-packages install install-python install-sim",
        ],
    ),
    (
        "`tests/capi/go.rs` and `manager.rs` run them, with other names.",
        &[
            "./manager qemu:///system guest.xml security.sev=true",
            "./manager qemu+ssh://host/system guest.xml --keys keys.yaml --owner tik=tik.bin --owner tek=tek.bin ...",
            "go build -o sevapply .",
            "./sevapply apply guest.xml security.sev=true",
            "./sevapply host",
        ],
    ),
    (
        "They are of a host's own kernel, with SEV.",
        &["dmesg | grep -i -e SEV -e ccp -e RMP", "cat /sys/module/kvm_amd/parameters/sev*"],
    ),
    (
        "They need a registry of images and a cluster. `tests/sidecar` runs what is in the image.",
        &[
            "podman build -f packaging/kubevirt/Containerfile -t REGISTRY/virt-sev-kubevirt-sidecar:VERSION .",
            "podman push REGISTRY/virt-sev-kubevirt-sidecar:VERSION",
            "podman create --name virt-sev REGISTRY/virt-sev-kubevirt-sidecar:VERSION",
            "podman cp virt-sev:/usr/bin/virt-sev-kubevirt-hook .",
            "kubectl cp virt-sev-kubevirt-hook POD:/virt-sev/virt-sev-kubevirt-hook",
        ],
    ),
];

/// The languages of blocks that are not typed.
const OTHERS: [&str; 8] = ["text", "yaml", "json", "xml", "c", "python", "hcl", "properties"];

/// A line without its comment.
fn bare(line: &str) -> &str {
    line.split("  #").next().unwrap().trim()
}

fn is_elsewhere(line: &str) -> bool {
    ELSEWHERE.iter().any(|(_, lines)| lines.contains(&bare(line)))
}

/// Folders with documents for those who develop virt-sev, which are about its tests; and with what is built.
const NOT_READ: [&str; 7] = ["benches", "build", "dist", "fuzz", "target", "tests", "vendor"];

/// The documents that a user or a packager reads, and the examples that say how they are built.
pub(crate) fn documents() -> Vec<String> {
    fn look(folder: &Path, all: &mut Vec<String>) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
            if path.is_dir() && !name.starts_with('.') && !NOT_READ.contains(&name) {
                look(&path, all);
            } else if [".md", ".Debian", ".c", ".go"].iter().any(|end| name.ends_with(end)) {
                all.push(name.to_owned());
            }
        }
    }
    let mut all = Vec::new();
    look(&root(), &mut all);
    assert!(all.len() > 35, "{all:?}");
    all
}

/// A document; of a program the comment that it begins with.
pub(crate) fn text(document: &str) -> String {
    let whole = fs::read_to_string(root().join(document)).unwrap();
    if !document.ends_with(".c") && !document.ends_with(".go") {
        return whole;
    }
    let comment =
        whole.lines().map_while(|line| ["/*", " *", "//"].iter().find_map(|mark| line.strip_prefix(mark)));
    comment.map(|line| line.replace('\t', "    ") + "\n").collect()
}

/// What is no Markdown knows indented blocks only.
fn is_plain(document: &str) -> bool {
    Path::new(document).extension().is_some_and(|x| x != "md")
}

/// The blocks of a document that are to be typed, but for the lines that no test runs.
pub(crate) fn shown(document: &str) -> Vec<String> {
    let language = if is_plain(document) { "" } else { "sh" };
    let typed = blocks(&text(document)).into_iter().filter(|(of, _)| of == language);
    let here = typed
        .map(|(_, block)| block.split_inclusive('\n').filter(|line| !is_elsewhere(line)).collect::<String>());
    here.filter(|block| block.lines().any(|line| !line.is_empty() && !line.starts_with('#'))).collect()
}

#[test]
fn every_command_of_a_document_is_run() {
    let mut wrong = Vec::new();
    for document in documents() {
        let is_run = RUN.contains(&&*document);
        if is_run == shown(&document).is_empty() {
            let blocks = shown(&document);
            wrong.push(format!("{document}: which test runs it is to be said in RUN: {blocks:?}"));
        }
        for (language, block) in blocks(&text(&document)) {
            if !is_plain(&document) && language != "sh" && !OTHERS.contains(&&*language) {
                wrong.push(format!(
                    "{document}: a block of '{language}'; commands are `sh`, others {OTHERS:?}: {block}"
                ));
            }
            let looks_typed = |line: &str| line.starts_with("virt-sev ") || line.starts_with("virsh ");
            if language == "text" && block.lines().any(looks_typed) {
                wrong.push(format!("{document}: commands are fenced as sh: {block}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_run_elsewhere_is_in_a_document_and_a_target_of_make() {
    let all: Vec<String> =
        documents().iter().flat_map(|d| blocks(&text(d))).map(|(_, block)| block).collect();
    let makefile = text("Makefile");
    for line in ELSEWHERE.iter().flat_map(|(_, lines)| *lines) {
        assert!(
            all.iter().any(|block| block.lines().any(|l| bare(l) == *line)),
            "{line}: no document has it"
        );
        for command in line.split(" && ").map(|c| c.trim_start_matches("sudo ")) {
            let Some(targets) = command.strip_prefix("make ") else { continue };
            for target in targets.split(' ').filter(|word| !word.contains('=')) {
                let is_there = makefile.lines().any(|l| {
                    l.split_once(':').is_some_and(|(names, _)| names.split(' ').any(|name| name == target))
                });
                assert!(is_there, "{line}: {target}");
            }
        }
    }
}
