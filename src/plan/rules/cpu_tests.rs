//! The CPU models against libvirt's own map of them.

use super::cpu::{Wrong, wrong};
use std::path::{Path, PathBuf};

/// The folder beside libvirt's schemas.
fn cpu_map() -> PathBuf {
    let folder = std::env::var("VIRT_SEV_CPU_MAP").unwrap_or_else(|_| "/usr/share/libvirt/cpu_map".into());
    assert!(Path::new(&folder).is_dir(), "{folder} is missing: install libvirt, or set VIRT_SEV_CPU_MAP");
    folder.into()
}

/// What libvirt says of a model: vendor, and whether it has the long mode. An alias says what its model says.
fn known(model: &str) -> (Option<String>, bool) {
    let text = std::fs::read_to_string(cpu_map().join(format!("x86_{model}.xml"))).unwrap();
    let after = |start: &str| {
        let (_, tail) = text.split_once(start)?;
        tail.split(['\'', '"']).next().map(str::to_owned)
    };
    let vendor = after("<vendor name='");
    let long_mode = text.contains("<feature name='lm'/>");
    // An alias holds <model name='X'> inside its own <model name='X-v1'>.
    let aliased = text.matches("<model name='").count() == 2;
    if aliased && vendor.is_none() && !long_mode {
        let of = text.rsplit_once("<model name='").and_then(|(_, t)| t.split('\'').next()).unwrap();
        return known(of);
    }
    (vendor, long_mode)
}

#[test]
fn every_model_of_libvirts_map_is_judged_as_the_map_says() {
    let mut counted = [0; 4];
    for file in std::fs::read_dir(cpu_map()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let Some(model) = name.strip_prefix("x86_").and_then(|n| n.strip_suffix(".xml")) else { continue };
        if model == "features" || model == "vendors" {
            continue;
        }
        let (vendor, long_mode) = known(model);
        let wanted = match (vendor.as_deref(), long_mode) {
            (_, false) => Some(Wrong::Bits32),
            (Some("Intel"), true) => Some(Wrong::Intel),
            (Some("Hygon"), true) => Some(Wrong::Hygon),
            (Some("AMD") | None, true) => None,
            (Some(other), true) => panic!("{model}: {other} is a new vendor"),
        };
        assert_eq!(wrong(model), wanted, "{model}");
        let slot = wanted.map_or(0, |w| match w {
            Wrong::Intel => 1,
            Wrong::Hygon => 2,
            Wrong::Bits32 => 3,
        });
        counted[slot] += 1;
    }
    assert!(counted.iter().all(|n| *n > 0), "{counted:?}");
}

#[test]
fn generic_and_unknown_models_pass() {
    for model in
        ["kvm64", "qemu64", "qemu64-v1", "EPYC-Milan", "EPYC-Turin", "EPYC-v4", "Opteron_G5", "x-v", ""]
    {
        assert_eq!(wrong(model), None, "{model}");
    }
    assert_eq!(wrong("Haswell-noTSX-IBRS"), Some(Wrong::Intel));
    assert_eq!(wrong("Icelake-Server-v7"), Some(Wrong::Intel));
    assert_eq!(wrong("Dhyana-v2"), Some(Wrong::Hygon));
}
