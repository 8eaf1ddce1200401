//! The way back: from types to keys. In: [`SevConfig`]. Out: the fewest keys that mean it, in the order of the table.
//! Never: a key that says no more than its default.

use super::keys::{self, KEYS};
use super::raw::RawConfig;
use super::resolve::{POLICY_BITS, SNP_ALWAYS, SNP_POLICY_BITS};
use super::types::{
    FirmwareChoice, HardLimit, KernelHashes, MemoryBacking, MemoryConfig, MemoryLock, SevConfig, SevPolicy,
    SnpLaunch, SnpPolicy, Technology,
};
use super::value::blob_text;

/// The keys of a configuration: [`resolve`](super::resolve()) makes the same of them.
#[must_use]
pub fn keys_of(config: &SevConfig) -> RawConfig {
    // Every field by its name: a new one does not compile until it has its key here.
    let SevConfig { technology, kernel_hashes, cbitpos, reduced_phys_bits, firmware, memory } = config;
    let MemoryConfig { lock, hard_limit, backing } = memory;
    let mut out = Vec::new();
    match technology {
        Technology::Sev { policy, session } => {
            out.push(("security.sev", "true".to_owned()));
            sev_policy(*policy, &mut out);
            if let Some(session) = session {
                out.push(("security.sev.session.dh", blob_text(&session.dh_cert)));
                out.push(("security.sev.session.data", blob_text(&session.session)));
            }
        }
        Technology::Snp(launch) => snp(launch, &mut out),
    }
    match kernel_hashes {
        KernelHashes::Auto => {}
        KernelHashes::Yes => out.push(("security.sev.kernel_hashes", "true".into())),
        KernelHashes::No => out.push(("security.sev.kernel_hashes", "false".into())),
    }
    let numbers = [("security.sev.cbitpos", cbitpos), ("security.sev.reduced_phys_bits", reduced_phys_bits)];
    out.extend(numbers.iter().filter_map(|(key, value)| value.map(|v| (*key, v.to_string()))));
    if let FirmwareChoice::Path(path) = firmware {
        out.push(("security.sev.firmware", path.display().to_string()));
    }
    let lock = match lock {
        MemoryLock::Auto => None,
        MemoryLock::Locked => Some("locked"),
        MemoryLock::HardLimit => Some("hard_limit"),
        MemoryLock::None => Some("none"),
    };
    out.extend(lock.map(|l| ("security.sev.memory.lock", l.to_owned())));
    if let HardLimit::Bytes(bytes) = hard_limit {
        out.push(("security.sev.memory.hard_limit", size(*bytes)));
    }
    let backing = match backing {
        MemoryBacking::Default => None,
        MemoryBacking::Memfd => Some("memfd".to_owned()),
        MemoryBacking::Hugepages(None) => Some("hugepages".to_owned()),
        MemoryBacking::Hugepages(Some(bytes)) => Some(format!("hugepages:{}", size(*bytes))),
    };
    out.extend(backing.map(|b| ("security.sev.memory.backing", b)));
    out.sort_by_key(|(key, _)| KEYS.iter().position(|k| k.name == *key));
    let mut raw = RawConfig::new();
    for (key, value) in out {
        raw.set(key, value, "the configuration");
    }
    raw
}

/// [`keys_of`] without blobs, and the names of the blobs that were left out.
#[must_use]
pub fn keys_without_blobs(config: &SevConfig) -> (RawConfig, Vec<String>) {
    let (mut raw, mut blobs) = (RawConfig::new(), Vec::new());
    for entry in keys_of(config).entries() {
        match keys::find(&entry.key).and_then(|k| k.kind.blob_size()) {
            Some(_) => blobs.push(entry.key.clone()),
            None => raw.set(&entry.key, &entry.value, &entry.place),
        }
    }
    (raw, blobs)
}

type Out = Vec<(&'static str, String)>;

/// Bits by their names; a policy with a bit that has none, as a number.
fn sev_policy(policy: SevPolicy, out: &mut Out) {
    let SevPolicy(bits) = policy;
    if bits & SevPolicy::RESERVED != 0 {
        out.push(("security.sev.policy", format!("{bits:#x}")));
        return;
    }
    let changed = POLICY_BITS.iter().filter(|(_, bit, default)| (bits & bit != 0) != *default);
    out.extend(changed.map(|(key, _, default)| (*key, (!default).to_string())));
    let [_, _, major, minor] = bits.to_le_bytes();
    if (major, minor) != (0, 0) {
        out.push(("security.sev.policy.min_fw", format!("{major}.{minor}")));
    }
}

fn snp(launch: &SnpLaunch, out: &mut Out) {
    let SnpLaunch { policy, host_data, id, author_key, vcek, guest_visible_workarounds } = launch;
    out.push(("security.sev.snp", "true".into()));
    snp_policy(*policy, out);
    out.extend(host_data.map(|d| ("security.sev.snp.host_data", blob_text(&d))));
    if let Some((block, auth)) = id {
        out.push(("security.sev.snp.id_block", blob_text(block)));
        out.push(("security.sev.snp.id_auth", blob_text(auth)));
    }
    out.extend(author_key.map(|on| ("security.sev.snp.author_key", on.to_string())));
    out.extend(vcek.map(|on| ("security.sev.snp.vcek", on.to_string())));
    out.extend(
        guest_visible_workarounds.map(|w| ("security.sev.snp.guest_visible_workarounds", blob_text(&w))),
    );
}

fn snp_policy(policy: SnpPolicy, out: &mut Out) {
    let SnpPolicy(bits) = policy;
    let named = SNP_POLICY_BITS.iter().fold(SNP_ALWAYS | 0xffff, |all, (_, bit, _)| all | 1 << bit);
    if bits & !named != 0 || bits & SNP_ALWAYS == 0 {
        out.push(("security.sev.snp.policy", format!("{bits:#x}")));
        return;
    }
    let changed = SNP_POLICY_BITS.iter().filter(|(_, bit, default)| (bits >> bit & 1 != 0) != *default);
    out.extend(changed.map(|(key, _, default)| (*key, (!default).to_string())));
    let [minor, major, ..] = bits.to_le_bytes();
    if (major, minor) != (0, 0) {
        out.push(("security.sev.snp.policy.min_abi", format!("{major}.{minor}")));
    }
}

/// In the largest unit that is exact.
fn size(bytes: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match units.iter().find(|(_, shift)| bytes.trailing_zeros() >= *shift) {
        Some((unit, shift)) => format!("{}{unit}", bytes >> shift),
        None => bytes.to_string(),
    }
}

#[cfg(test)]
#[path = "to_keys_tests.rs"]
mod tests;
