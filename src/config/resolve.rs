//! From text to types that cannot be wrong. In: [`RawConfig`]. Out: [`SevConfig`], or every problem at once.
//! Never: reads a file, asks a host.

use super::keys::{self, Key};
use super::raw::RawConfig;
use super::types::{
    FirmwareChoice, HardLimit, KernelHashes, LaunchSession, MemoryBacking, MemoryConfig, MemoryLock,
    SevConfig, SevPolicy, SnpLaunch, SnpPolicy, Technology,
};
use super::{session, value};
use crate::{Error, Kind, Result};
use sha2::{Digest, Sha256};

const SEV: &str = "security.sev";
const SNP: &str = "security.sev.snp";
const POLICY: &str = "security.sev.policy";
const SNP_POLICY: &str = "security.sev.snp.policy";
const DH: &str = "security.sev.session.dh";
const DATA: &str = "security.sev.session.data";
const ID_BLOCK: &str = "security.sev.snp.id_block";
const ID_AUTH: &str = "security.sev.snp.id_auth";
const LOCK: &str = "security.sev.memory.lock";
const HARD_LIMIT: &str = "security.sev.memory.hard_limit";

/// Key, bit, and whether it is set by default (AMD 55766, chapter 2 "Guest Policy").
pub(super) const POLICY_BITS: &[(&str, u32, bool)] = &[
    ("security.sev.policy.nodbg", SevPolicy::NODBG, true),
    ("security.sev.policy.noks", SevPolicy::NOKS, false),
    ("security.sev.policy.es", SevPolicy::ES, false),
    ("security.sev.policy.nosend", SevPolicy::NOSEND, false),
    ("security.sev.policy.domain", SevPolicy::DOMAIN, false),
    ("security.sev.policy.sev", SevPolicy::SEV, false),
];

/// Key, number of the bit, and whether it is set by default (AMD 56860, section 4.3: ABI_MINOR 7:0, ABI_MAJOR 15:8,
/// SMT 16, bit 17 must be one, then one bit each).
pub(super) const SNP_POLICY_BITS: &[(&str, u32, bool)] = &[
    ("security.sev.snp.policy.smt", 16, true),
    ("security.sev.snp.policy.migrate_ma", 18, false),
    ("security.sev.snp.policy.debug", 19, false),
    ("security.sev.snp.policy.single_socket", 20, false),
    ("security.sev.snp.policy.cxl", 21, false),
    ("security.sev.snp.policy.aes256xts", 22, false),
    ("security.sev.snp.policy.rapl_disabled", 23, false),
    ("security.sev.snp.policy.ciphertext_hiding", 24, false),
    ("security.sev.snp.policy.page_swap_disabled", 25, false),
];

/// Bit 17.
pub(super) const SNP_ALWAYS: u64 = 1 << 17;

/// Gives the configuration its meaning. `None`: neither `security.sev` nor `security.sev.snp` is true, and
/// nothing is to be done.
///
/// # Errors
/// Every problem of the configuration, each with key, place, found and wanted.
pub fn resolve(raw: &RawConfig) -> Result<Option<SevConfig>> {
    let mut problems = Vec::new();
    let config = resolve_into(raw, &mut problems);
    match Error::many(problems) {
        Some(error) => Err(error),
        None => Ok(config),
    }
}

/// Whether this is a key, and this a value that it can have, whatever the other keys say.
///
/// # Errors
/// `Kind::Config` as [`resolve`] has it; `Kind::Session` for a launch session's blob.
pub fn check_key(key: &str, value: &str, place: &str) -> Result<()> {
    let mut raw = RawConfig::new();
    raw.set(key, value, place);
    let mut problems = Vec::new();
    read_all(&mut Reader { raw: &raw, problems: &mut problems, alone: true });
    Error::many(problems).map_or(Ok(()), Err)
}

/// The same, with the problems added to those that the caller has already found.
pub(super) fn resolve_into(raw: &RawConfig, problems: &mut Vec<Error>) -> Option<SevConfig> {
    read_all(&mut Reader { raw, problems, alone: false })
}

