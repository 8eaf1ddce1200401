//! The one place that reads a host. In: paths, CPUID leaves. Out: [`Fact`]s. Never: a judgement, or an error.
//!
//! [`RealProbe`] reads this machine, [`RootProbe`] a folder that stands for one (`--host-root DIR`).

use super::facts::Fact;
use super::machine::Access;
use super::status::Status;
use super::{acl, live, noted, root, selinux};
use std::ffi::OsString;
use std::fmt::Debug;
use std::fs::File;
use std::io::{ErrorKind, Read};
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
        list(folder, folder, |name| folder.join(name))
    }

    fn exists(&self, path: &Path) -> Fact<()> {
        match std::fs::symlink_metadata(path) {
            Ok(_) => Fact::Known(()),
            Err(e) => lost(path, &e),
        }
    }

    fn folders(&self, folder: &Path) -> Fact<Vec<OsString>> {
        folders(folder, folder, |name| folder.join(name))
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

/// A folder that stands for a host. Nothing of the real machine is read: links are followed as if the folder
/// were the root, and what is no file there comes from texts in it: `cpuid`, `msr`, `nodes`, `acl`, `sev-status`, `dmesg`,
/// `selinux`, and `unreadable`, whose lines say what could not be read and why.
#[derive(Debug, Clone)]
pub struct RootProbe {
    root: PathBuf,
}

/// The longest `DIR/cpuid`: some hundred processors' worth.
const LONGEST_CPUID: u64 = 4 << 20;

impl RootProbe {
    /// This folder.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// What was not found may have been there and not readable: `DIR/unreadable` says so.
    fn lost<T>(&self, path: &Path, error: &std::io::Error) -> Fact<T> {
        self.or_noted(path, lost(path, error))
    }

    fn or_noted<T>(&self, path: &Path, fact: Fact<T>) -> Fact<T> {
        if !matches!(fact, Fact::Absent) {
            return fact;
        }
        let note = self.root.join("unreadable");
        let Fact::Known(bytes) = read(&note, &note, LONGEST_CPUID) else { return fact };
        let begin = format!("{}: ", path.display());
        let text = String::from_utf8_lossy(&bytes);
        text.lines()
            .find(|line| line.starts_with(&begin))
            .map_or(fact, |why| Fact::Unreadable(why.to_owned()))
    }

    fn text(&self, path: &str) -> Fact<String> {
        self.read(Path::new(path), LONGEST_CPUID).map(|b| String::from_utf8_lossy(&b).into_owned())
    }
}

impl Probe for RootProbe {
    fn read(&self, path: &Path, longest: u64) -> Fact<Vec<u8>> {
        match root::inside(&self.root, path) {
            Ok(real) => read(&real, path, longest),
            Err(e) => self.lost(path, &e),
        }
    }

    fn list(&self, folder: &Path) -> Fact<Vec<OsString>> {
        match root::inside(&self.root, folder) {
            // Each name is resolved below the root again: it may be a link.
            Ok(real) => list(&real, folder, |name| {
                root::inside(&self.root, &folder.join(name)).unwrap_or_else(|_| PathBuf::new())
            }),
            Err(e) => self.lost(folder, &e),
        }
    }

    fn exists(&self, path: &Path) -> Fact<()> {
        match root::inside(&self.root, path) {
            Ok(_) => Fact::Known(()),
            Err(e) => self.lost(path, &e),
        }
    }

    fn folders(&self, folder: &Path) -> Fact<Vec<OsString>> {
        match root::inside(&self.root, folder) {
            Ok(real) => folders(&real, folder, |name| {
                root::inside(&self.root, &folder.join(name)).unwrap_or_else(|_| PathBuf::new())
            }),
            Err(e) => self.lost(folder, &e),
        }
    }

    fn access(&self, path: &Path) -> Fact<Access> {
        let line = self.text("/nodes").map(|text| noted::access(&text, path));
        let access =
            self.or_noted(path, noted::flat(line, "/nodes: not the text of `stat -c '%a %u %g %n'`"));
        let acl = self.text("/acl").and_then(|text| match acl::from_text(&text) {
            Some(acl) => Fact::Known(acl),
            None => Fact::Unreadable("/acl: not the text of `getfacl -n`".into()),
        });
        let acl = self.or_noted(Path::new(acl::ATTRIBUTE), acl);
        access.map(|access| Access { acl, ..access })
    }

    fn msr(&self, number: u32) -> Fact<u64> {
        let fact = self.text("/msr").map(|text| noted::msr(&text, number));
        self.or_noted(Path::new("/dev/cpu/0/msr"), noted::flat(fact, "/msr: not NUMBER: VALUE"))
    }

    fn kernel_log(&self) -> Fact<String> {
        self.or_noted(Path::new("/dev/kmsg"), self.text("/dmesg"))
    }

    fn status(&self, status: Status) -> Fact<Vec<u8>> {
        let fact = self.text("/sev-status").map(|text| noted::status(&text, status.name()));
        let wrong = "/sev-status: not NAME: bytes in hexadecimal";
        self.or_noted(Path::new(status.name()), noted::flat(fact, wrong))
    }

    fn selinux(&self) -> Fact<String> {
        self.or_noted(Path::new("/sys/fs/selinux/access"), self.text("/selinux"))
    }

    fn cpuid(&self, leaf: u32, subleaf: u32) -> Fact<CpuidRegs> {
        self.text("/cpuid").and_then(|text| super::cpuid::from_text(&text, leaf, subleaf))
    }

    fn user_firmware(&self) -> Option<PathBuf> {
        None
    }
}

/// Reads `real` and calls it `shown`.
fn read(real: &Path, shown: &Path, longest: u64) -> Fact<Vec<u8>> {
    let mut bytes = Vec::new();
    let result = (|| {
        // A pipe or a device would block or never end: only a regular file is opened.
        if !std::fs::metadata(real)?.is_file() {
            return Err(std::io::Error::other("not a regular file"));
        }
        File::open(real)?.take(longest.saturating_add(1)).read_to_end(&mut bytes)
    })();
    match result {
        Ok(length) if u64::try_from(length).is_ok_and(|l| l <= longest) => Fact::Known(bytes),
        Ok(_) => Fact::Unreadable(format!("{}: longer than {longest} bytes", shown.display())),
        Err(e) => lost(shown, &e),
    }
}

fn folders(real: &Path, shown: &Path, resolve: impl Fn(&OsString) -> PathBuf) -> Fact<Vec<OsString>> {
    entries(real, shown, |name| std::fs::metadata(resolve(name)).is_ok_and(|m| m.is_dir()))
}

fn list(real: &Path, shown: &Path, resolve: impl Fn(&OsString) -> PathBuf) -> Fact<Vec<OsString>> {
    entries(real, shown, |name| std::fs::metadata(resolve(name)).is_ok_and(|m| m.is_file()))
}

fn entries(real: &Path, shown: &Path, wanted: impl Fn(&OsString) -> bool) -> Fact<Vec<OsString>> {
    let names: std::io::Result<Vec<OsString>> =
        std::fs::read_dir(real).and_then(|folder| folder.map(|entry| entry.map(|e| e.file_name())).collect());
    match names {
        Ok(mut names) => {
            names.retain(wanted);
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
