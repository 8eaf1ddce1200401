//! SEV certificates: PDH, PEK, OCA and CEK. In: 2084 bytes. Out: [`Cert`], and whether another key signed it.
//! Never: a byte that is looked over: what no signature covers must hold what AMD's format says.
//!
//! Layout: AMD SEV API (55766), appendix C.3. Numbers, coordinates and signatures are little-endian.

use super::ca::RsaKey;
use crate::{Error, Kind, Result};
use p384::ecdsa::signature::hazmat::PrehashVerifier;
use p384::ecdsa::{Signature, VerifyingKey};
use sha2::{Digest, Sha256, Sha384};
use std::fmt;

/// Bytes of a certificate.
pub const CERT_SIZE: usize = 2084;
/// What the signatures cover.
const BODY: usize = 0x414;
const SLOTS: [usize; 2] = [0x414, 0x61c];
const SLOT_SIZE: usize = 8 + 512;
const COORDINATE: usize = 72;
const P384: u32 = 2;
const FIELD: usize = 48;
/// The usage of a signature slot that is not used.
const NO_USAGE: u32 = 0x1000;

/// What a key is for (appendix C, "usage").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Usage {
    /// AMD Root Key.
    Ark,
    /// AMD SEV Signing Key.
    Ask,
    /// Owner Certificate Authority.
    Oca,
    /// Platform Endorsement Key.
    Pek,
    /// Platform Diffie-Hellman key; a guest owner's key has the same usage.
    Pdh,
    /// Chip Endorsement Key.
    Cek,
}

impl Usage {
    /// AMD's number.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Usage::Ark => 0,
            Usage::Ask => 0x13,
            Usage::Oca => 0x1001,
            Usage::Pek => 0x1002,
            Usage::Pdh => 0x1003,
            Usage::Cek => 0x1004,
        }
    }

    /// Its name, for a number; the number itself where it has none.
    pub(super) fn name_of(number: u32) -> String {
        [Usage::Ark, Usage::Ask, Usage::Oca, Usage::Pek, Usage::Pdh, Usage::Cek]
            .into_iter()
            .find(|u| u.number() == number)
            .map_or_else(|| format!("usage {number:#x}"), |u| u.to_string())
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Usage::Ark => "ARK",
            Usage::Ask => "ASK",
            Usage::Oca => "OCA",
            Usage::Pek => "PEK",
            Usage::Pdh => "PDH",
            Usage::Cek => "CEK",
        })
    }
}

/// Algorithms (appendix C, "algo"). ECDH is a key's, never a signature's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Rsa(Hash),
    Ecdsa(Hash),
    Ecdh(Hash),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
}

impl Algorithm {
    fn of(number: u32) -> Option<Self> {
        let hash = match number & !0xff {
            0 => Hash::Sha256,
            0x100 => Hash::Sha384,
            _ => return None,
        };
        match number & 0xff {
            1 => Some(Algorithm::Rsa(hash)),
            2 => Some(Algorithm::Ecdsa(hash)),
            3 => Some(Algorithm::Ecdh(hash)),
            _ => None,
        }
    }
}

/// A certificate in AMD's SEV format, with every field checked that no signature needs to cover.
#[derive(Clone, PartialEq, Eq)]
pub struct Cert {
    bytes: Box<[u8; CERT_SIZE]>,
    usage: Usage,
}

impl fmt::Debug for Cert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cert({}, {} bytes)", self.usage, CERT_SIZE)
    }
}

impl Cert {
    /// Reads a certificate of a platform that should have this usage. Bytes in base64 are read too.
    ///
    /// # Errors
    /// `Kind::Certificate`, naming the certificate and the field.
    pub fn parse(wanted: Usage, bytes: &[u8]) -> Result<Self> {
        let cert = Self::sized(wanted, bytes)?;
        cert.check_key()?;
        for (n, at) in SLOTS.into_iter().enumerate() {
            cert.check_slot(n + 1, at)?;
        }
        Ok(cert)
    }

    /// Reads a guest owner's Diffie-Hellman certificate (`<dhCert>`). Its signature slots are not looked at: nobody has
    /// to sign it, the chip takes nothing but the key, and the tools fill the slots in different ways.
    ///
    /// # Errors
    /// `Kind::Certificate`, naming the field.
    pub fn parse_godh(bytes: &[u8]) -> Result<Self> {
        let cert = Self::sized(Usage::Pdh, bytes)?;
        cert.check_key()?;
        Ok(cert)
    }

    /// The usage of what `bytes` begin with, where it looks like a certificate of this kind.
    pub(super) fn recognise(bytes: &[u8]) -> Option<Usage> {
        let number = bytes.get(8..)?.first_chunk().map(|b| u32::from_le_bytes(*b))?;
        [Usage::Pdh, Usage::Pek, Usage::Oca, Usage::Cek].into_iter().find(|u| u.number() == number)
    }

