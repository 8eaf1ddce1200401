//! ID keys and author keys. In: a P-384 private key in PEM. Out: signatures and public keys in AMD's form.
//! Never: a private key outside memory that is wiped, or in an error.
//!
//! AMD SEV-SNP ABI (56860): "ECDSA P-384 public key" (1028 bytes), "ECDSA P-384 signature" (512 bytes), and 8.17,
//! SNP_LAUNCH_FINISH. Signatures are deterministic (RFC 6979): the same inputs give the same ID auth.

use super::{Digest48, FIELD, NUMBER, reversed};
use crate::redact::Secret;
use crate::{Error, Kind, Result, hex};
use p384::SecretKey;
use p384::ecdsa::signature::Signer as _;
use p384::ecdsa::{Signature, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha384};
use std::fmt;
use std::io::Read;

/// Bytes of a public key in AMD's form: curve, two coordinates, zeroes.
pub const PUBLIC_KEY_SIZE: usize = 0x404;
/// Bytes of a signature in AMD's form: two numbers, zeroes.
pub const SIGNATURE_SIZE: usize = 0x200;
const CURVE_P384: u32 = 2;
/// No key of P-384 is as long.
const LARGEST: usize = 16 << 10;

/// A public key as the firmware takes it.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey([u8; PUBLIC_KEY_SIZE]);

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", hex::encode(&self.digest()))
    }
}

impl PublicKey {
    fn new(key: &VerifyingKey) -> Self {
        let mut out = [0; PUBLIC_KEY_SIZE];
        out[..4].copy_from_slice(&CURVE_P384.to_le_bytes());
        // 0x04, x, y, big-endian.
        let point = key.to_sec1_point(false);
        for (to, from) in [4, 4 + NUMBER].into_iter().zip(point.as_bytes()[1..].chunks(FIELD)) {
            out[to..to + FIELD].copy_from_slice(&reversed(from));
        }
        Self(out)
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; PUBLIC_KEY_SIZE] {
        &self.0
    }

    /// What a report shows of it: ID_KEY_DIGEST or AUTHOR_KEY_DIGEST.
    #[must_use]
    pub fn digest(&self) -> Digest48 {
        Sha384::digest(self.0).into()
    }
}

/// A private key. It wipes itself.
pub struct PrivateKey(SigningKey);

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl PrivateKey {
    /// Reads a key in PEM, PKCS#8 or SEC1. `name` is what it is for: `ID key`, `author key`.
    ///
    /// # Errors
    /// `Kind::File`: no PEM, an encrypted key, or a key of another curve.
    pub fn read(name: &str, from: &mut dyn Read) -> Result<Self> {
        // Room for the largest key and one byte more, so that no copy is left behind by growing.
        let mut bytes = Secret::new(Vec::with_capacity(LARGEST + 1));
        from.take(LARGEST as u64 + 1)
            .read_to_end(bytes.expose_mut())
            .map_err(|e| Error::new(Kind::File, format!("the {name} cannot be read")).because(e))?;
        let wrong = |what: &str, hint: &str| {
            Err(Error::new(Kind::File, format!("the {name} {what}"))
                .wanted("a private key of P-384 in PEM, PKCS#8 or SEC1")
                .hint(hint))
        };
        let make = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out FILE makes one.";
        let Ok(text) = std::str::from_utf8(bytes.expose()) else {
            return wrong("is not text", "Convert it: openssl pkey -inform DER -in FILE -out FILE.pem");
        };
        if text.contains("ENCRYPTED") {
            return wrong("is encrypted", "Decrypt it: openssl pkey -in FILE -out FILE.pem");
        }
        // `openssl ecparam -genkey` writes a block of parameters in front.
        let block = ["PRIVATE KEY", "EC PRIVATE KEY"].iter().find_map(|label| {
            let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
            let from = text.find(&begin)?;
            let to = from + text[from..].find(&end)? + end.len();
            Some(&text[from..to])
        });
        let Some(block) = block else {
            return wrong("holds no private key in PEM", make);
        };
        match SecretKey::from_pem(block) {
            Ok(key) => Ok(Self(key.into())),
            // The library's own words could hold a part of the key.
            Err(_) => wrong("is not a private key of P-384", make),
        }
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey::new(self.0.verifying_key())
    }

    /// Signs, in AMD's form.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_SIZE] {
        let signature: Signature = self.0.sign(message);
        let mut out = [0; SIGNATURE_SIZE];
        let (r, s) = signature.split_bytes();
        out[..FIELD].copy_from_slice(&reversed(&r));
        out[NUMBER..NUMBER + FIELD].copy_from_slice(&reversed(&s));
        out
    }
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
