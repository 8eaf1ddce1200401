//! ID block and ID auth: which guest the owner means, and the owner's signature under it. In: digest, policy, keys.
//! Out: 96 and 4096 bytes, as libvirt's `<idBlock>` and `<idAuth>` take them; the keys of a configuration.
//! Never: a policy that the firmware refuses.
//!
//! AMD SEV-SNP ABI (56860), 8.17, SNP_LAUNCH_FINISH, tables "ID block" and "ID authentication information". The firmware
//! refuses the launch where the digest or the policy is another; the report then carries the keys' digests.

use super::Digest48;
use super::key::{PUBLIC_KEY_SIZE, PrivateKey, PublicKey, SIGNATURE_SIZE};
use super::policy::GuestPolicy;
use crate::measure::to_base64;
use crate::{Error, Kind, Result, hex};
use std::fmt;
use std::fmt::Write as _;

/// Bytes of an ID block.
pub const ID_BLOCK_SIZE: usize = 96;
/// Bytes of an ID auth.
pub const ID_AUTH_SIZE: usize = 4096;
/// ECDSA on P-384 with SHA-384.
const ALGORITHM: u32 = 1;

/// The guest that the owner means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdBlock {
    /// The launch digest that the guest must have.
    pub launch_digest: Digest48,
    /// The family: the owner's own, as is the next.
    pub family_id: [u8; 16],
    /// The image.
    pub image_id: [u8; 16],
    /// Version of the format: 1.
    pub version: u32,
    /// The guest's security version.
    pub guest_svn: u32,
    /// The policy that the guest must be launched with.
    pub policy: GuestPolicy,
}

impl IdBlock {
    /// For this digest and policy; version 1, everything else zero.
    ///
    /// # Errors
    /// `Kind::Config`: the firmware takes no such policy.
    pub fn new(launch_digest: Digest48, policy: GuestPolicy) -> Result<Self> {
        let wrong = |what: &str, wanted: &str| {
            Err(Error::new(Kind::Config, what).at("policy").found(policy.to_string()).wanted(wanted))
        };
        if !policy.has(GuestPolicy::ONE) {
            return wrong("the policy does not set bit 17", "bit 17 set, such as 0x30000");
        }
        if policy.has(GuestPolicy::RESERVED) {
            return wrong("the policy sets reserved bits", "bits 26 to 63 clear");
        }
        Ok(Self { launch_digest, family_id: [0; 16], image_id: [0; 16], version: 1, guest_svn: 0, policy })
    }

    /// The block.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; ID_BLOCK_SIZE] {
        let mut out = [0; ID_BLOCK_SIZE];
        out[..48].copy_from_slice(&self.launch_digest);
        out[48..64].copy_from_slice(&self.family_id);
        out[64..80].copy_from_slice(&self.image_id);
        out[80..84].copy_from_slice(&self.version.to_le_bytes());
        out[84..88].copy_from_slice(&self.guest_svn.to_le_bytes());
        out[88..].copy_from_slice(&self.policy.0.to_le_bytes());
        out
    }

    /// Signs the block with the ID key, and the ID key with the author key where there is one.
    #[must_use]
    pub fn sign(self, id_key: &PrivateKey, author_key: Option<&PrivateKey>) -> SignedIdBlock {
        let bytes = self.to_bytes();
        let public = id_key.public();
        let mut auth = Box::new([0; ID_AUTH_SIZE]);
        let mut put = |at: usize, field: &[u8]| auth[at..at + field.len()].copy_from_slice(field);
        put(0, &ALGORITHM.to_le_bytes());
        put(SIGNATURE, &id_key.sign(&bytes));
        put(ID_KEY, public.bytes());
        if let Some(author) = author_key {
            put(4, &ALGORITHM.to_le_bytes());
            put(ID_KEY_SIGNATURE, &author.sign(public.bytes()));
            put(AUTHOR_KEY, author.public().bytes());
        }
        SignedIdBlock { block: self, auth, id_key: public, author_key: author_key.map(PrivateKey::public) }
    }
}

/// Where the fields of an ID auth stand.
const SIGNATURE: usize = 0x40;
const ID_KEY: usize = SIGNATURE + SIGNATURE_SIZE;
const ID_KEY_SIGNATURE: usize = 0x680;
const AUTHOR_KEY: usize = ID_KEY_SIGNATURE + SIGNATURE_SIZE;
const _: () = assert!(ID_KEY + PUBLIC_KEY_SIZE == 0x644 && AUTHOR_KEY + PUBLIC_KEY_SIZE == 0xc84);

/// An ID block with its ID auth.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedIdBlock {
    /// What is signed.
    pub block: IdBlock,
    /// Who signed it; its digest is the ID_KEY_DIGEST of a report.
    pub id_key: PublicKey,
    /// Who vouches for the ID key; its digest is the AUTHOR_KEY_DIGEST of a report.
    pub author_key: Option<PublicKey>,
    auth: Box<[u8; ID_AUTH_SIZE]>,
}

impl fmt::Debug for SignedIdBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedIdBlock({:?}, {:?}, {:?})", self.block, self.id_key, self.author_key)
    }
}

impl SignedIdBlock {
    /// The ID auth.
    #[must_use]
    pub fn auth(&self) -> &[u8; ID_AUTH_SIZE] {
        &self.auth
    }

    /// The configuration's keys in their order.
    #[must_use]
    pub fn keys(&self, host_data: Option<&[u8; 32]>) -> Vec<(&'static str, String)> {
        let mut keys = vec![
            ("security.sev.snp", "true".to_owned()),
            ("security.sev.snp.policy", self.block.policy.to_string()),
        ];
        keys.extend(host_data.map(|data| ("security.sev.snp.host_data", to_base64(data))));
        keys.push(("security.sev.snp.id_block", to_base64(&self.block.to_bytes())));
        keys.push(("security.sev.snp.id_auth", to_base64(self.auth())));
        keys.extend(self.author_key.as_ref().map(|_| ("security.sev.snp.author_key", "true".to_owned())));
        keys
    }

    /// The keys as YAML for `--config`, with what a report of this guest will show. No secret is in it.
    #[must_use]
    pub fn config_yaml(&self, host_data: Option<&[u8; 32]>) -> String {
        let mut out = format!(
            "# For the guest with the launch digest {}.\n# A report of it shows the ID key's digest {}",
            hex::encode(&self.block.launch_digest),
            hex::encode(&self.id_key.digest())
        );
        // Writing to a String cannot fail.
        match &self.author_key {
            Some(key) => {
                let _ = writeln!(out, "\n# and the author key's digest {}.", hex::encode(&key.digest()));
            }
            None => out += ".\n",
        }
        for (key, value) in self.keys(host_data) {
            let _ = writeln!(out, "{key}: \"{value}\"");
        }
        out
    }
}

#[cfg(test)]
#[path = "id_block_tests.rs"]
mod tests;
