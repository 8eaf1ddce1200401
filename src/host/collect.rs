//! A report that another machine can read. In: a [`Probe`] that is asked. Out: the files of a folder that
//! [`RootProbe`](super::RootProbe) reads back to the same facts. Never: more of a file than a fact needs: a
//! command line, a configuration or a log may hold secrets.

use super::facts::Fact;
use super::machine::Access;
use super::probe::{CpuidRegs, Probe};
use super::status::Status;
use super::{acl, images, qemu_user};
use crate::image::ImageContents;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Asks another probe, and keeps the answers.
#[derive(Debug)]
pub struct Recorder<P> {
    inner: P,
    kept: RefCell<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    files: BTreeMap<PathBuf, Vec<u8>>,
    cpuid: BTreeMap<(u32, u32), CpuidRegs>,
    nodes: BTreeSet<String>,
    msr: BTreeSet<String>,
    status: BTreeSet<String>,
    images: BTreeSet<String>,
    unreadable: BTreeSet<String>,
}

impl<P: Probe> Recorder<P> {
    /// Records what this probe answers.
    #[must_use]
    pub fn new(inner: P) -> Self {
        Self { inner, kept: RefCell::default() }
    }

    /// Every file, by its path below the folder. Of firmware images only what they hold is noted.
    #[must_use]
    pub fn into_files(self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut kept = self.kept.into_inner();
        let mut cpuid = String::from("CPU 0:\n");
        for ((leaf, subleaf), r) in &kept.cpuid {
            cpuid += &format!(
                "   0x{leaf:08x} 0x{subleaf:02x}: eax=0x{:08x} ebx=0x{:08x} ecx=0x{:08x} edx=0x{:08x}\n",
                r.eax, r.ebx, r.ecx, r.edx
            );
        }
        let lines = |set: &BTreeSet<String>| set.iter().map(|line| format!("{line}\n")).collect::<String>();
        let texts = [
            ("cpuid", if kept.cpuid.is_empty() { String::new() } else { cpuid }),
            ("nodes", lines(&kept.nodes)),
            ("msr", lines(&kept.msr)),
            ("sev-status", lines(&kept.status)),
            ("images", lines(&kept.images)),
            ("unreadable", lines(&kept.unreadable)),
        ];
        for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            kept.files.insert(name.into(), text.into_bytes());
        }
        kept.files
    }

    fn note<T>(&self, fact: &Fact<T>) {
        if let Fact::Unreadable(why) = fact {
            self.kept.borrow_mut().unreadable.insert(why.replace('\n', " "));
        }
    }

    fn file(&self, path: &Path, bytes: Vec<u8>) {
        let below = path.strip_prefix("/").unwrap_or(path).to_owned();
        self.kept.borrow_mut().files.insert(below, bytes);
    }
}

/// The part of a file that facts are made of; `None`: nothing of it is kept. `before`: the text of another file that
/// was kept already.
fn needed(path: &Path, bytes: &[u8], before: &dyn Fn(&str) -> String) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(bytes);
    let lines = |wanted: &dyn Fn(&str) -> bool| {
        let kept = text.lines().filter(|line| wanted(line));
        Some(kept.map(|line| format!("{line}\n")).collect::<String>().into_bytes())
    };
    let within = |folder: &str| path.starts_with(folder);
    if path == Path::new("/proc/cmdline") {
        return Some(super::read::words(&text).join(" ").into_bytes());
    }
    if path == Path::new("/etc/libvirt/qemu.conf") {
        let ours = ["namespaces", "dynamic_ownership", "user", "group"];
        return lines(&|line| ours.iter().any(|name| qemu_user::setting(line, name).is_some()));
    }
    if path == Path::new("/etc/passwd") {
        return Some(qemu_user::passwd_lines(&before("etc/libvirt/qemu.conf"), &text).into_bytes());
    }
    if path == Path::new("/etc/group") {
        let passwd = before("etc/passwd");
        return Some(qemu_user::group_lines(&before("etc/libvirt/qemu.conf"), &passwd, &text).into_bytes());
    }
    if within("/var/cache/libvirt") {
        return lines(&|line| line.contains("<emulator>") || line.contains("name='sev"));
    }
    if within("/etc/apparmor.d") {
        return lines(&|line| line.contains("/dev/sev"));
    }
    if path == Path::new("/proc/meminfo") {
        return lines(&|line| line.starts_with("MemTotal:") || line.starts_with("MemAvailable:"));
    }
    if within("/proc") && path.ends_with("limits") {
        return lines(&|line| line.starts_with("Max locked memory"));
    }
    let whole = ["/sys", "/proc/sys/kernel/osrelease", "/run"].iter().any(|folder| within(folder));
    let descriptor = path.parent().is_some_and(|folder| folder.ends_with("qemu/firmware"));
    (whole || descriptor).then(|| bytes.to_vec())
}

