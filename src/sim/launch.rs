//! LAUNCH_START to LAUNCH_MEASURE.
//! In: the guest as QEMU's arguments describe it. Out: [`Prepared`] (what hardware and QEMU would refuse is refused),
//! then [`Launch`]: keys, digest, measurement. Never: a guest started after a refusal.

use crate::crypto::measure::{Claims, HASHES_LENGTH, hashes_table, measurement};
use crate::crypto::platform::Platform;
use crate::crypto::session::TransportKeys;
use crate::crypto::{random, sha256, vmsa};
use crate::error::{Context, Error, FirmwareError, Result};
use crate::guest::argv::{Firmware, Guest, SevObject};
use crate::guest::firmware::{Area, Table, seabios};
use crate::settings::{Fault, Mode, Settings};
use crate::state::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::path::{Path, PathBuf};

/// A guest that may start.
#[derive(Debug)]
pub struct Prepared {
    sev: SevObject,
    vcpus: u32,
    keys: TransportKeys,
    firmware: Vec<u8>,
    table: Table,
    hashes: Vec<u8>,
    /// Where the kernel's hashes go in the guest's memory, and the file that holds them.
    pub hashes_file: Option<(PathBuf, u32)>,
    started_with: Vec<Fault>,
    asid: fs::File,
}

/// A guest with a measurement.
#[derive(Debug)]
pub struct Launch {
    /// The object that asked for it.
    pub sev: SevObject,
    /// TEK and TIK.
    pub keys: TransportKeys,
    /// The digest of all that was measured.
    pub digest: [u8; 32],
    /// The digest with one byte of the firmware changed.
    tampered: [u8; 32],
    nonce: [u8; 16],
    /// What a verifier checks.
    pub claims: Claims,
    /// The measurement of an earlier launch, where there was one.
    pub earlier: Option<[u8; 48]>,
    /// Where the firmware takes a secret.
    pub secret_area: Option<Area>,
    started_with: Vec<Fault>,
    // Held for as long as the guest lives.
    _asid: fs::File,
}

impl Prepared {
    /// Everything that hardware and QEMU check before a guest starts.
    ///
    /// # Errors
    /// The refusal, in QEMU's words and then in ours.
    pub fn new(
        sev: &SevObject,
        guest: &Guest,
        settings: &Settings,
        platform: &Platform,
        state: &State,
        qemu: &Path,
    ) -> Result<Self> {
        let faults = settings.faults_for(&guest.name);
        check_platform(sev, guest, settings, &faults)?;
        let pool = if sev.snp || sev.es() { ("es", settings.es_asids) } else { ("sev", settings.asids) };
        let asid = if faults.contains(&Fault::NoAsid) { None } else { state.take_asid(pool.0, pool.1)? };
        let asid = asid.ok_or_else(|| {
            Error::new(format!(
                "sev_common_kvm_init: failed to initialize ret=-16 fw_error=0 '': no free ASID for {}",
                if pool.0 == "es" { "SEV-ES and SEV-SNP" } else { "SEV" }
            ))
        })?;
        let keys = keys(sev, platform)?;
        check_policy(sev, settings)?;

        let path = match &guest.firmware {
            Firmware::SeaBios => seabios(qemu)?,
            Firmware::Bios(path) | Firmware::Pflash(path) => path.clone(),
        };
        let firmware = fs::read(&path).at(path.display())?;
        let table = Table::read(&firmware);
        if sev.es() && table.reset.is_none_or(|address| address == 0) {
            return Err(Error::new(match table.reset {
                None => "SEV information block/Firmware GUID Table block not found in pflash rom",
                Some(_) => "SEV-ES reset address is zero",
            }));
        }
        let mut prepared = Self {
            sev: sev.clone(),
            vcpus: guest.vcpus,
            keys,
            firmware,
            table,
            hashes: Vec::new(),
            hashes_file: None,
            started_with: faults,
            asid,
        };
        prepared.add_hashes(guest, state)?;
        Ok(prepared)
    }

