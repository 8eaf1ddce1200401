//! The layers of a host and what is known of each. In: [`HostFacts`]. Out: [`Layer`]s. Never: a judgement.

use super::device;
use crate::host::{Fact, FirmwareDescriptor, HostFacts, SevCpuid};
use serde::Serialize;
use std::path::Path;

/// How well a fact is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is so.
    Known,
    /// Looked, and it is not there.
    Absent,
    /// It could not be read.
    Unreadable,
    /// Nobody looked.
    NotAsked,
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name: `C-bit`, `/dev/sev`.
    pub name: String,
    /// How well it is known.
    pub state: State,
    /// What it is; why it could not be read.
    pub text: String,
}

impl Row {
    pub(super) fn new<T>(name: &str, fact: &Fact<T>, show: impl FnOnce(&T) -> String) -> Self {
        let (state, text) = match fact {
            Fact::Known(value) => (State::Known, show(value)),
            Fact::Absent => (State::Absent, String::new()),
            Fact::Unreadable(why) => (State::Unreadable, why.clone()),
            Fact::NotAsked => (State::NotAsked, String::new()),
        };
        Self { name: name.into(), state, text }
    }
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// `processor`, `kernel module`.
    pub name: &'static str,
    /// What is known of it.
    pub facts: Vec<Row>,
    /// How the places of its findings begin.
    #[serde(skip)]
    places: &'static [&'static str],
}

impl Layer {
    /// Whether a finding at this place is about this layer.
    pub(super) fn has(&self, place: &str) -> bool {
        self.places.iter().any(|p| place.starts_with(p))
    }
}

/// Every layer, from the processor up.
pub(super) fn all(host: &HostFacts) -> Vec<Layer> {
    let layer = |name, places, facts| Layer { name, facts, places };
    vec![
        layer("processor", &["processor"], processor(host)),
        layer("kernel", &["kernel command line"], kernel(host)),
        layer("kernel module", &["/sys/module/kvm_amd"], module(host)),
        layer("secure processor", &["/dev/sev", "secure processor"], device::rows(host)),
        layer("ASIDs", &["/sys/fs/cgroup/misc"], capacity(host)),
        layer(
            "confinement",
            &["/etc/apparmor.d", "/sys/fs/selinux", "/etc/libvirt/qemu.conf", "/proc/"],
            device::confinement(host),
        ),
        layer("firmware images", &["firmware images"], firmware(host)),
        layer("libvirt and QEMU", &["libvirt", "/var/cache/libvirt"], libvirt(host)),
    ]
}

pub(super) fn yes(value: bool) -> String {
    if value { "on".into() } else { "off".into() }
}

fn processor(host: &HostFacts) -> Vec<Row> {
    let own = &host.machine.processor;
    let mut rows = vec![Row::new("vendor", &host.cpu_vendor, Clone::clone)];
    rows.push(Row::new("brand", &own.brand, Clone::clone));
    rows.push(Row::new("family/model/stepping", &own.signature, |s| {
        let name = generation(*s).map_or(String::new(), |name| format!(" ({name})"));
        format!("{:#x}/{:#x}/{}{name}", s.0, s.1, s.2)
    }));
    if own.virtual_machine == Fact::Known(true) {
        rows.push(Row::new("virtual machine", &own.virtual_machine, |_| "yes".into()));
    }
    rows.push(Row::new("encrypted memory", &host.cpuid, |cpu| {
        let bits = [(cpu.sev, "SEV"), (cpu.sev_es, "SEV-ES"), (cpu.sev_snp, "SEV-SNP")];
        let has: Vec<&str> = bits.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
        if has.is_empty() { "none of SEV, SEV-ES, SEV-SNP".into() } else { has.join(", ") }
    }));
    if let Fact::Known(cpu) = &host.cpuid {
        rows.push(Row::new("lost address bits", &host.cpuid, |cpu| cpu.reduced_phys_bits.to_string()));
        rows.push(Row::new("C-bit", &host.cpuid, |cpu| cpu.cbitpos.to_string()));
        rows.push(Row::new("ASIDs", &Fact::Known(cpu), |cpu| asids(cpu)));
    }
    rows.push(Row::new("SYSCFG", &own.syscfg, |bits| {
        let on = |bit: u32| yes(bits >> bit & 1 == 1);
        format!("memory encryption {}, SNP {}", on(23), on(24))
    }));
    rows.push(Row::new("RMP", &own.rmp, |(base, end)| match (base, end) {
        (0, _) => "no memory reserved".into(),
        (base, 0) => format!("in segments, from {base:#x}"),
        (base, end) => format!("{base:#x} to {end:#x}"),
    }));
    rows
}

