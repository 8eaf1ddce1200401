//! A folder that stands for a host. In: paths as that host has them. Out: [`Fact`]s. Never: anything of the real
//! machine, or a path outside the folder.

use super::facts::Fact;
use super::machine::Access;
use super::probe::{CpuidRegs, Probe, Wanted, entries, lost, read};
use super::status::Status;
use super::{acl, firmware, images, noted, root};
use crate::image::ImageContents;
use crate::{Error, Kind, Result};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A folder that stands for a host. Nothing of the real machine is read: links are followed as if the folder
/// were the root, and what is no file there comes from texts in it: `cpuid`, `msr`, `nodes`, `acl`, `sev-status`, `dmesg`,
/// `selinux`, `images`, and `unreadable`, whose lines say what could not be read and why.
#[derive(Debug, Clone)]
pub struct RootProbe {
    root: PathBuf,
    /// Texts that are asked for many times.
    cpuid: OnceLock<Fact<String>>,
    unreadable: OnceLock<Fact<String>>,
}

/// The longest `DIR/cpuid`: some hundred processors' worth.
const LONGEST_CPUID: u64 = 4 << 20;

impl RootProbe {
    /// This folder.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), cpuid: OnceLock::new(), unreadable: OnceLock::new() }
    }

    /// The same, of a folder that is there: below one that is not nothing is found, and the answer would blame the host.
    ///
    /// # Errors
    /// `Kind::File` where there is no such folder.
    pub fn open(root: &Path) -> Result<Self> {
        if root.is_dir() {
            return Ok(Self::new(root));
        }
        let what = match root.exists() {
            true => "the host's files are in no folder",
            false => "the folder of the host's files is not there",
        };
        Err(Error::new(Kind::File, what)
            .at(root.display().to_string())
            .wanted("a folder with the host's own folders below it"))
    }

    /// What was not found may have been there and not readable: `DIR/unreadable` says so.
    fn lost<T>(&self, path: &Path, error: &std::io::Error) -> Fact<T> {
        self.or_noted(path, lost(path, error))
    }

    fn or_noted<T>(&self, path: &Path, fact: Fact<T>) -> Fact<T> {
        if !matches!(fact, Fact::Absent) {
            return fact;
        }
        let begin = format!("{}: ", path.display());
        let notes = self
            .unreadable
            .get_or_init(|| self.without_notes("/unreadable"))
            .known()
            .map_or("", String::as_str);
        let noted = notes.lines().find(|line| line.starts_with(&begin));
        noted.map_or(fact, |why| Fact::Unreadable(why.to_owned()))
    }

    /// Each link is resolved below the root again.
    fn entries(&self, folder: &Path, wanted: Wanted) -> Fact<Vec<OsString>> {
        match root::inside(&self.root, folder) {
            Ok(real) => {
                entries(&real, folder, wanted, |name| root::inside(&self.root, &folder.join(name)).ok())
            }
            Err(e) => self.lost(folder, &e),
        }
    }

    /// A text of the folder's own.
    fn text(&self, path: &str) -> Fact<String> {
        let fact = self.without_notes(path);
        self.or_noted(Path::new(path), fact)
    }

    fn without_notes(&self, path: &str) -> Fact<String> {
        let bytes = match root::inside(&self.root, Path::new(path)) {
            Ok(real) => read(&real, Path::new(path), LONGEST_CPUID),
            Err(e) => lost(Path::new(path), &e),
        };
        bytes.map(|b| String::from_utf8_lossy(&b).into_owned())
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
        self.entries(folder, Wanted::Files)
    }

    fn exists(&self, path: &Path) -> Fact<()> {
        match root::inside(&self.root, path) {
            Ok(_) => Fact::Known(()),
            Err(e) => self.lost(path, &e),
        }
    }

    fn folders(&self, folder: &Path) -> Fact<Vec<OsString>> {
        self.entries(folder, Wanted::Folders)
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
        match self.cpuid.get_or_init(|| self.text("/cpuid")) {
            Fact::Known(text) => super::cpuid::from_text(text, leaf, subleaf),
            Fact::Absent => Fact::Absent,
            Fact::Unreadable(why) => Fact::Unreadable(why.clone()),
            Fact::NotAsked => Fact::NotAsked,
        }
    }

    fn image(&self, path: &Path) -> Fact<ImageContents> {
        match firmware::look(path, self.read(path, firmware::LONGEST_IMAGE)) {
            Fact::Absent => self.text("/images").and_then(|text| images::find(&text, path)),
            other @ (Fact::Known(_) | Fact::Unreadable(_) | Fact::NotAsked) => other,
        }
    }

    fn user_firmware(&self) -> Option<PathBuf> {
        None
    }
}
