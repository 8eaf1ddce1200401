//! The files that a guest starts from. In: paths. Out: their hashes, made at the same time; the image and what it holds.
//! Never: a kernel or an initrd in memory.

use super::given;
use crate::files;
use crate::host::ovmf;
use crate::image::ImageContents;
use crate::measure::at_once;
use crate::measure::cpu::CpuSignature;
use crate::measure::kernel_hashes::KernelHashes;
use crate::measure::sev::LARGEST_FIRMWARE;
use crate::{Error, Kind, Result};
use std::any::Any;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Hears of work that may take long: what it is, how many bytes it has, and how many are done. What it gives is dropped
/// when the work has ended.
pub type Watch = fn(&'static str, u64, Arc<AtomicU64>) -> Box<dyn Any>;

/// The owner's copies of what the guest starts from. Each field is the option of its name.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)] // each is the option of its name
pub struct BootFiles {
    pub firmware: Option<PathBuf>,
    pub kernel: Option<PathBuf>,
    pub initrd: Option<PathBuf>,
    pub cmdline: Option<String>,
    /// Who hears of the hashing.
    pub watch: Option<Watch>,
}

impl BootFiles {
    /// The options that were given.
    pub fn given(&self) -> impl Iterator<Item = &'static str> {
        given([
            ("--firmware", self.firmware.is_some()),
            ("--kernel", self.kernel.is_some()),
            ("--initrd", self.initrd.is_some()),
            ("--cmdline", self.cmdline.is_some()),
        ])
    }

    /// Options that need another.
    #[must_use]
    pub fn problems(&self) -> Option<Error> {
        (self.kernel.is_none() && (self.initrd.is_some() || self.cmdline.is_some()))
            .then(|| Error::new(Kind::Usage, "--initrd and --cmdline need --kernel"))
    }

    /// What the guest starts from, of these files alone.
    ///
    /// # Errors
    /// `Kind::Usage` without a firmware image.
    pub fn boot(&self, vcpus: Option<u32>) -> Result<Boot> {
        let Some(firmware) = self.firmware.clone() else {
            return Err(Error::new(Kind::Usage, "--firmware is needed"));
        };
        Ok(Boot {
            firmware,
            kernel: self.kernel.clone(),
            initrd: self.initrd.clone(),
            cmdline: self.cmdline.clone(),
            vcpus,
            cpu: None,
            watch: self.watch,
        })
    }
}

/// What the guest is expected to start from.
#[derive(Debug, Clone, Default)]
pub struct Boot {
    /// Firmware image.
    pub firmware: PathBuf,
    /// Kernel, where it is measured.
    pub kernel: Option<PathBuf>,
    /// Initial ram disk.
    pub initrd: Option<PathBuf>,
    /// Kernel command line.
    pub cmdline: Option<String>,
    /// How many processors.
    pub vcpus: Option<u32>,
    /// The processor that the host says the guest has; what options say goes before it.
    pub cpu: Option<CpuSignature>,
    /// Who hears of the hashing.
    pub watch: Option<Watch>,
}

/// A file that counts what is read of it.
struct Counted {
    file: File,
    done: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let n = self.file.read(into)?;
        self.done.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl Boot {
    /// What `firmware` makes of the image, and the hashes of the kernel where there is one: all at the same time.
    ///
    /// # Errors
    /// Those of `firmware`; `Kind::File` for a kernel or an initrd that cannot be read.
    pub fn hashed<F: Send>(
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
        let done = Arc::new(AtomicU64::new(0));
        let _watching =
            self.watch.map(|watch| watch("hashing the kernel and the initrd", total, Arc::clone(&done)));
        let mut initrd = initrd.map(|file| Counted { file, done: Arc::clone(&done) });
        KernelHashes::read(
            &mut Counted { file: kernel, done },
            initrd.as_mut().map(|f| f as &mut (dyn Read + Send)),
            self.cmdline.as_deref().map(str::as_bytes),
        )
    }
}

/// A firmware image as a whole: a part of one has no table at its end.
///
/// # Errors
/// `Kind::File` where it cannot be read; `Kind::Firmware` where it is larger than any image.
pub fn image(path: &Path) -> Result<Vec<u8>> {
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
///
/// # Errors
/// As [`image`]; `Kind::Firmware` for a table that is damaged.
pub fn image_contents(path: &Path) -> Result<ImageContents> {
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
