//! What a domain is to have. In: typed values. Out: values for slots and members for groups. Never: markup.

use super::cpu::Cpu;
use super::fields::{absolute, is_text, usage};
use super::media::{Disk, Network, Seed};
use crate::error::Error;
use crate::plan::render::{Groups, Value, Values};
use std::collections::BTreeSet;
use std::path::Path;

/// A kernel that is booted directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// The kernel.
    pub kernel: String,
    /// Its initial RAM disk.
    pub initrd: Option<String>,
    /// Its command line, taken exactly.
    pub cmdline: Option<String>,
}

/// Huge pages, of this many bytes where given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hugepages(pub Option<u64>);

/// One domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its name.
    pub name: String,
    /// Only where it was given: libvirt makes one at the definition.
    pub uuid: Option<String>,
    /// Bytes of memory.
    pub memory: u64,
    /// Virtual processors.
    pub vcpus: u32,
    /// The processor; `None`: [`Cpu::suited`].
    pub cpu: Option<Cpu>,
    /// NUMA cells of equal size; `None`: none.
    pub numa: Option<u32>,
    /// Huge pages.
    pub hugepages: Option<Hugepages>,
    /// A kernel that is booted directly.
    pub kernel: Option<Kernel>,
    /// Disks, the first of which is booted from.
    pub disks: Vec<Disk>,
    /// cloud-init's seed.
    pub seed: Option<Seed>,
    /// Network interfaces.
    pub networks: Vec<Network>,
    /// An emulated TPM 2.0.
    pub tpm: bool,
    /// A socket to the host.
    pub vsock: bool,
}

impl Request {
    /// The least that a domain has.
    #[must_use]
    pub fn new(name: impl Into<String>, memory: u64, vcpus: u32) -> Self {
        Self {
            name: name.into(),
            uuid: None,
            memory,
            vcpus,
            cpu: None,
            numa: None,
            hugepages: None,
            kernel: None,
            disks: Vec::new(),
            seed: None,
            networks: Vec::new(),
            tpm: false,
            vsock: false,
        }
    }