    fn sized(usage: Usage, bytes: &[u8]) -> Result<Self> {
        let bytes = super::decode_if_base64(bytes);
        let bytes: Box<[u8; CERT_SIZE]> =
            bytes.to_vec().into_boxed_slice().try_into().map_err(|b: Box<[u8]>| {
                bad(usage, "has the wrong size")
                    .found(format!("{} bytes", b.len()))
                    .wanted(format!("{CERT_SIZE} bytes"))
            })?;
        Ok(Self { bytes, usage })
    }

    /// What its key is for.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The certificate's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; CERT_SIZE] {
        &self.bytes
    }

    /// The SEV firmware API version that made it.
    #[must_use]
    pub fn api(&self) -> (u8, u8) {
        (self.bytes[4], self.bytes[5])
    }

    /// SHA-256 of what its signatures cover, as `sevctl verify` prints it.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.bytes[..BODY]).into()
    }

    /// A new key-exchange certificate (a guest owner's GODH) of a public key, unsigned as sevctl makes it.
    pub(super) fn new_pdh(key: &p384::PublicKey) -> Self {
        let mut bytes = Box::new([0u8; CERT_SIZE]);
        let mut put = |at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        put(0, 1);
        put(8, Usage::Pdh.number());
        put(12, 3); // ECDH with SHA-256
        put(16, P384);
        for at in SLOTS {
            put(at, NO_USAGE);
        }
        // Uncompressed SEC1 point: 0x04, x, y; big-endian.
        let point = key.to_sec1_bytes();
        for (at, coordinate) in [20, 20 + COORDINATE].into_iter().zip(point[1..].chunks_exact(FIELD)) {
            for (to, from) in bytes[at..at + FIELD].iter_mut().zip(coordinate.iter().rev()) {
                *to = *from;
            }
        }
        Self { bytes, usage: Usage::Pdh }
    }

    /// Its public key, for the key exchange.
    ///
    /// # Errors
    /// `Kind::Certificate` when the coordinates are no point of P-384.
    pub(crate) fn public_key(&self) -> Result<p384::PublicKey> {
        let mut point = [4u8; 1 + 2 * FIELD];
        for (to, at) in [1, 1 + FIELD].into_iter().zip([20, 20 + COORDINATE]) {
            for (to, from) in point[to..to + FIELD].iter_mut().zip(self.bytes[at..at + FIELD].iter().rev()) {
                *to = *from;
            }
        }
        p384::PublicKey::from_sec1_bytes(&point)
            .map_err(|_| bad(self.usage, "has a public key that is no point of the curve P-384"))
    }

    /// Whether it has a signature of a key with this usage (valid or not).
    #[must_use]
    pub fn claims_signature_of(&self, signer: Usage) -> bool {
        SLOTS.into_iter().any(|at| {
            self.u32_at(at) == signer.number() && self.bytes[at + 8..at + SLOT_SIZE].iter().any(|b| *b != 0)
        })
    }

    /// Whether both certificates are of the same key, whatever their signatures.
    #[must_use]
    pub fn same_body(&self, other: &Cert) -> bool {
        self.bytes[..BODY] == other.bytes[..BODY]
    }

    /// Verifies the signature of another SEV certificate's key.
    ///
    /// # Errors
    /// `Kind::Certificate`, saying which signature is missing or does not verify.
    pub fn verify_signed_by(&self, signer: &Cert) -> Result<()> {
        let (at, algorithm) = self.slot_of(signer.usage)?;
        let Algorithm::Ecdsa(hash) = algorithm else {
            return Err(self.bad_signature(signer.usage, "is not an ECDSA signature"));
        };
        let mut scalars = [0u8; 2 * FIELD];
        for (to, from) in [0, FIELD].into_iter().zip([at + 8, at + 8 + COORDINATE]) {
            for (to, from) in
                scalars[to..to + FIELD].iter_mut().zip(self.bytes[from..from + FIELD].iter().rev())
            {
                *to = *from;
            }
        }
        let does_not_verify = || self.bad_signature(signer.usage, "does not verify");
        let signature = Signature::from_slice(&scalars).map_err(|_| does_not_verify())?;
        VerifyingKey::from(signer.public_key()?)
            .verify_prehash(&self.body_hash(hash), &signature)
            .map_err(|_| does_not_verify())
    }

    /// Verifies the signature of AMD's signing key.
    ///
    /// # Errors
    /// As [`Cert::verify_signed_by`].
    pub(super) fn verify_signed_by_ask(&self, ask: &RsaKey) -> Result<()> {
        let (at, algorithm) = self.slot_of(Usage::Ask)?;
        let Algorithm::Rsa(hash) = algorithm else {
            return Err(self.bad_signature(Usage::Ask, "is not an RSA signature"));
        };
        let signature = &self.bytes[at + 8..at + SLOT_SIZE];
        let valid = match hash {
            Hash::Sha256 => ask.verifies_sha256(&self.bytes[..BODY], signature),
            Hash::Sha384 => ask.verifies_sha384(&self.bytes[..BODY], signature),
        };
        if valid { Ok(()) } else { Err(self.bad_signature(Usage::Ask, "does not verify")) }
    }

    fn body_hash(&self, hash: Hash) -> Vec<u8> {
        match hash {
            Hash::Sha256 => Sha256::digest(&self.bytes[..BODY]).to_vec(),
            Hash::Sha384 => Sha384::digest(&self.bytes[..BODY]).to_vec(),
        }
    }

    fn slot_of(&self, signer: Usage) -> Result<(usize, Algorithm)> {
        let at = SLOTS.into_iter().find(|at| self.u32_at(*at) == signer.number()).ok_or_else(|| {
            bad(self.usage, format!("has no signature of the {signer}"))
                .wanted(format!("a signature slot with usage {:#x}", signer.number()))
        })?;
        let algorithm = Algorithm::of(self.u32_at(at + 4)).ok_or_else(|| {
            self.bad_signature(signer, "has an unknown algorithm")
                .found(format!("{:#x}", self.u32_at(at + 4)))
        })?;
        Ok((at, algorithm))
    }

    fn check_key(&self) -> Result<()> {
        let field = |at: usize, name: &str, wanted: u32| {
            let found = self.u32_at(at);
            if found == wanted {
                return Ok(());
            }
            Err(bad(self.usage, format!("has the wrong {name}"))
                .found(format!("{found:#x}"))
                .wanted(format!("{wanted:#x}")))
        };
        field(0, "version", 1)?;
        let usage = self.u32_at(8);
        if usage != self.usage.number() {
            return Err(bad(self.usage, "is another certificate")
                .found(Usage::name_of(usage))
                .wanted(format!("{} (usage {:#x})", self.usage, self.usage.number()))
                .hint("The order in a chain is PDH, PEK, OCA, CEK, ASK, ARK."));
        }
        match (self.usage, Algorithm::of(self.u32_at(12))) {
            (Usage::Pdh, Some(Algorithm::Ecdh(_))) => {}
            (Usage::Pek | Usage::Oca | Usage::Cek, Some(Algorithm::Ecdsa(_))) => {}
            (Usage::Pdh, _) => field(12, "key algorithm", 3)?,
            (_, _) => field(12, "key algorithm", 2)?,
        }
        field(16, "curve", P384)?;
        self.public_key()?;
        self.zero("the reserved bytes of its header", 6, 8)?;
        self.zero("the reserved bytes behind its public key", 20 + FIELD, 20 + COORDINATE)?;
        self.zero("the reserved bytes behind its public key", 20 + COORDINATE + FIELD, BODY)
    }

    /// No signature covers the slots, so what a signature leaves unused must be as AMD's firmware leaves it.
    fn check_slot(&self, n: usize, at: usize) -> Result<()> {
        let usage = self.u32_at(at);
        let signers: &[Usage] = match self.usage {
            Usage::Pdh => &[Usage::Pek],
            Usage::Pek => &[Usage::Oca, Usage::Cek],
            Usage::Oca => &[Usage::Oca],
            Usage::Cek => &[Usage::Ask],
            Usage::Ask | Usage::Ark => &[Usage::Ark],
        };
        if usage == NO_USAGE {
            return self.zero(&format!("the bytes of its unused signature slot {n}"), at + 4, at + SLOT_SIZE);
        }
        if !signers.iter().any(|s| s.number() == usage) {
            return Err(bad(self.usage, format!("has an unexpected signer in signature slot {n}"))
                .found(Usage::name_of(usage))
                .wanted(signers.iter().map(Usage::to_string).collect::<Vec<_>>().join(" or ")));
        }
        if n == 2 && self.u32_at(SLOTS[0]) == usage {
            return Err(bad(self.usage, format!("has two signatures of the {}", Usage::name_of(usage))));
        }
        match Algorithm::of(self.u32_at(at + 4)) {
            Some(Algorithm::Rsa(_)) => Ok(()),
            Some(Algorithm::Ecdsa(_)) | None => {
                let what = format!("the reserved bytes of its signature slot {n}");
                self.zero(&what, at + 8 + FIELD, at + 8 + COORDINATE)?;
                self.zero(&what, at + 8 + COORDINATE + FIELD, at + SLOT_SIZE)
            }
            Some(Algorithm::Ecdh(_)) => {
                Err(bad(self.usage, format!("has a key-exchange algorithm in signature slot {n}")))
            }
        }
    }

    fn zero(&self, what: &str, from: usize, to: usize) -> Result<()> {
        match self.bytes[from..to].iter().position(|b| *b != 0) {
            None => Ok(()),
            Some(n) => Err(bad(self.usage, format!("is damaged: {what} are not zero")).found(format!(
                "{:#04x} at byte {}",
                self.bytes[from + n],
                from + n
            ))),
        }
    }

    fn bad_signature(&self, signer: Usage, what: &str) -> Error {
        bad(self.usage, format!("is not to be trusted: its signature of the {signer} {what}"))
    }

    fn u32_at(&self, at: usize) -> u32 {
        let mut b = [0; 4];
        b.copy_from_slice(&self.bytes[at..at + 4]);
        u32::from_le_bytes(b)
    }
}

pub(super) fn bad(which: Usage, what: impl fmt::Display) -> Error {
    Error::new(Kind::Certificate, format!("the {which} certificate {what}"))
}

#[cfg(test)]
#[path = "cert_tests.rs"]
mod tests;
