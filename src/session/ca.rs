//! AMD's CA certificates: ASK and ARK. In: their bytes. Out: RSA keys, and whether one signed the other.
//! Never: trust: that a key is AMD's is for [`super::roots`] to say.
//!
//! Layout: AMD SEV API (55766), appendix B. Numbers and signatures are little-endian.

use super::cert::{Usage, bad};
use crate::{Result, hex};
use rsa::{BoxedUint, PublicKey};
use sha2::{Digest, Sha256, Sha384};
use std::fmt;

const HEADER: usize = 64;

/// An RSA key that verifies PSS signatures.
#[derive(Clone)]
pub(super) struct RsaKey {
    key: PublicKey,
    size: usize,
}

impl RsaKey {
    /// PSS with SHA-256 and a salt of 32 bytes. The signature is little-endian and may have zeroes behind it.
    pub(super) fn verifies_sha256(&self, message: &[u8], signature: &[u8]) -> bool {
        self.signature(signature).is_some_and(|s| self.key.pss_verify::<Sha256>(message, &s).is_ok())
    }

    /// PSS with SHA-384 and a salt of 48 bytes.
    pub(super) fn verifies_sha384(&self, message: &[u8], signature: &[u8]) -> bool {
        self.signature(signature).is_some_and(|s| self.key.pss_verify::<Sha384>(message, &s).is_ok())
    }

    fn signature(&self, little_endian: &[u8]) -> Option<Vec<u8>> {
        let (signature, rest) = little_endian.split_at_checked(self.size)?;
        rest.iter().all(|b| *b == 0).then(|| signature.iter().rev().copied().collect())
    }
}

/// An ASK or ARK certificate.
#[derive(Clone)]
pub struct CaCert {
    usage: Usage,
    bytes: Vec<u8>,
    key: RsaKey,
}

impl fmt::Debug for CaCert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaCert({}, RSA {})", self.usage, self.key.size * 8)
    }
}

impl PartialEq for CaCert {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for CaCert {}

impl CaCert {
    /// Reads one certificate from the beginning of `bytes` and gives what follows it.
    ///
    /// # Errors
    /// `Kind::Certificate`, naming the certificate and the field.
    pub fn parse(wanted: Usage, bytes: &[u8]) -> Result<(Self, &[u8])> {
        if bytes.len() < HEADER {
            return Err(bad(wanted, "is cut off").found(format!("{} bytes", bytes.len())));
        }
        let field = |at: usize| field(bytes, at).unwrap_or_default();
        if field(0) != 1 {
            return Err(bad(wanted, "has the wrong version").found(format!("{:#x}", field(0))).wanted("0x1"));
        }
        if field(36) != wanted.number() {
            return Err(bad(wanted, "is another certificate")
                .found(Usage::name_of(field(36)))
                .wanted(format!("{wanted} (usage {:#x})", wanted.number()))
                .hint("The order is ASK, then ARK."));
        }
        let size = match (field(56), field(60)) {
            (2048, 2048) => 256,
            (4096, 4096) => 512,
            (e, n) => {
                return Err(bad(wanted, "has a key of an unknown size")
                    .found(format!("exponent {e} and modulus {n} bits"))
                    .wanted("2048 or 4096 bits each"));
            }
        };
        let Some((own, rest)) = bytes.split_at_checked(HEADER + 3 * size) else {
            return Err(bad(wanted, "is cut off")
                .found(format!("{} bytes", bytes.len()))
                .wanted(format!("{} bytes", HEADER + 3 * size)));
        };
        let number = |at: usize| BoxedUint::from_le_slice_vartime(&own[at..at + size]);
        let key = PublicKey::new(number(HEADER + size), number(HEADER))
            .map_err(|e| bad(wanted, "has no valid RSA key").because(e.to_string()))?;
        Ok((Self { usage: wanted, bytes: own.to_vec(), key: RsaKey { key, size } }, rest))
    }

    /// The certificate's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What its key is for: `Ask` or `Ark`.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Hash of what its signature covers, as `sevctl verify` prints it: SHA-256 for keys of 2048 bits, else SHA-384.
    #[must_use]
    pub fn fingerprint(&self) -> Vec<u8> {
        let body = &self.bytes[..self.bytes.len() - self.key.size];
        if self.key.size == 256 { Sha256::digest(body).to_vec() } else { Sha384::digest(body).to_vec() }
    }

    /// What `bytes` begin with, where it looks like a certificate of this kind: its usage, and its size.
    pub(super) fn recognise(bytes: &[u8]) -> Option<(Usage, usize)> {
        let usage = [Usage::Ask, Usage::Ark].into_iter().find(|u| field(bytes, 36) == Some(u.number()))?;
        let size = match (field(bytes, 56)?, field(bytes, 60)?) {
            (2048, 2048) => 256,
            (4096, 4096) => 512,
            _ => return None,
        };
        (field(bytes, 0) == Some(1)).then_some((usage, HEADER + 3 * size))
    }

    /// Its key.
    pub(super) fn key(&self) -> &RsaKey {
        &self.key
    }

    /// Verifies the signature of an ARK; an ARK signs itself.
    ///
    /// # Errors
    /// `Kind::Certificate`, naming both certificates.
    pub fn verify_signed_by(&self, ark: &CaCert) -> Result<()> {
        if self.bytes[20..36] != ark.bytes[4..20] {
            return Err(bad(self.usage, "names another key as its signer than the ARK's")
                .found(hex::encode(&self.bytes[20..36]))
                .wanted(hex::encode(&ark.bytes[4..20])));
        }
        let (body, signature) = self.bytes.split_at(self.bytes.len() - self.key.size);
        // AMD signs with SHA-256 where keys have 2048 bits, with SHA-384 where they have 4096 (appendix B).
        let valid = match ark.key.size {
            256 => ark.key.verifies_sha256(body, signature),
            _ => ark.key.verifies_sha384(body, signature),
        };
        if valid {
            return Ok(());
        }
        let signer = if self.usage == Usage::Ark { "itself" } else { "the ARK" };
        Err(bad(self.usage, format!("is not to be trusted: its signature of {signer} does not verify")))
    }
}

fn field(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_le_bytes(*b))
}
