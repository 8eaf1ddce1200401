//! An X.509 certificate of AMD's. In: DER. Out: [`Cert`]: names, dates, key, AMD's extensions, and whether another key
//! signed it. Never: trust, or a byte that is not what was read: the signature is verified over the bytes as they came.
//!
//! AMD KDS, VCEK and VLEK certificates (57230): RSA-4096 keys sign with RSA-PSS and SHA-384; a VCEK's and a VLEK's own
//! key is of P-384.

use super::clock::Moment;
use crate::{Error, Kind, Result};
use p384::ecdsa::VerifyingKey;
use sha2::Sha384;
use std::fmt;
use x509_cert::TbsCertificate;
use x509_cert::der::asn1::{BitString, ObjectIdentifier};
use x509_cert::der::{self, Decode as _, Reader as _, SliceReader};
use x509_cert::ext::pkix::BasicConstraints;
use x509_cert::name::Name;
use x509_cert::spki::AlgorithmIdentifierOwned;

/// RSASSA-PSS (RFC 4055).
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");

/// AMD's have less than 2 KiB. What is read of a longer one takes time that a stranger chooses.
const LARGEST: usize = 16 << 10;

/// What a certificate is for. ASK and ASVK are told apart by their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// AMD's root key: signs itself.
    Ark,
    /// AMD's signing key: ASK for VCEKs, ASVK for VLEKs.
    Signer,
    /// A chip's key at one TCB.
    Vcek,
    /// A cloud provider's key at one TCB.
    Vlek,
}

/// A certificate, well formed, not verified.
#[derive(Clone)]
pub struct Cert {
    name: String,
    der: Vec<u8>,
    tbs: Vec<u8>,
    inner: TbsCertificate,
    signature: Vec<u8>,
    role: Role,
}

impl PartialEq for Cert {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Cert {}

impl fmt::Debug for Cert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cert({} of {})", self.subject(), self.issuer())
    }
}

impl Cert {
    /// Reads a certificate. `name` is where it came from, for errors.
    ///
    /// # Errors
    /// `Kind::Certificate`.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self> {
        let wrong = |what: &str| Error::new(Kind::Certificate, format!("the certificate {what}")).at(name);
        if bytes.len() > LARGEST {
            return Err(wrong("is too large")
                .found(format!("{} bytes", bytes.len()))
                .wanted(format!("at most {LARGEST} bytes")));
        }
        let (tbs, outer, signature) =
            split(bytes).map_err(|e| wrong("is no X.509 in DER or PEM").because(e.to_string()))?;
        let inner = TbsCertificate::from_der(tbs)
            .map_err(|e| wrong("is no X.509 in DER or PEM").because(e.to_string()))?;
        if outer != *inner.signature() {
            return Err(wrong("names two signature algorithms"));
        }
        if outer.oid != RSA_PSS {
            return Err(wrong("is signed with another algorithm than AMD's")
                .found(outer.oid.to_string())
                .wanted("RSASSA-PSS"));
        }
        let Some(signature) = signature.as_bytes() else {
            return Err(wrong("has a signature of no whole bytes"));
        };
        let extensions = inner.extensions().map(Vec::as_slice).unwrap_or_default();
        for (n, one) in extensions.iter().enumerate() {
            if extensions[..n].iter().any(|e| e.extn_id == one.extn_id) {
                return Err(wrong("has an extension twice").found(one.extn_id.to_string()));
            }
        }
        let role = match common_name(inner.subject()).as_str() {
            "SEV-VCEK" => Role::Vcek,
            "SEV-VLEK" => Role::Vlek,
            _ if inner.subject() == inner.issuer() => Role::Ark,
            _ => Role::Signer,
        };
        if matches!(role, Role::Ark | Role::Signer) && !is_ca(&inner) {
            return Err(wrong("is none of ARK, ASK, ASVK, VCEK and VLEK").found(common_name(inner.subject())));
        }
        Ok(Self {
            name: name.to_owned(),
            der: bytes.to_vec(),
            tbs: tbs.to_vec(),
            signature: signature.to_vec(),
            inner,
            role,
        })
    }

    /// What it is for.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Where it came from.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The certificate in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The subject's common name: `SEV-VCEK`, `ARK-Milan`.
    #[must_use]
    pub fn subject(&self) -> String {
        common_name(self.inner.subject())
    }

    /// The issuer's common name.
    #[must_use]
    pub fn issuer(&self) -> String {
        common_name(self.inner.issuer())
    }

    /// The first and the last moment at which it is valid.
    #[must_use]
    pub fn validity(&self) -> (Moment, Moment) {
        let validity = self.inner.validity();
        (validity.not_before.into(), validity.not_after.into())
    }

    /// The value of an extension.
    pub(super) fn extension(&self, oid: ObjectIdentifier) -> Option<&[u8]> {
        let found = self.inner.extensions()?.iter().find(|e| e.extn_id == oid)?;
        Some(found.extn_value.as_bytes())
    }

    /// Its key, where that is of P-384.
    pub(super) fn p384(&self) -> Option<VerifyingKey> {
        use x509_cert::der::referenced::OwnedToRef as _;
        VerifyingKey::try_from(self.inner.subject_public_key_info().owned_to_ref()).ok()
    }

    /// Whether `signer` is named as the issuer.
    pub(super) fn names(&self, signer: &Self) -> bool {
        self.inner.issuer() == signer.inner.subject()
    }

    /// Whether `signer`'s key made the signature: RSA-PSS with SHA-384 and a salt of 48 bytes.
    pub(super) fn is_signed_by(&self, signer: &Self) -> bool {
        use x509_cert::der::referenced::OwnedToRef as _;
        let key = rsa::PublicKey::try_from(signer.inner.subject_public_key_info().owned_to_ref());
        key.is_ok_and(|key| key.pss_verify::<Sha384>(&self.tbs, &self.signature).is_ok())
    }
}

/// The three parts of a certificate, the first as the bytes that the signature covers.
fn split(bytes: &[u8]) -> der::Result<(&[u8], AlgorithmIdentifierOwned, BitString)> {
    let mut reader = SliceReader::new(bytes)?;
    let parts = reader.sequence(|r| {
        let tbs = r.tlv_bytes()?;
        Ok::<_, der::Error>((tbs, AlgorithmIdentifierOwned::decode(r)?, BitString::decode(r)?))
    })?;
    reader.finish()?;
    Ok(parts)
}

fn common_name(name: &Name) -> String {
    name.common_name().ok().flatten().map_or_else(String::new, |n| n.value().into_owned())
}

fn is_ca(inner: &TbsCertificate) -> bool {
    matches!(inner.get_extension::<BasicConstraints>(), Ok(Some((_, basic))) if basic.ca)
}

#[cfg(test)]
#[path = "cert_tests.rs"]
mod tests;
