//! Keys from every source, and into the domain's own metadata, as libvirt itself keeps them.

use crate::lab::{Corner, Lab, assert_code, err, program};
use std::process::{Command, Output};

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[test]
fn libvirt_keeps_the_recorded_keys_and_a_run_with_them_alone_changes_nothing() {
    let corner = Corner::new(Lab::shared());
    let document = corner.domain(None);
    // A neighbour of another program, to be kept too.
    let xml = std::fs::read_to_string(&document).unwrap();
    let neighbour = "<metadata><app:x xmlns:app=\"urn:app\">kept</app:x></metadata>\n  <memory";
    std::fs::write(&document, xml.replacen("<memory", neighbour, 1)).unwrap();
    let firmware = format!("security.sev.firmware={}", corner.lab.file("VIRT_SEV_FIRMWARE").display());
    let mut args = vec!["define", "-c", &corner.lab.uri, document.to_str().unwrap(), "--record"];
    args.extend(corner.platform());
    args.extend(["--set", "security.sev=true", "--set", "security.sev.policy=0x3", "--set", &firmware]);
    assert_code(&corner.virt_sev(&args), 0);

    let metadata = corner.lab.virsh(&["metadata", &corner.guest, "urn:virt-sev:config:1"]);
    for key in
        ["security.sev\">true<", "security.sev.policy.noks\">true<", "security.sev.memory.lock\">none<"]
    {
        assert!(metadata.contains(key), "{key}: {metadata}");
    }
    let dumped = corner.lab.virsh(&["dumpxml", "--inactive", &corner.guest]);
    assert!(dumped.contains(">kept</app:x>"), "{dumped}");

    // The keys are the domain's own now: no source beside it, and nothing to change.
    let path = corner.path("dumped.xml");
    std::fs::write(&path, &dumped).unwrap();
    let check = |more: &[&str]| {
        let mut args = vec!["apply", path.to_str().unwrap(), "--check"];
        args.extend(corner.platform().into_iter().filter(|a| !a.contains("memory.lock") && *a != "--set"));
        args.extend(more);
        corner.virt_sev(&args)
    };
    assert_code(&check(&[]), 0);
    assert_code(&check(&["--record"]), 0);
    assert_code(&check(&["--record", "--set", "security.sev.policy.noks=false"]), 1);
    let out = corner.virt_sev(&["keys", "--convert", path.to_str().unwrap()]);
    assert_code(&out, 0);
    let firmware = firmware.replace('=', ": \"");
    let wanted = format!(
        "security.sev: \"true\"\nsecurity.sev.policy.noks: \"true\"\n{firmware}\"\nsecurity.sev.memory.lock: \"none\"\n"
    );
    assert_eq!(said(&out), wanted);
}

/// Foreign configurations, and the format that has to be named where it is not recognised.
const FOREIGN: &[(&str, &str)] = &[
    (
        "lxd",
        "config: {security.sev: 'true'}\nprofiles: [es]\n---\nname: es\nconfig: {security.sev.policy.es: 'true'}\n",
    ),
    ("kubevirt", "kind: VirtualMachineInstance\nspec: {domain: {launchSecurity: {snp: {}}}}\n"),
    (
        "nova",
        "{\"properties\": {\"hw:mem_encryption\": \"true\", \"hw_mem_encryption_model\": \"amd-sev-es\"}}",
    ),
    ("proxmox", "type=std,no-debug=1,no-key-sharing=1,kernel-hashes=0\n"),
    ("metadata", "<config xmlns='urn:virt-sev:config:1'><key name='security.sev'>on</key></config>"),
];

