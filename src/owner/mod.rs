//! What a guest owner expects of a launch, holds, and makes of it. In: the owner's files and words, evidence. Out: a verdict,
//! and packets. Never: anything of the host's that the owner did not allow.
//!
//! [`Expectation`] is what the options of `virt-sev verify` say; the errors name these options.

pub mod boot;
pub mod cpus;
pub mod evidence;
pub mod judge;
pub mod keys;
pub mod launched;
pub mod secrets;

pub use boot::{Boot, BootFiles, Watch};
pub use cpus::Cpus;
pub use judge::{Judge, Judgement};
pub use keys::KeyFiles;

use crate::measure::verify::Evidence;
use crate::{Error, Kind, Result};
use std::path::PathBuf;

/// What is expected of a launch.
#[derive(Debug, Clone, Default)]
pub struct Expectation {
    /// What the guest starts from.
    pub boot: BootFiles,
    /// Its processors, which are measured for SEV-ES.
    pub cpus: Cpus,
    /// What is said of the platform and the guest.
    pub claims: Claims,
    /// What is acceptable, as a file.
    pub policy_file: Option<PathBuf>,
    /// Permits what proves less than it seems to.
    pub insecure: bool,
}

/// What the owner says that the platform reports: off line in place of evidence, at a launch held against it.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// Launch measurement, base64.
    pub measurement: Option<String>,
    /// SEV firmware API, major version.
    pub api_major: Option<u8>,
    /// SEV firmware API, minor version.
    pub api_minor: Option<u8>,
    /// SEV firmware build.
    pub build_id: Option<u8>,
    /// Guest policy.
    pub policy: Option<u32>,
}

impl Expectation {
    /// Refuses combinations that make no sense, as virt-qemu-sev-validate does.
    ///
    /// # Errors
    /// `Kind::Usage`, with every one.
    pub fn check(&self) -> Result<()> {
        let mut problems: Vec<Error> = self.boot.problems().into_iter().collect();
        problems.extend(self.cpus.problems());
        Error::many(problems).map_or(Ok(()), Err)
    }
}

impl Claims {
    /// The evidence, with what is claimed in place of what a host says.
    ///
    /// # Errors
    /// `Kind::Usage` or `Kind::File` for a measurement that is none.
    pub fn over(&self, mut evidence: Evidence) -> Result<Evidence> {
        if let Some(text) = &self.measurement {
            evidence.measurement = Evidence::parse_measurement(text)?;
        }
        evidence.api_major = self.api_major.unwrap_or(evidence.api_major);
        evidence.api_minor = self.api_minor.unwrap_or(evidence.api_minor);
        evidence.build_id = self.build_id.unwrap_or(evidence.build_id);
        evidence.policy = self.policy.unwrap_or(evidence.policy);
        Ok(evidence)
    }

    /// Holds what is claimed of the platform against what it reports.
    ///
    /// # Errors
    /// `Kind::No`, with every difference.
    pub fn agree(&self, evidence: &Evidence) -> Result<()> {
        let claims = [
            ("--api-major", self.api_major.map(u32::from), u32::from(evidence.api_major)),
            ("--api-minor", self.api_minor.map(u32::from), u32::from(evidence.api_minor)),
            ("--build-id", self.build_id.map(u32::from), u32::from(evidence.build_id)),
            ("--policy", self.policy, evidence.policy),
        ];
        let problems = claims
            .into_iter()
            .filter_map(|(option, wanted, found)| wanted.filter(|w| *w != found).map(|w| (option, w, found)))
            .map(|(option, wanted, found)| {
                let what = match option {
                    "--policy" => "the guest was launched with another policy",
                    _ => "the platform reports something else",
                };
                Error::new(Kind::No, what)
                    .at(option)
                    .found(format!("{found:#x}"))
                    .wanted(format!("{wanted:#x}"))
            })
            .collect();
        Error::many(problems).map_or(Ok(()), Err)
    }

    /// The options of what is missing where no evidence is there.
    pub fn missing(&self) -> impl Iterator<Item = &'static str> {
        given([
            ("--measurement", self.measurement.is_none()),
            ("--api-major", self.api_major.is_none()),
            ("--api-minor", self.api_minor.is_none()),
            ("--build-id", self.build_id.is_none()),
            ("--policy", self.policy.is_none()),
        ])
    }

    /// The claims as evidence; what is missing counts as 0.
    ///
    /// # Errors
    /// As [`Evidence::parse_measurement`].
    pub fn evidence(&self) -> Result<Evidence> {
        Ok(Evidence {
            measurement: Evidence::parse_measurement(self.measurement.as_deref().unwrap_or_default())?,
            api_major: self.api_major.unwrap_or_default(),
            api_minor: self.api_minor.unwrap_or_default(),
            build_id: self.build_id.unwrap_or_default(),
            policy: self.policy.unwrap_or_default(),
        })
    }
}

/// The names whose option was given.
pub fn given<const N: usize>(options: [(&'static str, bool); N]) -> impl Iterator<Item = &'static str> {
    options.into_iter().filter_map(|(name, given)| given.then_some(name))
}