    /// Every option that was used, but those that are always there.
    pub(super) fn asked(&self) -> Vec<&'static str> {
        let kernel = self.kernel.as_ref();
        [
            ("--uuid", self.uuid.is_some()),
            ("--cpu", self.cpu.is_some()),
            ("--numa", self.numa.is_some()),
            ("--hugepages", self.hugepages.is_some()),
            ("--hugepages=SIZE", matches!(self.hugepages, Some(Hugepages(Some(_))))),
            ("--kernel", kernel.is_some()),
            ("--initrd", kernel.is_some_and(|k| k.initrd.is_some())),
            ("--cmdline", kernel.is_some_and(|k| k.cmdline.is_some())),
            ("--disk", !self.disks.is_empty()),
            ("--cloud-init", self.seed.is_some()),
            ("--network", !self.networks.is_empty()),
            ("--tpm", self.tpm),
            ("--vsock", self.vsock),
        ]
        .into_iter()
        .filter_map(|(option, used)| used.then_some(option))
        .collect()
    }

    /// What is wrong with the values themselves or with one beside another.
    pub(super) fn check(&self) -> Vec<Error> {
        let mut wrong = Vec::new();
        // libvirt's schema takes any line; its parser refuses a slash and blanks alone (virDomainDefParseXML).
        if self.name.trim().is_empty() || self.name.contains('/') || !is_text(&self.name) {
            wrong.push(
                usage("NAME", "not a domain's name")
                    .found(format!("{:?}", self.name))
                    .wanted("text on one line, without /"),
            );
        }
        if let Some(uuid) = self.uuid.as_deref().filter(|u| !is_uuid(u)) {
            let wanted = "32 hexadecimal digits as 8-4-4-4-12";
            wrong.push(usage("--uuid", "not a UUID").found(format!("{uuid:?}")).wanted(wanted));
        }
        if let Some(kernel) = &self.kernel {
            wrong.extend(absolute("--kernel", &kernel.kernel).err());
            wrong.extend(kernel.initrd.as_deref().and_then(|p| absolute("--initrd", p).err()));
            if kernel.cmdline.as_deref().is_some_and(|c| !is_text(c)) {
                wrong.push(
                    usage("--cmdline", "not a command line that a domain can hold")
                        .wanted("one line of text"),
                );
            }
        }
        if self.vcpus == 0 {
            wrong.push(usage("--vcpus", "a domain has a processor").found("0").wanted("1 or more"));
        }
        if self.kib() == 0 {
            wrong.push(usage("--memory", "a domain has memory").found("0").wanted("more"));
        }
        wrong.extend(self.same_file());
        wrong.extend(self.cells_fit());
        wrong
    }

    /// A disk or seed that is there twice: two guests in one writing on one image, or a seed over a disk.
    fn same_file(&self) -> Option<Error> {
        let paths = self.disks.iter().map(|d| &d.path).chain(self.seed.iter().map(|s| &s.path));
        // As paths: /a//b is /a/b.
        let mut seen = BTreeSet::new();
        paths.map(Path::new).find(|p| !seen.insert(*p)).map(|path| {
            usage("--disk", "one file is two disks")
                .found(path.display().to_string())
                .wanted("a file for each disk and seed")
        })
    }

    /// Every file that the domain or a new image needs, whoever makes it.
    #[must_use]
    pub fn files(&self) -> Vec<&str> {
        let mut all: Vec<Option<&String>> = Vec::new();
        if let Some(kernel) = &self.kernel {
            all.extend([Some(&kernel.kernel), kernel.initrd.as_ref()]);
        }
        for disk in &self.disks {
            let below = disk.creation.as_ref().and_then(|c| c.backing.as_ref());
            all.extend([Some(&disk.path), below.map(|(path, _)| path)]);
        }
        if let Some(seed) = &self.seed {
            all.push(Some(&seed.path));
            let sources = seed.sources.iter();
            all.extend(
                sources.flat_map(|s| [Some(&s.user_data), s.meta_data.as_ref(), s.network_config.as_ref()]),
            );
        }
        all.into_iter().flatten().map(String::as_str).collect()
    }

    /// Calls `then` with the values of the slots and the members of the groups ([`super::slots`]).
    pub(super) fn with_values<T>(&self, cpu: &Cpu, then: impl FnOnce(&Values<'_>, &Groups<'_>) -> T) -> T {
        let kernel = self.kernel.as_ref();
        let (mode, model) = match cpu {
            Cpu::Mode(mode) => (*mode, None),
            Cpu::Model(model) => ("custom", Some(model.as_str())),
        };
        let values: Values<'_> = vec![
            ("name", Some(Value::Text(&self.name))),
            ("uuid", self.uuid.as_deref().map(Value::Text)),
            ("memory_kib", Some(Value::Uint(self.kib()))),
            ("vcpus", Some(Value::Uint(self.vcpus.into()))),
            ("cpu_mode", Some(Value::Word(mode))),
            ("kernel", kernel.map(|k| Value::Path(&k.kernel))),
            ("initrd", kernel.and_then(|k| k.initrd.as_deref()).map(Value::Path)),
            ("cmdline", kernel.and_then(|k| k.cmdline.as_deref()).map(Value::Text)),
        ];
        let targets: Vec<String> = (0..=self.disks.len()).map(target).collect();
        let cells = self.cells();
        let flag = |asked: bool| if asked { vec![Vec::new()] } else { Vec::new() };
        let page = self.hugepages.and_then(|h| h.0);
        let disks = self.disks.iter().zip(&targets).map(|(disk, target)| {
            let (kind, file, device) = match disk.is_device() {
                true => ("block", None, Some(Value::Path(&disk.path))),
                false => ("file", Some(Value::Path(&disk.path)), None),
            };
            vec![
                ("disk_type", Some(Value::Word(kind))),
                ("file", file),
                ("device", device),
                ("format", Some(Value::Word(disk.format.as_str()))),
                ("target", Some(Value::Word(target))),
            ]
        });
        let seeds = self.seed.iter().zip(targets.last()).map(|(seed, target)| {
            vec![("file", Some(Value::Path(&seed.path))), ("target", Some(Value::Word(target)))]
        });
        let networks = self.networks.iter().map(|n| {
            let name = Some(Value::Text(&n.name));
            vec![
                ("network_type", Some(Value::Word(n.kind))),
                ("network", name.filter(|_| n.kind == "network")),
                ("bridge", name.filter(|_| n.kind == "bridge")),
                ("mac", n.mac.as_deref().map(Value::Text)),
            ]
        });
        let numa = cells.iter().zip(0..).map(|((cpus, kib), id)| {
            vec![
                ("cell", Some(Value::Uint(id))),
                ("cpus", Some(Value::Word(cpus))),
                ("cell_kib", Some(Value::Uint(*kib))),
            ]
        });
        let groups: Groups<'_> = vec![
            ("disk", disks.collect()),
            ("seed", seeds.collect()),
            ("network", networks.collect()),
            ("cpu-model", model.iter().map(|m| vec![("cpu_model", Some(Value::Text(m)))]).collect()),
            ("cell", numa.collect()),
            ("hugepages", flag(self.hugepages.is_some())),
            ("page", page.iter().map(|p| vec![("page_kib", Some(Value::Uint(p / 1024)))]).collect()),
            ("tpm", flag(self.tpm)),
            ("vsock", flag(self.vsock)),
        ];
        then(&values, &groups)
    }
}

/// `vda` to `vdz`, `vdaa` and on.
fn target(n: usize) -> String {
    let mut letters = String::new();
    let mut rest = n + 1;
    while rest > 0 {
        rest -= 1;
        letters.insert(0, char::from(b'a' + u8::try_from(rest % 26).unwrap_or(0)));
        rest /= 26;
    }
    format!("vd{letters}")
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_are_named_as_libvirt_names_them() {
        let names: Vec<_> = [0, 1, 25, 26, 27, 51, 52, 701, 702].map(target).into();
        assert_eq!(names, ["vda", "vdb", "vdz", "vdaa", "vdab", "vdaz", "vdba", "vdzz", "vdaaa"]);
    }

    #[test]
    fn every_problem_is_told() {
        let request = Request {
            uuid: Some("x".into()),
            kernel: Some(Kernel {
                kernel: "vmlinuz".into(),
                initrd: Some("i".into()),
                cmdline: Some("\n".into()),
            }),
            hugepages: Some(Hugepages(Some(3 << 20))),
            ..Request::new("a/b", 0, 0)
        };
        assert_eq!(request.check().len(), 8, "{:?}", request.check());
    }
}
