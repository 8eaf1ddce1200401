//! The one key table. In: nothing. Out: [`KEYS`], look-up, the nearest known key. Never: a value.

use std::fmt;

/// What a key's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    /// `true/1/yes/on` or `false/0/no/off`.
    Bool,
    /// The same, or `auto`.
    BoolOrAuto,
    /// The guest owner's certificate: base64 of 2084 bytes.
    DhCert,
    /// The guest owner's session blob: base64 of 128 bytes.
    SessionBlob,
    /// Base64 of this many bytes.
    Blob(usize),
    /// `MAJOR.MINOR`, each 0 to 255.
    Version,
    /// 32 bits.
    U32,
    /// 64 bits.
    U64,
    /// A bit number or a count of bits, 1 to 63.
    BitNumber,
    /// `auto` or an absolute path.
    Firmware,
    /// How memory stays in place.
    MemoryLock,
    /// A size, or `auto`.
    SizeOrAuto,
    /// What backs the memory.
    MemoryBacking,
}

impl KeyType {
    /// How many bytes a blob has; `None` for every other type.
    #[must_use]
    pub fn blob_size(self) -> Option<usize> {
        match self {
            KeyType::DhCert => Some(super::session::DH_CERT_SIZE),
            KeyType::SessionBlob => Some(super::session::SESSION_SIZE),
            KeyType::Blob(size) => Some(size),
            KeyType::Bool
            | KeyType::BoolOrAuto
            | KeyType::Version
            | KeyType::U32
            | KeyType::U64
            | KeyType::BitNumber
            | KeyType::Firmware
            | KeyType::MemoryLock
            | KeyType::SizeOrAuto
            | KeyType::MemoryBacking => None,
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyType::Bool => "bool",
            KeyType::BoolOrAuto => "bool or auto",
            KeyType::DhCert | KeyType::SessionBlob => "blob",
            KeyType::Blob(size) => return write!(f, "blob, {size} bytes"),
            KeyType::Version => "MAJOR.MINOR",
            KeyType::U32 => "u32",
            KeyType::U64 => "u64",
            KeyType::BitNumber => "integer",
            KeyType::Firmware => "auto or path",
            KeyType::MemoryLock => "auto, locked, hard_limit, none",
            KeyType::SizeOrAuto => "size or auto",
            KeyType::MemoryBacking => "default, memfd, hugepages, hugepages:SIZE",
        })
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The whole name.
    pub name: &'static str,
    /// What its value is.
    pub kind: KeyType,
    /// What holds when it is not set; `None` when nothing is written then.
    pub default: Option<&'static str>,
    /// What it does, in one line.
    pub meaning: &'static str,
    /// The version of virt-sev that brought it.
    pub since: &'static str,
}

const fn key(name: &'static str, kind: KeyType, default: Option<&'static str>, meaning: &'static str) -> Key {
    Key { name, kind, default, meaning, since: "0.1" }
}

const OFF: Option<&str> = Some("false");
const ON: Option<&str> = Some("true");
const AUTO: Option<&str> = Some("auto");

