//! What the chip should have measured, and whether it did. Streams and numbers in, digests and a verdict out.
//! Never: a network, a hypervisor, or a file name; the caller opens the files.
//!
//! `firmware, kernel, initrd, command line, VMSA pages → launch digest → HMAC with the TIK → verdict`

pub mod expected;
pub mod kernel_hashes;
pub mod sev;
pub mod verify;
pub mod vmsa;

use crate::{Error, Kind, Result};
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest, Sha256};
use std::io::{ErrorKind, Read};

/// A SHA-256 digest.
pub type Digest32 = [u8; 32];

/// Feeds a stream into a hash in pieces, so that memory does not grow with the file.
pub(crate) fn feed(hash: &mut Sha256, what: &str, from: &mut dyn Read) -> Result<u64> {
    let mut piece = vec![0u8; 128 * 1024];
    let mut total = 0u64;
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(total),
            Ok(n) => {
                hash.update(&piece[..n]);
                total += n as u64;
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::new(Kind::File, format!("cannot read the {what}")).because(e)),
        }
    }
}

/// SHA-256 of a stream.
pub(crate) fn hash_of(what: &str, from: &mut dyn Read) -> Result<Digest32> {
    let mut hash = Sha256::new();
    feed(&mut hash, what, from)?;
    Ok(hash.finalize().into())
}

/// Decodes base64 with white space anywhere and padding optional. `None` when it is not base64.
#[must_use]
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let packed: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&base64::alphabet::STANDARD, config).decode(packed).ok()
}

/// Encodes as base64 on one line.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
