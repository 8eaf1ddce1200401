//! The blocks of the documents that need no hypervisor, run by a shell exactly as they stand there.

use crate::lab::{assert_code, program, root};
use crate::reader::{MEASUREMENT, PLAIN, REPORT, owners_files, said};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A folder with every file that the documents name.
fn owners_folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    owners_files(dir.path());
    fs::write(dir.path().join("guest.xml"), PLAIN).unwrap();
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
        .output()
        .unwrap()
}

pub(crate) fn the_digests_of_the_document_are_computed(blocks: Vec<String>) {
    let dir = owners_folder();
    let [block] = blocks.try_into().unwrap();
    let done = run(&block, dir.path());
    assert_code(&done, 0);
    let lengths: Vec<usize> = said(&done).lines().map(str::len).collect();
    assert_eq!(lengths, [64, 64, 64], "two of 32 bytes in hexadecimal, one of 48 in base64");
}

pub(crate) fn an_id_block_is_made_and_a_report_verified_as_the_document_says(blocks: Vec<String>) {
    let dir = owners_folder();
    let [before, after] = blocks.try_into().unwrap();
    assert_code(&run(&before, dir.path()), 0);
    let guest = fs::read_to_string(dir.path().join("guest.xml")).unwrap();
    assert!(guest.contains("<idBlock>") && guest.contains("<idAuth>"), "{guest}");
    // The published report is of another guest than the one before: what its owner would have computed.
    fs::write(dir.path().join("digest"), &REPORT[MEASUREMENT]).unwrap();
    let done = run(&after, dir.path());
    assert_code(&done, 0);
    assert!(said(&done).ends_with("verified: no errors, no warnings\n"), "{}", said(&done));
}

pub(crate) fn a_report_of_another_guest_is_not_verified_by_the_documents_line(blocks: Vec<String>) {
    let dir = owners_folder();
    fs::copy(root().join("src/snp/testdata/genoa-v3-vcek.der"), dir.path().join("vcek.der")).unwrap();
    let [block] = blocks.try_into().unwrap();
    let done = run(&block, dir.path());
    assert_code(&done, 1);
    assert!(said(&done).contains("launch digest differs"), "{}", said(&done));
}

pub(crate) fn of_a_guest_without_a_kernel_the_digest_is_that_of_its_firmware(blocks: Vec<String>) {
    let dir = owners_folder();
    let [block] = blocks.try_into().unwrap();
    let done = run(&block, dir.path());
    assert_code(&done, 0);
    let told = said(&done);
    let [computed, summed] = told.lines().collect::<Vec<_>>()[..] else { panic!("{told}") };
    assert!(computed.len() == 64 && computed == summed, "{told}");
}
