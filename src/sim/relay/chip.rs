//! What QMP says of SEV.
//! In: a command and its arguments. Out: the answer that QEMU on SEV hardware would give, with the faults asked for.
//! Never: TEK, TIK or a plain secret in an answer or a log.

use crate::crypto::{packet, platform::Platform, random};
use crate::error::{Context, Error, Result};
use crate::guest::argv::Guest;
use crate::launch::Launch;
use crate::settings::{Fault, Mode, Settings, Step};
use crate::state::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::path::PathBuf;

/// The guest's memory, as far as the chip writes it.
pub trait Memory {
    /// Writes at a guest physical address.
    ///
    /// # Errors
    /// There is no memory, or it cannot be reached.
    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<()>;
}

/// What becomes of a command.
#[derive(Debug, PartialEq)]
pub enum Answer {
    /// QEMU answers it.
    Pass,
    /// This is the answer.
    Return(Value),
    /// QEMU answers, and the types of modes that are not offered are taken out.
    WithoutTypes(Vec<&'static str>),
    /// Nobody answers.
    Silence,
    /// QEMU dies.
    Die(Step),
}

/// The chip, as one guest's monitor sees it.
#[derive(Debug)]
pub struct Chip {
    /// Where the settings are; faults are read again whenever they would act.
    pub settings_file: PathBuf,
    /// The settings as last read.
    pub settings: Settings,
    /// The platform's identity.
    pub platform: Platform,
    /// The state folder.
    pub state: State,
    /// The guest.
    pub guest: Guest,
    /// Its launch, where it is a SEV guest.
    pub launch: Option<Launch>,
    /// Whether it was resumed once: LAUNCH_FINISH is done.
    pub running: bool,
}

impl Chip {
    /// The answer to a command. An error is an error reply.
    ///
    /// # Errors
    /// QEMU's refusal.
    pub fn answer(&mut self, command: &str, arguments: &Value, memory: &mut dyn Memory) -> Result<Answer> {
        match command {
            "query-sev-capabilities" => self.capabilities().map(Answer::Return),
            "query-kvm" if self.settings.report_kvm => {
                Ok(Answer::Return(json!({"enabled": true, "present": true})))
            }
            // QEMU 10.2 and newer; the one that libvirt asks from 12 on.
            "query-accelerators" if self.settings.report_kvm => {
                Ok(Answer::Return(json!({"enabled": "kvm", "present": ["kvm", "tcg"]})))
            }
            "qom-list-types" => Ok(self.types()),
            "query-sev" if self.launch.is_some() => self.query().map(Answer::Return),
            "query-sev-launch-measure" if self.launch.is_some() => self.measure(),
            "sev-inject-launch-secret" if self.launch.is_some() => self.inject(arguments, memory),
            "sev-inject-launch-secret" => Err(Error::new("SEV not enabled for guest")),
            "cont" if self.launch.is_some() => {
                let faults = self.faults();
                if faults.contains(&Fault::CrashAt(Step::Resume)) {
                    return Ok(Answer::Die(Step::Resume));
                }
                if faults.contains(&Fault::HangAt(Step::Resume)) {
                    return Ok(Answer::Silence);
                }
                self.finish();
                Ok(Answer::Pass)
            }
            // QEMU adds this blocker at LAUNCH_FINISH (SEV) or at the start (SNP).
            "migrate" if self.launch.as_ref().is_some_and(|l| l.sev.snp || self.running) => {
                let snp = self.launch.as_ref().is_some_and(|l| l.sev.snp);
                Err(Error::new(format!("SEV{}: Migration is not implemented", if snp { "-SNP" } else { "" })))
            }
            _ => Ok(Answer::Pass),
        }
    }

    /// LAUNCH_FINISH: the guest runs for the first time.
    pub fn finish(&mut self) {
        if self.launch.is_some() && !self.running {
            self.running = true;
            self.state.log(&self.guest.name, "LAUNCH_FINISH: the guest runs");
        }
    }

    /// The faults that hold now. Settings that cannot be read leave the last ones.
    pub fn faults(&mut self) -> Vec<Fault> {
        match Settings::read(&self.settings_file) {
            Ok(settings) => self.settings = settings,
            Err(e) => self.state.log(&self.guest.name, &format!("the settings stay as they were: {e}")),
        }
        self.settings.faults_for(&self.guest.name)
    }

    fn capabilities(&mut self) -> Result<Value> {
        let faults = self.faults();
        if !self.settings.offers(Mode::Sev, &faults) {
            return Err(Error::new("SEV is not enabled in KVM"));
        }
        Ok(json!({
            "pdh": STANDARD.encode(&self.platform.pdh),
            "cert-chain": STANDARD.encode(&self.platform.chain),
            "cpu0-id": STANDARD.encode(&self.platform.id),
            "cbitpos": self.settings.cbitpos,
            "reduced-phys-bits": self.settings.reduced_phys_bits,
        }))
    }

