//! A fresh session for one launch on one platform. In: a verified PDH, a policy. Out: [`NewSession`] and its files.
//! Never: a key that was used before, a file with wider permissions than 0600, a part of a set, or an overwritten file.
//!
//! AMD SEV API (55766), chapter 2: ECDH on P-384 with an ephemeral key, KDF, wrapped TEK and TIK.

use super::blob::SessionBlob;
use super::cert::{Cert, Usage};
use super::keys::TransportKeys;
use super::store;
use crate::config::{BUNDLE_SCHEMA, SevPolicy};
use crate::crypt::random;
use crate::measure::to_base64;
use crate::redact::Secret;
use crate::{Error, Kind, Result, hex};
use serde_json::json;
use std::path::{Path, PathBuf};

/// A session that no guest was launched with.
#[derive(Debug)]
pub struct NewSession {
    /// The guest owner's Diffie-Hellman certificate (GODH): `<dhCert>`.
    pub godh: Cert,
    /// The session blob: `<session>`.
    pub blob: SessionBlob,
    /// The guest owner's keys; they stay with the owner.
    pub keys: TransportKeys,
    /// The policy that the session is bound to.
    pub policy: u32,
}

/// Makes fresh keys and wraps them for the platform with this PDH. Verify its chain first: this does not.
///
/// # Errors
/// `Kind::Certificate` when the certificate is no PDH.
pub fn create(pdh: &Cert, policy: u32) -> Result<NewSession> {
    if pdh.usage() != Usage::Pdh {
        return Err(Error::new(Kind::Certificate, "a session is made for a PDH certificate")
            .found(pdh.usage().to_string()));
    }
    let platform = pdh.public_key()?;
    let own = ephemeral_key()?;
    let mut keys = TransportKeys { tek: Secret::new([0; 16]), tik: Secret::new([0; 16]) };
    random(keys.tek.expose_mut())?;
    random(keys.tik.expose_mut())?;
    let (mut nonce, mut iv) = ([0u8; 16], [0u8; 16]);
    random(&mut nonce)?;
    random(&mut iv)?;
    // The shared secret is the x coordinate, big-endian, and wipes itself.
    let shared = own.diffie_hellman(&platform);
    let blob = SessionBlob::wrap(shared.raw_secret_bytes(), nonce, iv, &keys, policy)?;
    Ok(NewSession { godh: Cert::new_pdh(&own.public_key()), blob, keys, policy })
}

/// A uniformly random scalar: numbers that are zero or not below the order are thrown away, which is as good as never.
fn ephemeral_key() -> Result<p384::SecretKey> {
    let mut bytes = Secret::new([0u8; 48]);
    for _ in 0..64 {
        random(bytes.expose_mut())?;
        if let Ok(key) = p384::SecretKey::from_slice(bytes.expose()) {
            return Ok(key);
        }
    }
    Err(Error::new(Kind::State, "the operating system's random numbers are not random"))
}

/// The policy that LXD's `security.sev.policy.es` means.
const LXD_ES: u32 = SevPolicy::NODBG | SevPolicy::ES;

/// What a session was made for, as its bundle says.
#[derive(Debug, Clone, Copy)]
pub struct MadeFor<'a> {
    /// The platform's PDH.
    pub pdh: &'a Cert,
    /// The name of AMD's root that its chain leads to; `None` where it leads to another one, or to none.
    pub root: Option<&'a str>,
    /// SHA-256 of the firmware image that the owner expects.
    pub firmware: Option<&'a [u8; 32]>,
}

impl NewSession {
    /// The names of the files that [`NewSession::write`] makes.
    pub const FILES: [&'static str; 5] = ["tek.bin", "tik.bin", "godh.b64", "session.b64", "keys.yaml"];

    /// The session's configuration keys. LXD's own four where they can say the policy. No secret is in them.
    #[must_use]
    pub fn keys(&self) -> Vec<(&'static str, String)> {
        let mut keys = vec![("security.sev", "true".to_owned())];
        match self.policy {
            SevPolicy::NODBG => {}
            LXD_ES => keys.push(("security.sev.policy.es", "true".to_owned())),
            policy => keys.push(("security.sev.policy", format!("{policy:#x}"))),
        }
        keys.push(("security.sev.session.dh", to_base64(self.godh.bytes())));
        keys.push(("security.sev.session.data", to_base64(self.blob.bytes())));
        keys
    }

    /// The same as YAML, ready for `--config` and for an LXD instance's `config`.
    #[must_use]
    pub fn config_yaml(&self) -> String {
        let head = "# For one launch: a session must never be used twice.\n".to_owned();
        self.keys().into_iter().fold(head, |yaml, (key, value)| yaml + &format!("{key}: \"{value}\"\n"))
    }

    /// What the host needs of the guest owner, as one file for `--config`: the keys, and what they were made for. No
    /// secret is in it.
    ///
    /// # Errors
    /// `Kind::Bug` only.
    pub fn bundle(&self, made_for: &MadeFor<'_>) -> Result<String> {
        let keys: serde_json::Map<_, _> =
            self.keys().into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
        let mut bundle = json!({
            "schema": BUNDLE_SCHEMA,
            "session": self.blob.id(),
            "platform": { "pdh": hex::encode(&made_for.pdh.fingerprint()), "root": made_for.root },
            "config": keys,
        });
        if let Some(digest) = made_for.firmware {
            bundle["expected"] = json!({ "firmware": hex::encode(digest) });
        }
        let text = serde_json::to_string_pretty(&bundle)
            .map_err(|e| Error::new(Kind::Bug, "the bundle cannot be written as JSON").because(e))?;
        Ok(text + "\n")
    }

    /// Writes `tek.bin`, `tik.bin`, `godh.b64`, `session.b64` and `keys.yaml` into a folder, which is made (0700)
    /// where it is missing, and the bundle where it is wanted. All of them or none; nothing is overwritten.
    ///
    /// # Errors
    /// `Kind::File`: a file exists already, or cannot be written. Nothing is left behind then.
    pub fn write(&self, folder: &Path, bundle: Option<(&Path, &str)>) -> Result<Vec<PathBuf>> {
        let godh = to_base64(self.godh.bytes());
        let session = to_base64(self.blob.bytes());
        let yaml = self.config_yaml();
        let contents: [&[u8]; 5] = [
            self.keys.tek.expose(),
            self.keys.tik.expose(),
            godh.as_bytes(),
            session.as_bytes(),
            yaml.as_bytes(),
        ];
        let files: Vec<(&str, &[u8])> = Self::FILES.into_iter().zip(contents).collect();
        store::write_all_or_none(folder, &files, bundle.map(|(path, text)| (path, text.as_bytes())))
    }
}

#[cfg(test)]
#[path = "create_tests.rs"]
mod tests;
