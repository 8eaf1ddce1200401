//! What a site wants of its SEV guests, as a file: `/etc/virt-sev/policy.yaml`. In: YAML or JSON. Out: [`Site`], and a finding
//! for each thing that a guest does not keep. Never: a word about a domain without SEV.

use crate::config::strict::Strict;
use crate::config::{Mode, SevConfig, Technology, value};
use crate::finding::{Finding, Severity};
use crate::measure::Digest32;
use crate::{Error, Kind, Result, hex, plan};

/// Where the file lies.
pub const PLACE: &str = "/etc/virt-sev/policy.yaml";
/// The id of every finding that it gives.
pub const SITE_POLICY: &str = "site-policy";

const FIX: &str = "Give the guest what the site wants, or have /etc/virt-sev/policy.yaml changed.";

const MODES: &str = "allowed_modes";
const FIRMWARE: &str = "allowed_firmware";
const BITS: &str = "required_policy_bits";
const SNP_BITS: &str = "required_snp_policy_bits";
const WARN: &str = "warn_only";
const HOST: &str = "ask_host";
/// Every key of the file.
pub const KEYS: [&str; 6] = [MODES, FIRMWARE, BITS, SNP_BITS, WARN, HOST];

/// What a site wants. Unset, nothing is restricted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Site {
    /// The modes that a SEV guest may have.
    pub allowed_modes: Option<Vec<Mode>>,
    /// SHA-256 of the firmware images that it may boot from.
    pub allowed_firmware: Option<Vec<Digest32>>,
    /// Bits that the policy of a SEV or SEV-ES guest must set.
    pub required_policy_bits: Option<u32>,
    /// Bits that the policy of a SEV-SNP guest must set.
    pub required_snp_policy_bits: Option<u64>,
    /// Rules and checks that warn and do not refuse.
    pub warn_only: Vec<String>,
    /// Whether the host's modes and its free ASIDs are asked, too.
    pub ask_host: bool,
}

impl Site {
    /// Reads the file. Every problem is told in one run.
    ///
    /// # Errors
    /// `Kind::Config`.
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        let mut file = Strict::parse(text, name, "site policy", &KEYS)?;
        let site = Self {
            allowed_modes: file.list(MODES, mode),
            allowed_firmware: file.list(FIRMWARE, digest),
            required_policy_bits: file.one(BITS, value::unsigned_32),
            required_snp_policy_bits: file.one(SNP_BITS, value::unsigned_64),
            warn_only: file.list(WARN, rule).unwrap_or_default(),
            ask_host: file.one(HOST, value::boolean).unwrap_or_default(),
        };
        file.finish(site)
    }

    /// What a guest with these keys does not keep. `firmware` is the digest of its image, where one was asked for.
    #[must_use]
    pub fn judge(&self, config: &SevConfig, firmware: Option<Digest32>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut refuse = |key: &str, title: String, detail: String| {
            findings
                .push(Finding::new(SITE_POLICY, Severity::Error, title).path(key).detail(detail).fix(FIX));
        };
        let mode = config.mode();
        if let Some(allowed) = self.allowed_modes.as_ref().filter(|all| !all.contains(&mode)) {
            let all: Vec<&str> = allowed.iter().map(|m| m.as_str()).collect();
            refuse(
                MODES,
                format!("{} is not allowed here", mode.as_str()),
                format!("Allowed: {}.", all.join(", ")),
            );
        }
        let (policy, required, key) = match &config.technology {
            Technology::Sev { policy, .. } => {
                (u64::from(policy.0), self.required_policy_bits.map(u64::from), BITS)
            }
            Technology::Snp(snp) => (snp.policy.0, self.required_snp_policy_bits, SNP_BITS),
        };
        if let Some(missing) = required.map(|bits| bits & !policy).filter(|missing| *missing != 0) {
            let title = format!("the policy {policy:#x} does not set the bits {missing:#x}");
            refuse(key, title, "The site requires them of every guest.".to_owned());
        }
        if let Some(allowed) = &self.allowed_firmware {
            match firmware {
                Some(digest) if allowed.contains(&digest) => {}
                Some(digest) => refuse(
                    FIRMWARE,
                    format!("the firmware image {} is not allowed here", hex::encode(&digest)),
                    "`virt-sev firmware list` shows the digests of those there are.".to_owned(),
                ),
                None => refuse(
                    FIRMWARE,
                    "which firmware image it boots from could not be seen".to_owned(),
                    "Where images are restricted, it must be named and readable.".to_owned(),
                ),
            }
        }
        findings
    }
}

fn mode(text: &str) -> Result<Mode> {
    [Mode::Sev, Mode::SevEs, Mode::SevSnp].into_iter().find(|m| m.as_str() == text).ok_or_else(|| {
        Error::new(Kind::Config, "not a mode").found(value::shown(text)).wanted("sev, sev-es or sev-snp")
    })
}

fn digest(text: &str) -> Result<Digest32> {
    hex::decode(text.trim()).and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
        Error::new(Kind::Config, "not the digest of a firmware image")
            .found(value::shown(text))
            .wanted("SHA-256 in 64 hexadecimal digits, as `virt-sev firmware list` shows it")
    })
}

fn rule(text: &str) -> Result<String> {
    plan::unknown_rule(Kind::Config, text).map_or_else(|| Ok(text.to_owned()), Err)
}
