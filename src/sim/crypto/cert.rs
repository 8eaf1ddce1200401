//! AMD's certificate formats.
//! In: keys. Out: SEV certificates (2084 bytes) and ASK and ARK as AMD publishes them. Never: X.509.
//!
//! AMD document 55766 (SEV API), appendix C: C.1 the SEV certificate, C.2 signatures, C.3 public keys, C.5 and
//! appendix B.1 the format of ASK and ARK. Every number is little endian, the big numbers of the keys too.

use crate::error::{Error, Result};
use p384::ecdsa::signature::hazmat::PrehashSigner;
use p384::elliptic_curve::sec1::ToSec1Point;
use p384::{PublicKey, SecretKey};
use rsa::signature::RandomizedSigner;
use rsa::traits::PublicKeyParts;

/// The length of an SEV certificate.
pub const LENGTH: usize = 2084;
const BODY: usize = 1044;
const SIGNATURE: usize = 520;

const ECDSA_SHA256: u32 = 0x2;
const ECDH_SHA256: u32 = 0x3;
const ECDH_SHA384: u32 = 0x103;
const RSA_SHA384: u32 = 0x101;
const CURVE_P384: u32 = 2;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// AMD root key.
    Ark,
    /// AMD signing key.
    Ask,
    /// Owner certificate authority.
    Oca,
    /// Platform endorsement key.
    Pek,
    /// Platform Diffie-Hellman key; the guest owner's key has the same usage.
    Pdh,
    /// Chip endorsement key.
    Cek,
}

impl Usage {
    fn number(self) -> u32 {
        match self {
            Self::Ark => 0x0,
            Self::Ask => 0x13,
            Self::Oca => 0x1001,
            Self::Pek => 0x1002,
            Self::Pdh => 0x1003,
            Self::Cek => 0x1004,
        }
    }
}

/// An SEV certificate: version, API, usage, algorithm, key; and room for two signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate(Vec<u8>);

