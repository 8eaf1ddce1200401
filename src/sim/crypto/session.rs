//! The session of a guest owner: from a certificate and a blob to TEK and TIK.
//! In: the PDH's private key, the owner's certificate and session (SEV API, LAUNCH_START). Out: [`TransportKeys`].
//! Never: a key in an error or in Debug.

use super::{aes_ctr, cert, derive, hmac_matches};
use crate::error::{Error, FirmwareError, Result};
use p384::SecretKey;
use zeroize::{Zeroize, Zeroizing};

/// The session's length: nonce 16, wrapped keys 32, IV 16, MAC of the wrapped keys 32, MAC of the policy 32.
pub const LENGTH: usize = 128;

/// TEK and TIK.
pub struct TransportKeys {
    /// Transport encryption key.
    pub tek: [u8; 16],
    /// Transport integrity key.
    pub tik: [u8; 16],
}

impl Drop for TransportKeys {
    fn drop(&mut self) {
        self.tek.zeroize();
        self.tik.zeroize();
    }
}

impl std::fmt::Debug for TransportKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TransportKeys(<redacted>)")
    }
}

impl TransportKeys {
    /// Keys that nobody else knows: what the chip does without a session.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub fn invent() -> Result<Self> {
        Ok(Self { tek: super::random()?, tik: super::random()? })
    }

    /// Unwraps the keys of a session and checks both MACs.
    ///
    /// # Errors
    /// As the chip: a bad certificate, a MAC that does not match.
    pub fn unwrap_session(pdh: &SecretKey, owner: &[u8], session: &[u8], policy: u32) -> Result<Self> {
        let refuse = |code, why: &str| Err(Error::firmware("sev_launch_start", "LAUNCH_START", code, why));
        let key = match cert::diffie_hellman_key(owner) {
            Ok(key) => key,
            Err(e) => return refuse(FirmwareError::InvalidCertificate, &e.to_string()),
        };
        let Ok(session) = <&[u8; LENGTH]>::try_from(session) else {
            let why = format!("the session has {} bytes, not {LENGTH}", session.len());
            return refuse(FirmwareError::InvalidParameter, &why);
        };
        let (nonce, rest) = session.split_at(16);
        let (wrapped, rest) = rest.split_at(32);
        let (iv, rest) = rest.split_at(16);
        let (wrap_mac, policy_mac) = rest.split_at(32);

        let shared = p384::ecdh::diffie_hellman(pdh.to_nonzero_scalar(), key.as_affine());
        let master = derive(shared.raw_secret_bytes(), "sev-master-secret", nonce)?;
        let kek = derive(&*master, "sev-kek", &[])?;
        let kik = derive(&*master, "sev-kik", &[])?;
        if !hmac_matches(&*kik, &[wrapped], wrap_mac)? {
            let why = "the session was made for another platform's PDH, or it is damaged";
            return refuse(FirmwareError::BadMeasurement, why);
        }
        let mut plain = Zeroizing::new([0u8; 32]);
        plain.copy_from_slice(wrapped);
        let iv: [u8; 16] = iv.try_into().map_err(|_| Error::new("the IV has 16 bytes"))?;
        aes_ctr(&kek, &iv, &mut *plain);
        let mut keys = Self { tek: [0; 16], tik: [0; 16] };
        keys.tek.copy_from_slice(&plain[..16]);
        keys.tik.copy_from_slice(&plain[16..]);
        if !hmac_matches(&keys.tik, &[&policy.to_le_bytes()], policy_mac)? {
            let why = format!("the session was made for another policy than {policy:#x}");
            return refuse(FirmwareError::BadMeasurement, &why);
        }
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{cert::Certificate, cert::Usage, hmac};
    use super::*;
    use p384::elliptic_curve::Generate;

    /// A guest owner's side, written out from the specification.
    fn owner(pdh: &SecretKey, policy: u32, tek: [u8; 16], tik: [u8; 16]) -> (Vec<u8>, Vec<u8>) {
        let key = SecretKey::generate();
        let shared = p384::ecdh::diffie_hellman(key.to_nonzero_scalar(), pdh.public_key().as_affine());
        let nonce = [7u8; 16];
        let iv = [9u8; 16];
        let master = derive(shared.raw_secret_bytes(), "sev-master-secret", &nonce).unwrap();
        let kek = derive(&*master, "sev-kek", &[]).unwrap();
        let kik = derive(&*master, "sev-kik", &[]).unwrap();
        let mut wrapped = [tek, tik].concat();
        aes_ctr(&kek, &iv, &mut wrapped);
        let mut session = nonce.to_vec();
        session.extend(&wrapped);
        session.extend(iv);
        session.extend(hmac(&*kik, &[&wrapped]).unwrap());
        session.extend(hmac(&tik, &[&policy.to_le_bytes()]).unwrap());
        (Certificate::new(Usage::Pdh, (0, 0), &key.public_key()).bytes().to_vec(), session)
    }

    #[test]
    fn keys_come_out_as_they_went_in() {
        let pdh = SecretKey::generate();
        let (certificate, session) = owner(&pdh, 5, [1; 16], [2; 16]);
        let keys = TransportKeys::unwrap_session(&pdh, &certificate, &session, 5).unwrap();
        assert_eq!((keys.tek, keys.tik), ([1; 16], [2; 16]));
    }

    #[test]
    fn every_damage_is_refused_with_its_reason() {
        let pdh = SecretKey::generate();
        let (certificate, session) = owner(&pdh, 1, [1; 16], [2; 16]);
        let refused = |pdh: &SecretKey, session: &[u8], policy| {
            TransportKeys::unwrap_session(pdh, &certificate, session, policy).unwrap_err().to_string()
        };
        assert!(
            refused(&pdh, &session, 3)
                .contains("fw_error=11 'Bad measurement': the session was made for another policy")
        );
        assert!(refused(&SecretKey::generate(), &session, 1).contains("another platform's PDH"));
        assert!(refused(&pdh, &session[1..], 1).contains("127 bytes"));
        for at in [0, 16, 47, 64, 95, 96, 127] {
            let mut bad = session.clone();
            bad[at] ^= 1;
            assert!(refused(&pdh, &bad, 1).contains("Bad measurement"), "byte {at}");
        }
        // The IV is covered by no MAC of its own: the TIK comes out wrong, and the policy's MAC shows it.
        let mut bad = session.clone();
        bad[63] ^= 1;
        assert!(refused(&pdh, &bad, 1).contains("another policy"));
    }
}
