//! The guest owner's keys from their files. In: a stream. Out: keys in `Secret`. Never: a byte of them in an error.

use crate::redact::Secret;
use crate::{Error, Kind, Result};
use std::io::Read;

/// The transport keys of one session: encryption (TEK) and integrity (TIK).
#[derive(Debug, Clone)]
pub struct TransportKeys {
    /// Transport encryption key.
    pub tek: Secret<[u8; 16]>,
    /// Transport integrity key.
    pub tik: Secret<[u8; 16]>,
}

/// Reads one key, `TIK` or `TEK`: exactly 16 bytes.
///
/// # Errors
/// `Kind::Session` when it has another size, `Kind::File` when it cannot be read.
pub fn read_key(name: &str, from: &mut dyn Read) -> Result<Secret<[u8; 16]>> {
    read_exactly::<16>(name, from)
}

/// Reads TEK and TIK from one file, in that order, as virt-qemu-sev-validate's `--tk` takes it: exactly 32 bytes.
///
/// # Errors
/// As [`read_key`].
pub fn read_both(from: &mut dyn Read) -> Result<TransportKeys> {
    let both = read_exactly::<32>("file of TEK and TIK", from)?;
    let (mut tek, mut tik) = (Secret::new([0; 16]), Secret::new([0; 16]));
    tek.expose_mut().copy_from_slice(&both.expose()[..16]);
    tik.expose_mut().copy_from_slice(&both.expose()[16..]);
    Ok(TransportKeys { tek, tik })
}

fn read_exactly<const N: usize>(name: &str, from: &mut dyn Read) -> Result<Secret<[u8; N]>>
where
    [u8; N]: zeroize::Zeroize,
{
    // No more than one byte too many is read, into a buffer that never moves and is wiped.
    let mut key = Secret::new([0u8; N]);
    let mut rest = Secret::new([0u8; 1]);
    let mut size = fill(name, key.expose_mut(), from)?;
    if size == N {
        size += fill(name, rest.expose_mut(), from)?;
    }
    if size == N {
        return Ok(key);
    }
    let found = if size > N { format!("more than {N} bytes") } else { format!("{size} bytes") };
    Err(Error::new(Kind::Session, format!("the {name} has the wrong size"))
        .found(found)
        .wanted(format!("{N} bytes"))
        .hint("Give the file as `virt-sev session` or `sevctl session` wrote it: raw bytes, no base64."))
}

fn fill(name: &str, into: &mut [u8], from: &mut dyn Read) -> Result<usize> {
    let mut at = 0;
    while at < into.len() {
        match from.read(&mut into[at..]) {
            Ok(0) => break,
            Ok(n) => at += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::new(Kind::File, format!("cannot read the {name}")).because(e)),
        }
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_exactly_16_bytes() {
        assert_eq!(*read_key("TIK", &mut &[7u8; 16][..]).unwrap().expose(), [7; 16]);
        for size in [0, 15, 17, 24, 100] {
            let e = read_key("TIK", &mut &vec![0x41u8; size][..]).unwrap_err();
            assert_eq!(e.kind(), Kind::Session);
            assert!(e.to_string().starts_with("the TIK has the wrong size"), "{e}");
            assert!(!e.to_string().contains("AA"), "{e}");
        }
    }

    #[test]
    fn in_the_combined_file_the_tek_comes_first() {
        let mut bytes = [1u8; 32];
        bytes[16..].fill(2);
        let keys = read_both(&mut &bytes[..]).unwrap();
        assert_eq!((*keys.tek.expose(), *keys.tik.expose()), ([1; 16], [2; 16]));
        assert!(read_both(&mut &bytes[..31]).is_err());
    }
}
