//! The chip: what the AMD Secure Processor computes.
//! In: certificates, sessions, memory to measure, packets. Out: keys, measurements, plain text for the guest.
//! Never: QEMU, libvirt, or a line of the root crate.

pub mod cert;
pub mod measure;
pub mod packet;
pub mod platform;
pub mod session;
pub mod vmsa;

use crate::error::{Error, Result};
use ctr::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// SHA-256.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// HMAC-SHA-256 over the parts in order.
///
/// # Errors
/// None in practice: HMAC takes keys of every length.
pub fn hmac(key: &[u8], parts: &[&[u8]]) -> Result<[u8; 32]> {
    Ok(mac(key, parts)?.finalize().into_bytes().into())
}

/// Whether `tag` is the HMAC, compared in constant time.
///
/// # Errors
/// As [`hmac()`].
pub fn hmac_matches(key: &[u8], parts: &[&[u8]], tag: &[u8]) -> Result<bool> {
    Ok(mac(key, parts)?.verify_slice(tag).is_ok())
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Result<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|e| Error::new(e.to_string()))?;
    for part in parts {
        mac.update(part);
    }
    Ok(mac)
}

/// AES-128 in counter mode, the whole block as a big-endian counter. Encrypts and decrypts.
pub fn aes_ctr(key: &[u8; 16], iv: &[u8; 16], data: &mut [u8]) {
    ctr::Ctr128BE::<aes::Aes128>::new(key.into(), iv.into()).apply_keystream(data);
}

/// SP 800-108 in counter mode with HMAC-SHA-256 for 16 bytes of key (SEV API, appendix D "Key derivation").
/// Counter and length are little endian.
///
/// # Errors
/// As [`hmac()`].
pub fn derive(key: &[u8], label: &str, context: &[u8]) -> Result<zeroize::Zeroizing<[u8; 16]>> {
    let block = hmac(key, &[&1u32.to_le_bytes(), label.as_bytes(), &[0], context, &128u32.to_le_bytes()])?;
    let mut out = zeroize::Zeroizing::new([0; 16]);
    out.copy_from_slice(&block[..16]);
    Ok(out)
}

/// Random bytes of the operating system.
///
/// # Errors
/// The system has none.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| Error::new(e.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_is_rfc_4231s() {
        // RFC 4231, test case 2.
        let tag = hmac(b"Jefe", &[b"what do ya want ", b"for nothing?"]).unwrap();
        assert_eq!(tag[..8], [0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e]);
        assert!(hmac_matches(b"Jefe", &[b"what do ya want for nothing?"], &tag).unwrap());
        assert!(!hmac_matches(b"Jefe", &[b"what do ya want for nothing!"], &tag).unwrap());
    }

    #[test]
    fn counter_mode_is_sp_800_38as() {
        // NIST SP 800-38A, F.5.1, first block.
        let key =
            [0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c];
        let iv: [u8; 16] = std::array::from_fn(|n| 0xf0 + u8::try_from(n).unwrap());
        let mut data =
            [0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a];
        aes_ctr(&key, &iv, &mut data);
        assert_eq!(data[..4], [0x87, 0x4d, 0x61, 0x91]);
    }

    #[test]
    fn derivation_depends_on_every_input() {
        let base = derive(&[1; 16], "sev-kek", &[]).unwrap();
        assert_ne!(*base, *derive(&[2; 16], "sev-kek", &[]).unwrap());
        assert_ne!(*base, *derive(&[1; 16], "sev-kik", &[]).unwrap());
        assert_ne!(*base, *derive(&[1; 16], "sev-kek", &[0]).unwrap());
        // The formula written out once more, by hand.
        let mut text = vec![1, 0, 0, 0];
        text.extend(b"sev-kek\0");
        text.extend([0x80, 0, 0, 0]);
        assert_eq!(base[..], hmac(&[1; 16], &[&text]).unwrap()[..16]);
    }
}
