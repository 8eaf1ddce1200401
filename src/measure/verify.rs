//! Is the reported measurement the expected one? In: evidence, launch digests, the TIK. Out: a verdict.
//! Never: an early end of a comparison, or a measurement taken for anything but a claim to check.
//!
//! AMD SEV API (55766) 6.5: MEASURE = HMAC-SHA256(TIK; 0x04 ‖ API_MAJOR ‖ API_MINOR ‖ BUILD ‖ POLICY ‖ LD ‖ MNONCE).

use super::vmsa::InitialState;
use super::{Digest32, from_base64};
use crate::crypt::hmac;
use crate::redact::Secret;
use crate::{Error, Kind, Result};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The context byte of a launch measurement.
const CONTEXT: u8 = 0x04;

/// What the host says of a launched guest: libvirt's `virDomainGetLaunchSecurityInfo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// The HMAC (32 bytes) and the firmware's nonce (16 bytes).
    pub measurement: [u8; 48],
    /// SEV firmware API, major.
    pub api_major: u8,
    /// SEV firmware API, minor.
    pub api_minor: u8,
    /// SEV firmware build.
    pub build_id: u8,
    /// The guest's policy.
    pub policy: u32,
}

impl Evidence {
    /// A measurement as libvirt and QEMU print it: base64 of 48 bytes.
    ///
    /// # Errors
    /// `Kind::File` when it is not base64 or not 48 bytes.
    pub fn parse_measurement(text: &str) -> Result<[u8; 48]> {
        let hint = "Take sev-measurement from `virsh domlaunchsecinfo`, whole.";
        let bytes = from_base64(text)
            .ok_or_else(|| Error::new(Kind::File, "the measurement is not base64").hint(hint))?;
        <[u8; 48]>::try_from(bytes.as_slice()).map_err(|_| {
            Error::new(Kind::File, "the measurement has the wrong size")
                .found(format!("{} bytes", bytes.len()))
                .wanted("48 bytes")
                .hint(hint)
        })
    }

    /// The HMAC without the nonce. Secret packets are bound to it.
    #[must_use]
    pub fn mac(&self) -> [u8; 32] {
        let mut mac = [0; 32];
        mac.copy_from_slice(&self.measurement[..32]);
        mac
    }
}

/// One launch digest that the guest owner accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The launch digest.
    pub digest: Digest32,
    /// For SEV-ES with built VMSA pages: the initial state that they have.
    pub state: Option<InitialState>,
}

/// The launch digests that the guest owner accepts, in the order in which they are named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// The digests.
    pub digests: Vec<Candidate>,
}

impl Expected {
    /// One digest: SEV, SEV-ES with given VMSA files, or a digest that was published.
    #[must_use]
    pub fn one(digest: Digest32) -> Self {
        Self { digests: vec![Candidate { digest, state: None }] }
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The guest was launched as expected.
    Matched {
        /// The digest that it has.
        digest: Digest32,
        /// For SEV-ES with built VMSA pages: the initial state that it has.
        state: Option<InitialState>,
    },
    /// It was not: other firmware, kernel, initrd, command line, processors, policy or SEV firmware, or a session
    /// with other keys.
    Differs {
        /// The HMAC that the host reported.
        reported: [u8; 32],
        /// The HMACs that the accepted digests give.
        computed: Vec<[u8; 32]>,
    },
}

impl Verdict {
    /// Whether the guest was launched as expected.
    #[must_use]
    pub fn matched(&self) -> bool {
        matches!(self, Verdict::Matched { .. })
    }
}

/// Compares the reported measurement with the expected ones. Every comparison takes the same time, and all are made.
///
/// # Errors
/// `Kind::Usage` when nothing at all is accepted.
pub fn check(evidence: &Evidence, expected: &Expected, tik: &Secret<[u8; 16]>) -> Result<Verdict> {
    if expected.digests.is_empty() {
        return Err(Error::new(Kind::Usage, "no launch digest is accepted, so no guest can be verified")
            .hint("Give the firmware (and kernel, initrd, command line), or allowed digests."));
    }
    let mut found = None;
    let mut computed = Vec::with_capacity(expected.digests.len());
    for candidate in &expected.digests {
        let mac = mac(evidence, &candidate.digest, tik)?;
        if mac.clone().verify_slice(&evidence.measurement[..32]).is_ok() && found.is_none() {
            found = Some(Verdict::Matched { digest: candidate.digest, state: candidate.state });
        }
        computed.push(mac.finalize().into_bytes().into());
    }
    Ok(found.unwrap_or(Verdict::Differs { reported: evidence.mac(), computed }))
}

/// The HMAC that a chip reports for a guest with this launch digest. The evidence gives everything else: versions,
/// policy and nonce.
///
/// # Errors
/// `Kind::Bug` only.
pub fn expected_mac(evidence: &Evidence, digest: &Digest32, tik: &Secret<[u8; 16]>) -> Result<[u8; 32]> {
    Ok(mac(evidence, digest, tik)?.finalize().into_bytes().into())
}

fn mac(evidence: &Evidence, digest: &Digest32, tik: &Secret<[u8; 16]>) -> Result<Hmac<Sha256>> {
    let mut mac = hmac(tik.expose())?;
    mac.update(&[CONTEXT, evidence.api_major, evidence.api_minor, evidence.build_id]);
    mac.update(&evidence.policy.to_le_bytes());
    mac.update(digest);
    mac.update(&evidence.measurement[32..]);
    Ok(mac)
}

/// What a measurement that is not the expected one means.
#[must_use]
pub fn differs() -> Error {
    Error::new(Kind::No, "the launch measurement is not the expected one").hint(
        "The guest was not launched with the firmware, kernel, initrd, command line, policy, session or SEV firmware \
         that you expect. Do not give it secrets.",
    )
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
