//! What somebody meets who uses virt-sev for the first time, and makes the mistakes that are made then.

use crate::lab::{Lab, assert_code, err, program};
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

const MEASURED: &str = "<domain type='kvm'>\n  <name>g</name>\n  <memory unit='MiB'>256</memory>\n  <os firmware='efi'>\n    \
                        <type arch='x86_64' machine='q35'>hvm</type>\n  </os>\n  <features>\n    <acpi/>\n  </features>\n  \
                        <launchSecurity type='sev'>\n    <policy>0x0000</policy>\n  </launchSecurity>\n</domain>\n";

/// virt-sev with this on its standard input.
fn run(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(program("virt-sev"))
        .args(args)
        .env_remove("LIBVIRT_DEFAULT_URI")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that refuses its options does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn said(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}

/// `lint` found what `apply` puts right, and `apply` then only said that nothing asks for SEV.
#[test]
fn without_keys_apply_names_those_that_the_document_stands_for_and_with_them_lint_is_content() {
    let lint = run(&["lint", "-"], MEASURED);
    assert_code(&lint, 0);
    assert!(err(&lint).contains("`virt-sev apply` with their keys puts "), "{}", err(&lint));

    let out = run(&["apply"], MEASURED);
    assert_code(&out, 0);
    assert_eq!(said(&out), MEASURED);
    let told = err(&out);
    let keys = told.lines().find_map(|l| l.strip_prefix("  Its <launchSecurity> means ")).unwrap();
    assert_eq!(keys, "--set security.sev=true --set security.sev.policy.nodbg=false");

    let args: Vec<&str> = ["apply"].into_iter().chain(keys.split(' ')).collect();
    let done = run(&args, MEASURED);
    assert_code(&done, 0);
    assert!(said(&done).contains("<policy>0x0000</policy>"), "{}", said(&done));
    let again = run(&["lint", "-"], &said(&done));
    assert!(
        err(&again).contains("no errors, 1 warning") && !err(&again).contains("apply"),
        "{}",
        err(&again)
    );
}

#[test]
fn define_says_that_nothing_was_checked() {
    let lab = Lab::shared();
    let name = format!("unchecked-{}", std::process::id());
    let plain = MEASURED.replace("'kvm'", "'qemu'").replace(">g<", &format!(">{name}<"));
    let plain =
        plain.split("  <launchSecurity").next().unwrap().replace(" firmware='efi'", "") + "</domain>\n";
    let out = run(&["define", "-c", &lab.uri, "-"], &plain);
    assert_code(&out, 0);
    assert!(err(&out).contains("defined as it is, and the host is not checked"), "{}", err(&out));
    lab.virsh(&["undefine", &name]);
}

#[test]
fn a_launch_security_of_no_type_is_an_error_and_another_makers_is_none() {
    let lint = |of: &str| run(&["lint", "-"], &MEASURED.replace("type='sev'", of));
    for (of, title) in [("type='sve'", "type='sve', which libvirt does not know"), ("", "has no type")] {
        let out = lint(of);
        assert_code(&out, 1);
        assert!(
            said(&out).contains(title) && said(&out).contains("fix: SEV and SEV-ES are"),
            "{}",
            said(&out)
        );
        assert!(err(&out).contains("1 error") && !err(&out).contains("not SEV"), "{}", err(&out));
    }
    let out = lint("type='tdx'");
    assert_code(&out, 0);
    assert!(err(&out).contains("1 is not SEV"), "{}", err(&out));
}

#[test]
fn what_is_no_domain_is_told_with_the_next_step() {
    for (input, what) in [
        ("", "standard input: the domain document is empty: wanted <domain>\n  Where it comes out of a pipe"),
        (" \n", "the domain document is empty"),
        ("security.sev: true\n", "Keys come with --config."),
    ] {
        let out = run(&["apply", "--set", "security.sev=true"], input);
        assert_code(&out, 4);
        assert!(out.stdout.is_empty() && err(&out).contains(what), "{input:?}: {}", err(&out));
    }
    let out = run(&["lint", "-"], "");
    assert_code(&out, 4);
    assert!(err(&out).starts_with("1 domain could not be judged\n"), "{}", err(&out));
}

#[test]
fn a_warning_of_apply_stands_where_an_editor_finds_it() {
    let bios = MEASURED.replace(" firmware='efi'", "");
    let out = run(&["apply", "--set", "security.sev=true", "--check"], &bios);
    assert_code(&out, 1);
    assert!(err(&out).contains("stdin:4:3: warning: the domain boots a BIOS"), "{}", err(&out));
}

/// `--memory 512` is 512 MiB to virt-install, and was 512 bytes here.
#[test]
fn a_size_of_memory_has_a_unit() {
    let generate = |size: &str| run(&["generate", "g", "--memory", size, "--vcpus", "1"], "");
    let out = generate("512");
    assert_code(&out, 2);
    assert!(out.stdout.is_empty() && err(&out).contains("such as 512MiB"), "{}", err(&out));
    assert!(said(&generate("512MiB")).contains(">524288<"));
}

#[test]
fn what_only_some_commands_can_do_is_refused_by_the_others() {
    let out = run(&["lint", "--record", "-"], MEASURED);
    assert_code(&out, 2);
    assert!(out.stdout.is_empty() && err(&out).contains("apply --record"), "{}", err(&out));
    let out = run(&["explain", "security.sev.policy.es"], "");
    assert_code(&out, 2);
    assert!(err(&out).contains("`virt-sev keys` tells"), "{}", err(&out));
}

#[test]
fn a_file_of_another_form_is_a_warning_and_not_silence() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vmi.yaml");
    std::fs::write(&path, "kind: VirtualMachineInstance\nspec: {domain: {launchSecurity: {sev: {}}}}\n")
        .unwrap();
    let convert =
        |format: &str| run(&["keys", "--convert", path.to_str().unwrap(), "--config-format", format], "");
    assert!(said(&convert("auto")).contains("security.sev: \"true\""));
    let wrong = convert("lxd");
    assert_code(&wrong, 0);
    assert!(err(&wrong).contains("nothing in this document counts"), "{}", err(&wrong));
}
