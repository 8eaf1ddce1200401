//! The table of processor models against those who know them: the real QEMU, libvirt's map, sev-snp-measure.

use crate::lab::setup;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use virt_sev::measure::cpu::CpuSignature;

/// A QEMU that runs no guest, and its monitor.
struct Qemu {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Qemu {
    fn start() -> Self {
        let mut child = Command::new("qemu-system-x86_64")
            .args(["-machine", "q35,accel=tcg", "-S", "-display", "none", "-nodefaults", "-qmp", "stdio"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("qemu-system-x86_64 starts");
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut qemu = Self { child, to, from };
        qemu.line();
        qemu.ask("qmp_capabilities", json!({}));
        qemu
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn ask(&mut self, command: &str, arguments: Value) -> Value {
        writeln!(self.to, "{}", json!({ "execute": command, "arguments": arguments })).unwrap();
        loop {
            let mut answer = self.line();
            if answer.get("event").is_none() {
                return answer["return"].take();
            }
        }
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What QEMU 10.0 does not have yet.
const NEWER: &[&str] = &[
    "EPYC-v5",
    "EPYC-Rome-v5",
    "EPYC-Milan-v3",
    "EPYC-Milan-v4",
    "EPYC-Genoa-v2",
    "EPYC-Genoa-v3",
    "EPYC-Turin",
    "EPYC-Turin-v1",
    "EPYC-Turin-v2",
];

#[test]
fn every_amd_model_of_qemu_has_qemus_numbers() {
    let mut qemu = Qemu::start();
    let models = qemu.ask("query-cpu-definitions", json!({}));
    let names: Vec<String> =
        models.as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap().to_owned()).collect();
    let mut seen = 0;
    for name in &names {
        let expanded =
            qemu.ask("query-cpu-model-expansion", json!({ "type": "full", "model": { "name": name } }));
        let of = |field: &str| expanded["model"]["props"][field].clone();
        // `max`, `host` and `base` have no numbers of their own.
        if (of("vendor") != "AuthenticAMD" && !name.starts_with("kvm64")) || of("family") == 0 {
            continue;
        }
        let number = |field: &str| u32::try_from(of(field).as_u64().unwrap()).unwrap();
        let known = CpuSignature::new(number("family"), number("model"), number("stepping")).unwrap();
        assert_eq!(CpuSignature::of_model(name), Some(known), "{name}");
        seen += 1;
    }
    assert!(seen > 25, "{seen} of {names:?}");
    // And no model in the table is one that only we have; an older QEMU lacks more than the newer ones.
    let major = qemu.ask("query-version", json!({}))["qemu"]["major"].as_u64();
    for name in CpuSignature::model_names() {
        assert!(names.contains(&name) || NEWER.contains(&name.as_str()) || major < Some(10), "{name}");
    }
}

#[test]
fn every_model_of_sev_snp_measure_has_its_number() {
    let out = Command::new("/usr/bin/python3")
        .env("PYTHONPATH", setup("VIRT_SEV_SNP_MEASURE"))
        .args([
            "-c",
            "import json; from sevsnpmeasure.vcpu_types import CPU_SIGS; print(json.dumps(CPU_SIGS))",
        ])
        .output()
        .unwrap();
    let known: Value = serde_json::from_slice(&out.stdout).unwrap();
    let known = known.as_object().unwrap();
    assert!(known.len() >= 16, "{known:?}");
    for (name, eax) in known {
        let ours = CpuSignature::of_model(name).map(|c| u64::from(c.eax()));
        assert_eq!(ours, eax.as_u64(), "{name}");
    }
}

#[test]
fn every_amd_model_of_libvirts_map_is_known() {
    let folder = std::env::var("VIRT_SEV_CPU_MAP").unwrap_or_else(|_| "/usr/share/libvirt/cpu_map".into());
    let mut seen = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if !text.contains("<vendor name='AMD'/>") {
            continue;
        }
        let name = text.split("<model name='").nth(1).and_then(|t| t.split('\'').next()).unwrap();
        assert!(CpuSignature::of_model(name).is_some(), "{name}, {}", path.display());
        seen += 1;
    }
    assert!(seen > 10, "{seen}");
}
