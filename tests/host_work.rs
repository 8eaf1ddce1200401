//! What `virt-sev host` does for its answer: files read, questions asked, no program started. Work is counted, not time:
//! how long it takes stands in benches/README.md.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this file is a test")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use virt_sev::host::{Access, CpuidRegs, Fact, HostFacts, Probe, RealProbe, RootProbe, Status};
use virt_sev::preflight::HostReport;

/// Asks another probe, and counts.
struct Counting<P> {
    inner: P,
    asked: RefCell<BTreeMap<String, usize>>,
    bytes: RefCell<usize>,
}

impl<P: Probe> Counting<P> {
    fn new(inner: P) -> Self {
        Self { inner, asked: RefCell::default(), bytes: RefCell::default() }
    }

    fn count(&self, what: String) {
        *self.asked.borrow_mut().entry(what).or_default() += 1;
    }
}

impl<P: Probe> Probe for Counting<P> {
    fn read(&self, path: &Path, longest: u64) -> Fact<Vec<u8>> {
        self.count(format!("read {}", path.display()));
        let fact = self.inner.read(path, longest);
        *self.bytes.borrow_mut() += fact.known().map_or(0, Vec::len);
        fact
    }
    fn list(&self, folder: &Path) -> Fact<Vec<OsString>> {
        self.count(format!("list {}", folder.display()));
        self.inner.list(folder)
    }
    fn exists(&self, path: &Path) -> Fact<()> {
        self.count(format!("exists {}", path.display()));
        self.inner.exists(path)
    }
    fn folders(&self, folder: &Path) -> Fact<Vec<OsString>> {
        self.count(format!("folders {}", folder.display()));
        self.inner.folders(folder)
    }
    fn access(&self, path: &Path) -> Fact<Access> {
        self.count(format!("access {}", path.display()));
        self.inner.access(path)
    }
    fn msr(&self, number: u32) -> Fact<u64> {
        self.count(format!("msr {number:#x}"));
        self.inner.msr(number)
    }
    fn kernel_log(&self) -> Fact<String> {
        self.count("log".into());
        self.inner.kernel_log()
    }
    fn status(&self, status: Status) -> Fact<Vec<u8>> {
        self.count(format!("status {}", status.name()));
        self.inner.status(status)
    }
    fn selinux(&self) -> Fact<String> {
        self.count("selinux".into());
        self.inner.selinux()
    }
    fn cpuid(&self, leaf: u32, subleaf: u32) -> Fact<CpuidRegs> {
        self.count(format!("cpuid {leaf:#x}"));
        self.inner.cpuid(leaf, subleaf)
    }
    fn user_firmware(&self) -> Option<PathBuf> {
        self.inner.user_firmware()
    }
}

/// Every question that a report needs, with how often it was asked, and the bytes that were read.
fn work<P: Probe>(probe: P) -> (BTreeMap<String, usize>, usize) {
    let probe = Counting::new(probe);
    let facts = HostFacts::gather(&probe, &[]);
    assert!(!HostReport::new("host", &facts).layers.is_empty());
    (probe.asked.into_inner(), probe.bytes.into_inner())
}

fn most(asked: &BTreeMap<String, usize>, images: usize) {
    let total: usize = asked.values().sum();
    assert!(total <= 64 + 2 * images, "{total} questions: {asked:#?}");
    for (what, times) in asked {
        let bound = match what.split(' ').next().unwrap() {
            // A register costs nothing.
            "cpuid" => 4,
            _ => 1,
        };
        assert!(*times <= bound, "{what}: {times} times");
    }
}

#[test]
fn every_question_is_asked_once_and_they_are_few() {
    let roots = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/roots");
    for root in ["genoa-snp", "milan", "genoa-selinux", "milan-cgroup-v1", "nothing"] {
        let (asked, bytes) = work(RootProbe::new(roots.join(root)));
        most(&asked, 3);
        assert!(bytes < 64 << 10, "{root}: {bytes} bytes");
    }
    // This machine: its firmware images are read, and each of them once.
    let images = fs::read_dir("/usr/share/qemu/firmware").map_or(0, Iterator::count);
    let (asked, bytes) = work(RealProbe::system());
    most(&asked, images);
    assert!(bytes < (8 << 20) + images * (8 << 20), "{bytes} bytes");
}

/// What reads and judges a host holds no way to start a program.
#[test]
fn nothing_that_reads_a_host_starts_a_program() {
    fn look(folder: &Path, seen: &mut usize) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                look(&path, seen);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            assert!(!text.contains("process::"), "{}", path.display());
            *seen += 1;
        }
    }
    let mut seen = 0;
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    look(&src.join("host"), &mut seen);
    look(&src.join("preflight"), &mut seen);
    assert!(seen > 30, "{seen} files");
}