/// The server generations by family and model (AMD's Processor Programming References, and the key server's names).
fn generation((family, model, _): (u32, u32, u32)) -> Option<&'static str> {
    match (family, model) {
        (0x17, 0x00..=0x0f) => Some("Naples"),
        (0x17, 0x30..=0x3f) => Some("Rome"),
        (0x19, 0x00..=0x0f) => Some("Milan"),
        (0x19, 0x10..=0x1f) => Some("Genoa"),
        (0x19, 0xa0..=0xaf) => Some("Bergamo or Siena"),
        (0x1a, 0x00..=0x1f) => Some("Turin"),
        _ => None,
    }
}

/// Guests with SEV alone get the ASIDs from EDX to ECX; SEV-ES and SEV-SNP share those below.
fn asids(cpu: &SevCpuid) -> String {
    let range = |from: u32, to: u32| if from > to { "none".to_owned() } else { format!("{from} to {to}") };
    let least = cpu.min_sev_asid.max(1);
    format!(
        "sev {}; sev-es and sev-snp {}",
        range(least, cpu.max_asid),
        range(1, (least - 1).min(cpu.max_asid))
    )
}

fn module(host: &HostFacts) -> Vec<Row> {
    let kvm = &host.kvm_amd;
    [("sev", &kvm.sev), ("sev_es", &kvm.sev_es), ("sev_snp", &kvm.sev_snp)]
        .map(|(name, fact)| Row::new(name, fact, |on| yes(*on)))
        .into()
}

fn kernel(host: &HostFacts) -> Vec<Row> {
    let kernel = &host.machine.kernel;
    vec![
        Row::new("release", &kernel.release, Clone::clone),
        // SME is the host's own memory; LXD asks for it, and no guest needs it.
        Row::new("command line", &kernel.words, |words| {
            if words.is_empty() { "nothing of SEV".into() } else { words.join(" ") }
        }),
    ]
}

fn capacity(host: &HostFacts) -> Vec<Row> {
    let asids = &host.machine.asids;
    [("sev", &asids.sev), ("sev_es", &asids.sev_es)]
        .into_iter()
        .flat_map(|(name, pool)| {
            let free = pool.free().map_or(String::new(), |free| format!(", {free} free"));
            [
                Row::new(&format!("{name} ASIDs"), &pool.capacity, |n| n.to_string()),
                Row::new(&format!("{name} used"), &pool.used, |n| format!("{n}{free}")),
            ]
        })
        .collect()
}

fn firmware(host: &HostFacts) -> Vec<Row> {
    let mut rows = vec![Row::new("descriptors", &host.firmware, |all: &Vec<FirmwareDescriptor>| {
        let claims = |name: &str| all.iter().filter(|d| d.claims.iter().any(|m| m.as_str() == name)).count();
        format!(
            "{}, claimed for sev {}, sev-es {}, sev-snp {}",
            crate::report::count(all.len(), "image"),
            claims("sev"),
            claims("sev-es"),
            claims("sev-snp")
        )
    })];
    let mut told: Vec<&Path> = Vec::new();
    for descriptor in host.firmware.known().into_iter().flatten() {
        // Several descriptors often share one image.
        if told.contains(&descriptor.image.as_path()) {
            continue;
        }
        told.push(&descriptor.image);
        rows.push(Row::new(&descriptor.image.display().to_string(), &descriptor.contents, |contents| {
            let has = [
                (contents.es_reset_addr.is_some(), "SEV-ES reset block"),
                (contents.has_snp_metadata(), "SEV-SNP metadata"),
                (contents.secret.is_some(), "launch secret"),
                (contents.hashes.is_some(), "kernel hashes"),
            ];
            let has: Vec<&str> = has.iter().filter(|(there, _)| *there).map(|(_, name)| *name).collect();
            if has.is_empty() { "holds nothing of SEV".into() } else { format!("holds {}", has.join(", ")) }
        }));
    }
    rows
}

fn libvirt(host: &HostFacts) -> Vec<Row> {
    let versions = &host.machine.versions;
    let number = |(a, b, c): &(u32, u32, u32)| format!("{a}.{b}.{c}");
    let mut rows = vec![
        Row::new("libvirt", &versions.libvirt, number),
        Row::new("QEMU", &versions.qemu, number),
        Row::new("kept capabilities", &versions.cache, |sev| {
            if *sev { "with SEV".into() } else { "without SEV".into() }
        }),
        Row::new("node SEV info", &host.node_sev, |node| {
            format!("chip {}", if node.cpu0_id.is_empty() { "not named" } else { "named" })
        }),
    ];
    rows.push(Row::new("domain capabilities", &host.domcaps, |caps| {
        let bits = [(caps.sev, "sev"), (caps.sev_es, "sev-es"), (caps.sev_snp, "sev-snp")];
        let has: Vec<&str> = bits.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
        let most = |n: Option<u32>| n.map_or("?".into(), |n| n.to_string());
        if has.is_empty() {
            return "no SEV".into();
        }
        format!(
            "{}; maxGuests {}, maxESGuests {}",
            has.join(", "),
            most(caps.max_guests),
            most(caps.max_es_guests)
        )
    }));
    rows
}
