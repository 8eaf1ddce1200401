//! The one place that reads a host. In: paths, CPUID leaves. Out: [`Fact`]s. Never: a judgement, or an error.
//!
//! [`RealProbe`] reads this machine, [`RootProbe`](super::RootProbe) a folder that stands for one (`--host-root DIR`).

use super::facts::Fact;
use super::machine::Access;
use super::status::Status;
use super::{firmware, live, selinux};
use crate::image::ImageContents;
use std::ffi::OsString;
use std::fmt::Debug;
use std::fs::OpenOptions;
use std::io::{Error, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// What CPUID gives for one leaf and subleaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CpuidRegs {
    /// EAX.
    pub eax: u32,
    /// EBX.
    pub ebx: u32,
    /// ECX.
    pub ecx: u32,
    /// EDX.
    pub edx: u32,
}

/// What can be asked of a host.
pub trait Probe {
    /// A regular file's bytes; unreadable when there are more than `longest`.
    fn read(&self, path: &Path, longest: u64) -> Fact<Vec<u8>>;
    /// The names of a folder's regular files, sorted.
    fn list(&self, folder: &Path) -> Fact<Vec<OsString>>;
    /// Whether there is anything of this name.
    fn exists(&self, path: &Path) -> Fact<()>;
    /// The names of a folder's folders, sorted.
    fn folders(&self, folder: &Path) -> Fact<Vec<OsString>>;
    /// Who may use a device node.
    fn access(&self, path: &Path) -> Fact<Access>;
    /// A model-specific register of the first processor.
    fn msr(&self, number: u32) -> Fact<u64>;
    /// The kernel's log, a line a message.
    fn kernel_log(&self) -> Fact<String>;
    /// The Secure Processor's own word, byte for byte.
    fn status(&self, status: Status) -> Fact<Vec<u8>>;
    /// What the loaded SELinux policy lets libvirt's guests do with `/dev/sev`, as sesearch(1) prints it.
    fn selinux(&self) -> Fact<String>;
    /// One CPUID leaf, of any processor of the host.
    fn cpuid(&self, leaf: u32, subleaf: u32) -> Fact<CpuidRegs>;
    /// What a firmware image holds.
    fn image(&self, path: &Path) -> Fact<ImageContents> {
        firmware::look(path, self.read(path, firmware::LONGEST_IMAGE))
    }
    /// The folder with the user's own QEMU descriptors, where libvirt would look there.
    fn user_firmware(&self) -> Option<PathBuf>;
}

/// What the standard library has no call for. This package holds no unsafe code, and `virt-sev` is not to load libvirt:
/// so the package `virt-sev-psp` has it, and a program gives it to [`RealProbe::with`]. Without it nobody asks.
pub trait Device: Debug + Sync {
    /// The Secure Processor's own word, by ioctl(2).
    ///
    /// # Errors
    /// The system's.
    fn status(&self, status: Status) -> std::io::Result<Vec<u8>>;
    /// An extended attribute of a device node; `None` where it has none of this name.
    ///
    /// # Errors
    /// The system's.
    fn attribute(&self, path: &Path, name: &str) -> std::io::Result<Option<Vec<u8>>>;
}

/// This machine.
#[derive(Debug, Clone, Default)]
pub struct RealProbe {
    user_firmware: Option<PathBuf>,
    device: Option<&'static dyn Device>,
}

impl RealProbe {
    /// As libvirt's system daemon sees it: without anybody's own firmware descriptors
    /// (libvirt `src/qemu/qemu_interop_config.c`).
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// As the session daemon of the user sees it: `$XDG_CONFIG_HOME/qemu/firmware` counts too.
    #[must_use]
    pub fn session() -> Self {
        let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
        let config =
            absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
        Self { user_firmware: config.map(|c| c.join("qemu/firmware")), device: None }
    }

    /// With what the standard library cannot ask.
    #[must_use]
    pub fn with(self, device: &'static dyn Device) -> Self {
        Self { device: Some(device), ..self }
    }
}

impl Probe for RealProbe {
    fn read(&self, path: &Path, longest: u64) -> Fact<Vec<u8>> {
        read(path, path, longest)
    }

    fn list(&self, folder: &Path) -> Fact<Vec<OsString>> {
        entries(folder, folder, Wanted::Files, |name| Some(folder.join(name)))
    }

