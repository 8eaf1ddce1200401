//! The launch digest of SEV-SNP. In: a firmware image and the sections that it names, kernel hashes, VMSA pages. Out:
//! SHA-384 chained over every page. Never: a page whose kind is not known.
//!
//! SEV-SNP firmware ABI (56860), 8.17.2, table 67: GCTX.LD, zero at the start, becomes SHA-384 of the PAGE_INFO of each
//! page that SNP_LAUNCH_UPDATE takes in. QEMU gives the image, which ends at 4 GiB, then the sections of its metadata in
//! their order (`target/i386/sev.c`, `snp_populate_metadata_pages`); KVM gives the VMSA pages at the end.

use super::Digest48;
use super::kernel_hashes::KernelHashes;
use super::sev::no_firmware;
use super::vmsa::VcpuState;
use crate::image::{ImageContents, SnpSection, SnpSectionKind};
use crate::{Error, Kind, Result};
use sha2::{Digest, Sha384};

const PAGE: usize = 4096;
/// Where the image ends.
const FOUR_GIB: u64 = 1 << 32;
/// The address of every VMSA page (Linux, `arch/x86/kvm/svm/sev.c`, `INITIAL_VMSA_GPA`).
const VMSA_ADDRESS: u64 = 0xffff_ffff_f000;

/// PAGE_TYPE (56860, table 65).
#[derive(Clone, Copy)]
enum PageType {
    Normal = 1,
    Vmsa = 2,
    Zero = 3,
    Secrets = 5,
    Cpuid = 6,
}

/// A firmware image, measured; sections, kernel hashes and VMSA pages may follow, in more than one variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured(Digest48);

impl Measured {
    /// Measures a firmware image.
    ///
    /// # Errors
    /// `Kind::Firmware` when the image is empty, is no whole number of pages, or does not fit below 4 GiB.
    pub fn new(image: &[u8]) -> Result<Self> {
        if image.is_empty() {
            return Err(no_firmware());
        }
        let (pages, rest) = image.as_chunks::<PAGE>();
        let start =
            FOUR_GIB.checked_sub(image.len() as u64).filter(|_| rest.is_empty()).ok_or_else(|| {
                Error::new(Kind::Firmware, "the firmware image is no whole number of pages")
                    .found(format!("{} bytes", image.len()))
                    .wanted("a multiple of 4096 bytes")
            })?;
        let mut chain = Self([0; 48]);
        for (page, at) in pages.iter().zip((start..).step_by(PAGE)) {
            chain.extend(PageType::Normal, at, &Sha384::digest(page).into());
        }
        Ok(chain)
    }

    /// The image's part of the digest as it was computed before: [`Self::hash`], and `sev-snp-measure --mode
    /// snp:ovmf-hash`.
    #[must_use]
    pub fn from_hash(hash: Digest48) -> Self {
        Self(hash)
    }

    /// The digest over the image alone.
    #[must_use]
    pub fn hash(&self) -> Digest48 {
        self.0
    }

    /// The launch digest with these sections (`host::ovmf::inspect` reads them from the image), kernel and processors.
    ///
    /// # Errors
    /// `Kind::Firmware` when the image has no SEV-SNP metadata, a section is not whole pages or of an unknown kind, or
    /// there is a kernel and no place for its hashes.
    pub fn snp(
        &self,
        image: &ImageContents,
        kernel: Option<&KernelHashes>,
        vcpus: &VcpuState,
    ) -> Result<Digest48> {
        if !image.has_snp_metadata() {
            return Err(Error::new(
                Kind::Firmware,
                "the firmware image has no SEV-SNP metadata, so no SEV-SNP guest starts from it",
            )
            .hint("Choose an image that has it, such as OVMF.amdsev.fd; `virt-sev firmware inspect` says."));
        }
        let hashes = kernel.map(|kernel| hashes_page(image, kernel)).transpose()?;
        let mut chain = *self;
        let mut problems = Vec::new();
        for section in &image.snp_sections {
            match filled(section, hashes.as_ref()) {
                Ok((kind, contents)) => {
                    let end = u64::from(section.base) + u64::from(section.size);
                    for at in (u64::from(section.base)..end).step_by(PAGE) {
                        chain.extend(kind, at, &contents);
                    }
                }
                Err(e) => {
                    let found = format!("{:?}, {} bytes at {:#x}", section.kind, section.size, section.base);
                    problems.push(e.found(found));
                }
            }
        }
        if let Some(e) = Error::many(problems) {
            return Err(e);
        }
        for page in vcpus.pages() {
            chain.extend(PageType::Vmsa, VMSA_ADDRESS, &Sha384::digest(page.bytes()).into());
        }
        Ok(chain.0)
    }