    /// QEMU, `sev_add_kernel_loader_hashes`: only with a kernel and only when asked for.
    fn add_hashes(&mut self, guest: &Guest, state: &State) -> Result<()> {
        let (true, Some(kernel)) = (self.sev.kernel_hashes, &guest.kernel) else { return Ok(()) };
        let Some(area) = self.table.hashes else {
            return Err(Error::new("SEV: kernel specified but guest firmware has no hashes table GUID"));
        };
        if area.base == 0 || usize::try_from(area.size).unwrap_or(usize::MAX) < HASHES_LENGTH {
            return Err(Error::new(format!(
                "SEV: guest firmware hashes table area is invalid (base=0x{:x} size=0x{:x})",
                area.base, area.size
            )));
        }
        let kernel = fs::read(kernel).at(kernel.display())?;
        let initrd = match &guest.initrd {
            Some(initrd) => fs::read(initrd).at(initrd.display())?,
            None => Vec::new(),
        };
        self.hashes = hashes_table(&kernel, &initrd, guest.append.as_deref().unwrap_or_default());
        let file = state.guest(&guest.name)?.join("kernel-hashes.bin");
        fs::write(&file, &self.hashes).at(file.display())?;
        self.hashes_file = Some((file, area.base));
        Ok(())
    }

    /// The measurement. `signature` is CPUID function 1, EAX, of the guest's processors.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub fn measure(self, signature: u32, settings: &Settings, state: &State) -> Result<Launch> {
        let vmsa = match (self.sev.es(), self.table.reset) {
            (true, Some(reset)) => vmsa::pages(self.vcpus, signature, reset),
            _ => Vec::new(),
        };
        let digest = sha256(&[&self.firmware, &self.hashes, &vmsa]);
        let mut changed = self.firmware;
        if let Some(byte) = changed.first_mut() {
            *byte ^= 1;
        }
        let mut launch = Launch {
            digest,
            tampered: sha256(&[&changed, &self.hashes, &vmsa]),
            keys: self.keys,
            nonce: random()?,
            claims: Claims {
                api: settings.api,
                build: settings.build,
                policy: u32::try_from(self.sev.policy).unwrap_or_default(),
            },
            earlier: None,
            secret_area: self.table.secret,
            sev: self.sev,
            started_with: self.started_with,
            _asid: self.asid,
        };
        if !launch.sev.snp {
            launch.earlier = state.exchange_measurement(&launch.measurement(&[])?);
        }
        Ok(launch)
    }
}

impl Launch {
    /// The policy that the chip knows; with `wrong-policy` the host asked it for another one.
    #[must_use]
    pub fn policy(&self, faults: &[Fault]) -> u32 {
        let wrong = self.holds(Fault::WrongPolicy, faults);
        self.claims.policy ^ u32::from(wrong)
    }

    /// The chip's measurement, with what the faults at the start and now make of it.
    ///
    /// # Errors
    /// None in practice.
    pub fn measurement(&self, faults: &[Fault]) -> Result<[u8; 48]> {
        let digest = if self.holds(Fault::TamperedFirmware, faults) { &self.tampered } else { &self.digest };
        let claims = Claims { policy: self.policy(faults), ..self.claims };
        measurement(&self.keys.tik, claims, digest, &self.nonce)
    }

    fn holds(&self, fault: Fault, now: &[Fault]) -> bool {
        self.started_with.contains(&fault) || now.contains(&fault)
    }

