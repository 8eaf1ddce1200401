//! Flavors and images.

use crate::config::import::{Format, assemble, read};
use crate::config::{RawConfig, from_text, resolve};
use crate::{Result, finding::Severity};

fn all(texts: &[&str]) -> Result<RawConfig> {
    let mut parts = Vec::new();
    for (n, text) in texts.iter().enumerate() {
        parts.extend(read(text, &format!("f{n}"), Format::Nova)?);
    }
    assemble(parts)
}

fn policy(raw: &RawConfig) -> String {
    let Some(config) = resolve(raw).unwrap() else { return "none".into() };
    match config.technology {
        crate::config::Technology::Sev { policy, .. } => format!("{:#x}", policy.0),
        crate::config::Technology::Snp(launch) => {
            format!("snp {:#x} {:?} {:?}", launch.policy.0, launch.author_key, launch.vcek)
        }
    }
}

#[test]
fn a_flavor_as_every_client_prints_it() {
    for text in [
        "{\"name\": \"m1.sev\", \"ram\": 4096, \"properties\": {\"hw:mem_encryption\": \"True\", \"hw:cpu_policy\": \"dedicated\"}}",
        "name: m1.sev\nproperties:\n  hw:mem_encryption: 'true'\n",
        "name: m1.sev\nproperties: hw:cpu_policy='dedicated', hw:mem_encryption='true'\n",
        "{\"extra_specs\": {\"hw:mem_encryption\": \"on\"}}",
        "{\"flavor\": {\"id\": \"1\", \"extra_specs\": {\"hw:mem_encryption\": true}}}",
        "hw:mem_encryption: true\n",
        "{\"id\": \"x\", \"hw_mem_encryption\": \"yes\", \"hw_firmware_type\": \"uefi\", \"hw_machine_type\": \"pc-q35-9.2\"}",
    ] {
        // Recognised by itself too.
        assert_eq!(policy(&from_text(text, "f").unwrap()), "0x33", "{text}");
        assert_eq!(policy(&all(&[text]).unwrap()), "0x33", "{text}");
    }
}

#[test]
fn the_models() {
    let of = |model: &str| {
        all(&[&format!("hw:mem_encryption: 'true'\nhw:mem_encryption_model: {model}\n")]).map(|r| policy(&r))
    };
    assert_eq!(of("amd-sev").unwrap(), "0x33");
    assert_eq!(of("amd-sev-es").unwrap(), "0x37");
    assert_eq!(of("amd-sev-snp").unwrap(), "snp 0x30000 Some(false) Some(true)");
    for model in ["intel-tdx", "sev", "AMD-SEV"] {
        let e = of(model).unwrap_err().to_string();
        assert!(e.contains(&format!("found '{model}', wanted amd-sev, amd-sev-es or amd-sev-snp")), "{e}");
    }
}

#[test]
fn flavor_and_image_are_judged_together() {
    let flavor = "hw:mem_encryption: 'true'\n";
    let image =
        "{\"properties\": {\"hw_mem_encryption_model\": \"amd-sev-es\", \"hw_firmware_type\": \"uefi\"}}";
    assert_eq!(policy(&all(&[flavor, image]).unwrap()), "0x37");
    assert_eq!(policy(&all(&[image, flavor]).unwrap()), "0x37");
    assert_eq!(policy(&all(&[&format!("{flavor}---\n{image}\n")]).unwrap()), "0x37");
    let raw = all(&[image]).unwrap();
    assert!(raw.is_empty());
    assert!(matches!(raw.notes(), [n] if n.severity == Severity::Warning), "{:?}", raw.notes());
}

#[test]
fn off_is_off() {
    let raw = all(&["hw:mem_encryption: 'false'\nhw:mem_encryption_model: amd-sev\n"]).unwrap();
    assert_eq!((policy(&raw).as_str(), raw.entries().count()), ("none", 1));
    assert!(all(&["name: x\nproperties: null\n"]).unwrap().is_empty());
}

