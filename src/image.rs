//! What a firmware image names for a launch, as plain values. In: nothing; `host::ovmf` reads them out of an image. Out:
//! [`ImageContents`], for whoever chooses an image and for whoever measures one. Never: the image's bytes.

/// A range of guest memory that the image names. Size 0 counts as absent: Debian's OVMF has such tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Guest physical address.
    pub base: u32,
    /// Bytes.
    pub size: u32,
}

/// What QEMU puts into a section of the SEV-SNP metadata (edk2, `OvmfPkg/ResetVector/X64/OvmfSevMetadata.asm`; QEMU,
/// `target/i386/sev.c`, `SEV_DESC_TYPE_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnpSectionKind {
    /// 1: memory that is validated before the guest starts, and zero.
    Memory,
    /// 2: the secrets page.
    Secrets,
    /// 3: the CPUID page.
    Cpuid,
    /// 4: the calling area of an SVSM.
    SvsmCallingArea,
    /// 0x10: the page of the kernel hashes table.
    KernelHashes,
    /// One that edk2 and QEMU do not have.
    Unknown(u32),
}

impl From<u32> for SnpSectionKind {
    fn from(number: u32) -> Self {
        match number {
            1 => Self::Memory,
            2 => Self::Secrets,
            3 => Self::Cpuid,
            4 => Self::SvsmCallingArea,
            0x10 => Self::KernelHashes,
            other => Self::Unknown(other),
        }
    }
}

/// One section of the SEV-SNP metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnpSection {
    /// Guest physical address.
    pub base: u32,
    /// Bytes.
    pub size: u32,
    /// What goes there.
    pub kind: SnpSectionKind,
}

/// What the GUID table at the end of an OVMF image says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageContents {
    /// SEV-ES reset block (00f771de-1a7e-4fcb-890e-68c77e2fb44e): the AP's reset address.
    pub es_reset_addr: Option<u32>,
    /// Launch secret area (4c2eb361-7d9b-4cc3-8081-127c90d3d294).
    pub secret: Option<Area>,
    /// Kernel hashes table area (7255371f-3a3b-4b04-927b-1da6efa8d454).
    pub hashes: Option<Area>,
    /// The sections of the SEV-SNP metadata (dc886566-984a-4798-a75e-5585a7bf67cc), in order: none where there is no
    /// metadata or where it is not well formed.
    pub snp_sections: Vec<SnpSection>,
}

impl ImageContents {
    /// Whether SEV-SNP metadata is there and well formed.
    #[must_use]
    pub fn has_snp_metadata(&self) -> bool {
        !self.snp_sections.is_empty()
    }
}
