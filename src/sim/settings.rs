//! The settings file beside the program, because libvirt passes hardly any environment to an emulator.
//! In: `qemu-sev-sim.json`. Out: [`Settings`]. Never: a default that claims real hardware.

use crate::error::{Context, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The settings file's name; it stands in the folder of the program.
pub const FILE: &str = "qemu-sev-sim.json";

/// What the simulated platform is and does.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The real QEMU. Without it: the next one in `PATH`, then `/usr/bin/qemu-system-x86_64`.
    pub qemu: Option<PathBuf>,
    /// Platform keys, launch records and the log; a relative path counts from the settings file.
    pub state: PathBuf,
    /// What the platform offers: `sev`, `es`, `snp`.
    pub modes: Vec<Mode>,
    /// ASIDs for plain SEV guests.
    pub asids: u32,
    /// ASIDs for SEV-ES and SEV-SNP guests.
    pub es_asids: u32,
    /// Whether libvirt's wish for KVM is passed on. Otherwise guests run under TCG.
    pub kvm: bool,
    /// Whether `query-kvm` and `query-accelerators` say yes although guests run under TCG.
    pub report_kvm: bool,
    /// The C-bit's position: 51 on processors from Milan on, 47 before.
    pub cbitpos: u32,
    /// What the capabilities give as reduced physical address bits.
    pub reduced_phys_bits: u32,
    /// The firmware's API version.
    pub api: (u8, u8),
    /// The firmware's build.
    pub build: u8,
    /// Whether the CEK in the exported chain carries the ASK's signature.
    /// A real chip exports it unsigned, and AMD's key service has the signed one.
    pub cek_signed: bool,
    /// Faults for every guest.
    pub faults: Vec<Fault>,
    /// Faults for single guests, by name.
    pub guests: BTreeMap<String, Vec<Fault>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            qemu: None,
            state: PathBuf::from("state"),
            modes: vec![Mode::Sev, Mode::Es, Mode::Snp],
            // An EPYC 7003 with its ASIDs split at 100: more than any test starts at once.
            asids: 410,
            es_asids: 99,
            kvm: false,
            report_kvm: false,
            cbitpos: 51,
            reduced_phys_bits: 1,
            api: (1, 55),
            build: 21,
            cek_signed: true,
            faults: Vec::new(),
            guests: BTreeMap::new(),
        }
    }
}

/// A mode that the platform offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// SEV.
    Sev,
    /// SEV-ES.
    Es,
    /// SEV-SNP.
    Snp,
}

impl FromStr for Mode {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "sev" => Ok(Self::Sev),
            "es" => Ok(Self::Es),
            "snp" => Ok(Self::Snp),
            _ => Err(Error::new(format!("there is no mode '{name}'; the modes are sev, es, snp"))),
        }
    }
}

/// The step at which `crash-at` kills the emulator, or `hang-at` stops it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Before the monitor answers.
    Start,
    /// When the measurement is asked for.
    Measure,
    /// When a secret is injected.
    Inject,
    /// When the guest is to run.
    Resume,
}

/// Something that goes wrong on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Fault {
    /// One byte of the measured firmware differs.
    TamperedFirmware,
    /// The measurement of an earlier launch is given.
    StaleMeasurement,
    /// The measurement is 48 random bytes.
    RandomMeasurement,
    /// The guest was started with another policy than asked for.
    WrongPolicy,
    /// `query-sev` gives another build than the measurement holds.
    WrongBuildId,
    /// The platform has no SEV.
    NoSev,
    /// The platform has no SEV-ES.
    NoEs,
    /// No ASID is free.
    NoAsid,
    /// This step does not end until the guest is destroyed; a measurement gets no reply.
    HangAt(Step),
    /// The emulator dies at this step.
    CrashAt(Step),
}

/// Every fault with its name: the only list of them.
pub const FAULTS: &[(&str, Fault)] = &[
    ("tampered-firmware", Fault::TamperedFirmware),
    ("stale-measurement", Fault::StaleMeasurement),
    ("random-measurement", Fault::RandomMeasurement),
    ("wrong-policy", Fault::WrongPolicy),
    ("wrong-build-id", Fault::WrongBuildId),
    ("no-sev", Fault::NoSev),
    ("no-es", Fault::NoEs),
    ("no-asid", Fault::NoAsid),
    ("hang", Fault::HangAt(Step::Measure)),
    ("hang-at=start", Fault::HangAt(Step::Start)),
    ("hang-at=inject", Fault::HangAt(Step::Inject)),
    ("hang-at=resume", Fault::HangAt(Step::Resume)),
    ("crash-at=start", Fault::CrashAt(Step::Start)),
    ("crash-at=measure", Fault::CrashAt(Step::Measure)),
    ("crash-at=inject", Fault::CrashAt(Step::Inject)),
    ("crash-at=resume", Fault::CrashAt(Step::Resume)),
];

impl FromStr for Fault {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        FAULTS.iter().find(|(known, _)| *known == name).map(|(_, fault)| *fault).ok_or_else(|| {
            let known: Vec<&str> = FAULTS.iter().map(|(known, _)| *known).collect();
            Error::new(format!("there is no fault '{name}'; the faults are {}", known.join(", ")))
        })
    }
}

impl TryFrom<String> for Fault {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.to_string()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = FAULTS.iter().find(|(_, fault)| fault == self).map_or("unnamed", |(name, _)| *name);
        f.write_str(name)
    }
}

