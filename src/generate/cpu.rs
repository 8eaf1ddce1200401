//! The guest's processor. In: the keys, or a name. Out: [`Cpu`]. Never: a look at the host.

use crate::config::{Mode, SevConfig};
use crate::error::Error;

/// What `<cpu>` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cpu {
    /// `host-passthrough`, `host-model` or `maximum`.
    Mode(&'static str),
    /// A model by name.
    Model(String),
}

const MODES: &[&str] = &["host-passthrough", "host-model", "maximum"];

impl Cpu {
    /// Reads a mode or a model's name.
    ///
    /// # Errors
    /// `Kind::Usage` for what is neither.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if let Some(mode) = MODES.iter().find(|m| **m == text) {
            return Ok(Cpu::Mode(mode));
        }
        // Every name in libvirt's cpu_map is of this form. That it exists the hypervisor must say.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !text.is_empty() && text.chars().all(plain) {
            return Ok(Cpu::Model(text.to_owned()));
        }
        Err(super::fields::usage("--cpu", "not a CPU model")
            .found(format!("{text:?}"))
            .wanted(format!("{}, or a model such as EPYC-Milan", MODES.join(", "))))
    }

    /// What suits where nobody says. The host's own processor; but where the launch is measured and the first state of
    /// the virtual processors with it, a model by name, so that the measurement is the same on every host.
    ///
    /// `EPYC` is the oldest model that can do SEV-ES. For SEV-SNP it is `EPYC-v4`: the firmware checks the CPUID table,
    /// and the earlier versions hold a cache property that no AMD processor has (QEMU `target/i386/cpu.c`).
    #[must_use]
    pub fn suited(config: Option<&SevConfig>) -> Self {
        match config.map(|c| (c.mode(), c.is_measured())) {
            Some((Mode::SevSnp, _)) => Cpu::Model("EPYC-v4".to_owned()),
            Some((Mode::SevEs, true)) => Cpu::Model("EPYC".to_owned()),
            Some((Mode::Sev | Mode::SevEs, _)) | None => Cpu::Mode("host-passthrough"),
        }
    }
}