    /// Adds a PAGE_INFO: the digest so far, the page's own, the length of all, the type, IMI, the permissions of VMPL 3, 2
    /// and 1, a reserved byte, the address. The last ones but type and address are 0: QEMU sets none.
    fn extend(&mut self, kind: PageType, address: u64, contents: &Digest48) {
        const LENGTH: u16 = 48 + 48 + 2 + 6 + 8;
        let mut hash = Sha384::new();
        hash.update(self.0);
        hash.update(contents);
        hash.update(LENGTH.to_le_bytes());
        hash.update([kind as u8, 0, 0, 0, 0, 0]);
        hash.update(address.to_le_bytes());
        self.0 = hash.finalize().into();
    }
}

/// What QEMU puts into the pages of a section (`snp_metadata_desc_to_page_type`, `snp_launch_update_kernel_hashes`).
/// Only a normal page counts with what it holds: secrets and CPUID are the firmware's own (56860, 8.17.2).
fn filled(section: &SnpSection, hashes: Option<&[u8; PAGE]>) -> Result<(PageType, Digest48)> {
    let wrong = |text: &str| Err(Error::new(Kind::Firmware, text));
    let pages = |n: u32| (n as usize).is_multiple_of(PAGE);
    if section.size == 0 || !pages(section.base) || !pages(section.size) {
        return wrong("a section of the firmware's SEV-SNP metadata is not made of pages");
    }
    let kind = match (section.kind, hashes) {
        (SnpSectionKind::KernelHashes, Some(_)) if section.size as usize != PAGE => {
            return wrong("the firmware's section for the kernel hashes is not one page");
        }
        (SnpSectionKind::KernelHashes, Some(page)) => {
            return Ok((PageType::Normal, Sha384::digest(page).into()));
        }
        (SnpSectionKind::KernelHashes | SnpSectionKind::Memory | SnpSectionKind::SvsmCallingArea, _) => {
            PageType::Zero
        }
        (SnpSectionKind::Secrets, _) => PageType::Secrets,
        (SnpSectionKind::Cpuid, _) => PageType::Cpuid,
        (SnpSectionKind::Unknown(_), _) => {
            return wrong("a section of the firmware's SEV-SNP metadata is of a kind that is not known");
        }
    };
    Ok((kind, [0; 48]))
}

/// The page with the table where the image's GUID table says.
fn hashes_page(image: &ImageContents, kernel: &KernelHashes) -> Result<[u8; PAGE]> {
    let start = KernelHashes::place_in(image)?.base as usize % PAGE;
    let mut page = [0; PAGE];
    let section = image.snp_sections.iter().any(|s| s.kind == SnpSectionKind::KernelHashes);
    match page.get_mut(start..start + KernelHashes::TABLE_SIZE).filter(|_| section) {
        Some(into) => into.copy_from_slice(&kernel.table()),
        None => {
            return Err(Error::new(
                Kind::Firmware,
                "the firmware's SEV-SNP metadata has no page for the kernel hashes",
            )
            .hint("Use an AmdSev build of OVMF from 2023 or later, such as Debian's ovmf-amdsev."));
        }
    }
    Ok(page)
}

#[cfg(test)]
#[path = "snp_tests.rs"]
mod tests;
