//! The layers of a host and what is known of each. In: [`HostFacts`]. Out: [`Layer`]s. Never: a judgement.

use crate::host::{Fact, FirmwareDescriptor, HostFacts, SevCpuid};
use serde::Serialize;

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
    fn new<T>(name: &str, fact: &Fact<T>, show: impl FnOnce(&T) -> String) -> Self {
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
    vec![
        Layer { name: "processor", places: &["processor"], facts: processor(host) },
        Layer { name: "kernel module", places: &["/sys/module/kvm_amd"], facts: module(host) },
        Layer { name: "device", places: &["/dev/sev"], facts: device(host) },
        Layer { name: "firmware images", places: &["firmware images"], facts: firmware(host) },
        Layer { name: "libvirt", places: &["libvirt"], facts: libvirt(host) },
    ]
}

fn yes(value: bool) -> String {
    if value { "on".into() } else { "off".into() }
}

fn processor(host: &HostFacts) -> Vec<Row> {
    let mut rows = vec![Row::new("vendor", &host.cpu_vendor, Clone::clone)];
    rows.push(Row::new("encrypted memory", &host.cpuid, |cpu| {
        let bits = [(cpu.sev, "SEV"), (cpu.sev_es, "SEV-ES"), (cpu.sev_snp, "SEV-SNP")];
        let has: Vec<&str> = bits.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
        if has.is_empty() { "none of SEV, SEV-ES, SEV-SNP".into() } else { has.join(", ") }
    }));
    if let Fact::Known(cpu) = &host.cpuid {
        rows.push(Row::new("C-bit", &host.cpuid, |cpu| cpu.cbitpos.to_string()));
        rows.push(Row::new("ASIDs", &Fact::Known(cpu), |cpu| asids(cpu)));
    }
    rows
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

fn device(host: &HostFacts) -> Vec<Row> {
    vec![Row::new("/dev/sev", &host.dev_sev, |()| "there".into())]
}

fn firmware(host: &HostFacts) -> Vec<Row> {
    vec![Row::new("descriptors", &host.firmware, |all: &Vec<FirmwareDescriptor>| {
        let claims = |name: &str| all.iter().filter(|d| d.claims.iter().any(|m| m.as_str() == name)).count();
        format!(
            "{}; for sev {}, sev-es {}, sev-snp {}",
            crate::report::count(all.len(), "image"),
            claims("sev"),
            claims("sev-es"),
            claims("sev-snp")
        )
    })]
}

fn libvirt(host: &HostFacts) -> Vec<Row> {
    vec![Row::new("domain capabilities", &host.domcaps, |caps| {
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
    })]
}