    fn exists(&self, path: &Path) -> Fact<()> {
        match std::fs::symlink_metadata(path) {
            Ok(_) => Fact::Known(()),
            Err(e) => lost(path, &e),
        }
    }

    fn folders(&self, folder: &Path) -> Fact<Vec<OsString>> {
        entries(folder, folder, Wanted::Folders, |name| Some(folder.join(name)))
    }

    fn access(&self, path: &Path) -> Fact<Access> {
        live::access(path, self.device)
    }

    fn msr(&self, number: u32) -> Fact<u64> {
        live::msr(number)
    }

    fn kernel_log(&self) -> Fact<String> {
        live::kernel_log()
    }

    fn status(&self, status: Status) -> Fact<Vec<u8>> {
        live::status(self.device, status)
    }

    fn selinux(&self) -> Fact<String> {
        let label = live::attribute(self.device, Path::new("/dev/sev"), selinux::ATTRIBUTE);
        let label =
            label.known().map(|bytes| String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned());
        selinux::ask(label.as_deref())
    }

    #[cfg(target_arch = "x86_64")]
    fn cpuid(&self, leaf: u32, subleaf: u32) -> Fact<CpuidRegs> {
        let r = core::arch::x86_64::__cpuid_count(leaf, subleaf);
        Fact::Known(CpuidRegs { eax: r.eax, ebx: r.ebx, ecx: r.ecx, edx: r.edx })
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn cpuid(&self, _leaf: u32, _subleaf: u32) -> Fact<CpuidRegs> {
        Fact::Absent
    }

    fn user_firmware(&self) -> Option<PathBuf> {
        self.user_firmware.clone()
    }
}

/// Reads `real` and calls it `shown`.
pub(super) fn read(real: &Path, shown: &Path, longest: u64) -> Fact<Vec<u8>> {
    let mut bytes = Vec::new();
    let result = (|| {
        // A pipe or a device would block or never end: only a regular file is opened. What takes its place meanwhile is
        // not waited for, and not read.
        let regular =
            |m: std::fs::Metadata| if m.is_file() { Ok(()) } else { Err(Error::other("not a regular file")) };
        regular(std::fs::metadata(real)?)?;
        let file = OpenOptions::new().read(true).custom_flags(live::NONBLOCK).open(real)?;
        let length = file.metadata()?.len().min(longest);
        regular(file.metadata()?)?;
        bytes.reserve_exact(usize::try_from(length).unwrap_or(0));
        file.take(longest.saturating_add(1)).read_to_end(&mut bytes)
    })();
    match result {
        Ok(length) if u64::try_from(length).is_ok_and(|l| l <= longest) => Fact::Known(bytes),
        Ok(_) => Fact::Unreadable(format!("{}: longer than {longest} bytes", shown.display())),
        Err(e) => lost(shown, &e),
    }
}

/// What a folder is looked through for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Files,
    Folders,
}

/// The names of such entries, sorted. `resolve` says where a link leads; nothing else is looked at but the folder itself.
pub(super) fn entries(
    real: &Path,
    shown: &Path,
    wanted: Wanted,
    resolve: impl Fn(&OsString) -> Option<PathBuf>,
) -> Fact<Vec<OsString>> {
    let fits = |t: std::fs::FileType| match wanted {
        Wanted::Files => t.is_file(),
        Wanted::Folders => t.is_dir(),
    };
    let name = |entry: std::fs::DirEntry| -> std::io::Result<Option<OsString>> {
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        let leads_to = || resolve(&name).and_then(|path| std::fs::metadata(path).ok());
        let kind = if kind.is_symlink() { leads_to().map(|m| m.file_type()) } else { Some(kind) };
        Ok(kind.is_some_and(fits).then_some(name))
    };
    let names: std::io::Result<Vec<Option<OsString>>> =
        std::fs::read_dir(real).and_then(|folder| folder.map(|entry| entry.and_then(name)).collect());
    match names {
        Ok(names) => {
            let mut names: Vec<OsString> = names.into_iter().flatten().collect();
            names.sort();
            Fact::Known(names)
        }
        Err(e) => lost(shown, &e),
    }
}

pub(super) fn lost<T>(path: &Path, error: &std::io::Error) -> Fact<T> {
    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) {
        Fact::Absent
    } else {
        Fact::Unreadable(format!("{}: {error}", path.display()))
    }
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
