//! Machines of KubeVirt.

use crate::config::import::Format;
use crate::config::{RawConfig, from_text, from_text_as, resolve};

fn vmi(security: &str, annotations: &str) -> String {
    format!(
        "apiVersion: kubevirt.io/v1\nkind: VirtualMachineInstance\nmetadata:\n  name: web1\n  annotations:\n    \
         other.io/x: y\n{annotations}spec:\n  domain:\n    firmware:\n      bootloader:\n        efi: {{}}\n    \
         launchSecurity: {security}\n"
    )
}

fn annotation(key: &str, value: &str) -> String {
    format!("    virt-sev.config/{key}: {value:?}\n")
}

fn keys(text: &str) -> String {
    let raw = from_text(text, "f").unwrap_or_else(|e| panic!("{e}\n{text}"));
    shown(&raw)
}

fn shown(raw: &RawConfig) -> String {
    let set = raw.entries().filter(|e| !e.value.is_empty());
    set.map(|e| format!("{}={};", e.key.replace("security.sev", "s"), e.value)).collect()
}

#[track_caller]
fn refused(text: &str, wanted: &[&str]) {
    let e = match from_text(text, "f").and_then(|raw| resolve(&raw).map(drop)) {
        Ok(()) => panic!("taken:\n{text}"),
        Err(e) => e.to_string(),
    };
    for words in wanted {
        assert!(e.contains(words), "{words:?} is missing: {e}");
    }
}

#[test]
fn launch_security_in_every_form() {
    assert_eq!(keys(&vmi("{sev: {}}", "")), "s=true;");
    assert_eq!(keys(&vmi("{sev: {policy: {encryptedState: true}}}", "")), "s=true;s.policy.es=true;");
    assert_eq!(keys(&vmi("{sev: {policy: {encryptedState: null}}}", "")), "s=true;");
    assert_eq!(keys(&vmi("{snp: {}}", "")), "s.snp=true;");
    assert_eq!(
        keys(&vmi("{sev: {dhCert: QQ==, session: Qg==}}", "")),
        "s=true;s.session.dh=QQ==;s.session.data=Qg==;"
    );
    assert_eq!(keys(&vmi("{}", "")), "");
    assert_eq!(keys(&vmi("null", "")), "");
}

#[test]
fn attestation_has_no_key_and_is_said() {
    let raw = from_text(&vmi("{sev: {attestation: {}}}", ""), "f").unwrap();
    let [note] = raw.notes() else { panic!("{:?}", raw.notes()) };
    assert!(note.path == "f:12" && note.title.contains("attestation has no key"), "{note:?}");
}

#[test]
fn a_machine_holds_its_guest_in_a_template() {
    let vm = "{\"kind\": \"VirtualMachine\", \"metadata\": {\"name\": \"web1\"}, \"spec\": {\"template\": {\"metadata\": \
              {\"annotations\": {\"virt-sev.config/security.sev.cbitpos\": \"51\"}}, \"spec\": {\"domain\": \
              {\"launchSecurity\": {\"sev\": {}}}}}}}";
    assert_eq!(keys(vm), "s=true;s.cbitpos=51;");
    // A Kubernetes file has other things too; and kubectl lists.
    assert_eq!(keys(&format!("kind: Secret\nspec: 1\n---\n{vm}\n")), "s=true;s.cbitpos=51;");
    assert_eq!(keys(&format!("{{\"kind\": \"List\", \"items\": [{vm}]}}")), "s=true;s.cbitpos=51;");
    // Without a kind, as a hook gets it.
    let bare =
        from_text_as("{\"spec\": {\"domain\": {\"launchSecurity\": {\"snp\": {}}}}}", "f", Format::KubeVirt);
    assert_eq!(shown(&bare.unwrap()), "s.snp=true;");
    let outside = "kind: VirtualMachine\nmetadata:\n  annotations:\n    virt-sev.config/security.sev: \"true\"\n\
                   spec:\n  template:\n    spec: {}\n";
    refused(outside, &["security.sev (f:4)", "spec.template.metadata.annotations"]);
}

