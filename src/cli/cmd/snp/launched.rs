//! What an SEV-SNP guest should have been launched from. In: the owner's files and options. Out: the measurement that its
//! report must show, and what is behind one that differs. Never: an explanation that changes the verdict.

use crate::args::{BootArgs, CpuArgs};
use crate::cmd::boot::{self, Boot};
use crate::cmd::{cpus, judge};
use std::path::PathBuf;
use virt_sev::appraisal::Description;
use virt_sev::appraisal::mismatch::{self, Cause};
use virt_sev::host::ovmf;
use virt_sev::image::ImageContents;
use virt_sev::measure::expected::Processors;
use virt_sev::measure::vmsa::SNP_ACTIVE;
use virt_sev::measure::{Digest48, snp};
use virt_sev::{Error, Kind, Result};

/// A launch as its owner describes it.
pub(super) struct Launched {
    firmware: snp::Measured,
    image: ImageContents,
    said: Description,
    path: PathBuf,
}

impl Launched {
    /// Reads and hashes what the options name; `None` where they name nothing.
    pub(super) fn new(b: &BootArgs, c: &CpuArgs) -> Result<Option<Self>> {
        let mut problems: Vec<Error> = boot::problems(b).into_iter().collect();
        problems.extend(cpus::problems(c));
        let mut wrong = |text: &str| problems.push(Error::new(Kind::Usage, text));
        match &b.firmware {
            None if b.kernel.is_some() => wrong("--kernel needs --firmware"),
            None if c.named() || c.num_cpus.is_some() => wrong("the processors need --firmware"),
            None => {}
            Some(_) if c.num_cpus.is_none() => wrong("--firmware needs --num-cpus"),
            Some(_) if !c.named() => wrong(&format!("--firmware needs {}", cpus::WAYS)),
            Some(_) => {}
        }
        if c.legacy_vm_type.is_some() {
            wrong("--legacy-vm-type makes no sense for SEV-SNP, which has one initial state");
        }
        if let Some(e) = Error::many(problems) {
            return Err(e);
        }
        let Some(path) = b.firmware.clone() else { return Ok(None) };
        let at = |e: Error| e.at(path.display().to_string());
        let bytes = boot::image(&path)?;
        let image = ovmf::inspect(&bytes).map_err(at)?;
        let (kernel, initrd) = (b.kernel.clone(), b.initrd.clone());
        let files =
            Boot { firmware: path.clone(), kernel, initrd, cmdline: b.cmdline.clone(), ..Boot::default() };
        let (firmware, kernel) = files.hashed(|| snp::Measured::new(&bytes).map_err(at))?;
        let count = c.num_cpus.unwrap_or(1);
        let processors = match (cpus::files(c, count)?, cpus::signature(c)?) {
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
    pub(super) fn measurement(&self) -> Result<Digest48> {
        mismatch::snp_digest(&self.firmware, &self.image, &self.said)
            .map_err(|e| e.at(self.path.display().to_string()))
    }

    /// The one change that explains a measurement which differs.
    pub(super) fn cause(&self, seen: &Digest48) -> Option<Cause> {
        mismatch::of_snp(seen, (&self.firmware, &self.image), &self.said, judge::images_beside(&self.path))
    }
}
