//! The shape of what a guest owner gives for one launch. In: decoded blobs. Out: yes, or what is wrong.
//! Never: cryptography; whether the keys inside fit a platform, only its Secure Processor can say.
//!
//! Layout: AMD 55766, appendix C.4 "SEV Certificate Format" and chapter 6.2 LAUNCH_START ("SESSION").

use crate::{Error, Kind, Result};

/// `<dhCert>`: an SEV certificate, 16 bytes of head, 1028 of key, two signatures of 520.
pub const DH_CERT_SIZE: usize = 2084;
/// `<session>`: NONCE 16, WRAP_TK 32, WRAP_IV 16, WRAP_MAC 32, POLICY_MAC 32.
pub const SESSION_SIZE: usize = 128;

/// KEY_USAGE of a Platform Diffie-Hellman key.
const USAGE_PDH: u32 = 0x1003;
/// ECDH with SHA-256 and with SHA-384.
const ALGORITHMS_ECDH: [u32; 2] = [0x0003, 0x0103];
/// CURVE of an ECC key: P-384.
const CURVE_P384: u32 = 2;
/// Bytes of a P-384 coordinate; the field has 72, the rest must be zero.
const P384_BYTES: usize = 48;
const COORDINATE_FIELD: usize = 72;

pub(super) const HINT: &str =
    "Make both with `virt-sev session` or `sevctl session` and give them as they are.";

fn wrong(message: impl Into<String>) -> Error {
    Error::new(Kind::Session, message).hint(HINT)
}

/// Checks that this is a Diffie-Hellman certificate as SEV wants it: size, version, usage, algorithm, curve.
///
/// # Errors
/// `Kind::Session`, saying which field differs.
pub fn check_dh_cert(cert: &[u8]) -> Result<()> {
    if cert.len() == SESSION_SIZE {
        return Err(wrong("this is as long as a session blob, not as a certificate: the two are swapped")
            .found(format!("{SESSION_SIZE} bytes"))
            .wanted(format!("{DH_CERT_SIZE} bytes")));
    }
    size("the Diffie-Hellman certificate has the wrong size", cert, DH_CERT_SIZE)?;
    field(cert, 0, "certificate version", &[1], "1")?;
    field(cert, 8, "certificate usage", &[USAGE_PDH], "0x1003 (PDH)")?;
    field(cert, 12, "certificate algorithm", &ALGORITHMS_ECDH, "0x3 or 0x103 (ECDH)")?;
    field(cert, 16, "certificate curve", &[CURVE_P384], "0x2 (P-384)")?;
    for (name, at) in [("x", 20), ("y", 20 + COORDINATE_FIELD)] {
        let coordinate = cert.get(at..at + COORDINATE_FIELD).unwrap_or_default();
        let (value, rest) = coordinate.split_at_checked(P384_BYTES).unwrap_or_default();
        if value.iter().all(|b| *b == 0) || rest.iter().any(|b| *b != 0) {
            return Err(wrong(format!("the certificate's {name} coordinate is not one of P-384")));
        }
    }
    Ok(())
}

/// Checks that this has the size of a session blob. Nothing inside it has a fixed value.
///
/// # Errors
/// `Kind::Session`.
pub fn check_session(session: &[u8]) -> Result<()> {
    if session.len() == DH_CERT_SIZE {
        return Err(wrong("this is as long as a certificate, not as a session blob: the two are swapped")
            .found(format!("{DH_CERT_SIZE} bytes"))
            .wanted(format!("{SESSION_SIZE} bytes")));
    }
    size("the session blob has the wrong size", session, SESSION_SIZE)
}

fn size(message: &str, blob: &[u8], wanted: usize) -> Result<()> {
    if blob.len() == wanted {
        return Ok(());
    }
    Err(wrong(message).found(format!("{} bytes", blob.len())).wanted(format!("{wanted} bytes")))
}

fn field(cert: &[u8], at: usize, name: &str, allowed: &[u32], wanted: &str) -> Result<()> {
    let found = cert.get(at..).and_then(<[u8]>::first_chunk).map(|b| u32::from_le_bytes(*b));
    match found {
        Some(value) if allowed.contains(&value) => Ok(()),
        Some(value) => Err(wrong(format!("the {name} is wrong")).found(format!("{value:#x}")).wanted(wanted)),
        None => Err(wrong(format!("the {name} is missing")).wanted(wanted)),
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
