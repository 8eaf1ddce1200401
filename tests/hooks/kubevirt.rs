//! KubeVirt's hook, called as its sidecar-shim calls it.

use crate::machines::{ALL, SECRET, longer, machine};
use crate::{root, run, schema};
use std::io::ErrorKind;
use std::process::{Command, Output, Stdio};
use virt_sev::config::{Format, from_text_as, resolve};

const HOOK: &str = env!("CARGO_BIN_EXE_virt-sev-kubevirt-hook");
/// Linux, `MAX_ARG_STRLEN`: with the byte that ends it.
const ARGUMENT: usize = 32 * 4096;

fn call(arguments: &[&str], more: &[(&str, &str)]) -> Output {
    run(HOOK, arguments, &std::env::temp_dir(), more, b"")
}

fn define(vmi: &str, domain: &str) -> Output {
    call(&["--vmi", vmi, "--domain", domain], &[])
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The document that a call gives, which must succeed.
#[track_caller]
fn defined(vmi: &str, domain: &str) -> (String, String) {
    let output = define(vmi, domain);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    (text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
}

/// A call that must fail with this code.
#[track_caller]
fn refused(output: &Output, code: i32, words: &[&str]) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(output.stdout.is_empty(), "the shim would define this");
    for word in words {
        assert!(said.contains(word), "{word:?} is missing: {said}");
    }
    assert!(!said.contains(SECRET) && !said.contains('<'), "{said}");
}

/// Without what libvirt takes and its schema does not: the empty elements that Go's encoder writes below `<sysinfo>`, the
/// type of a host device's own address.
fn for_schema(domain: &str) -> String {
    let domain = domain.replace("<address type=\"pci\" domain", "<address domain");
    ["<bios></bios>", "<baseBoard></baseBoard>", "<chassis></chassis>"]
        .iter()
        .fold(domain, |text, empty| text.replace(empty, ""))
}

#[test]
fn machines_of_every_shape() {
    let mut documents = Vec::new();
    for name in ALL {
        let (vmi, made) = machine(name);
        let (xml, said) = defined(&vmi, &made);
        assert!(!said.contains(SECRET) && !said.contains('<'), "{said}");
        assert_eq!(xml == made, name == "plain", "{name}");
        // What KubeVirt decided is still there, line by line.
        let gone: Vec<&str> = made.lines().filter(|line| !xml.contains(line.trim())).collect();
        let wanted: &[&str] = match name {
            "snp" => &["<memory ", "<launchSecurity ", "<policy>"],
            // The guest is measured, and a file of the host is not.
            "gpu" => &["<memory ", "<loader ", "<nvram ", "<policy>"],
            "sev-es" => &["<memory "],
            _ => &[],
        };
        assert!(
            gone.len() == wanted.len() && gone.iter().zip(wanted).all(|(g, w)| g.contains(w)),
            "{name}: {gone:?}"
        );
        assert_eq!(defined(&vmi, &xml).0, xml, "{name}: the second call changes something");
        // An equals sign serves as well.
        let joined = call(&[&format!("--domain={made}"), &format!("--vmi={vmi}")], &[]);
        assert_eq!(text(&joined.stdout), xml);
        documents.extend([for_schema(&made), for_schema(&xml)]);
    }
    assert_eq!(schema::check(&documents), vec![None; documents.len()]);
}

#[test]
fn each_machine_gets_what_it_lacks() {
    let document = |name: &str| {
        let (vmi, made) = machine(name);
        defined(&vmi, &made)
    };
    let (es, said) = document("sev-es");
    for virtio in ["<input type=\"tablet\"", "<vsock "] {
        let (_, rest) = es.split_once(virtio).unwrap();
        let (driver, end) = (rest.find("<driver iommu=\"on\"/>"), rest.find("\t\t</"));
        assert!(driver.is_some() && driver < end, "{virtio}: {rest}");
    }
    // Hugepages, memfd and the limit of locked memory are KubeVirt's.
    assert!(es.contains("<hugepages></hugepages>") && !es.contains("<locked"), "{es}");
    assert!(said.contains("[hostdev]") && said.contains("/domain/devices/hostdev"), "{said}");
    let (snp, _) = document("snp");
    for part in ["kernelHashes=\"yes\"", "<policy>0x00130000</policy>", "<hostData>AAECAwQF", "type=\"rom\""]
    {
        assert!(snp.contains(part), "{part} is missing: {snp}");
    }
    let (gpu, _) = document("gpu");
    // The owner's session stays as KubeVirt got it, and the machine waits as it would.
    assert!(gpu.contains("<policy>0x0003</policy>") && gpu.contains("<session>AAECAwQF"), "{gpu}");
}

#[test]
fn keys_alone_make_no_sev() {
    let (vmi, made) = machine("plain");
    let asked =
        vmi.replace("\"annotations\":{", "\"annotations\":{\"virt-sev.config/security.sev\":\"true\",");
    assert_ne!(asked, vmi);
    refused(&define(&asked, &made), 4, &["no spec.domain.launchSecurity", "/dev/sev"]);
    // Nor where the domain has it from somewhere else.
    refused(&define(&asked, &machine("sev-es").1), 4, &["no spec.domain.launchSecurity"]);
}

#[test]
fn wrong_input_of_every_sort() {
    let (vmi, made) = machine("sev-es");
    for (arguments, words) in [
        (&[][..], "--vmi or --domain is missing"),
        (&["--vmi"], "is missing"),
        (&["--vmi", &vmi], "--domain is missing"),
        (&["--vmi", &vmi, "--domain"], "--domain is missing"),
        (&["--vmi", &vmi, "--domain", &made, "more"], "there is no such option"),
        (&["--cloud-init", &vmi, "--domain", &made], "there is no such option"),
    ] {
        refused(&call(arguments, &[]), 2, &[words, "wanted --vmi JSON --domain XML"]);
    }
    let typo =
        vmi.replace("\"annotations\":{", "\"annotations\":{\"virt-sev.config/security.sev.polcy.es\":\"1\",");
    for (vmi, domain, words) in [
        ("", made.as_str(), "the VMI is not JSON"),
        (&vmi, "", "the domain is empty"),
        (SECRET, &made, "the VMI is not JSON"),
        (&vmi[..vmi.len() / 2], &made, "the VMI is not JSON"),
        (&vmi, &made[..made.len() / 2], "the domain, line "),
        (&vmi, SECRET, "outside the root element"),
        (&typo, &made, "security.sev.policy.es"),
    ] {
        refused(&define(vmi, domain), 4, &[words]);
    }
}

#[test]
fn a_fault_inside_is_a_code_and_no_document() {
    let (vmi, made) = machine("sev-es");
    let output = call(&["--vmi", &vmi, "--domain", &made], &[("VIRT_SEV_HOOK_PANIC", "1")]);
    refused(&output, 6, &["the hook failed inside", "src/hook/mod.rs:"]);
}

#[test]
fn a_document_that_nobody_takes_is_told() {
    let (vmi, made) = machine("plain");
    let mut command = Command::new(HOOK);
    command
        .args(["--vmi", &vmi, "--domain", &made])
        .stdout(std::fs::File::options().write(true).open("/dev/full").unwrap());
    let output = command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("cannot be written"));
}