    fn types(&mut self) -> Answer {
        let faults = self.faults();
        let hidden = [(Mode::Sev, "sev-guest"), (Mode::Snp, "sev-snp-guest")]
            .into_iter()
            .filter(|(mode, _)| !self.settings.offers(*mode, &faults))
            .map(|(_, name)| name)
            .collect::<Vec<_>>();
        if hidden.is_empty() { Answer::Pass } else { Answer::WithoutTypes(hidden) }
    }

    fn launch(&self) -> Result<&Launch> {
        self.launch.as_ref().ok_or_else(|| Error::new("SEV is not enabled"))
    }

    fn query(&mut self) -> Result<Value> {
        let faults = self.faults();
        let launch = self.launch()?;
        let mut info = json!({
            "enabled": true,
            "api-major": launch.claims.api.0,
            "api-minor": launch.claims.api.1,
            "build-id": launch.claims.build.wrapping_add(u8::from(faults.contains(&Fault::WrongBuildId))),
            "state": if self.running { "running" } else { "launch-secret" },
        });
        if launch.sev.snp {
            info["sev-type"] = "sev-snp".into();
            info["snp-policy"] = launch.sev.policy.into();
        } else {
            info["sev-type"] = "sev".into();
            info["policy"] = launch.policy(&faults).into();
            info["handle"] = 1.into();
        }
        Ok(info)
    }

    fn measure(&mut self) -> Result<Answer> {
        let faults = self.faults();
        if faults.contains(&Fault::HangAt(Step::Measure)) {
            self.state.log(&self.guest.name, "fault: the measurement query gets no reply");
            return Ok(Answer::Silence);
        }
        if faults.contains(&Fault::CrashAt(Step::Measure)) {
            return Ok(Answer::Die(Step::Measure));
        }
        let launch = self.launch()?;
        // QEMU looks for a `sev-guest` here; an SNP guest attests from inside.
        if launch.sev.snp {
            return Err(Error::new("SEV launch measurement is not available"));
        }
        let measurement = if faults.contains(&Fault::RandomMeasurement) {
            random()?
        } else if faults.contains(&Fault::StaleMeasurement) {
            // Without an earlier launch: one that nobody can verify any more.
            launch.earlier.map_or_else(random, Ok)?
        } else {
            launch.measurement(&faults)?
        };
        Ok(Answer::Return(json!({"data": STANDARD.encode(measurement)})))
    }

    fn inject(&mut self, arguments: &Value, memory: &mut dyn Memory) -> Result<Answer> {
        let faults = self.faults();
        if faults.contains(&Fault::CrashAt(Step::Inject)) {
            return Ok(Answer::Die(Step::Inject));
        }
        if faults.contains(&Fault::HangAt(Step::Inject)) {
            return Ok(Answer::Silence);
        }
        let launch = self.launch()?;
        if launch.sev.snp {
            return Err(Error::new("SEV not enabled for guest"));
        }
        let (address, room) = match arguments.get("gpa").and_then(Value::as_u64) {
            Some(address) => (address, None),
            None => {
                let area = launch
                    .secret_area
                    .ok_or_else(|| Error::new("SEV: no secret area found in OVMF, gpa must be specified."))?;
                if area.size == 0 {
                    return Err(Error::new(format!(
                        "SEV: the firmware's secret area is empty (base=0x{:x} size=0x0), gpa must be specified.",
                        area.base
                    )));
                }
                (u64::from(area.base), Some(area.size))
            }
        };
        if self.running {
            return Err(Error::new("SEV: Not in correct state. (LSECRET) 3"));
        }
        let part = |name: &str, text: &str| {
            let encoded = arguments.get(name).and_then(Value::as_str).unwrap_or_default();
            match STANDARD.decode(encoded) {
                Ok(bytes) if !bytes.is_empty() => Ok(bytes),
                _ => Err(Error::new(format!("SEV: Failed to decode {text}"))),
            }
        };
        let header = part("packet-header", "sequence header")?;
        let data = part("secret", "data")?;
        if room.is_some_and(|room| data.len() > usize::try_from(room).unwrap_or(usize::MAX)) {
            return Err(Error::new(format!(
                "SEV: the secret has {} bytes, and the firmware's secret area {}",
                data.len(),
                room.unwrap_or_default()
            )));
        }
        let plain = packet::open(&launch.keys, &launch.measurement(&faults)?, &header, &data)?;
        memory.write(address, &plain).at("SEV: Failed to calculate guest address")?;
        let file = self.state.keep_secret(&self.guest.name, &plain)?;
        let text =
            format!("LAUNCH_SECRET: {} bytes at {address:#x}, kept in {}", plain.len(), file.display());
        self.state.log(&self.guest.name, &text);
        Ok(Answer::Return(json!({})))
    }
}

#[cfg(test)]
#[path = "chip_tests.rs"]
mod tests;
