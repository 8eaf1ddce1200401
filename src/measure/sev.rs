//! The launch digest of SEV and SEV-ES. In: streams and VMSA pages. Out: SHA-256 of everything, in order.
//! Never: the firmware in memory as a whole.
//!
//! AMD SEV API (55766) 6.5: GCTX.LD is SHA-256 over what LAUNCH_UPDATE_DATA and LAUNCH_UPDATE_VMSA took in. QEMU
//! gives the firmware, then the kernel hashes table, then one VMSA page for each processor (`target/i386/sev.c`).

use super::kernel_hashes::KernelHashes;
use super::vmsa::VcpuState;
use super::{Digest32, feed};
use crate::{Error, Kind, Result};
use sha2::{Digest, Sha256};
use std::io::Read;

/// No SEV firmware image is larger: OVMF builds have 2 to 8 MiB, and QEMU takes at most 16 MiB (`max-fw-size`).
pub const LARGEST_FIRMWARE: u64 = 64 << 20;

/// A firmware image, measured; the kernel hashes table and VMSA pages may follow, in more than one variant.
#[derive(Debug, Clone)]
pub struct Measured(Sha256);

impl Measured {
    /// Measures a firmware image.
    ///
    /// # Errors
    /// `Kind::File` when the stream cannot be read; `Kind::Firmware` when it is empty.
    pub fn new(firmware: &mut dyn Read) -> Result<Self> {
        let mut hash = Sha256::new();
        if feed(&mut hash, "firmware", firmware, LARGEST_FIRMWARE)? == 0 {
            return Err(no_firmware());
        }
        Ok(Self(hash))
    }

    /// The launch digest of SEV.
    #[must_use]
    pub fn sev(&self, kernel: Option<&KernelHashes>) -> Digest32 {
        self.with(kernel).finalize().into()
    }

    /// The launch digest of SEV-ES with these processors.
    #[must_use]
    pub fn sev_es(&self, kernel: Option<&KernelHashes>, vcpus: &VcpuState) -> Digest32 {
        let mut hash = self.with(kernel);
        for page in vcpus.pages() {
            hash.update(page.bytes());
        }
        hash.finalize().into()
    }

    fn with(&self, kernel: Option<&KernelHashes>) -> Sha256 {
        let mut hash = self.0.clone();
        if let Some(kernel) = kernel {
            hash.update(kernel.table());
        }
        hash
    }
}

/// The launch digest in one step: SEV without `vcpus`, SEV-ES with them.
///
/// # Errors
/// As [`Measured::new`].
pub fn launch_digest(
    firmware: &mut dyn Read,
    kernel: Option<&KernelHashes>,
    vcpus: Option<&VcpuState>,
) -> Result<Digest32> {
    let measured = Measured::new(firmware)?;
    Ok(match vcpus {
        Some(vcpus) => measured.sev_es(kernel, vcpus),
        None => measured.sev(kernel),
    })
}

/// An image of no bytes would have a digest like any other.
pub(super) fn no_firmware() -> Error {
    Error::new(Kind::Firmware, "the firmware image is empty")
        .hint("Give the image that the guest starts from, such as OVMF.amdsev.fd.")
}

#[cfg(test)]
#[path = "sev_tests.rs"]
mod tests;