/// What the shim meets with a larger document: the kernel does not even start the program.
#[test]
fn an_argument_has_an_end() {
    let (vmi, made) = machine("sev-es");
    let fitting = longer(&made, ARGUMENT - 1000);
    let exactly =
        fitting.replacen("</domain>", &format!("{}</domain>", " ".repeat(ARGUMENT - 1 - fitting.len())), 1);
    assert_eq!(exactly.len(), ARGUMENT - 1);
    let (xml, said) = defined(&vmi, &exactly);
    assert!(xml.len() > ARGUMENT && said.contains("virt-sev-kubevirt-sidecar"), "{said}");
    let e = Command::new(HOOK).args(["--vmi", &vmi, "--domain", &(exactly + " ")]).output().unwrap_err();
    assert_eq!(e.kind(), ErrorKind::ArgumentListTooLong, "{e}");
    assert!(!defined(&vmi, &made).1.contains("too long"));
}

#[test]
fn the_version() {
    let output = call(&["--version"], &[]);
    assert_eq!(text(&output.stdout), format!("virt-sev-kubevirt-hook {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(output.status.code(), Some(0));
}

/// The manifests of `packaging/kubevirt`: read as a whole, and by the hook as KubeVirt would hand the machine over.
#[test]
fn the_manifests() {
    let folder = root().join("packaging/kubevirt");
    for (name, made, words) in [
        ("vm-sev-es.yaml", "sev-es", "<policy>0x0007</policy>"),
        ("vm-sev-snp.yaml", "snp", "<hostData>"),
        ("vm-shim.yaml", "sev-es", "<policy>0x0007</policy>"),
    ] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let keys = from_text_as(&text, name, Format::KubeVirt).and_then(|raw| resolve(&raw)).unwrap();
        assert!(keys.is_some(), "{name}");
        let list =
            text.lines().find_map(|l| l.trim().strip_prefix("hooks.kubevirt.io/hookSidecars: '")).unwrap();
        let list: serde_json::Value = serde_json::from_str(list.trim_end_matches('\'')).unwrap();
        let fields = ["image", "args", "configMap", "pvc"];
        let sidecar = list.as_array().and_then(|l| l.first()).and_then(|s| s.as_object()).unwrap();
        assert!(sidecar.keys().all(|k| fields.contains(&k.as_str())), "{name}: {sidecar:?}");
        // KubeVirt makes the instance of the template.
        let annotations =
            text.lines().filter_map(|l| l.trim().strip_prefix("virt-sev.config/")?.split_once(": "));
        let annotations: Vec<String> = annotations
            .map(|(k, v)| format!("\"virt-sev.config/{k}\":\"{}\"", v.trim_matches('"')))
            .collect();
        let security =
            if made == "snp" { r#"{"snp":{}}"# } else { r#"{"sev":{"policy":{"encryptedState":true}}}"# };
        let vmi = format!(
            r#"{{"metadata":{{"annotations":{{{}}}}},"spec":{{"domain":{{"launchSecurity":{security}}}}}}}"#,
            annotations.join(",")
        );
        let again = from_text_as(&vmi, name, Format::KubeVirt).and_then(|raw| resolve(&raw));
        assert_eq!(again.unwrap(), keys, "{name}");
        assert!(defined(&vmi, &machine(made).1).0.contains(words), "{name}");
    }
    let container = std::fs::read_to_string(folder.join("Containerfile")).unwrap();
    for program in ["--bin virt-sev-kubevirt-sidecar", "--bin virt-sev-kubevirt-hook"] {
        assert!(container.contains(program));
    }
}