/// Every key there is. The first, the second and the two of the session are LXD's, with LXD's meaning
/// (LXD `lxd/instance/instancetype/instance.go`).
///
/// Policy bits: AMD 55766, chapter 2 "Guest Policy", and AMD 56860, section 4.3.
pub const KEYS: &[Key] = &[
    key("security.sev", KeyType::Bool, OFF, "AMD SEV: <launchSecurity type='sev'>"),
    key("security.sev.policy.es", KeyType::Bool, OFF, "SEV-ES: policy bit 2"),
    key(
        "security.sev.session.dh",
        KeyType::DhCert,
        None,
        "guest owner's Diffie-Hellman certificate (2084 bytes): <dhCert>",
    ),
    key(
        "security.sev.session.data",
        KeyType::SessionBlob,
        None,
        "guest owner's session blob (128 bytes): <session>",
    ),
    key("security.sev.policy.nodbg", KeyType::Bool, ON, "policy bit 0: no debugging by the host"),
    key("security.sev.policy.noks", KeyType::Bool, OFF, "policy bit 1: no key sharing with other guests"),
    key("security.sev.policy.nosend", KeyType::Bool, OFF, "policy bit 3: not sent to another platform"),
    key("security.sev.policy.domain", KeyType::Bool, OFF, "policy bit 4: not sent outside its domain"),
    key("security.sev.policy.sev", KeyType::Bool, OFF, "policy bit 5: not sent to a platform without SEV"),
    key(
        "security.sev.policy.min_fw",
        KeyType::Version,
        Some("0.0"),
        "policy bits 16-23 and 24-31: lowest firmware API version",
    ),
    key(
        "security.sev.policy",
        KeyType::U32,
        None,
        "the whole policy as a number; excludes every policy.* key",
    ),
    key(
        "security.sev.kernel_hashes",
        KeyType::BoolOrAuto,
        AUTO,
        "kernelHashes; auto: yes when the domain boots a kernel directly",
    ),
    key(
        "security.sev.cbitpos",
        KeyType::BitNumber,
        None,
        "C-bit position; unset: libvirt fills in the host's",
    ),
    key(
        "security.sev.reduced_phys_bits",
        KeyType::BitNumber,
        None,
        "physical address bits lost; unset: libvirt fills in the host's",
    ),
    key("security.sev.firmware", KeyType::Firmware, AUTO, "which firmware image"),
    key(
        "security.sev.memory.lock",
        KeyType::MemoryLock,
        AUTO,
        "how memory stays in place; auto: locked for SEV and SEV-ES, none for SEV-SNP",
    ),
    key(
        "security.sev.memory.hard_limit",
        KeyType::SizeOrAuto,
        AUTO,
        "with memory.lock=hard_limit: how much may be locked; auto: computed, and the sum is explained",
    ),
    key("security.sev.memory.backing", KeyType::MemoryBacking, Some("default"), "<memoryBacking> source"),
    key(
        "security.sev.snp",
        KeyType::Bool,
        OFF,
        "SEV-SNP: <launchSecurity type='sev-snp'>; alone or with security.sev true",
    ),
    key(
        "security.sev.snp.policy",
        KeyType::U64,
        Some("0x30000"),
        "the whole policy as a number; excludes every snp.policy.* key",
    ),
    key("security.sev.snp.policy.smt", KeyType::Bool, ON, "bit 16: SMT allowed (bit 17 is always set)"),
    key("security.sev.snp.policy.migrate_ma", KeyType::Bool, OFF, "bit 18: migration agent allowed"),
    key("security.sev.snp.policy.debug", KeyType::Bool, OFF, "bit 19: debugging by the host allowed"),
    key("security.sev.snp.policy.single_socket", KeyType::Bool, OFF, "bit 20: only on a single socket"),
    key("security.sev.snp.policy.cxl", KeyType::Bool, OFF, "bit 21: CXL allowed"),
    key("security.sev.snp.policy.aes256xts", KeyType::Bool, OFF, "bit 22: AES-256-XTS required"),
    key("security.sev.snp.policy.rapl_disabled", KeyType::Bool, OFF, "bit 23: RAPL must be disabled"),
    key(
        "security.sev.snp.policy.ciphertext_hiding",
        KeyType::Bool,
        OFF,
        "bit 24: ciphertext hiding must be enabled",
    ),
    key(
        "security.sev.snp.policy.page_swap_disabled",
        KeyType::Bool,
        OFF,
        "bit 25: the guest's pages are not moved or swapped out",
    ),
    key(
        "security.sev.snp.policy.min_abi",
        KeyType::Version,
        Some("0.0"),
        "bits 8-15 and 0-7: lowest firmware ABI version",
    ),
    key("security.sev.snp.host_data", KeyType::Blob(32), None, "data for the attestation report: <hostData>"),
    key("security.sev.snp.id_block", KeyType::Blob(96), None, "<idBlock>; with id_auth"),
    key("security.sev.snp.id_auth", KeyType::Blob(4096), None, "<idAuth>; with id_block"),
    key("security.sev.snp.author_key", KeyType::Bool, None, "authorKey: the ID auth holds an author key"),
    key("security.sev.snp.vcek", KeyType::Bool, None, "vcek: the guest may ask for VCEK"),
    key("security.sev.snp.guest_visible_workarounds", KeyType::Blob(16), None, "<guestVisibleWorkarounds>"),
];

/// True for a name that is ours to judge: it begins with `security.sev`. Any case counts, so that
/// `security.SEV` is told and not taken for a key of LXD's own.
#[must_use]
pub fn is_ours(name: &str) -> bool {
    name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

const PREFIX: &str = "security.sev";

/// The row of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|k| k.name == name)
}

/// The known key that is the fewest edits away. A tie goes to the row that stands first.
#[must_use]
pub fn nearest(name: &str) -> &'static str {
    // A key longer than this is nobody's typing mistake; the distance is quadratic in the length.
    let name: Vec<char> = name.chars().take(80).flat_map(char::to_lowercase).collect();
    KEYS.iter().map(|k| k.name).min_by_key(|known| distance(&name, known)).unwrap_or(PREFIX)
}

/// The key that was meant by a name that is none, where so few letters differ that it can be nothing else.
#[must_use]
pub(super) fn mistyped(name: &str) -> Option<&'static str> {
    let letters: Vec<char> = name.chars().take(80).flat_map(char::to_lowercase).collect();
    let meant = nearest(name);
    (find(name).is_none() && distance(&letters, meant) <= 2).then_some(meant)
}

/// Levenshtein's distance: insertions, deletions and replacements.
fn distance(name: &[char], known: &str) -> usize {
    let mut row: Vec<usize> = (0..=name.len()).collect();
    for (i, k) in known.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, n) in row.iter_mut().skip(1).zip(name) {
            let up = *cell;
            left = (diagonal + usize::from(*n != k)).min(up + 1).min(left + 1);
            diagonal = up;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_once_and_is_ours() {
        for (i, a) in KEYS.iter().enumerate() {
            assert!(is_ours(a.name), "{}", a.name);
            assert!(KEYS[i + 1..].iter().all(|b| b.name != a.name), "{} stands twice", a.name);
            assert!(!a.meaning.is_empty() && !a.meaning.ends_with('.'));
            assert_eq!(nearest(a.name), a.name);
        }
    }

    #[test]
    fn a_slip_is_not_taken_for_a_key_of_others() {
        assert_eq!(mistyped("secuirty.sev"), Some("security.sev"));
        assert_eq!(mistyped("security.se.policy.es"), Some("security.sev.policy.es"));
        // Keys of LXD and Incus, a field of another document, and a key itself.
        for other in ["security.csm", "security.iommu", "security.secureboot", "kind", "security.sev"] {
            assert_eq!(mistyped(other), None);
        }
    }

    #[test]
    fn the_nearest_key_is_the_one_meant() {
        assert_eq!(nearest("security.sev.policy.ess"), "security.sev.policy.es");
        assert_eq!(nearest("security.sev.session.dhcert"), "security.sev.session.dh");
        assert_eq!(nearest("security.sev.kernel-hashes"), "security.sev.kernel_hashes");
        assert_eq!(nearest("security.SEV.Policy.ES"), "security.sev.policy.es");
        assert_eq!(distance(&['k', 'i', 't', 't', 'e', 'n'], "sitting"), 3);
    }
}
