//! The firmware image: the table of GUIDs that OVMF keeps at its end.
//! In: the image's bytes. Out: secret area, hashes area, the reset address of SEV-ES. Never: trust in a descriptor file.
//!
//! Layout (OVMF, `ResetVectorVtf0.asm`; QEMU, `hw/i386/pc_sysfw_ovmf.c`): 32 bytes before the end stands the footer
//! GUID, before it the length of the whole table; entries grow downwards, each data, length (2 bytes), GUID.

use crate::error::{Context, Error, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

const FOOTER: &str = "96b582de-1fb2-45f7-baea-a366c55a082d";
const SECRET_AREA: &str = "4c2eb361-7d9b-4cc3-8081-127c90d3d294";
const HASHES_AREA: &str = "7255371f-3a3b-4b04-927b-1da6efa8d454";
const RESET_BLOCK: &str = "00f771de-1a7e-4fcb-890e-68c77e2fb44e";

/// A region of guest memory that the firmware reserves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Guest physical address.
    pub base: u32,
    /// Bytes.
    pub size: u32,
}

/// The entries of an image's GUID table that SEV knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Where an injected secret goes.
    pub secret: Option<Area>,
    /// Where the kernel's hashes go.
    pub hashes: Option<Area>,
    /// Where other processors start under SEV-ES.
    pub reset: Option<u32>,
}

/// The 16 bytes of a GUID as they stand in memory: the first three groups little endian.
///
/// # Panics
/// Never: a text that is no GUID gives zeros, which match nothing.
#[must_use]
pub fn guid(text: &str) -> [u8; 16] {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let mut bytes = [0u8; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        let pair = std::str::from_utf8(pair).unwrap_or_default();
        *byte = u8::from_str_radix(pair, 16).unwrap_or_default();
    }
    bytes[0..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    bytes
}

impl Table {
    /// Reads the table; an image without one has no entries.
    #[must_use]
    pub fn read(image: &[u8]) -> Self {
        let mut table = Self::default();
        for (id, data) in entries(image).unwrap_or_default() {
            if id == guid(SECRET_AREA) {
                table.secret = area(data);
            } else if id == guid(HASHES_AREA) {
                table.hashes = area(data);
            } else if id == guid(RESET_BLOCK) {
                table.reset = word(data, 0);
            }
        }
        table
    }
}

type Entry<'a> = ([u8; 16], &'a [u8]);

fn entries(image: &[u8]) -> Option<Vec<Entry<'_>>> {
    let end = image.len().checked_sub(32)?;
    let (mut rest, footer) = split(image.get(..end)?)?;
    if footer.0 != guid(FOOTER) {
        return None;
    }
    // The footer's length counts the footer itself; what is left of it are the entries.
    rest = rest.get(rest.len().checked_sub(footer.1.checked_sub(18)?)?..)?;
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (before, (id, length)) = split(rest)?;
        let data = before.len().checked_sub(length.checked_sub(18)?)?;
        entries.push((id, before.get(data..)?));
        rest = before.get(..data)?;
    }
    Some(entries)
}

type Tail = ([u8; 16], usize);

/// Takes a GUID and the length before it off the end.
fn split(bytes: &[u8]) -> Option<(&[u8], Tail)> {
    let (rest, id) = bytes.split_last_chunk::<16>()?;
    let (rest, length) = rest.split_last_chunk::<2>()?;
    Some((rest, (*id, usize::from(u16::from_le_bytes(*length)))))
}

fn word(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*data.get(at..)?.first_chunk::<4>()?))
}

fn area(data: &[u8]) -> Option<Area> {
    Some(Area { base: word(data, 0)?, size: word(data, 4)? })
}

/// The SeaBIOS that QEMU loads when nothing else is asked for: `bios-256k.bin` in one of its data folders.
///
/// # Errors
/// QEMU does not say its folders, or none holds the file.
pub fn seabios(qemu: &Path) -> Result<PathBuf> {
    let out = Command::new(qemu).args(["-L", "help"]).output().at(qemu.display())?;
    String::from_utf8_lossy(&out.stdout)
        .lines()
        .map(|folder| Path::new(folder.trim()).join("bios-256k.bin"))
        .find(|file| file.is_file())
        .ok_or_else(|| Error::new("QEMU has no bios-256k.bin in its data folders"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An image of this size with these areas and this reset address.
    pub(crate) fn image(size: usize, secret: Area, hashes: Area, reset: u32) -> Vec<u8> {
        let mut table = Vec::new();
        let mut entry = |id: &str, data: &[u8]| {
            let mut bytes = data.to_vec();
            bytes.extend(u16::try_from(data.len() + 18).unwrap().to_le_bytes());
            bytes.extend(guid(id));
            table.extend(bytes);
        };
        let area = |a: Area| [a.base.to_le_bytes(), a.size.to_le_bytes()].concat();
        entry(RESET_BLOCK, &reset.to_le_bytes());
        entry(SECRET_AREA, &area(secret));
        entry(HASHES_AREA, &area(hashes));
        let length = u16::try_from(table.len() + 18).unwrap();
        table.extend(length.to_le_bytes());
        table.extend(guid(FOOTER));
        let mut image = vec![0x90; size];
        let at = size - 32 - table.len();
        image[at..at + table.len()].copy_from_slice(&table);
        image
    }

    #[test]
    fn guids_are_mixed_endian() {
        assert_eq!(guid(FOOTER)[..8], [0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45]);
        assert_eq!(guid(FOOTER)[8..], [0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d]);
    }

    #[test]
    fn every_entry_is_found() {
        let secret = Area { base: 0x810000, size: 0xc00 };
        let hashes = Area { base: 0x810c00, size: 0x400 };
        let table = Table::read(&image(4096, secret, hashes, 0x80b004));
        assert_eq!(table, Table { secret: Some(secret), hashes: Some(hashes), reset: Some(0x80b004) });
    }

    #[test]
    fn garbage_has_no_table_and_does_not_panic() {
        assert_eq!(Table::read(&[]), Table::default());
        assert_eq!(Table::read(&[0; 40]), Table::default());
        let none = Area { base: 0, size: 0 };
        let good = image(300, none, none, 1);
        for cut in 0..good.len() {
            let _ = Table::read(&good[cut..]);
        }
        for at in 200..268 {
            let mut bad = good.clone();
            bad[at] = 0xff;
            let _ = Table::read(&bad);
        }
    }
}
