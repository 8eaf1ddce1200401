//! The few primitives of the SEV protocol: HMAC, key derivation, AES in counter mode, random bytes.
//! In: key and data. Out: key, MAC or ciphertext. Never: a key outside `Secret`.
//!
//! AMD SEV API (55766), chapter 2: SP 800-108 in counter mode with HMAC-SHA256; counter and length are 32 bits,
//! little-endian.

use crate::redact::Secret;
use crate::{Error, Kind, Result};
use ctr::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

/// A MAC that is under way.
pub(crate) fn hmac(key: &[u8]) -> Result<Hmac<Sha256>> {
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key);
    wipe_stack();
    mac.map_err(|_| Error::new(Kind::Bug, "HMAC refused a key"))
}

/// Overwrites what the functions that were just called have left below: the libraries wipe their state, but a key that they
/// move from one frame to the next stays behind in the first (seen by `tests/zeroised.rs`).
#[inline(never)]
fn wipe_stack() {
    std::hint::black_box(&mut [0u8; 4096]);
}

/// HMAC-SHA256 in one step.
pub(crate) fn mac(key: &[u8], data: &[u8]) -> Result<[u8; 32]> {
    let mut mac = hmac(key)?;
    mac.update(data);
    Ok(mac.finalize().into_bytes().into())
}

/// A key of 16 bytes from `key`. One block of HMAC-SHA256 is enough for it.
pub(crate) fn derive(key: &[u8], label: &str, context: &[u8]) -> Result<Secret<[u8; 16]>> {
    let mut mac = hmac(key)?;
    mac.update(&1u32.to_le_bytes());
    mac.update(label.as_bytes());
    mac.update(&[0]);
    mac.update(context);
    mac.update(&128u32.to_le_bytes());
    let mut block: [u8; 32] = mac.finalize().into_bytes().into();
    let mut out = Secret::new([0u8; 16]);
    out.expose_mut().copy_from_slice(&block[..16]);
    block.zeroize();
    Ok(out)
}

/// AES-128 in counter mode, in place. Encryption and decryption are the same.
pub(crate) fn aes_ctr(key: &Secret<[u8; 16]>, iv: &[u8; 16], data: &mut [u8]) {
    ctr::Ctr128BE::<aes::Aes128>::new(key.expose().into(), iv.into()).apply_keystream(data);
    wipe_stack();
}

/// Fills with bytes of the operating system's generator.
pub(crate) fn random(out: &mut [u8]) -> Result<()> {
    p384::elliptic_curve::common::getrandom::fill(out).map_err(|e| {
        Error::new(Kind::State, "the operating system gives no random bytes").because(e.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: the `sev` crate's unit test of the same (`session/key.rs`).
    #[test]
    fn the_master_secret_of_zeroes_is_the_published_one() {
        let m = derive(&[0; 16], "sev-master-secret", &[0; 16]).unwrap();
        let want =
            [0xab, 0x4d, 0x26, 0x9f, 0xcc, 0x62, 0xbe, 0xdb, 0x45, 0x11, 0xd5, 0x6c, 0x38, 0x6c, 0xe7, 0x06];
        assert_eq!(*m.expose(), want);
    }

    // NIST SP 800-38A, F.5.1, first two blocks.
    #[test]
    fn counter_mode_is_that_of_nist() {
        let key = Secret::new(0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes());
        let iv = 0xf0f1_f2f3_f4f5_f6f7_f8f9_fafb_fcfd_feff_u128.to_be_bytes();
        let mut data = [0u8; 32];
        data[..16].copy_from_slice(&0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a_u128.to_be_bytes());
        data[16..].copy_from_slice(&0xae2d_8a57_1e03_ac9c_9eb7_6fac_45af_8e51_u128.to_be_bytes());
        aes_ctr(&key, &iv, &mut data);
        assert_eq!(data[..16], 0x874d_6191_b620_e326_1bef_6864_990d_b6ce_u128.to_be_bytes());
        assert_eq!(data[16..], 0x9806_f66b_7970_fdff_8617_187b_b9ff_fdff_u128.to_be_bytes());
    }
}