impl Settings {
    /// Reads the settings beside `program`. Without a file the defaults hold.
    /// The state folder becomes absolute.
    ///
    /// # Errors
    /// A file that cannot be read, or that says what no setting is called.
    pub fn beside(program: &Path) -> Result<Self> {
        Self::read(&path_beside(program))
    }

    /// Reads this settings file.
    ///
    /// # Errors
    /// As [`Settings::beside`].
    pub fn read(file: &Path) -> Result<Self> {
        let mut settings = match fs::read(file) {
            Ok(text) => serde_json::from_slice::<Self>(&text).at(file.display())?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(e) => return Err(e).at(file.display()),
        };
        if settings.state.is_relative() {
            settings.state = file.parent().unwrap_or(Path::new("/")).join(&settings.state);
        }
        Ok(settings)
    }

    /// Writes the settings in one step: a reader sees the old file or the new one.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(self).at(file.display())?;
        text.push(b'\n');
        let new = file.with_extension("json.new");
        let mut out = fs::File::create(&new).at(new.display())?;
        out.write_all(&text).at(new.display())?;
        drop(out);
        // The daemon's user owns the folder; root may be the writer.
        if let Ok(folder) = fs::metadata(file.parent().unwrap_or(Path::new("/"))) {
            use std::os::unix::fs::MetadataExt;
            let _ = std::os::unix::fs::chown(&new, Some(folder.uid()), Some(folder.gid()));
        }
        fs::rename(&new, file).at(file.display())
    }

    /// The faults that hold for this guest now.
    #[must_use]
    pub fn faults_for(&self, guest: &str) -> Vec<Fault> {
        let mut all = self.faults.clone();
        all.extend(self.guests.get(guest).into_iter().flatten().copied());
        all
    }

    /// Whether the platform offers this mode; the faults `no-sev` and `no-es` take it away.
    #[must_use]
    pub fn offers(&self, mode: Mode, faults: &[Fault]) -> bool {
        let taken = match mode {
            Mode::Sev | Mode::Snp => faults.contains(&Fault::NoSev),
            Mode::Es => faults.contains(&Fault::NoSev) || faults.contains(&Fault::NoEs),
        };
        self.modes.contains(&mode) && !taken
    }
}

/// Where the settings of this program are.
#[must_use]
pub fn path_beside(program: &Path) -> PathBuf {
    program.parent().unwrap_or(Path::new("/")).join(FILE)
}

/// The program as it was started. `argv[0]` first: a symbolic link must not lead to the build folder's settings.
#[must_use]
pub fn own_program(argv0: &Path) -> PathBuf {
    if argv0.is_absolute() && path_beside(argv0).exists() {
        return argv0.to_path_buf();
    }
    std::env::current_exe().unwrap_or_else(|_| argv0.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new fault does not compile until it has an arm here, and fails until it is in the list.
    #[test]
    fn every_fault_is_in_the_list() {
        let place = |fault: &Fault| match fault {
            Fault::TamperedFirmware => 0,
            Fault::StaleMeasurement => 1,
            Fault::RandomMeasurement => 2,
            Fault::WrongPolicy => 3,
            Fault::WrongBuildId => 4,
            Fault::NoSev => 5,
            Fault::NoEs => 6,
            Fault::NoAsid => 7,
            Fault::HangAt(Step::Measure) => 8,
            Fault::HangAt(Step::Start) => 9,
            Fault::HangAt(Step::Inject) => 10,
            Fault::HangAt(Step::Resume) => 11,
            Fault::CrashAt(Step::Start) => 12,
            Fault::CrashAt(Step::Measure) => 13,
            Fault::CrashAt(Step::Inject) => 14,
            Fault::CrashAt(Step::Resume) => 15,
        };
        let places: Vec<usize> = FAULTS.iter().map(|(_, fault)| place(fault)).collect();
        assert_eq!(places, (0..16).collect::<Vec<_>>());
    }

    #[test]
    fn faults_are_read_and_written_by_name() {
        for (name, fault) in FAULTS {
            assert_eq!(name.parse::<Fault>().unwrap(), *fault);
            assert_eq!(fault.to_string(), *name);
        }
        assert!("no-such-thing".parse::<Fault>().unwrap_err().to_string().contains("tampered-firmware"));
    }

    #[test]
    fn a_guest_has_its_own_faults_and_everybodys() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        let mut settings = Settings { faults: vec![Fault::WrongPolicy], ..Settings::default() };
        settings.guests.insert("one".into(), vec![Fault::CrashAt(Step::Inject)]);
        settings.write(&file).unwrap();
        let read = Settings::read(&file).unwrap();
        assert_eq!(read.faults_for("one"), [Fault::WrongPolicy, Fault::CrashAt(Step::Inject)]);
        assert_eq!(read.faults_for("two"), [Fault::WrongPolicy]);
        assert_eq!(read.state, folder.path().join("state"));
    }

    #[test]
    fn no_es_takes_es_only_and_no_sev_takes_everything() {
        let settings = Settings::default();
        assert!(settings.offers(Mode::Sev, &[Fault::NoEs]));
        assert!(!settings.offers(Mode::Es, &[Fault::NoEs]));
        for mode in [Mode::Sev, Mode::Es, Mode::Snp] {
            assert!(!settings.offers(mode, &[Fault::NoSev]));
        }
    }

    #[test]
    fn an_unknown_setting_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        fs::write(&file, r#"{"cbitposs": 47}"#).unwrap();
        assert!(Settings::read(&file).unwrap_err().to_string().contains("cbitposs"));
    }
}
