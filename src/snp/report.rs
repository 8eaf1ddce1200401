//! An attestation report. In: its 1184 bytes, or their text. Out: [`Report`]: its fields, nothing verified.
//! Never: a version whose fields are not known, or a byte behind the signature that nothing vouches for.
//!
//! AMD SEV-SNP ABI (56860), section 7.3, table "ATTESTATION_REPORT".

use super::policy::GuestPolicy;
use super::tcb::{Product, RawTcb};
use super::{Digest48, FIELD, NUMBER, reversed};
use crate::measure::from_base64;
use crate::{Error, Kind, Result, hex};
use p384::ecdsa::Signature;
use std::borrow::Cow;
use std::fmt;

/// Bytes of a report.
pub const REPORT_SIZE: usize = 1184;
/// What the signature covers.
const SIGNED: usize = 0x2a0;
/// The versions whose fields are known. 3 adds the processor's family, model and stepping, 5 the mitigation vectors.
const VERSIONS: [u32; 3] = [2, 3, 5];
/// ECDSA on P-384 with SHA-384 (56860, "signature algorithms").
const ALGORITHM: u32 = 1;
/// VMPL of a report that the host asked for, not the guest (56860, SNP_HV_REPORT_REQ).
const OF_THE_HOST: u32 = u32::MAX;

/// Which key signed (56860, SIGNING_KEY).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningKey {
    /// The chip's own.
    Vcek,
    /// The cloud provider's, loaded into the chip.
    Vlek,
    /// None: the host has switched signatures off.
    None,
    /// A number that has no meaning yet.
    Unknown(u32),
}

/// A build of the SNP firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FirmwareVersion {
    /// Major version of the API.
    pub major: u8,
    /// Minor version of the API.
    pub minor: u8,
    /// Build.
    pub build: u8,
}

impl fmt::Display for FirmwareVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.build)
    }
}

/// A report. Every field is a claim until its signature is verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Report(Box<[u8; REPORT_SIZE]>);

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Report(version {}, {})", self.version(), self.policy())
    }
}