impl<P: Probe> Probe for Recorder<P> {
    fn read(&self, path: &Path, longest: u64) -> Fact<Vec<u8>> {
        let fact = self.inner.read(path, longest);
        self.note(&fact);
        let before = |path: &str| {
            let kept = self.kept.borrow();
            kept.files.get(Path::new(path)).map_or(String::new(), |b| String::from_utf8_lossy(b).into_owned())
        };
        if let Some(kept) = fact.known().and_then(|bytes| needed(path, bytes, &before)) {
            self.file(path, kept);
        }
        fact
    }

    fn list(&self, folder: &Path) -> Fact<Vec<OsString>> {
        let fact = self.inner.list(folder);
        self.note(&fact);
        // The names of libraries are facts by themselves; other files that matter are read next.
        for name in fact.known().into_iter().flatten() {
            if name.as_encoded_bytes().starts_with(b"libvirt.so.0.") {
                self.file(&folder.join(name), Vec::new());
            }
        }
        fact
    }

    fn folders(&self, folder: &Path) -> Fact<Vec<OsString>> {
        let fact = self.inner.folders(folder);
        self.note(&fact);
        fact
    }

    fn exists(&self, path: &Path) -> Fact<()> {
        let fact = self.inner.exists(path);
        self.note(&fact);
        if fact.known().is_some() && path.starts_with("/dev") {
            self.file(path, Vec::new());
        }
        fact
    }

    fn access(&self, path: &Path) -> Fact<Access> {
        let fact = self.inner.access(path);
        self.note(&fact);
        if let Fact::Known(a) = &fact {
            let line = format!("{:o} {} {} {}", a.mode, a.uid, a.gid, path.display());
            self.kept.borrow_mut().nodes.insert(line);
            self.note(&a.acl);
            if let Fact::Known(acl) = &a.acl {
                self.file(Path::new("/acl"), acl::to_text(a, acl).into_bytes());
            }
        }
        fact
    }

    fn msr(&self, number: u32) -> Fact<u64> {
        let fact = self.inner.msr(number);
        self.note(&fact);
        if let Fact::Known(value) = &fact {
            self.kept.borrow_mut().msr.insert(format!("0x{number:08x}: 0x{value:016x}"));
        }
        fact
    }

    fn kernel_log(&self) -> Fact<String> {
        let fact = self.inner.kernel_log();
        self.note(&fact);
        if let Fact::Known(log) = &fact {
            let ours = log.lines().filter(|line| super::read::of_sev(line));
            self.file(Path::new("/dmesg"), ours.map(|line| format!("{line}\n")).collect::<String>().into());
        }
        fact
    }

    fn status(&self, status: Status) -> Fact<Vec<u8>> {
        let fact = self.inner.status(status);
        self.note(&fact);
        if let Fact::Known(bytes) = &fact {
            let bytes: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
            self.kept.borrow_mut().status.insert(format!("{}: {}", status.name(), bytes.join(" ")));
        }
        fact
    }

    fn selinux(&self) -> Fact<String> {
        let fact = self.inner.selinux();
        self.note(&fact);
        if let Fact::Known(rule) = &fact {
            self.file(Path::new("/selinux"), rule.clone().into_bytes());
        }
        fact
    }

    fn cpuid(&self, leaf: u32, subleaf: u32) -> Fact<CpuidRegs> {
        let fact = self.inner.cpuid(leaf, subleaf);
        if let Fact::Known(regs) = &fact {
            self.kept.borrow_mut().cpuid.insert((leaf, subleaf), *regs);
        }
        fact
    }

    fn image(&self, path: &Path) -> Fact<ImageContents> {
        let fact = self.inner.image(path);
        self.note(&fact);
        if matches!(fact, Fact::Known(_) | Fact::Absent) {
            self.kept.borrow_mut().images.insert(images::to_line(path, fact.known()));
        }
        fact
    }

    fn user_firmware(&self) -> Option<PathBuf> {
        self.inner.user_firmware()
    }
}