#[test]
fn what_nova_refuses_is_refused() {
    let on = "hw:mem_encryption: 'true'\n";
    for (texts, wanted) in [
        (&[on, "hw_mem_encryption: 'false'\n"][..], "contradict each other"),
        (
            &[on, "hw:mem_encryption_model: amd-sev\nhw_mem_encryption_model: amd-sev-es\n"],
            "hw_mem_encryption_model (f1:2)",
        ),
        (&[on, "hw_firmware_type: bios\n"], "hw_firmware_type (f1:1)"),
        (&[on, "hw_machine_type: pc\n"], "q35 guests only"),
        (
            &[on, "hw:mem_encryption_model: amd-sev-snp\nhw_firmware_stateless: 'false'\n"],
            "hw_firmware_stateless",
        ),
        (&["hw:mem_encryption: maybe\n"], "found 'maybe', wanted true or false"),
        (&["hw:mem_encryption_modell: amd-sev\n"], "a property that virt-sev does not know"),
        (&["hw:mem_encryption: [a]\n"], "hw:mem_encryption is not one value"),
        (&["hw:mem_encryption: 'true'\nhw:mem_encryption: 'false'\n"], "stands twice"),
        (&["properties: hw:mem_encryption=true\n"], "properties that cannot be read"),
        (&["[1]"], "a flavor or an image is not a map"),
    ] {
        let e = all(texts).unwrap_err().to_string();
        assert!(e.contains(wanted), "{texts:?}: {e}");
    }
}

#[test]
fn what_has_no_key_is_said() {
    let text = "hw:mem_encryption: 'true'\ntrait:HW_CPU_X86_AMD_SEV: required\nresources:MEM_ENCRYPTION_CONTEXT: 1\n";
    let raw = all(&[text]).unwrap();
    let titles: Vec<_> = raw.notes().iter().map(|n| n.title.as_str()).collect();
    assert!(
        titles.len() == 2 && titles[0].starts_with("trait:HW_CPU_X86_AMD_SEV chooses the host"),
        "{titles:?}"
    );
}

#[test]
fn hostile_numbers_of_properties_end_early() {
    let many: String = (0..5000).map(|n| format!("hw:mem_encryption{n}: x\n")).collect();
    assert!(all(&[&many]).unwrap_err().to_string().contains("too many properties"));
    let many: String = (0..5000).map(|n| format!("hw:mem_encryption{n}='x', ")).collect();
    assert!(all(&[&format!("properties: \"{many}\"\n")]).is_err());
}

#[test]
fn a_flavor_and_an_image_that_ask_for_nothing_are_recognised_and_said_once() {
    let flavor = "{\"name\": \"m1\", \"vcpus\": 2, \"properties\": {\"hw:cpu_policy\": \"shared\"}}";
    let image = "disk_format: qcow2\nproperties: {os_distro: debian}\n";
    let raw =
        assemble([flavor, image].iter().flat_map(|t| read(t, "f", Format::Auto).unwrap()).collect()).unwrap();
    assert_eq!(policy(&raw), "none");
    let notes: Vec<_> = raw.notes().iter().map(|n| (n.severity, n.title.as_str())).collect();
    assert_eq!(notes, [(Severity::Info, "no mem_encryption: Nova does not encrypt this guest's memory")]);
}

/// The image alone has nothing about encryption, and was not looked at: Nova refuses this guest.
#[test]
fn an_image_that_stands_against_its_flavor_is_found_without_its_format() {
    let texts = ["properties: {hw:mem_encryption: true}\n", "properties: {hw_firmware_type: bios}\n"];
    let parts = texts.iter().flat_map(|t| read(t, "f", Format::Auto).unwrap()).collect();
    let e = assemble(parts).unwrap_err().to_string();
    assert!(e.contains("hw_firmware_type") && e.contains("found 'bios', wanted uefi"), "{e}");
}