impl Certificate {
    /// An unsigned certificate for this key.
    #[must_use]
    pub fn new(usage: Usage, api: (u8, u8), key: &PublicKey) -> Self {
        let algorithm = if usage == Usage::Pdh { ECDH_SHA256 } else { ECDSA_SHA256 };
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend(1u32.to_le_bytes());
        bytes.extend([api.0, api.1, 0, 0]);
        bytes.extend(usage.number().to_le_bytes());
        bytes.extend(algorithm.to_le_bytes());
        bytes.extend(CURVE_P384.to_le_bytes());
        let point = key.to_sec1_point(false);
        for coordinate in [point.x(), point.y()].into_iter().flatten() {
            bytes.extend(little_endian(coordinate, 72));
        }
        bytes.resize(BODY, 0);
        // The usage 0x1000 marks an empty signature.
        for _ in 0..2 {
            bytes.extend(0x1000u32.to_le_bytes());
            bytes.resize(bytes.len() + SIGNATURE - 4, 0);
        }
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Signs with an elliptic curve key: ECDSA over SHA-256 of the body.
    ///
    /// # Errors
    /// There is no third place for a signature.
    pub fn sign(&mut self, place: usize, signer: Usage, key: &SecretKey) -> Result<()> {
        let digest = super::sha256(&[&self.0[..BODY]]);
        let signature: p384::ecdsa::Signature = p384::ecdsa::SigningKey::from(key)
            .sign_prehash(&digest)
            .map_err(|e| Error::new(e.to_string()))?;
        let (r, s) = signature.split_bytes();
        let mut value = little_endian(&r, 72);
        value.extend(little_endian(&s, 72));
        self.put(place, signer, ECDSA_SHA256, &value)
    }

    /// Signs with the ASK: RSA-PSS over SHA-384 of the body.
    ///
    /// # Errors
    /// There is no third place for a signature.
    pub fn sign_rsa(&mut self, place: usize, signer: Usage, key: &rsa::PrivateKey) -> Result<()> {
        let value = pss(key, &self.0[..BODY])?;
        self.put(place, signer, RSA_SHA384, &value)
    }

    fn put(&mut self, place: usize, signer: Usage, algorithm: u32, value: &[u8]) -> Result<()> {
        let start = BODY + place * SIGNATURE;
        let slot =
            self.0.get_mut(start..start + SIGNATURE).ok_or_else(|| Error::new("two signatures at most"))?;
        slot.fill(0);
        slot[..4].copy_from_slice(&signer.number().to_le_bytes());
        slot[4..8].copy_from_slice(&algorithm.to_le_bytes());
        slot[8..8 + value.len()].copy_from_slice(value);
        Ok(())
    }
}

/// The key of a guest owner's Diffie-Hellman certificate.
///
/// # Errors
/// What is wrong with the certificate, as the chip would find it.
pub fn diffie_hellman_key(bytes: &[u8]) -> Result<PublicKey> {
    let wrong = |why: &str| Error::new(format!("the guest owner's certificate {why}"));
    if bytes.len() != LENGTH {
        return Err(wrong(&format!("has {} bytes, not {LENGTH}", bytes.len())));
    }
    let word = |at: usize| bytes.get(at..).and_then(|b| b.first_chunk::<4>()).map(|b| u32::from_le_bytes(*b));
    if word(0) != Some(1) {
        return Err(wrong("is not of version 1"));
    }
    if word(8) != Some(Usage::Pdh.number()) {
        return Err(wrong("is not for Diffie-Hellman (usage 0x1003)"));
    }
    if !matches!(word(12), Some(ECDH_SHA256 | ECDH_SHA384)) {
        return Err(wrong("has no Diffie-Hellman algorithm"));
    }
    if word(16) != Some(CURVE_P384) {
        return Err(wrong("is not on the curve P-384"));
    }
    let mut point = vec![4];
    for at in [20, 92] {
        let mut coordinate = bytes[at..at + 48].to_vec();
        coordinate.reverse();
        point.extend(coordinate);
    }
    PublicKey::from_sec1_bytes(&point).map_err(|_| wrong("holds no point of the curve"))
}

/// ASK or ARK in AMD's format, signed by `signer`.
///
/// # Errors
/// The signature cannot be made.
pub fn authority(
    usage: Usage,
    key: &rsa::PrivateKey,
    signer: &rsa::PrivateKey,
    ids: (&[u8; 16], &[u8; 16]),
) -> Result<Vec<u8>> {
    let size = key.size();
    let bits = u32::try_from(size * 8).map_err(|e| Error::new(e.to_string()))?;
    let mut bytes = Vec::new();
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(ids.0);
    bytes.extend(ids.1);
    bytes.extend(usage.number().to_le_bytes());
    bytes.extend([0; 16]);
    bytes.extend(bits.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(little_endian(&key.e_bytes(), size));
    bytes.extend(little_endian(&key.n_bytes(), size));
    bytes.extend(pss(signer, &bytes)?);
    Ok(bytes)
}

fn pss(key: &rsa::PrivateKey, message: &[u8]) -> Result<Vec<u8>> {
    use rsa::signature::SignatureEncoding;
    let signature = rsa::pss::SigningKey::<sha2::Sha384>::new(key.clone())
        .try_sign_with_rng(&mut getrandom::SysRng, message)
        .map_err(|e| Error::new(e.to_string()))?;
    Ok(little_endian(&signature.to_vec(), key.size()))
}

fn little_endian(big_endian: &[u8], length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = big_endian.iter().rev().copied().collect();
    bytes.resize(length, 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use p384::elliptic_curve::Generate;

    #[test]
    fn a_certificate_has_amds_layout_and_its_key_comes_back() {
        let key = SecretKey::generate();
        let certificate = Certificate::new(Usage::Pdh, (1, 55), &key.public_key());
        let bytes = certificate.bytes();
        assert_eq!(bytes.len(), LENGTH);
        assert_eq!(bytes[..20], [1, 0, 0, 0, 1, 55, 0, 0, 3, 0x10, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0]);
        assert_eq!(diffie_hellman_key(bytes).unwrap(), key.public_key());
    }

    #[test]
    fn what_is_no_owners_certificate_is_refused() {
        let key = SecretKey::generate();
        let good = Certificate::new(Usage::Pdh, (0, 0), &key.public_key()).0;
        assert!(diffie_hellman_key(&good[..100]).unwrap_err().to_string().contains("2084"));
        for (at, word) in [(0, "version"), (8, "usage"), (12, "algorithm"), (16, "curve"), (30, "point")] {
            let mut bad = good.clone();
            bad[at] ^= 0x40;
            let text = diffie_hellman_key(&bad).unwrap_err().to_string();
            assert!(text.contains(word), "{text}");
        }
    }

    #[test]
    fn signatures_go_to_their_places() {
        let key = SecretKey::generate();
        let mut certificate = Certificate::new(Usage::Pek, (1, 55), &key.public_key());
        certificate.sign(1, Usage::Oca, &key).unwrap();
        assert_eq!(certificate.bytes()[BODY..BODY + 4], [0, 0x10, 0, 0], "the first place stays empty");
        assert_eq!(certificate.bytes()[BODY + SIGNATURE..][..8], [1, 0x10, 0, 0, 2, 0, 0, 0]);
        assert!(certificate.sign(2, Usage::Oca, &key).is_err());
    }
}
