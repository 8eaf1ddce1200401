//! The owner's policy file: which launches are acceptable at all. In: YAML or JSON. Out: [`Policy`], and a finding for
//! each thing that it does not allow. Never: a key that is not known or stands twice, or a list that is empty: each would
//! allow more than somebody thinks.
//!
//! The names are those of simple-kbs (`src/policy.rs`).

use crate::config::strict::Strict;
use crate::config::value;
use crate::finding::{Finding, Severity};
use crate::hex;
use crate::measure::from_base64;
use crate::{Error, Kind, Result};

/// The id of every finding that a policy file gives.
pub const POLICY_FILE: &str = "policy-file";

const DIGESTS: &str = "allowed_digests";
const POLICIES: &str = "allowed_policies";
const MAJOR: &str = "min_fw_api_major";
const MINOR: &str = "min_fw_api_minor";
const BUILDS: &str = "allowed_build_ids";
const KEYS: [&str; 5] = [DIGESTS, POLICIES, MAJOR, MINOR, BUILDS];

/// Bytes of a launch digest of SEV and SEV-ES (SHA-256), and of SEV-SNP (SHA-384).
const DIGEST_SIZES: [usize; 2] = [32, 48];

/// What the owner allows. What is `None` is not restricted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Launch digests: 32 bytes for SEV and SEV-ES, 48 for SEV-SNP.
    pub allowed_digests: Option<Vec<Vec<u8>>>,
    /// Guest policies, each as a whole number.
    pub allowed_policies: Option<Vec<u64>>,
    /// The lowest firmware API version, major and minor.
    pub min_fw_api: Option<(u8, u8)>,
    /// Firmware builds.
    pub allowed_build_ids: Option<Vec<u8>>,
}

/// What a verified measurement or report says of its launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims<'a> {
    /// The launch digest.
    pub digest: &'a [u8],
    /// The guest's policy.
    pub policy: u64,
    /// Firmware API version, major and minor.
    pub api: (u8, u8),
    /// Firmware build.
    pub build_id: u8,
}

impl Policy {
    /// Reads a policy file. Every problem is told in one run.
    ///
    /// # Errors
    /// `Kind::Config`.
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        let mut file = Strict::parse(text, name, "policy file", &KEYS)?;
        let major = file.one(MAJOR, value::unsigned_8);
        let minor = file.one(MINOR, value::unsigned_8);
        if file.has(MINOR) && !file.has(MAJOR) {
            let wanted = format!("{MAJOR} too");
            file.refuse(MINOR, "a lowest minor version alone would allow every higher major one", &wanted);
        }
        let policy = Self {
            allowed_digests: file.list(DIGESTS, digest),
            allowed_policies: file.list(POLICIES, value::unsigned_64),
            min_fw_api: (major.is_some() || minor.is_some())
                .then(|| (major.unwrap_or_default(), minor.unwrap_or_default())),
            allowed_build_ids: file.list(BUILDS, value::unsigned_8),
        };
        file.finish(policy)
    }

    /// The allowed digests of this size; `None` where digests are not restricted.
    pub fn digests<const N: usize>(&self) -> Option<Vec<[u8; N]>> {
        let all = self.allowed_digests.as_ref()?;
        Some(all.iter().filter_map(|d| d.as_slice().try_into().ok()).collect())
    }

    /// One finding for each thing that is not allowed; none where all is.
    #[must_use]
    pub fn judge(&self, claims: &Claims<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut refuse = |key: &str, title: String, allowed: String| {
            findings.push(
                Finding::new(POLICY_FILE, Severity::Error, title)
                    .path(key)
                    .detail(format!("Allowed: {allowed}.")),
            );
        };
        if let Some(allowed) = &self.allowed_digests
            && !allowed.iter().any(|d| d == claims.digest)
        {
            let title = format!("the launch digest {} is not allowed", hex::encode(claims.digest));
            refuse(DIGESTS, title, join(allowed, |d| hex::encode(d)));
        }
        if let Some(allowed) = &self.allowed_policies
            && !allowed.contains(&claims.policy)
        {
            let title = format!("the guest policy {:#x} is not allowed", claims.policy);
            refuse(POLICIES, title, join(allowed, |p| format!("{p:#x}")));
        }
        let (major, minor) = claims.api;
        if let Some(lowest) = self.min_fw_api.filter(|lowest| claims.api < *lowest) {
            let title = format!("the SEV firmware has API {major}.{minor}, which is too old");
            refuse(MAJOR, title, format!("{}.{} and newer", lowest.0, lowest.1));
        }
        if let Some(allowed) = &self.allowed_build_ids
            && !allowed.contains(&claims.build_id)
        {
            let title = format!("the SEV firmware's build {} is not allowed", claims.build_id);
            refuse(BUILDS, title, join(allowed, u8::to_string));
        }
        findings
    }
}

fn join<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    items.iter().map(show).collect::<Vec<_>>().join(", ")
}

/// A digest in hexadecimal, or in base64 as simple-kbs has it. Their lengths differ, so neither is taken for the other.
fn digest(text: &str) -> Result<Vec<u8>> {
    let plain = text.trim();
    let bytes = match DIGEST_SIZES.iter().any(|n| plain.len() == n * 2) {
        true => hex::decode(plain),
        false => from_base64(plain),
    };
    bytes.filter(|b| DIGEST_SIZES.contains(&b.len())).ok_or_else(|| {
        Error::new(Kind::Config, "not a launch digest")
            .found(value::shown(plain))
            .wanted("32 bytes (SEV, SEV-ES) or 48 bytes (SEV-SNP), in hex or base64")
    })
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