#[test]
fn what_is_converted_means_what_the_original_means() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let run = |args: &[&str]| Command::new(program("virt-sev")).args(args).output().unwrap();
    let domain = "<domain type='kvm'><name>g</name><memory>262144</memory><os firmware='efi'>\
                  <type arch='x86_64' machine='q35'>hvm</type></os></domain>";
    std::fs::write(path("g.xml"), domain).unwrap();
    for (format, text) in FOREIGN {
        std::fs::write(path("foreign"), text).unwrap();
        let keys = run(&["keys", "--convert", &path("foreign"), "--config-format", format]);
        assert_code(&keys, 0);
        std::fs::write(path("keys.yaml"), &keys.stdout).unwrap();
        let ours = run(&["apply", &path("g.xml"), "--config", &path("keys.yaml")]);
        let theirs = run(&["apply", &path("g.xml"), "--config", &path("foreign"), "--config-format", format]);
        assert_code(&ours, 0);
        assert_code(&theirs, 0);
        assert!(said(&ours).contains("<launchSecurity"), "{format}: {}", said(&ours));
        assert_eq!(said(&ours), said(&theirs), "{format}");
        let again = run(&["keys", "--convert", &path("keys.yaml")]);
        assert_eq!(said(&again), said(&keys), "{format}");
        let json =
            run(&["keys", "--convert", &path("foreign"), "--config-format", format, "--format", "json"]);
        let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(json["schema"], "virt-sev/convert/1");
        assert_eq!(json["keys"].as_object().unwrap().len(), said(&keys).lines().count(), "{format}");
    }
}

#[test]
fn a_session_is_converted_and_an_owners_key_never() {
    let corner = Corner::new(Lab::shared());
    corner.session("0x1");
    let keys = corner.text("owner/keys.yaml");
    let out = corner.virt_sev(&["keys", "--convert", &keys]);
    assert_code(&out, 0);
    assert!(said(&out).contains("security.sev.session.data: \""), "{}", said(&out));
    // In the place of the session the owner's keys are an error that does not show them.
    for (key, size) in [("tek.bin", 16), ("tik.bin", 16)] {
        let bytes = std::fs::read(corner.path("owner").join(key)).unwrap();
        assert_eq!(bytes.len(), size);
        use base64::Engine as _;
        let secret = base64::engine::general_purpose::STANDARD.encode(&bytes);
        let wrong = format!("{}\n{key}: {secret}\n", std::fs::read_to_string(&keys).unwrap());
        std::fs::write(corner.path("beside.yaml"), wrong).unwrap();
        let out = corner.virt_sev(&["keys", "--convert", &corner.text("beside.yaml")]);
        assert_code(&out, 0);
        assert!(!said(&out).contains(&secret) && !err(&out).contains(&secret));
        let text = format!("security.sev: true\nsecurity.sev.session.data: {secret}\n");
        std::fs::write(corner.path("inside.yaml"), text).unwrap();
        let out = corner.virt_sev(&["keys", "--convert", &corner.text("inside.yaml")]);
        assert_code(&out, 4);
        assert!(out.stdout.is_empty() && !err(&out).contains(&secret), "{}", err(&out));
    }
}

#[test]
fn what_has_no_key_is_told_and_what_is_not_known_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let convert = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Command::new(program("virt-sev")).args(["keys", "--convert"]).arg(&path).output().unwrap()
    };
    let out = convert("amd-sev: type=es,allow-smt=1\n");
    assert_code(&out, 0);
    assert!(err(&out).contains(": info: ") && err(&out).contains("allow-smt means nothing"), "{}", err(&out));
    let out = convert("config: {}\nprofiles: [sev]\n");
    assert_code(&out, 0);
    assert_eq!(said(&out), "security.sev: \"false\"\n");
    assert!(err(&out).contains(": warning: ") && err(&out).contains("'sev'"), "{}", err(&out));
    let out = convert("kind: VirtualMachineInstance\nspec: {domain: {launchSecurity: {tdx: {}}}}\n");
    assert_code(&out, 4);
    assert!(out.stdout.is_empty() && err(&out).contains("TDX"), "{}", err(&out));
    for args in [&["keys", "--config-format", "nova"][..], &["keys", "--convert", "x", "--format", "md"]] {
        assert_code(&Command::new(program("virt-sev")).args(args).output().unwrap(), 2);
    }
}