#[test]
fn annotations_add_and_agree() {
    let add = annotation("security.sev.policy.noks", "true") + &annotation("security.sev", "yes");
    assert_eq!(keys(&vmi("{sev: {}}", &add)), "s=yes;s.policy.noks=true;");
    let es = annotation("security.sev.policy.es", "true");
    assert_eq!(keys(&vmi("{sev: {}}", &es)), "s=true;s.policy.es=true;");
    // A whole policy stands for its bit 2 too.
    let whole = annotation("security.sev.policy", "0x7");
    let text = vmi("{sev: {policy: {encryptedState: true}}}", &whole);
    assert_eq!(keys(&text), "s=true;s.policy=0x7;");
    assert!(resolve(&from_text(&text, "f").unwrap()).is_ok());
    // Alone they are a configuration too: the mode need not be KubeVirt's.
    assert_eq!(keys(&vmi("null", &annotation("security.sev.snp", "true"))), "s.snp=true;");
}

#[test]
fn a_contradiction_names_both() {
    for (security, key, value, wanted) in [
        (
            "{sev: {}}",
            "security.sev",
            "false",
            &["security.sev (f:7)", "'false'", "security.sev='true' at f:13"][..],
        ),
        ("{sev: {}}", "security.sev.snp", "true", &["security.sev.snp (f:7)", "security.sev='true' at f:13"]),
        ("{snp: {}}", "security.sev.snp", "no", &["contradicts", "f:13"]),
        (
            "{sev: {policy: {encryptedState: false}}}",
            "security.sev.policy.es",
            "true",
            &["contradicts", "f:13"],
        ),
        (
            "{sev: {policy: {encryptedState: true}}}",
            "security.sev.policy",
            "0x1",
            &["security.sev.policy.es='true'"],
        ),
        ("{sev: {session: QQ==}}", "security.sev.session.data", "Qg==", &["contradicts", "f:13"]),
        ("{snp: {}}", "security.sev.policy.es", "true", &["is for SEV and SEV-ES"]),
    ] {
        refused(&vmi(security, &annotation(key, value)), wanted);
    }
}

#[test]
fn what_is_not_known_is_refused() {
    for (security, wanted) in [
        ("{tdx: {}}", "TDX, which is Intel's"),
        ("{sev: {}, snp: {}}", "SEV-SNP and for SEV"),
        ("{snp: {policy: 5}}", "launchSecurity.snp has a field that virt-sev does not know: found 'policy'"),
        ("{sev: {kernelHashes: true}}", "wanted policy, attestation, session, dhCert"),
        ("{sev: {policy: {noDebug: true}}}", "wanted encryptedState"),
        ("{sev: {policy: {encryptedState: maybe}}}", "found 'maybe', wanted true or false"),
        ("{sgx: {}}", "wanted sev, snp, tdx"),
        ("[sev]", "launchSecurity is not a map"),
        ("{sev: yes}", "launchSecurity.sev is not a map"),
        ("{sev: {session: [x]}}", "session is not one value"),
        ("{sev: {}, sev: {}}", "sev stands twice"),
    ] {
        refused(&vmi(security, ""), &[wanted]);
    }
    refused(&vmi("{sev: {}}", &annotation("security.sev.polcy", "1")), &["there is no such key"]);
    refused(&vmi("{sev: {}}", &annotation("sev", "1")), &["sev (f:7): there is no such key"]);
    let two = format!("{}---\n{}", vmi("{}", ""), vmi("{}", ""));
    refused(&two, &["not one KubeVirt machine: found 2"]);
    let none = from_text_as("a: b\n", "f", Format::KubeVirt).unwrap_err().to_string();
    assert!(none.contains("found 0"), "{none}");
}

#[test]
fn hostile_machines_end_early() {
    let many: String = (0..5000).map(|n| annotation(&format!("k{n}"), "1")).collect();
    refused(&vmi("{}", &many), &["too many annotations"]);
    let mut bomb = String::from("a0: &a0 {kind: List, items: []}\n");
    for n in 1..28 {
        bomb.push_str(&format!("a{n}: &a{n} {{kind: List, items: [*a{0}, *a{0}, *a{0}]}}\n", n - 1));
    }
    bomb.push_str("kind: List\nitems: [*a27, *a27]\n");
    assert!(from_text(&bomb, "f").unwrap().is_empty());
}
