//! One value of one type. In: its text, trimmed and not empty. Out: the value, or found and wanted.
//! Never: a key's name, a rule between keys, or a long value in an error.

use super::types::{FirmwareChoice, HardLimit, KernelHashes, MemoryBacking, MemoryLock};
use crate::{Error, Kind, Result};
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::path::PathBuf;

fn wrong(message: &str, found: &str, wanted: impl Into<String>) -> Error {
    Error::new(Kind::Config, message).found(shown(found)).wanted(wanted)
}

/// A value as an error may show it: quoted, control characters escaped, and no more than its length when it
/// is long, since a long value is a blob or a secret in the wrong place.
pub(crate) fn shown(value: &str) -> String {
    const LONGEST: usize = 40;
    let count = value.chars().count();
    if count > LONGEST { format!("{count} characters") } else { format!("'{}'", value.escape_debug()) }
}

/// A boolean, as LXD reads one (`shared.IsTrue`, `shared.IsFalse`).
pub(crate) fn boolean(text: &str) -> Result<bool> {
    truth(text).ok_or_else(|| wrong("not a boolean", text, "true or false (or 1/0, yes/no, on/off)"))
}

fn truth(text: &str) -> Option<bool> {
    let is = |words: [&str; 4]| words.iter().any(|w| text.eq_ignore_ascii_case(w));
    if is(["true", "1", "yes", "on"]) {
        Some(true)
    } else if is(["false", "0", "no", "off"]) {
        Some(false)
    } else {
        None
    }
}

pub(super) fn kernel_hashes(text: &str) -> Result<KernelHashes> {
    if text.eq_ignore_ascii_case("auto") {
        return Ok(KernelHashes::Auto);
    }
    match truth(text) {
        Some(true) => Ok(KernelHashes::Yes),
        Some(false) => Ok(KernelHashes::No),
        None => Err(wrong("neither a boolean nor auto", text, "auto, true or false")),
    }
}

/// Decimal, or hex with `0x`. No sign, no separators. `None`: not a number, or above 64 bits.
fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None => (text, 10),
    };
    // `from_str_radix` alone would take a leading plus sign.
    if digits.starts_with('+') { None } else { u64::from_str_radix(digits, radix).ok() }
}

pub(crate) fn unsigned_64(text: &str) -> Result<u64> {
    number(text).ok_or_else(|| wrong("not a number", text, "0 to 0xffffffffffffffff, decimal or hex with 0x"))
}

pub(crate) fn unsigned_32(text: &str) -> Result<u32> {
    number(text)
        .and_then(|n| u32::try_from(n).ok())
        .ok_or_else(|| wrong("not a number of 32 bits", text, "0 to 0xffffffff, decimal or hex with 0x"))
}

pub(crate) fn unsigned_8(text: &str) -> Result<u8> {
    number(text)
        .and_then(|n| u8::try_from(n).ok())
        .ok_or_else(|| wrong("not a number of 8 bits", text, "0 to 255, decimal or hex with 0x"))
}

/// CPUID 0x8000001F gives both in 6 bits, and QEMU takes 1 to 63 (`target/i386/sev.c`).
pub(super) fn bit_number(text: &str) -> Result<u32> {
    number(text)
        .and_then(|n| u32::try_from(n).ok())
        .filter(|n| (1..=63).contains(n))
        .ok_or_else(|| wrong("not a bit number", text, "1 to 63"))
}

/// `MAJOR.MINOR`: the text, not a decimal fraction, so that `1.10` is not `1.1`.
pub(super) fn version(text: &str) -> Result<(u8, u8)> {
    let part = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        if plain { digits.parse::<u8>().ok() } else { None }
    };
    text.split_once('.')
        .and_then(|(major, minor)| Some((part(major)?, part(minor)?)))
        .ok_or_else(|| wrong("not a version", text, "MAJOR.MINOR, each 0 to 255, such as 1.51"))
}

/// Base64 of exactly this many bytes.
pub(super) fn blob(text: &str, size: usize) -> Result<Vec<u8>> {
    let bytes = blob_of_any_size(text, size)?;
    if bytes.len() == size {
        return Ok(bytes);
    }
    Err(Error::new(Kind::Config, "the blob has the wrong size")
        .found(format!("{} bytes", bytes.len()))
        .wanted(format!("base64 of {size} bytes")))
}

