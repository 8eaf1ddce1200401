//! What `virt-sev host` says of one host. In: [`HostFacts`]. Out: [`HostReport`]: a verdict for each mode, and each
//! layer with its facts and with what the verdicts found there. Never: a probe of its own, or a print.

mod device;
mod layers;
mod prometheus;
mod text;

use super::mode_firmware::firmware;
use super::{Decision, ModeVerdict, verdict};
use crate::config::Mode;
use crate::finding::{Finding, Severity};
use crate::host::{Asids, Fact, HostFacts};
use serde::Serialize;
use serde_json::{Map, Value, json};

pub use layers::{Layer, Row, State};
pub use prometheus::prometheus;
pub use text::fleet;

/// Every mode, weakest first.
pub const MODES: [Mode; 3] = [Mode::Sev, Mode::SevEs, Mode::SevSnp];

/// A finding, and the modes that it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// Of which modes, as the keys spell them.
    pub modes: Vec<&'static str>,
}

/// One host, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostReport {
    /// What the reader calls it: a URI, `this machine`.
    pub name: String,
    /// In the order of [`MODES`].
    pub verdicts: Vec<ModeVerdict>,
    /// From the processor up to libvirt.
    pub layers: Vec<Layer>,
    /// Every finding once, however many modes it is about.
    pub findings: Vec<Told>,
    capacity: Asids,
}

/// How many guests of a mode: `null` where it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Capacity {
    /// ASIDs for this mode; SEV-ES and SEV-SNP share theirs.
    pub total: Option<u64>,
    /// Of running guests.
    pub used: Option<u64>,
    /// For more guests.
    pub free: Option<u64>,
}

impl HostReport {
    /// Judges every mode.
    #[must_use]
    pub fn new(name: impl Into<String>, host: &HostFacts) -> Self {
        let judge = |mode: &Mode| {
            let mut verdict = verdict(*mode, host);
            verdict.findings.extend(firmware(*mode, host));
            verdict
        };
        let verdicts: Vec<ModeVerdict> = MODES.iter().map(judge).collect();
        let mut findings: Vec<Told> = Vec::new();
        for verdict in &verdicts {
            for finding in &verdict.findings {
                match findings.iter_mut().find(|told| told.finding == *finding) {
                    Some(told) => told.modes.push(verdict.mode.as_str()),
                    None => {
                        findings.push(Told { finding: finding.clone(), modes: vec![verdict.mode.as_str()] });
                    }
                }
            }
        }
        Self { name: name.into(), verdicts, layers: layers::all(host), findings, capacity: capacity(host) }
    }

    /// Whether any mode is known to work.
    #[must_use]
    pub fn any(&self) -> bool {
        self.verdicts.iter().any(ModeVerdict::available)
    }

    /// The facts that only root may read here.
    fn for_root(&self) -> Vec<&str> {
        let denied = |row: &&Row| {
            let words = ["Permission denied", "Operation not permitted"];
            row.state == State::Unreadable && words.iter().any(|w| row.text.contains(w))
        };
        self.layers.iter().flat_map(|l| &l.facts).filter(denied).map(|row| row.name.as_str()).collect()
    }

    /// How many guests of this mode.
    #[must_use]
    pub fn asids(&self, mode: Mode) -> Capacity {
        let pool = match mode {
            Mode::Sev => &self.capacity.sev,
            Mode::SevEs | Mode::SevSnp => &self.capacity.sev_es,
        };
        Capacity {
            total: pool.capacity.known().copied(),
            used: pool.used.known().copied(),
            free: pool.free(),
        }
    }

    /// The findings about one layer, the heaviest first.
    fn of(&self, layer: &Layer) -> Vec<&Told> {
        let mut told: Vec<&Told> = self.findings.iter().filter(|t| layer.has(&t.finding.path)).collect();
        told.sort_by_key(|t| t.finding.severity);
        told
    }

    /// The layers that stand in this mode's way: they fail, or could not be asked.
    fn blockers(&self, verdict: &ModeVerdict) -> Vec<&'static str> {
        let blocks = |layer: &&Layer| {
            verdict.findings.iter().any(|f| f.severity == Severity::Error && layer.has(&f.path))
        };
        self.layers.iter().filter(blocks).map(|l| l.name).collect()
    }

    /// As JSON, without a schema of its own.
    #[must_use]
    pub fn json(&self) -> Value {
        let modes: Map<String, Value> = self
            .verdicts
            .iter()
            .map(|v| {
                let fields = json!({
                    "available": v.available(),
                    "decision": decision(v.decision),
                    "failing": self.blockers(v),
                    "asids": self.asids(v.mode),
                });
                (v.mode.as_str().to_owned(), fields)
            })
            .collect();
        json!({ "host": self.name, "modes": modes, "layers": self.layers, "for-root": self.for_root(), "findings": self.findings })
    }
}

fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Available => "available",
        Decision::Unavailable => "unavailable",
        Decision::Unknown => "unknown",
    }
}

/// The controller's count; what it does not say of the pools' sizes the processor does.
fn capacity(host: &HostFacts) -> Asids {
    let mut asids = host.machine.asids.clone();
    if let Some(cpu) = host.cpuid.known().filter(|cpu| cpu.sev) {
        let (least, most) = (u64::from(cpu.min_sev_asid.max(1)), u64::from(cpu.max_asid));
        let sizes =
            [(&mut asids.sev, (most + 1).saturating_sub(least)), (&mut asids.sev_es, (least - 1).min(most))];
        for (pool, size) in sizes {
            if pool.capacity.known().is_none() {
                pool.capacity = Fact::Known(size);
            }
        }
    }
    asids
}
