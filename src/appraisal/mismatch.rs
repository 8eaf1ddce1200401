//! Why a measurement differs, where one change explains it. In: what was measured, and what its owner expects, taken
//! apart. Out: the one change that makes them equal. Never: a verdict. A measurement that is right for something else is
//! still wrong, and stays so.
//!
//! A change that is named is certain, not likely: nothing but that launch has this measurement.

use super::variants::{self, Description};
use crate::error::clean;
use crate::host::ovmf;
use crate::image::ImageContents;
use crate::measure::verify::{Evidence, Expected, check};
use crate::measure::vmsa::{InitialState, VcpuSetup, VcpuState};
use crate::measure::{Digest48, expected::Processors, sev, snp};
use crate::session::keys::TransportKeys;
use crate::{Error, Kind, Result};

/// What is behind a measurement that differs. `text` is one clause.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Cause {
    /// Stable name: `cmdline`, `vcpus`, `firmware` …
    pub id: &'static str,
    /// `the guest has 4 processors, not 2`.
    pub text: String,
}

impl Cause {
    pub(super) fn new(id: &'static str, text: impl Into<String>) -> Self {
        Self { id, text: text.into() }
    }
}

/// A firmware image that the guest may have been launched from instead.
pub type Image = (String, Vec<u8>);

/// Looks for the one change that explains a measurement of SEV or SEV-ES that differs. `images` are only asked for where
/// nothing else explains it.
#[must_use]
pub fn of_sev(
    seen: &Evidence,
    keys: &TransportKeys,
    firmware: &sev::Measured,
    said: &Description,
    images: impl IntoIterator<Item = Image>,
) -> Option<Cause> {
    let fits = |seen: &Evidence, firmware: &sev::Measured, said: &Description, key| {
        Expected::of_launch(firmware, said.kernel.as_ref(), seen.policy, said.processors.as_ref())
            .and_then(|expected| check(seen, &expected, key))
            .is_ok_and(|verdict| verdict.matched())
    };
    if fits(seen, firmware, said, &keys.tik) {
        return None;
    }
    if fits(seen, firmware, said, &keys.tek) {
        return Some(Cause::new("keys", "the files of TIK and TEK are exchanged"));
    }
    if let Some((what, reported, signed)) =
        reported(seen).find(|(other, ..)| fits(other, firmware, said, &keys.tik)).map(|(_, told)| told)
    {
        return Some(Cause::new("reported", format!("{what} is {signed:#x}, not {reported:#x}")));
    }
    if let Some(cause) = variants::single(said, &mut |other| fits(seen, firmware, other, &keys.tik)) {
        return Some(cause);
    }
    images.into_iter().find_map(|(name, bytes)| {
        let other = sev::Measured::new(&mut &bytes[..]).ok()?;
        let reset_addr = ovmf::inspect(&bytes).ok()?.es_reset_addr;
        fits(seen, &other, &said.with_reset_addr(reset_addr), &keys.tik).then(|| from_image(&name))
    })
}

/// Looks for the one change that explains the measurement in a report of SEV-SNP that differs.
#[must_use]
pub fn of_snp(
    seen: &Digest48,
    firmware: (&snp::Measured, &ImageContents),
    said: &Description,
    images: impl IntoIterator<Item = Image>,
) -> Option<Cause> {
    let fits = |firmware: &snp::Measured, image: &ImageContents, said: &Description| {
        snp_digest(firmware, image, said).is_ok_and(|digest| digest == *seen)
    };
    if fits(firmware.0, firmware.1, said) {
        return None;
    }
    if let Some(cause) = variants::single(said, &mut |other| fits(firmware.0, firmware.1, other)) {
        return Some(cause);
    }
    images.into_iter().find_map(|(name, bytes)| {
        let image = ovmf::inspect(&bytes).ok()?;
        let other = snp::Measured::new(&bytes).ok()?;
        fits(&other, &image, &said.with_reset_addr(image.es_reset_addr)).then(|| from_image(&name))
    })
}

/// The launch digest of SEV-SNP for a description.
///
/// # Errors
/// `Kind::Usage` without processors; as [`snp::Measured::snp`] otherwise.
pub fn snp_digest(firmware: &snp::Measured, image: &ImageContents, said: &Description) -> Result<Digest48> {
    let vcpus = match &said.processors {
        Some(Processors::Given(vcpus)) => vcpus.clone(),
        Some(Processors::Built { cpu, count, reset_addr, features, .. }) => {
            // KVM_SEV_INIT2 is the only way to an SEV-SNP guest.
            let setup = VcpuSetup { cpu: *cpu, state: InitialState::Init2, features: *features };
            VcpuState::built(&setup, *reset_addr, *count)?
        }
        None => return Err(Error::new(Kind::Usage, "an SEV-SNP guest's digest needs its processors")),
    };
    firmware.snp(image, said.kernel.as_ref(), &vcpus)
}

fn from_image(name: &str) -> Cause {
    // A file may have any name: a line of its own, even.
    Cause::new("firmware", format!("the guest was launched from the firmware {}", clean(name)))
}

type Reported = (Evidence, (&'static str, u32, u32));

/// Every build and API version, every policy without a minimal version, and every policy that differs in one bit.
fn reported(seen: &Evidence) -> impl Iterator<Item = Reported> {
    let e = *seen;
    let bytes = || 0..=u8::MAX;
    let builds =
        bytes().map(move |n| (Evidence { build_id: n, ..e }, ("the build", e.build_id.into(), n.into())));
    let minors = bytes().map(move |n| {
        (Evidence { api_minor: n, ..e }, ("the API's minor version", e.api_minor.into(), n.into()))
    });
    let majors = bytes().map(move |n| {
        (Evidence { api_major: n, ..e }, ("the API's major version", e.api_major.into(), n.into()))
    });
    let policies = (0..=0x3f)
        .chain((0..u32::BITS).map(move |bit| e.policy ^ 1 << bit))
        .map(move |policy| (Evidence { policy, ..e }, ("the policy", e.policy, policy)));
    builds.chain(minors).chain(majors).chain(policies).filter(move |(other, _)| *other != e)
}

#[cfg(test)]
#[path = "mismatch_tests.rs"]
mod tests;
