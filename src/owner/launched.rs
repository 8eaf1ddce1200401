//! What an SEV-SNP guest should have been launched from. In: the owner's files and options. Out: the measurement that its
//! report must show, and what is behind one that differs. Never: an explanation that changes the verdict.

use super::{BootFiles, Cpus, boot, cpus, judge};
use crate::appraisal::Description;
use crate::appraisal::mismatch::{self, Cause};
use crate::host::ovmf;
use crate::image::ImageContents;
use crate::measure::expected::Processors;
use crate::measure::vmsa::SNP_ACTIVE;
use crate::measure::{Digest48, snp};
use crate::{Error, Kind, Result};
use std::path::PathBuf;

/// A launch as its owner describes it.
#[derive(Debug)]
pub struct Launched {
    firmware: snp::Measured,
    image: ImageContents,
    said: Description,
    path: PathBuf,
}

impl Launched {
    /// Reads and hashes what the options name; `None` where they name nothing.
    ///
    /// # Errors
    /// `Kind::Usage` for options that make no sense together; `Kind::File`, `Kind::Firmware`.
    pub fn new(b: &BootFiles, c: &Cpus) -> Result<Option<Self>> {
        let mut problems: Vec<Error> = b.problems().into_iter().collect();
        problems.extend(c.problems());
        let mut wrong = |text: &str| problems.push(Error::new(Kind::Usage, text));
        match &b.firmware {
            None if b.kernel.is_some() => wrong("--kernel needs --firmware"),
            None if c.named() || c.num_cpus.is_some() => wrong("the processors need --firmware"),
            None => {}
            Some(_) if c.num_cpus.is_none() => wrong("--firmware needs --num-cpus"),
            Some(_) if !c.named() => wrong(&format!("--firmware needs {}", cpus::WAYS)),
            Some(_) => {}
        }
        if c.state.is_some() {
            wrong("--legacy-vm-type makes no sense for SEV-SNP, which has one initial state");
        }
        if let Some(e) = Error::many(problems) {
            return Err(e);
        }
        let Some(path) = b.firmware.clone() else { return Ok(None) };
        let at = |e: Error| e.at(path.display().to_string());
        let bytes = boot::image(&path)?;
        let image = ovmf::inspect(&bytes).map_err(at)?;
        let files = b.boot(c.num_cpus)?;
        let (firmware, kernel) = files.hashed(|| snp::Measured::new(&bytes).map_err(at))?;
        let count = c.num_cpus.unwrap_or(1);
        let processors = match (c.files(count)?, c.signature()?) {
            (Some(given), _) => Some(Processors::Given(given)),
            (None, Some(cpu)) => Some(Processors::Built {
                cpu,
                count,
                reset_addr: image.es_reset_addr,
                state: None,
                features: c.guest_features.unwrap_or(SNP_ACTIVE),
            }),
            (None, None) => None,
        };
        let cmdline = b.cmdline.clone().unwrap_or_default().into_bytes();
        Ok(Some(Self { firmware, image, said: Description { kernel, cmdline, processors }, path }))
    }

    /// The measurement that such a guest has.
    ///
    /// # Errors
    /// As [`mismatch::snp_digest`].
    pub fn measurement(&self) -> Result<Digest48> {
        mismatch::snp_digest(&self.firmware, &self.image, &self.said)
            .map_err(|e| e.at(self.path.display().to_string()))
    }

    /// The one change that explains a measurement which differs.
    #[must_use]
    pub fn cause(&self, seen: &Digest48) -> Option<Cause> {
        mismatch::of_snp(seen, (&self.firmware, &self.image), &self.said, judge::images_beside(&self.path))
    }
}
