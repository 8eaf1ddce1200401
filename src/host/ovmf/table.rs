//! The walk through OVMF's GUID table. In: the image. Out: its entries, or what is broken.
//! Never: a byte from outside the table; the walk ends because every entry takes at least 18 bytes.

use super::{FOOTER, broken};
use crate::Result;
use crate::guid::Guid;

/// The table ends this many bytes before the end of the image, where the reset vector begins.
const AFTER_TABLE: usize = 32;
/// Length (16 bits) and GUID of an entry.
const TRAILER: usize = 18;

/// One entry of the table.
pub(super) struct Entry<'a> {
    pub(super) guid: Guid,
    data: &'a [u8],
}

impl Entry<'_> {
    /// A number in the entry's data.
    pub(super) fn u32_at(&self, at: usize) -> Result<u32> {
        match self.data.get(at..at + 4).and_then(|b| b.try_into().ok()) {
            Some(bytes) => Ok(u32::from_le_bytes(bytes)),
            None => Err(broken(format!("the entry {} of the GUID table is too short", self.guid))
                .found(format!("{} bytes", self.data.len()))
                .wanted(format!("at least {}", at + 4))),
        }
    }
}

/// The entries, last one first; `None` where the image has no table.
pub(super) fn entries(image: &[u8]) -> Result<Option<Vec<Entry<'_>>>> {
    let Some(before) = image.len().checked_sub(AFTER_TABLE) else { return Ok(None) };
    let (Some((footer, length)), true) = (trailer(&image[..before]), before >= TRAILER) else {
        return Ok(None);
    };
    if footer != FOOTER {
        return Ok(None);
    }
    if length < TRAILER || length > before {
        return Err(broken("the GUID table's own length cannot be")
            .found(format!("{length} bytes"))
            .wanted(format!("{TRAILER} to {before}")));
    }
    let mut rest = &image[before - length..before - TRAILER];
    let mut entries: Vec<Entry<'_>> = Vec::new();
    while !rest.is_empty() {
        let Some((guid, length)) = trailer(rest) else {
            return Err(broken("the GUID table begins in the middle of an entry")
                .found(format!("{} bytes left over", rest.len())));
        };
        if length < TRAILER || length > rest.len() {
            return Err(broken(format!("the length of the entry {guid} of the GUID table cannot be"))
                .found(format!("{length} bytes"))
                .wanted(format!("{TRAILER} to {}", rest.len())));
        }
        // Readers that walk from the end take the last one, readers that fill a map the first one.
        if guid == FOOTER || entries.iter().any(|e| e.guid == guid) {
            return Err(broken(format!("the entry {guid} stands twice in the GUID table")));
        }
        let start = rest.len() - length;
        entries.push(Entry { guid, data: &rest[start..rest.len() - TRAILER] });
        rest = &rest[..start];
    }
    Ok(Some(entries))
}

/// GUID and length at the end of these bytes.
fn trailer(bytes: &[u8]) -> Option<(Guid, usize)> {
    let (rest, guid) = bytes.split_last_chunk::<16>()?;
    let (_, length) = rest.split_last_chunk::<2>()?;
    Some((Guid::from_bytes(*guid), usize::from(u16::from_le_bytes(*length))))
}