/// Base64 to bytes; `size` is only told. White space inside is ignored; padding may be missing, since the
/// caller checks the size.
pub(super) fn blob_of_any_size(text: &str, size: usize) -> Result<Vec<u8>> {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    // The decoder's own text is not taken over: it shows a character of the value.
    ENGINE.decode(&plain).map_err(|_| {
        Error::new(Kind::Config, "not base64")
            .found(format!("{} characters", plain.chars().count()))
            .wanted(format!("base64 of {size} bytes"))
    })
}

/// Bytes as the text of a blob key.
pub(super) fn blob_text(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Suffixes that LXD knows (`shared/units`), spelled exactly so.
const UNITS: &[(&str, u64)] = &[
    ("", 1),
    ("B", 1),
    ("bytes", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("PB", 1_000_000_000_000_000),
    ("EB", 1_000_000_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("PiB", 1 << 50),
    ("EiB", 1 << 60),
];

/// A size in bytes, above 0, as LXD reads one: `512MiB`, `1GB`, plain bytes.
///
/// # Errors
/// `Kind::Config` with found and wanted.
pub fn size(text: &str) -> Result<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (value, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let unit = unit.trim_start();
    let bytes = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .and_then(|(_, factor)| value.parse::<u64>().ok()?.checked_mul(*factor));
    // libvirt counts memory in KiB up to this many bytes; LXD's own limit is the signed 64 bits.
    bytes.filter(|b| *b > 0 && i64::try_from(*b).is_ok()).ok_or_else(|| {
        wrong("not a size", text, "a number above 0 with B, kB, MB, GB, TB, KiB, MiB, GiB, TiB or nothing")
    })
}

pub(super) fn hard_limit(text: &str) -> Result<HardLimit> {
    if text.eq_ignore_ascii_case("auto") { Ok(HardLimit::Auto) } else { size(text).map(HardLimit::Bytes) }
}

pub(super) fn memory_lock(text: &str) -> Result<MemoryLock> {
    match text.to_ascii_lowercase().as_str() {
        "auto" => Ok(MemoryLock::Auto),
        "locked" => Ok(MemoryLock::Locked),
        "hard_limit" => Ok(MemoryLock::HardLimit),
        "none" => Ok(MemoryLock::None),
        _ => Err(wrong("not a way to keep memory in place", text, "auto, locked, hard_limit or none")),
    }
}

pub(super) fn memory_backing(text: &str) -> Result<MemoryBacking> {
    match text.split_once(':') {
        Some((word, page)) if word.eq_ignore_ascii_case("hugepages") => {
            // Linux has only powers of two, and `<page size=…>` counts in KiB.
            let bytes = size(page)?;
            if bytes.is_power_of_two() && bytes >= 4096 {
                Ok(MemoryBacking::Hugepages(Some(bytes)))
            } else {
                Err(wrong("not a page size", page, "a power of two such as 2MiB or 1GiB"))
            }
        }
        Some(_) => Err(not_a_backing(text)),
        None => match text.to_ascii_lowercase().as_str() {
            "default" => Ok(MemoryBacking::Default),
            "memfd" => Ok(MemoryBacking::Memfd),
            "hugepages" => Ok(MemoryBacking::Hugepages(None)),
            _ => Err(not_a_backing(text)),
        },
    }
}

fn not_a_backing(text: &str) -> Error {
    wrong("not a memory backing", text, "default, memfd, hugepages or hugepages:SIZE")
}

/// `auto`, or an absolute path: libvirt refuses a relative one (`absFilePath` in its schema).
pub(super) fn firmware(text: &str) -> Result<FirmwareChoice> {
    if text.eq_ignore_ascii_case("auto") {
        return Ok(FirmwareChoice::Auto);
    }
    if !text.starts_with('/') || text.ends_with('/') || text.chars().any(char::is_control) {
        return Err(wrong("not an absolute path of a file", text, "auto, or a path that begins with /"));
    }
    Ok(FirmwareChoice::Path(PathBuf::from(text)))
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
