//! The blocks of the documents that need no hypervisor, run by a shell exactly as they stand there.

use crate::lab::{assert_code, program, root, setup};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output};

/// A report of AMD's Genoa that VirTEE has published (src/snp/testdata/README.md).
const REPORT: &[u8] = include_bytes!("../../src/snp/testdata/genoa-v3.bin");
/// Where a report has REPORT_DATA and MEASUREMENT (AMD 56860, table 23).
const REPORT_DATA: std::ops::Range<usize> = 0x50..0x90;
const MEASUREMENT: std::ops::Range<usize> = 0x90..0xc0;

/// The blocks of a document that are fenced as this language.
pub(crate) fn fenced(document: &str, language: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("docs").join(document)).unwrap();
    let begin = format!("```{language}\n");
    text.split(&begin).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The shell blocks of a document: fenced as `sh`, or indented and beginning with the program.
fn blocks(document: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("docs").join(document)).unwrap();
    let indented = text
        .split("\n\n")
        .filter(|part| part.starts_with("    virt-sev "))
        .filter(|part| part.lines().all(|line| line.starts_with("    ")));
    fenced(document, "sh").into_iter().chain(indented.map(str::to_owned)).collect()
}

/// A folder with every file that the documents name.
fn owners_folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for (name, from) in [
        ("OVMF.amdsev.fd", "VIRT_SEV_FIRMWARE"),
        ("vmlinuz", "VIRT_SEV_KERNEL"),
        ("initrd.img", "VIRT_SEV_INITRD"),
    ] {
        symlink(setup(from), at(name)).unwrap();
    }
    fs::write(at("report.bin"), REPORT).unwrap();
    fs::write(at("nonce.bin"), &REPORT[REPORT_DATA]).unwrap();
    fs::write(at("guest.xml"), "<domain type='kvm'><name>g</name><memory>1048576</memory><os><type arch='x86_64' machine='q35'>hvm</type></os></domain>").unwrap();
    // In the place of AMD's service, and of the network.
    let curl = "#!/bin/sh\ncase $3 in https://kdsintf.amd.com/vcek/v1/Genoa/*) cp \"$VCEK\" \"$2\" ;; *) exit 22 ;; esac\n";
    fs::create_dir(at("bin")).unwrap();
    fs::write(at("bin/curl"), curl).unwrap();
    fs::set_permissions(at("bin/curl"), fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

fn run(block: &str, folder: &Path) -> Output {
    let programs = program("virt-sev");
    let path = format!(
        "{}:{}:{}",
        folder.join("bin").display(),
        programs.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    Command::new("bash")
        .args(["-euo", "pipefail", "-c", block])
        .current_dir(folder)
        .env("PATH", path)
        .env("VCEK", root().join("src/snp/testdata/genoa-v3-vcek.der"))
        .output()
        .unwrap()
}

fn said(done: &Output) -> String {
    String::from_utf8(done.stdout.clone()).unwrap()
}

#[test]
fn the_digests_of_the_document_are_computed() {
    let dir = owners_folder();
    let [block] = blocks("digests.md").try_into().unwrap();
    let done = run(&block, dir.path());
    assert_code(&done, 0);
    let lengths: Vec<usize> = said(&done).lines().map(str::len).collect();
    assert_eq!(lengths, [64, 64, 64], "two of 32 bytes in hexadecimal, one of 48 in base64");
}

#[test]
fn an_id_block_is_made_and_a_report_verified_as_the_document_says() {
    let dir = owners_folder();
    let [before, after] = blocks("snp.md").try_into().unwrap();
    assert_code(&run(&before, dir.path()), 0);
    let guest = fs::read_to_string(dir.path().join("guest.xml")).unwrap();
    assert!(guest.contains("<idBlock>") && guest.contains("<idAuth>"), "{guest}");
    // The published report is of another guest than the one before: what its owner would have computed.
    fs::write(dir.path().join("digest"), &REPORT[MEASUREMENT]).unwrap();
    let done = run(&after, dir.path());
    assert_code(&done, 0);
    assert!(said(&done).ends_with("verified: no errors, no warnings\n"), "{}", said(&done));
}

#[test]
fn a_report_of_another_guest_is_not_verified_by_the_documents_line() {
    let dir = owners_folder();
    fs::copy(root().join("src/snp/testdata/genoa-v3-vcek.der"), dir.path().join("vcek.der")).unwrap();
    let [block] = blocks("verify.md").try_into().unwrap();
    let done = run(&block, dir.path());
    assert_code(&done, 1);
    assert!(said(&done).contains("launch digest differs"), "{}", said(&done));
}

#[test]
fn of_a_guest_without_a_kernel_the_digest_is_that_of_its_firmware() {
    let dir = owners_folder();
    let [block] = blocks("measurement.md").try_into().unwrap();
    let done = run(&block, dir.path());
    assert_code(&done, 0);
    let told = said(&done);
    let [computed, summed] = told.lines().collect::<Vec<_>>()[..] else { panic!("{told}") };
    assert!(computed.len() == 64 && computed == summed, "{told}");
}