fn read_all(read: &mut Reader<'_>) -> Option<SevConfig> {
    read.refuse_unknown();
    let sev = read.get(SEV, value::boolean);
    let snp = read.get(SNP, value::boolean);
    let policy = read_policy(read);
    let session = read_session(read);
    let launch = read_snp(read);
    let kernel_hashes = read.get("security.sev.kernel_hashes", value::kernel_hashes);
    let cbitpos = read.get("security.sev.cbitpos", value::bit_number);
    let reduced_phys_bits = read.get("security.sev.reduced_phys_bits", value::bit_number);
    let firmware = read.get("security.sev.firmware", value::firmware);
    let memory = read_memory(read);

    // A switch whose value is no boolean has been told already; what hangs on it is not told twice.
    let unclear = (sev.is_none() && read.has(SEV)) || (snp.is_none() && read.has(SNP));
    let on = Switches { sev, snp: snp == Some(true), unclear };
    refuse_misplaced(read, on);

    if !on.snp && sev != Some(true) {
        return None;
    }
    let technology = if on.snp { Technology::Snp(launch) } else { Technology::Sev { policy, session } };
    Some(SevConfig {
        technology,
        kernel_hashes: kernel_hashes.unwrap_or(KernelHashes::Auto),
        cbitpos,
        reduced_phys_bits,
        firmware: firmware.unwrap_or(FirmwareChoice::Auto),
        memory,
    })
}

/// Reads values and gathers what is wrong with them.
struct Reader<'a> {
    raw: &'a RawConfig,
    problems: &'a mut Vec<Error>,
    /// Only values are judged, and not what one key means for another.
    alone: bool,
}

impl Reader<'_> {
    fn has(&self, key: &str) -> bool {
        self.raw.get(key).is_some()
    }

    fn get<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T>) -> Option<T> {
        let entry = self.raw.get(key)?;
        match parse(&entry.value) {
            Ok(parsed) => Some(parsed),
            Err(problem) => {
                self.problems.push(problem.at(self.place(key)));
                None
            }
        }
    }

    fn flag(&mut self, key: &str, default: bool) -> bool {
        self.get(key, value::boolean).unwrap_or(default)
    }

    fn blob(&mut self, key: &str) -> Option<Vec<u8>> {
        let size = keys::find(key).and_then(|k| k.kind.blob_size())?;
        self.get(key, |text| value::blob(text, size))
    }

    fn array<const N: usize>(&mut self, key: &str) -> Option<[u8; N]> {
        self.blob(key).and_then(|bytes| bytes.try_into().ok())
    }

    /// `security.sev (guest.yaml:4)`.
    fn place(&self, key: &str) -> String {
        match self.raw.entries().find(|e| e.key == key) {
            Some(entry) => format!("{key} ({})", entry.place),
            None => key.to_owned(),
        }
    }

    fn refuse(&mut self, key: &str, message: impl Into<String>, hint: impl Into<String>) {
        if !self.alone {
            self.problems.push(Error::new(Kind::Config, message).at(self.place(key)).hint(hint));
        }
    }

    fn refuse_unknown(&mut self) {
        let unknown: Vec<String> =
            self.raw.entries().filter(|e| keys::find(&e.key).is_none()).map(|e| e.key.clone()).collect();
        for name in unknown {
            let nearest = keys::nearest(&name);
            let problem = Error::new(Kind::Config, "there is no such key")
                .at(self.place(&name))
                .wanted(format!("a key such as {nearest}"))
                .hint(format!("Did you mean {nearest}? `virt-sev keys` lists all of them."));
            self.problems.push(problem);
        }
    }

    /// Keys that are set and begin with this.
    fn under(&self, prefix: &str) -> Vec<&'static Key> {
        keys::KEYS.iter().filter(|k| k.name.starts_with(prefix) && self.has(k.name)).collect()
    }
}

fn read_policy(read: &mut Reader<'_>) -> SevPolicy {
    let whole = read.get(POLICY, value::unsigned_32);
    let mut bits = 0;
    for (key, bit, default) in POLICY_BITS {
        if read.flag(key, *default) {
            bits |= bit;
        }
    }
    let (major, minor) = read.get("security.sev.policy.min_fw", value::version).unwrap_or((0, 0));
    bits |= u32::from(major) << 16 | u32::from(minor) << 24;
    exclusive(read, POLICY, "security.sev.policy.");
    SevPolicy(whole.unwrap_or(bits))
}

fn read_snp(read: &mut Reader<'_>) -> SnpLaunch {
    let whole = read.get(SNP_POLICY, value::unsigned_64);
    let mut bits = SNP_ALWAYS;
    for (key, bit, default) in SNP_POLICY_BITS {
        bits |= u64::from(read.flag(key, *default)) << bit;
    }
    let (major, minor) = read.get("security.sev.snp.policy.min_abi", value::version).unwrap_or((0, 0));
    bits |= u64::from(major) << 8 | u64::from(minor);
    exclusive(read, SNP_POLICY, "security.sev.snp.policy.");

    let host_data = read.array("security.sev.snp.host_data");
    let block = read.blob(ID_BLOCK);
    let auth = read.blob(ID_AUTH);
    both_or_none(read, ID_BLOCK, ID_AUTH);
    SnpLaunch {
        policy: SnpPolicy(whole.unwrap_or(bits)),
        host_data,
        id: block.zip(auth),
        author_key: read.get("security.sev.snp.author_key", value::boolean),
        vcek: read.get("security.sev.snp.vcek", value::boolean),
        guest_visible_workarounds: read.array("security.sev.snp.guest_visible_workarounds"),
    }
}