    /// The record that tests read: everything public about this launch.
    #[must_use]
    pub fn record(&self, guest: &Guest, signature: u32) -> serde_json::Value {
        serde_json::json!({
            "guest": guest.name,
            "type": if self.sev.snp { "sev-snp" } else if self.sev.es() { "sev-es" } else { "sev" },
            "policy": self.sev.policy,
            "session": self.sev.session_file.is_some(),
            "digest": hex(&self.digest),
            "api-major": self.claims.api.0,
            "api-minor": self.claims.api.1,
            "build-id": self.claims.build,
            "vcpus": guest.vcpus,
            "cpu-signature": signature,
            "kernel-hashes": self.sev.kernel_hashes && guest.kernel.is_some(),
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn check_platform(sev: &SevObject, guest: &Guest, settings: &Settings, faults: &[Fault]) -> Result<()> {
    let init = |text: String| Err(Error::new(format!("sev_common_kvm_init: {text}")));
    if !settings.offers(Mode::Sev, faults) {
        return init("Failed to open /dev/sev 'No such file or directory'".to_owned());
    }
    let requested = sev.cbitpos.unwrap_or_default();
    if requested != u64::from(settings.cbitpos) {
        return init(format!("cbitpos check failed, host '{}' requested '{requested}'", settings.cbitpos));
    }
    let reduced = sev.reduced_phys_bits.unwrap_or_default();
    if !(1..=63).contains(&reduced) {
        return init(format!(
            "reduced_phys_bits check failed, it should be in the range of 1 to 63, requested '{reduced}'"
        ));
    }
    if sev.es() && !settings.offers(Mode::Es, faults) {
        return init("guest policy requires SEV-ES, but host SEV-ES support unavailable".to_owned());
    }
    if sev.snp {
        if !settings.offers(Mode::Snp, faults) {
            return init("host SEV-SNP support unavailable".to_owned());
        }
        if guest.smm {
            return Err(Error::new("SEV-SNP does not support SMM."));
        }
        if let Firmware::Pflash(path) = &guest.firmware {
            return Err(Error::new(format!(
                "pflash is not supported for SEV-SNP guests: {} must be given with -bios (loader type='rom')",
                path.display()
            )));
        }
    }
    Ok(())
}

/// SEV API, "Guest policy"; SEV-SNP firmware ABI, "Guest policy".
fn check_policy(sev: &SevObject, settings: &Settings) -> Result<()> {
    let refuse = |why: String| {
        let (function, command) = if sev.snp {
            ("sev_snp_launch_start", "SNP_LAUNCH_START")
        } else {
            ("sev_launch_start", "LAUNCH_START")
        };
        Err(Error::firmware(function, command, FirmwareError::PolicyFailure, why))
    };
    let policy = sev.policy;
    if sev.snp {
        if policy & 1 << 17 == 0 {
            return refuse(format!("bit 17 of policy {policy:#x} is reserved and must be one"));
        }
        if policy >> 26 != 0 {
            return refuse(format!("reserved bits are set in policy {policy:#x}"));
        }
        return minimum(policy & 0xff, policy >> 8 & 0xff, policy, refuse, settings, true);
    }
    if policy & 0xffc0 != 0 {
        return refuse(format!("reserved bits (15:6) are set in policy {policy:#x}"));
    }
    minimum(policy >> 24 & 0xff, policy >> 16 & 0xff, policy, refuse, settings, false)
}

/// The API version that a policy asks for at least.
fn minimum(
    minor: u64,
    major: u64,
    policy: u64,
    refuse: impl Fn(String) -> Result<()>,
    settings: &Settings,
    snp: bool,
) -> Result<()> {
    let have = (u64::from(settings.api.0), u64::from(settings.api.1));
    if (major, minor) > have {
        let kind = if snp { "SNP ABI" } else { "API" };
        return refuse(format!(
            "policy {policy:#x} asks for {kind} {major}.{minor}, and the platform has {}.{}",
            have.0, have.1
        ));
    }
    Ok(())
}

fn keys(sev: &SevObject, platform: &Platform) -> Result<TransportKeys> {
    let read = |path: &Path| -> Result<Vec<u8>> {
        let text = fs::read_to_string(path).map_err(|e| {
            Error::new(format!("sev_launch_start: SEV: Failed to read '{}' ({e})", path.display()))
        })?;
        let text: String = text.split_ascii_whitespace().collect();
        STANDARD.decode(text).at(format!("sev_launch_start: {}", path.display()))
    };
    if sev.snp {
        return TransportKeys::invent();
    }
    match (&sev.dh_cert_file, &sev.session_file) {
        (None, None) => TransportKeys::invent(),
        (Some(owner), Some(session)) => {
            let policy = u32::try_from(sev.policy).unwrap_or_default();
            TransportKeys::unwrap_session(&platform.pdh_key, &read(owner)?, &read(session)?, policy)
        }
        (Some(_), None) | (None, Some(_)) => Err(Error::firmware(
            "sev_launch_start",
            "LAUNCH_START",
            FirmwareError::InvalidParameter,
            "the owner's certificate and the session come together",
        )),
    }
}
