//! The files that a guest starts from. In: paths. Out: their hashes, made at the same time; the image and what it holds.
//! Never: a kernel or an initrd in memory.

use super::files;
use super::progress::{Counted, watched};
use crate::args::BootArgs;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use virt_sev::host::ovmf;
use virt_sev::image::ImageContents;
use virt_sev::measure::at_once;
use virt_sev::measure::cpu::CpuSignature;
use virt_sev::measure::kernel_hashes::KernelHashes;
use virt_sev::measure::sev::LARGEST_FIRMWARE;
use virt_sev::{Error, Kind, Result};

/// What the guest is expected to start from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Boot {
    pub(crate) firmware: PathBuf,
    pub(crate) kernel: Option<PathBuf>,
    pub(crate) initrd: Option<PathBuf>,
    pub(crate) cmdline: Option<String>,
    pub(crate) vcpus: Option<u32>,
    /// The processor that the host says the guest has; what options say goes before it.
    pub(crate) cpu: Option<CpuSignature>,
}

/// Options that need another.
pub(crate) fn problems(b: &BootArgs) -> Option<Error> {
    (b.kernel.is_none() && (b.initrd.is_some() || b.cmdline.is_some()))
        .then(|| Error::new(Kind::Usage, "--initrd and --cmdline need --kernel"))
}

impl Boot {
    /// What `firmware` makes of the image, and the hashes of the kernel where there is one: all at the same time.
    pub(crate) fn hashed<F: Send>(
        &self,
        firmware: impl FnOnce() -> Result<F> + Send,
    ) -> Result<(F, Option<KernelHashes>)> {
        match &self.kernel {
            Some(kernel) => at_once(firmware, || self.kernel_hashes(kernel).map(Some)),
            None => Ok((firmware()?, None)),
        }
    }

    fn kernel_hashes(&self, kernel: &Path) -> Result<KernelHashes> {
        let kernel = files::open("kernel", kernel)?;
        let initrd = self.initrd.as_deref().map(|p| files::open("initrd", p)).transpose()?;
        let size = |f: &File| f.metadata().map_or(0, |m| m.len());
        let total = size(&kernel) + initrd.as_ref().map_or(0, size);
        watched("hashing the kernel and the initrd", total, |done| {
            let mut initrd = initrd.map(|file| Counted { file, done });
            KernelHashes::read(
                &mut Counted { file: kernel, done },
                initrd.as_mut().map(|f| f as &mut (dyn Read + Send)),
                self.cmdline.as_deref().map(str::as_bytes),
            )
        })
    }
}

/// A firmware image as a whole: a part of one has no table at its end.
pub(crate) fn image(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    files::open("firmware", path)?.take(LARGEST_FIRMWARE + 1).read_to_end(&mut bytes).map_err(|e| {
        Error::new(Kind::File, "the firmware cannot be read").at(path.display().to_string()).because(e)
    })?;
    if bytes.len() as u64 > LARGEST_FIRMWARE {
        return Err(Error::new(Kind::Firmware, "the firmware image is too large")
            .at(path.display().to_string())
            .wanted(format!("at most {} MiB", LARGEST_FIRMWARE >> 20)));
    }
    Ok(bytes)
}

/// What a firmware image holds.
pub(crate) fn image_contents(path: &Path) -> Result<ImageContents> {
    ovmf::inspect(&image(path)?).map_err(|e| e.at(path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first 64 MiB were looked into, and an image of that size seemed to have no place for a secret.
    #[test]
    fn an_image_that_is_too_large_is_told_as_such() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(LARGEST_FIRMWARE + 1).unwrap();
        let e = image_contents(file.path()).unwrap_err();
        assert_eq!(e.kind(), Kind::Firmware);
        assert_eq!(e.message(), "the firmware image is too large");
    }
}