fn read_session(read: &mut Reader<'_>) -> Option<LaunchSession> {
    let decode = |size: usize, check: fn(&[u8]) -> Result<()>| {
        move |text: &str| {
            // A blob of the wrong size is told by the check, which knows when the two are swapped.
            let bytes = value::blob_of_any_size(text, size)?;
            check(&bytes).map(|()| bytes)
        }
    };
    let dh_cert = read.get(DH, decode(session::DH_CERT_SIZE, session::check_dh_cert));
    let data = read.get(DATA, decode(session::SESSION_SIZE, session::check_session));
    both_or_none(read, DH, DATA);
    let bundle = read.raw.bundle().copied();
    if let (Some(bundle), Some(session)) = (&bundle, &data)
        && bundle.session != *Sha256::digest(session)
    {
        let problem = Error::new(Kind::Session, "this is not the session that the bundle was made for")
            .at(read.place(DATA))
            .hint("The bundle was damaged on its way, or another source sets this key as well.");
        read.problems.push(problem);
    }
    dh_cert.zip(data).map(|(dh_cert, session)| LaunchSession { dh_cert, session, bundle })
}

fn read_memory(read: &mut Reader<'_>) -> MemoryConfig {
    let lock = read.get(LOCK, value::memory_lock);
    let hard_limit = read.get(HARD_LIMIT, value::hard_limit);
    let backing = read.get("security.sev.memory.backing", value::memory_backing);
    let other_lock = lock != Some(MemoryLock::HardLimit) && (lock.is_some() || !read.has(LOCK));
    if matches!(hard_limit, Some(HardLimit::Bytes(_))) && other_lock {
        read.refuse(
            HARD_LIMIT,
            format!("a size needs {LOCK}=hard_limit"),
            format!("Set {LOCK} to hard_limit, or unset this key."),
        );
    }
    MemoryConfig {
        lock: lock.unwrap_or(MemoryLock::Auto),
        hard_limit: hard_limit.unwrap_or(HardLimit::Auto),
        backing: backing.unwrap_or(MemoryBacking::Default),
    }
}

fn exclusive(read: &mut Reader<'_>, whole: &str, prefix: &str) {
    if !read.has(whole) {
        return;
    }
    for key in read.under(prefix) {
        let place = read.place(whole);
        read.refuse(
            key.name,
            format!("excluded by the whole policy in {place}"),
            format!("Keep {whole} alone, or unset it and set its bits by name."),
        );
    }
}

fn both_or_none(read: &mut Reader<'_>, one: &str, other: &str) {
    for (there, missing) in [(one, other), (other, one)] {
        if read.has(there) && !read.has(missing) {
            read.refuse(
                there,
                format!("needs {missing}"),
                "Set both or none: one is of no use without the other.",
            );
        }
    }
}

#[derive(Clone, Copy)]
struct Switches {
    sev: Option<bool>,
    snp: bool,
    unclear: bool,
}

/// Keys that need another, and keys that exclude each other.
fn refuse_misplaced(read: &mut Reader<'_>, on: Switches) {
    if on.unclear {
        return;
    }
    if on.snp {
        if on.sev == Some(false) {
            let place = read.place(SEV);
            read.refuse(
                SNP,
                format!("true, while {place} is false"),
                format!("Set {SEV} to true, or unset it."),
            );
        }
        for key in read.under("security.sev.policy") {
            read.refuse(
                key.name,
                "is for SEV and SEV-ES, and security.sev.snp is true",
                "An SEV-SNP guest has its policy in security.sev.snp.policy or security.sev.snp.policy.*.",
            );
        }
        for key in read.under("security.sev.session.") {
            read.refuse(
                key.name,
                "is for SEV and SEV-ES, and security.sev.snp is true",
                "An SEV-SNP guest has no launch session: it attests itself. Unset this key.",
            );
        }
        return;
    }
    for key in read.under("security.sev.") {
        if key.name == SNP {
            continue;
        }
        let (needs, hint) = if key.name.starts_with("security.sev.snp.") {
            (SNP, "Set security.sev.snp to true, or unset this key.")
        } else if on.sev == Some(true) {
            continue;
        } else {
            (SEV, "Set security.sev to true, or unset this key.")
        };
        read.refuse(key.name, format!("needs {needs}=true"), hint);
    }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
