//! The kernel hashes table that QEMU puts into the guest for direct kernel boot.
//! In: kernel, initrd and command line. Out: the 176 bytes that are measured. Never: a trimmed command line.
//!
//! Layout: QEMU `target/i386/sev.c` (`PaddedSevHashTable`) and edk2 `OvmfPkg/AmdSev/BlobVerifierLibSevHashes`.

use super::{Digest32, at_once, hash_of};
use crate::guid::Guid;
use crate::image::{Area, ImageContents};
use crate::{Error, Kind, Result};
use sha2::{Digest, Sha256};
use std::io::Read;

const TABLE: Guid = Guid::new(0x9438_d606, 0x4f22, 0x4cc9, [0xb4, 0x79, 0xa7, 0x93, 0xd4, 0x11, 0xfd, 0x21]);
const CMDLINE: Guid =
    Guid::new(0x97d0_2dd8, 0xbd20, 0x4c94, [0xaa, 0x78, 0xe7, 0x71, 0x4d, 0x36, 0xab, 0x2a]);
const INITRD: Guid = Guid::new(0x44ba_f731, 0x3a2f, 0x4bd7, [0x9a, 0xf1, 0x41, 0xe2, 0x91, 0x69, 0x78, 0x1d]);
const KERNEL: Guid = Guid::new(0x4de7_9437, 0xabd2, 0x427f, [0xb8, 0x35, 0xd5, 0xb1, 0x72, 0xd2, 0x04, 0x5b]);

/// GUID, length in 16 bits, SHA-256.
const ENTRY: u16 = 16 + 2 + 32;
/// GUID, length in 16 bits, three entries.
const HEADER_AND_ENTRIES: u16 = 16 + 2 + 3 * ENTRY;

/// The hashes of what a direct kernel boot starts. Without a kernel there is no such table at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelHashes {
    /// SHA-256 of the kernel file.
    pub kernel: Digest32,
    /// SHA-256 of the initrd; of nothing where there is none.
    pub initrd: Digest32,
    /// SHA-256 of the command line and its terminating NUL.
    pub cmdline: Digest32,
}

impl KernelHashes {
    /// Bytes of the table, padded to 16.
    pub const TABLE_SIZE: usize = 176;

    /// Hashes the files as streams, both at the same time. The command line is taken exactly as given; an empty one
    /// equals none.
    ///
    /// # Errors
    /// `Kind::File` when a stream cannot be read.
    pub fn read(
        kernel: &mut (dyn Read + Send),
        initrd: Option<&mut (dyn Read + Send)>,
        cmdline: Option<&[u8]>,
    ) -> Result<Self> {
        let mut kernel = || hash_of("kernel", kernel);
        let (kernel, initrd) = match initrd {
            Some(initrd) => at_once(kernel, || hash_of("initrd", initrd))?,
            None => (kernel()?, Sha256::digest([]).into()),
        };
        Ok(Self { kernel, initrd, cmdline: Self::of_cmdline(cmdline.unwrap_or_default()) })
    }

    /// Where the image has a place for the table.
    ///
    /// # Errors
    /// `Kind::Firmware` where it has none: QEMU then starts no guest with kernel hashes, so there is no such digest.
    pub fn place_in(image: &ImageContents) -> Result<Area> {
        image.hashes.filter(|area| area.size as usize >= Self::TABLE_SIZE).ok_or_else(|| {
            Error::new(
                Kind::Firmware,
                "the firmware has no place for the kernel hashes, so it cannot verify a kernel",
            )
            .hint("Use an AmdSev build of OVMF: Debian's package ovmf-amdsev, Fedora's OVMF.amdsev.fd.")
        })
    }

    /// The hash of a command line and its terminating NUL.
    #[must_use]
    pub fn of_cmdline(cmdline: &[u8]) -> Digest32 {
        let mut hash = Sha256::new();
        hash.update(cmdline);
        hash.update([0]);
        hash.finalize().into()
    }

    /// The table as it is measured.
    #[must_use]
    pub fn table(&self) -> [u8; Self::TABLE_SIZE] {
        let mut table = [0u8; Self::TABLE_SIZE];
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            table[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        put(TABLE.bytes());
        put(&HEADER_AND_ENTRIES.to_le_bytes());
        for (guid, hash) in [(CMDLINE, &self.cmdline), (INITRD, &self.initrd), (KERNEL, &self.kernel)] {
            put(guid.bytes());
            put(&ENTRY.to_le_bytes());
            put(hash);
        }
        table
    }
}

#[cfg(test)]
#[path = "kernel_hashes_tests.rs"]
mod tests;
