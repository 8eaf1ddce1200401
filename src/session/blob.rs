//! The launch session blob. In: 128 bytes, or the keys to wrap. Out: [`SessionBlob`]. Never: a key in clear.
//!
//! AMD SEV API (55766) 6.2, LAUNCH_START session buffer: NONCE 16 ‖ WRAP_TK 32 ‖ WRAP_IV 16 ‖ WRAP_MAC 32 ‖ POLICY_MAC 32.

use super::keys::TransportKeys;
use crate::crypt::{aes_ctr, derive, hmac, mac};
use crate::redact::Secret;
use crate::{Error, Kind, Result};
use hmac::Mac;
use sha2::{Digest, Sha256};

/// Bytes of a session blob.
pub const BLOB_SIZE: usize = 128;

/// What LAUNCH_START takes: wrapped keys and the MAC of the policy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SessionBlob([u8; BLOB_SIZE]);

impl std::fmt::Debug for SessionBlob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionBlob(128 bytes)")
    }
}

impl SessionBlob {
    /// Reads a blob: binary, or the same in base64.
    ///
    /// # Errors
    /// `Kind::Session` when it has another size.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        // A blob begins with a random nonce, so only its size tells it from base64.
        let decoded = match bytes.len() {
            BLOB_SIZE => None,
            _ => std::str::from_utf8(bytes).ok().and_then(crate::measure::from_base64),
        };
        let bytes = decoded.as_deref().unwrap_or(bytes);
        Ok(Self(bytes.try_into().map_err(|_| {
            Error::new(Kind::Session, "the session blob has the wrong size")
                .found(format!("{} bytes", bytes.len()))
                .wanted(format!("{BLOB_SIZE} bytes, or their base64"))
                .hint("Give the session file, not the Diffie-Hellman certificate.")
        })?))
    }

    /// Wraps the keys of a session under the secret that the key exchange gave.
    pub(super) fn wrap(
        shared: &[u8],
        nonce: [u8; 16],
        iv: [u8; 16],
        keys: &TransportKeys,
        policy: u32,
    ) -> Result<Self> {
        let master = derive(shared, "sev-master-secret", &nonce)?;
        let kek = derive(master.expose(), "sev-kek", &[])?;
        let kik = derive(master.expose(), "sev-kik", &[])?;
        let mut wrapped = Secret::new([0u8; 32]);
        wrapped.expose_mut()[..16].copy_from_slice(keys.tek.expose());
        wrapped.expose_mut()[16..].copy_from_slice(keys.tik.expose());
        aes_ctr(&kek, &iv, wrapped.expose_mut());
        let mut blob = [0u8; BLOB_SIZE];
        blob[..16].copy_from_slice(&nonce);
        blob[16..48].copy_from_slice(wrapped.expose());
        blob[48..64].copy_from_slice(&iv);
        blob[64..96].copy_from_slice(&mac(kik.expose(), wrapped.expose())?);
        blob[96..].copy_from_slice(&mac(keys.tik.expose(), &policy.to_le_bytes())?);
        Ok(Self(blob))
    }

    /// Whether this session was made for this policy, with this TIK. The chip refuses the launch where it was not.
    ///
    /// # Errors
    /// `Kind::Bug` only.
    pub fn is_for(&self, policy: u32, tik: &Secret<[u8; 16]>) -> Result<bool> {
        let mut mac = hmac(tik.expose())?;
        mac.update(&policy.to_le_bytes());
        Ok(mac.verify_slice(&self.0[96..]).is_ok())
    }

    /// The blob's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; BLOB_SIZE] {
        &self.0
    }

    /// SHA-256 of the blob in hex: the name under which [`super::registry`] knows the session.
    #[must_use]
    pub fn id(&self) -> String {
        crate::hex::encode(&Sha256::digest(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: the `sev` crate's unit test of the same (`session/mod.rs`): all inputs are zero.
    #[test]
    fn the_blob_of_zeroes_is_the_published_one() {
        let keys = TransportKeys { tek: Secret::new([0; 16]), tik: Secret::new([0; 16]) };
        let blob = SessionBlob::wrap(&[0; 16], [0; 16], [0; 16], &keys, 0).unwrap();
        let hex: String = blob.bytes().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            hex,
            "00000000000000000000000000000000\
             2137bc7f9bb8bd7c3e55a576a15d3454b3856b8ba27afadf46dcfee9f02c02c4\
             00000000000000000000000000000000\
             3176c0752738bd9d5e8668953402\
             0f528c088f16238826b000b327dee6aeed7d\
             aa7855e13839dd767cd5da7c1ff5036540c9264b7a803029315e55375287b4af"
        );
    }

    #[test]
    fn another_policy_or_key_is_noticed() {
        let keys = TransportKeys { tek: Secret::new([1; 16]), tik: Secret::new([2; 16]) };
        let blob = SessionBlob::wrap(&[3; 48], [4; 16], [5; 16], &keys, 5).unwrap();
        assert!(blob.is_for(5, &keys.tik).unwrap());
        assert!(!blob.is_for(1, &keys.tik).unwrap());
        assert!(!blob.is_for(5, &keys.tek).unwrap());
    }

    #[test]
    fn binary_and_base64_are_read_and_other_sizes_are_not() {
        let blob = SessionBlob([0x41; BLOB_SIZE]);
        assert_eq!(SessionBlob::parse(blob.bytes()).unwrap(), blob);
        let text = crate::measure::to_base64(blob.bytes()) + "\n";
        assert_eq!(SessionBlob::parse(text.as_bytes()).unwrap(), blob);
        for size in [0, 16, 127, 129, 2084] {
            assert_eq!(SessionBlob::parse(&vec![0; size]).unwrap_err().kind(), Kind::Session);
        }
    }
}
