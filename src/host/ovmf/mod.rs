//! What a firmware image really holds: OVMF's GUID table. In: the image's bytes. Out: [`ImageContents`].
//! Never: a panic, a loop without end, or a byte from outside the table, whatever the image holds.
//!
//! The table ends 32 bytes before the end of the image and is read backwards: each entry is its data, then its
//! length in 16 bits (data, length and GUID together), then its GUID. The last entry is the footer, whose length
//! is that of the whole table (edk2, `OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.asm`; QEMU,
//! `hw/i386/pc_sysfw_ovmf.c`).

mod table;

use crate::guid::Guid;
use crate::image::{Area, ImageContents, SnpSection, SnpSectionKind};
use crate::{Error, Kind, Result};

/// Footer: its length is that of the whole table.
const FOOTER: Guid = Guid::new(0x96b5_82de, 0x1fb2, 0x45f7, [0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d]);
/// The address at which SEV-ES application processors start.
const ES_RESET: Guid =
    Guid::new(0x00f7_71de, 0x1a7e, 0x4fcb, [0x89, 0x0e, 0x68, 0xc7, 0x7e, 0x2f, 0xb4, 0x4e]);
/// Where a launch secret goes.
const SECRET: Guid = Guid::new(0x4c2e_b361, 0x7d9b, 0x4cc3, [0x80, 0x81, 0x12, 0x7c, 0x90, 0xd3, 0xd2, 0x94]);
/// Where QEMU puts the kernel hashes table.
const HASHES: Guid = Guid::new(0x7255_371f, 0x3a3b, 0x4b04, [0x92, 0x7b, 0x1d, 0xa6, 0xef, 0xa8, 0xd4, 0x54]);
/// How far before the end of the image the SEV-SNP metadata begins.
const SNP_METADATA: Guid =
    Guid::new(0xdc88_6566, 0x984a, 0x4798, [0xa7, 0x5e, 0x55, 0x85, 0xa7, 0xbf, 0x67, 0xcc]);

/// Reads the GUID table at the end of an image. An image without one is not an error: all is absent.
///
/// # Errors
/// `Kind::Firmware` when there is a table and it is broken.
pub fn inspect(image: &[u8]) -> Result<ImageContents> {
    let mut contents = ImageContents::default();
    let Some(entries) = table::entries(image)? else { return Ok(contents) };
    for entry in &entries {
        match entry.guid {
            // Address 0 cannot be a reset address: it stands for none.
            ES_RESET => contents.es_reset_addr = Some(entry.u32_at(0)?).filter(|a| *a != 0),
            SECRET => contents.secret = area(entry)?,
            HASHES => contents.hashes = area(entry)?,
            SNP_METADATA => contents.snp_sections = snp_sections(image, entry.u32_at(0)?),
            _ => {}
        }
    }
    if let (Some(secret), Some(hashes)) = (contents.secret, contents.hashes)
        && u64::from(secret.base) < u64::from(hashes.base) + u64::from(hashes.size)
        && u64::from(hashes.base) < u64::from(secret.base) + u64::from(secret.size)
    {
        return Err(broken("the areas of the launch secret and of the kernel hashes overlap")
            .found(format!("{secret:#x?} and {hashes:#x?}").replace(['\n', ' '], "")));
    }
    Ok(contents)
}

fn area(entry: &table::Entry<'_>) -> Result<Option<Area>> {
    let area = Area { base: entry.u32_at(0)?, size: entry.u32_at(4)? };
    if area.size == 0 {
        return Ok(None);
    }
    if area.base.checked_add(area.size).is_none() {
        return Err(broken(format!("the area {} ends above 4 GiB", entry.guid))
            .found(format!("base {:#x}, size {:#x}", area.base, area.size)));
    }
    Ok(Some(area))
}

/// QEMU refuses metadata without this signature and version (`target/i386/sev.c`, `OvmfSevMetadata`): signature,
/// length of everything, version, number of descriptors; then descriptors of 12 bytes: base, size, kind.
fn snp_sections(image: &[u8], offset_from_end: u32) -> Vec<SnpSection> {
    let sections = || -> Option<Vec<SnpSection>> {
        let start = image.len().checked_sub(usize::try_from(offset_from_end).ok()?)?;
        let metadata = image.get(start..)?;
        let field = |at: usize| -> Option<u32> {
            Some(u32::from_le_bytes(metadata.get(at..at + 4)?.try_into().ok()?))
        };
        let (len, version, count) = (field(4)?, field(8)?, field(12)?);
        let needed = u64::from(count) * 12 + 16;
        let well_formed = metadata.get(..4)? == b"ASEV"
            && version == 1
            && u64::from(len) >= needed
            && u64::from(len) <= metadata.len() as u64;
        let one = |n: usize| {
            let at = 16 + n * 12;
            let kind = SnpSectionKind::from(field(at + 8)?);
            Some(SnpSection { base: field(at)?, size: field(at + 4)?, kind })
        };
        if well_formed { (0..usize::try_from(count).ok()?).map(one).collect() } else { None }
    };
    sections().unwrap_or_default()
}

fn broken(what: impl Into<String>) -> Error {
    Error::new(Kind::Firmware, what)
        .hint("The image is damaged or is no OVMF build: take it from its package again.")
}

#[cfg(test)]
mod tests;
