//! Off-line commands never load libvirt: they work on a machine that has none.

use crate::lab::{assert_code, err, program, setup};
use std::path::Path;
use std::process::Command;

/// The shared libraries that a program was linked with.
fn needed(name: &str) -> String {
    let out = Command::new("readelf").arg("-d").arg(program(name)).output().unwrap();
    assert!(out.status.success());
    String::from_utf8(out.stdout)
        .unwrap()
        .lines()
        .filter(|l| l.contains("(NEEDED)"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn virt_sev_is_not_linked_with_libvirt_and_virt_sev_online_is() {
    assert!(!needed("virt-sev").contains("libvirt"), "{}", needed("virt-sev"));
    // Shows that the test above looks at the right thing.
    assert!(needed("virt-sev-online").contains("libvirt.so"), "{}", needed("virt-sev-online"));
}

#[test]
fn no_off_line_command_opens_libvirt_at_run_time() {
    let dir = tempfile::tempdir().unwrap();
    let domain = dir.path().join("domain.xml");
    std::fs::write(&domain, "<domain type='kvm'><name>g</name><memory>262144</memory><os><type machine='q35'>hvm</type></os></domain>").unwrap();
    let domain = domain.to_str().unwrap();
    let firmware = setup("VIRT_SEV_FIRMWARE");
    let commands: &[&[&str]] = &[
        &["keys"],
        &["apply", domain, "--set", "security.sev=true"],
        &["generate", "g", "--memory", "1GiB", "--vcpus", "1", "--set", "security.sev=true"],
        &["lint", domain, "--set", "security.sev=true"],
        &["explain", "kvm"],
        &["explain", "fw_error=11"],
        &["firmware", "inspect", firmware.to_str().unwrap()],
        &["firmware", "list"],
        &["session", "--chain", "/dev/null", "--policy", "1", "-o", "/dev/null/x"],
        &["verify", "--tik", "/dev/null", "--tek", "/dev/null"],
        &["snp", "report", "/dev/null"],
        &["snp", "id-block", "--id-key", "/dev/null", "--launch-digest", "00"],
    ];
    for args in commands {
        // The dynamic linker tells every object that it opens, dlopen's too.
        let out = Command::new(program("virt-sev")).args(*args).env("LD_DEBUG", "files").output().unwrap();
        let said = err(&out);
        assert!(said.contains("libc.so"), "LD_DEBUG does not work here: {said}");
        assert!(!said.contains("libvirt.so"), "{args:?} opens libvirt");
    }
}

#[test]
fn without_the_online_program_the_off_line_half_works_and_the_rest_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let alone = dir.path().join("virt-sev");
    std::fs::copy(program("virt-sev"), &alone).unwrap();
    assert_code(&Command::new(&alone).arg("keys").output().unwrap(), 0);
    let out = Command::new(&alone).args(["launch", "x"]).output().unwrap();
    assert_code(&out, 5);
    assert!(err(&out).contains("virt-sev-online is not installed"), "{}", err(&out));
}

#[test]
fn a_wrong_document_is_exit_4_and_an_unfit_host_exit_1_with_every_reason_and_no_output() {
    let roots = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/roots");
    let apply = |arch: &str, root: &str| {
        let domain = format!(
            "<domain type='kvm'><name>g</name><memory>262144</memory><os><type arch='{arch}' machine='q35'>hvm</type></os></domain>"
        );
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("domain.xml");
        std::fs::write(&path, domain).unwrap();
        let mut command = Command::new(program("virt-sev"));
        command.args(["apply", "--set", "security.sev=true", "--host-root"]).arg(roots.join(root)).arg(path);
        command.output().unwrap()
    };
    let out = apply("x86_64", "intel");
    assert_code(&out, 1);
    assert!(out.stdout.is_empty());
    for reason in ["GenuineIntel", "kvm_amd", "Secure Processor", "firmware image"] {
        assert!(err(&out).contains(reason), "{reason} is missing: {}", err(&out));
    }
    let out = apply("aarch64", "intel");
    assert_code(&out, 4);
    assert!(out.stdout.is_empty());
    assert!(err(&out).contains("aarch64") && err(&out).contains("GenuineIntel"), "{}", err(&out));
    assert_code(&apply("x86_64", "milan"), 0);
}

/// `lint` told the line, `apply` the path alone.
#[test]
fn a_refusal_names_the_line_of_what_stands_in_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("domain.xml");
    let domain = "<domain type='kvm'>\n  <name>g</name>\n  <os>\n    <type arch='aarch64' machine='q35'>hvm</type>\n\
                  </os>\n  <devices>\n    <memory model='dimm'/>\n  </devices>\n</domain>\n";
    std::fs::write(&path, domain).unwrap();
    let mut command = Command::new(program("virt-sev"));
    let out = command.args(["apply", "--set", "security.sev=true"]).arg(&path).output().unwrap();
    assert_code(&out, 4);
    for (place, line, column) in [("os/type/@arch", 4, 11), ("devices/memory", 7, 5)] {
        let wanted = format!("/domain/{place} ({}:{line}:{column}): ", path.display());
        assert!(err(&out).contains(&wanted), "{wanted}: {}", err(&out));
    }
    let mut command = Command::new(program("virt-sev"));
    command.args(["apply", "--set", "security.sev=true"]).stdin(std::fs::File::open(&path).unwrap());
    let out = command.output().unwrap();
    assert!(err(&out).contains("/domain/os/type/@arch (standard input:4:11): "), "{}", err(&out));
}

/// `-i` read the pipe to its end, and then waited for somebody to read from it.
#[test]
fn a_document_in_place_is_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for place in [pipe.to_str().unwrap(), dir.path().to_str().unwrap(), "-"] {
        let mut command = Command::new("timeout");
        command.arg("20").arg(program("virt-sev")).args(["apply", "-i", place, "--set", "security.sev=true"]);
        let out = command.stdin(std::process::Stdio::null()).output().unwrap();
        assert_code(&out, 2);
        assert!(err(&out).contains("-i needs a file that can be replaced"), "{}", err(&out));
    }
}