impl Report {
    /// Reads a report: 1184 bytes, or the same in hexadecimal or base64.
    ///
    /// # Errors
    /// `Kind::File`: another size, an unknown version or algorithm, or something behind the signature.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let bytes = plain(bytes);
        let Ok(whole) = <Box<[u8; REPORT_SIZE]>>::try_from(bytes.to_vec().into_boxed_slice()) else {
            return Err(Error::new(Kind::File, "the attestation report has the wrong size")
                .found(format!("{} bytes", bytes.len()))
                .wanted(format!("{REPORT_SIZE} bytes, or the same in hexadecimal or base64"))
                .hint(
                    "In the guest: `snpguest report report.bin nonce.bin`, or outblob of configfs-tsm. \
                     Certificates are given apart, with --certs.",
                ));
        };
        let report = Self(whole);
        if !VERSIONS.contains(&report.version()) {
            return Err(Error::new(Kind::File, "the attestation report has an unknown version")
                .found(report.version().to_string())
                .wanted("2, 3 or 5")
                .hint("A newer firmware may write fields that this virt-sev does not know, so it judges none of them."));
        }
        if report.number(0x34) != ALGORITHM {
            return Err(Error::new(Kind::File, "the attestation report is signed with an unknown algorithm")
                .found(report.number(0x34).to_string())
                .wanted(format!("{ALGORITHM}: ECDSA on P-384 with SHA-384")));
        }
        let (numbers, rest) = report.0[SIGNED..].split_at(2 * NUMBER);
        let padding = numbers[FIELD..NUMBER].iter().chain(&numbers[NUMBER + FIELD..]);
        if padding.chain(rest).any(|b| *b != 0) {
            return Err(Error::new(Kind::File, "the report's signature has something in its reserved bytes")
                .wanted("zeroes: nothing vouches for them"));
        }
        Ok(report)
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut out = [0; N];
        out.copy_from_slice(&self.0[at..at + N]);
        out
    }

    fn number(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.array(at))
    }

    fn long(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.array(at))
    }

    /// The bytes that the signature covers.
    #[must_use]
    pub fn signed(&self) -> &[u8] {
        &self.0[..SIGNED]
    }

    /// The signature; `None` where its numbers are none of P-384, such as the zeroes of a report that is not signed.
    pub(super) fn signature(&self) -> Option<Signature> {
        let (r, s) = self.0[SIGNED..SIGNED + 2 * NUMBER].split_at(NUMBER);
        Signature::from_scalars(reversed(&r[..FIELD]), reversed(&s[..FIELD])).ok()
    }

    /// Version of the format.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.number(0)
    }

    /// The guest's security version, from the ID block.
    #[must_use]
    pub fn guest_svn(&self) -> u32 {
        self.number(0x4)
    }

    /// The guest policy.
    #[must_use]
    pub fn policy(&self) -> GuestPolicy {
        GuestPolicy(self.long(0x8))
    }

    /// The family, from the ID block.
    #[must_use]
    pub fn family_id(&self) -> [u8; 16] {
        self.array(0x10)
    }

    /// The image, from the ID block.
    #[must_use]
    pub fn image_id(&self) -> [u8; 16] {
        self.array(0x20)
    }

    /// The privilege level that asked for the report; `None` where the host asked, not the guest.
    #[must_use]
    pub fn vmpl(&self) -> Option<u32> {
        Some(self.number(0x30)).filter(|v| *v != OF_THE_HOST)
    }

    /// The TCB that runs now.
    #[must_use]
    pub fn current_tcb(&self) -> RawTcb {
        RawTcb(self.array(0x38))
    }

    /// What is on in the platform.
    #[must_use]
    pub fn platform_info(&self) -> u64 {
        self.long(0x40)
    }

    /// Whether the ID block was certified by an author key.
    #[must_use]
    pub fn has_author_key(&self) -> bool {
        self.number(0x48) & 1 != 0
    }

    /// Whether the host has switched off the chip's key.
    #[must_use]
    pub fn masks_chip_key(&self) -> bool {
        self.number(0x48) & 2 != 0
    }

    /// Which key signed.
    #[must_use]
    pub fn signing_key(&self) -> SigningKey {
        match self.number(0x48) >> 2 & 7 {
            0 => SigningKey::Vcek,
            1 => SigningKey::Vlek,
            7 => SigningKey::None,
            other => SigningKey::Unknown(other),
        }
    }

    /// What the guest put in: a nonce, a key's digest.
    #[must_use]
    pub fn report_data(&self) -> [u8; 64] {
        self.array(0x50)
    }

    /// The launch digest.
    #[must_use]
    pub fn measurement(&self) -> Digest48 {
        self.array(0x90)
    }

    /// What the host put in at launch.
    #[must_use]
    pub fn host_data(&self) -> [u8; 32] {
        self.array(0xc0)
    }

    /// Digest of the key that signed the ID block; zeroes without one.
    #[must_use]
    pub fn id_key_digest(&self) -> Digest48 {
        self.array(0xe0)
    }

    /// Digest of the key that signed the ID key; zeroes without one.
    #[must_use]
    pub fn author_key_digest(&self) -> Digest48 {
        self.array(0x110)
    }

    /// This guest, as long as it runs.
    #[must_use]
    pub fn report_id(&self) -> [u8; 32] {
        self.array(0x140)
    }

    /// Its migration agent; all ones without one.
    #[must_use]
    pub fn report_id_ma(&self) -> [u8; 32] {
        self.array(0x160)
    }

    /// The TCB that the signing key is made for.
    #[must_use]
    pub fn reported_tcb(&self) -> RawTcb {
        RawTcb(self.array(0x180))
    }

    /// Family, model and stepping of the processor, from version 3 on.
    #[must_use]
    pub fn processor(&self) -> Option<(u8, u8, u8)> {
        (self.version() >= 3).then(|| (self.0[0x188], self.0[0x189], self.0[0x18a]))
    }

    /// The chip; `None` where the host hides it (MASK_CHIP_ID), or where the key is not the chip's.
    #[must_use]
    pub fn chip_id(&self) -> Option<[u8; 64]> {
        Some(self.array(0x1a0)).filter(|id| id.iter().any(|b| *b != 0))
    }

    /// The TCB below which the host can no longer go.
    #[must_use]
    pub fn committed_tcb(&self) -> RawTcb {
        RawTcb(self.array(0x1e0))
    }

    fn firmware(&self, at: usize) -> FirmwareVersion {
        FirmwareVersion { build: self.0[at], minor: self.0[at + 1], major: self.0[at + 2] }
    }

    /// The firmware that runs now.
    #[must_use]
    pub fn current_firmware(&self) -> FirmwareVersion {
        self.firmware(0x1e8)
    }

    /// The firmware below which the host can no longer go.
    #[must_use]
    pub fn committed_firmware(&self) -> FirmwareVersion {
        self.firmware(0x1ec)
    }

    /// The TCB at the guest's launch.
    #[must_use]
    pub fn launch_tcb(&self) -> RawTcb {
        RawTcb(self.array(0x1f0))
    }

    /// The mitigations at launch and now, from version 5 on.
    #[must_use]
    pub fn mitigations(&self) -> Option<(u64, u64)> {
        (self.version() >= 5).then(|| (self.long(0x1f8), self.long(0x200)))
    }

    /// The generation, where the report tells it: by the processor, in version 2 by a Turin's short chip identity.
    #[must_use]
    pub fn product(&self) -> Option<Product> {
        match self.processor() {
            Some((family, model, _)) => Product::of_cpuid(family, model),
            None => self.chip_id().filter(|id| id[8..] == [0; 56]).map(|_| Product::Turin),
        }
    }
}

/// A text as bytes. A report begins with its version, which no text can.
fn plain(bytes: &[u8]) -> Cow<'_, [u8]> {
    let text = std::str::from_utf8(bytes).ok().filter(|t| t.starts_with(|c: char| c.is_ascii_graphic()));
    let decoded = text.and_then(|t| {
        let solid: String = t.split_ascii_whitespace().collect();
        hex::decode(&solid).or_else(|| from_base64(&solid))
    });
    decoded.map_or(Cow::Borrowed(bytes), Cow::Owned)
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
