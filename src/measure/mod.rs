//! What the chip should have measured, and whether it did. Streams and numbers in, digests and a verdict out.
//! Never: a network, a hypervisor, or a file name; the caller opens the files.
//!
//! `firmware, kernel, initrd, command line, VMSA pages → launch digest → HMAC with the TIK → verdict`
//!
//! [`at_once`] hashes firmware, kernel and initrd at the same time; [`sev`] and [`snp`] make any number of digests of what
//! it gives, without reading anything again.

pub mod cpu;
pub mod evidence;
pub mod expected;
pub mod kernel_hashes;
pub mod sev;
pub mod snp;
pub mod verify;
pub mod vmsa;

use crate::{Error, Kind, Result};
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest, Sha256};
use std::io::{ErrorKind, Read};

/// A SHA-256 digest: the launch digest of SEV and SEV-ES.
pub type Digest32 = [u8; 32];

/// A SHA-384 digest: the launch digest of SEV-SNP.
pub type Digest48 = [u8; 48];

/// The most of a kernel or an initrd that is hashed: the boot protocol has 32 bits for its size (Linux,
/// `Documentation/arch/x86/boot.rst`, `ramdisk_size`).
const LARGEST_FILE: u64 = u32::MAX as u64;

/// Feeds a stream into a hash in pieces, so that memory does not grow with the file, and no further than `most` bytes, so
/// that a device without an end is an error and no hang.
pub(crate) fn feed(hash: &mut Sha256, what: &str, from: &mut dyn Read, most: u64) -> Result<u64> {
    // As much as stays in a core's nearest cache: four times as much cost a third more.
    let mut piece = vec![0u8; 32 * 1024];
    let mut total = 0u64;
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(total),
            Ok(n) => {
                hash.update(&piece[..n]);
                total += n as u64;
                if total > most {
                    return Err(Error::new(Kind::File, format!("the {what} is too large"))
                        .wanted(format!("at most {most} bytes")));
                }
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::new(Kind::File, format!("cannot read the {what}")).because(e)),
        }
    }
}

/// Does both at the same time, on two of the machine's cores.
///
/// # Errors
/// Those of either, or both in one.
pub fn at_once<A: Send, B>(
    one: impl FnOnce() -> Result<A> + Send,
    other: impl FnOnce() -> Result<B>,
) -> Result<(A, B)> {
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        (one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), other)
    });
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (one, other) => Err(Error::many(one.err().into_iter().chain(other.err()).collect())
            .unwrap_or_else(|| Error::new(Kind::Bug, "no error among errors"))),
    }
}

/// SHA-256 of a stream.
pub(crate) fn hash_of(what: &str, from: &mut dyn Read) -> Result<Digest32> {
    let mut hash = Sha256::new();
    feed(&mut hash, what, from, LARGEST_FILE)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// `verify --firmware /dev/zero` never ended.
    #[test]
    fn a_stream_without_an_end_is_an_error() {
        let e = feed(&mut Sha256::new(), "firmware", &mut std::io::repeat(0), 1 << 20).unwrap_err();
        assert_eq!(e.kind(), Kind::File);
        let whole = feed(&mut Sha256::new(), "firmware", &mut std::io::repeat(0).take(1 << 20), 1 << 20);
        assert_eq!(whole.unwrap(), 1 << 20);
        let e = sev::Measured::new(&mut std::io::repeat(0)).unwrap_err();
        assert_eq!(e.message(), "the firmware is too large");
    }
    #[test]
    fn both_errors_are_told() {
        let fail = |text: &'static str| Err::<(), _>(Error::new(Kind::File, text));
        let e = at_once(|| fail("one"), || fail("other")).unwrap_err();
        assert_eq!(e.problems().map(Error::message).collect::<Vec<_>>(), ["one", "other"]);
        assert_eq!(at_once(|| fail("one"), || Ok(1)).unwrap_err().message(), "one");
        assert_eq!(at_once(|| Ok(1), || fail("other")).unwrap_err().message(), "other");
        assert_eq!(at_once(|| Ok(1), || Ok(2)).unwrap(), (1, 2));
    }
}
