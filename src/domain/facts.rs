//! What a document says, as plain values. In: the elements. Out: [`DomainFacts`]. Never: a judgement, a change.

use super::devices::{self, Device};
use super::{Domain, ElementId, units};
use crate::codes::Kind;
use crate::error::Error;

/// `<os>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OsFacts {
    /// The element.
    pub element: Option<ElementId>,
    /// `<type>`: `hvm`.
    pub os_type: Option<String>,
    /// `type/@arch`.
    pub arch: Option<String>,
    /// `type/@machine`.
    pub machine: Option<String>,
    /// `@firmware`: `efi` or `bios`.
    pub firmware: Option<String>,
    /// `<firmware>`.
    pub firmware_element: Option<ElementId>,
    /// `<firmware><feature>`.
    pub firmware_features: Vec<FirmwareFeature>,
    /// `<loader>`.
    pub loader: Option<Loader>,
    /// `<nvram>`.
    pub nvram: Option<Nvram>,
    /// `<kernel>`, unless it is empty.
    pub kernel: Option<String>,
    /// `<initrd>`, unless it is empty.
    pub initrd: Option<String>,
    /// `<cmdline>`, exactly.
    pub cmdline: Option<String>,
    /// `<boot dev=…>`, in order.
    pub boot_devices: Vec<String>,
}

/// `<feature enabled='no' name='secure-boot'/>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirmwareFeature {
    /// The element.
    pub element: ElementId,
    /// `@name`.
    pub name: String,
    /// `@enabled` is `yes`.
    pub enabled: bool,
}

/// `<loader>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loader {
    /// The element.
    pub element: ElementId,
    /// The image, unless libvirt is to choose.
    pub path: Option<String>,
    /// `@type`: `rom` or `pflash`.
    pub kind: Option<String>,
    /// `@secure`.
    pub secure: Option<bool>,
    /// `@stateless`.
    pub stateless: Option<bool>,
    /// `@readonly`.
    pub readonly: Option<bool>,
    /// `@format`: `raw` or `qcow2`.
    pub format: Option<String>,
}

/// `<nvram>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nvram {
    /// The element.
    pub element: ElementId,
    /// The variable store, where it is given as text.
    pub path: Option<String>,
    /// `@template`.
    pub template: Option<String>,
}

/// `<features>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Features {
    /// `<acpi/>`.
    pub acpi: bool,
    /// `<smm>`: its element, and whether it is on.
    pub smm: Option<(ElementId, bool)>,
    /// `<vmcoreinfo>`: its element, and whether it is on.
    pub vmcoreinfo: Option<(ElementId, bool)>,
}

/// `<memoryBacking>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryBackingFacts {
    /// `<locked/>`.
    pub locked: bool,
    /// `source/@type`.
    pub source: Option<(ElementId, String)>,
    /// `<discard/>`.
    pub discard: Option<ElementId>,
    /// `<hugepages>`.
    pub hugepages: Option<ElementId>,
    /// Each `<page>`: its bytes where they can be read, and whether it is for some NUMA nodes only.
    pub pages: Vec<(ElementId, Option<u64>, bool)>,
}

/// `<launchSecurity>`, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchSecurityFacts {
    /// The element.
    pub element: ElementId,
    /// `@type`.
    pub kind: Option<String>,
    /// `@kernelHashes`.
    pub kernel_hashes: Option<String>,
    /// `@authorKey`.
    pub author_key: Option<String>,
    /// `@vcek`.
    pub vcek: Option<String>,
    /// `<policy>`, read in base 16 with or without `0x`, as libvirt reads it.
    pub policy: Option<u64>,
    /// `<cbitpos>`.
    pub cbitpos: Option<u64>,
    /// `<reducedPhysBits>`.
    pub reduced_phys_bits: Option<u64>,
    /// `<dhCert>` as text, white space and all.
    pub dh_cert: Option<String>,
    /// `<session>` as text.
    pub session: Option<String>,
    /// `<idBlock>` as text.
    pub id_block: Option<String>,
    /// `<idAuth>` as text.
    pub id_auth: Option<String>,
    /// `<hostData>` as text.
    pub host_data: Option<String>,
    /// `<guestVisibleWorkarounds>` as text.
    pub guest_visible_workarounds: Option<String>,
}

/// What a domain document says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DomainFacts {
    /// `domain/@type`: `kvm`.
    pub domain_type: Option<String>,
    /// `<name>`.
    pub name: Option<String>,
    /// `<uuid>`.
    pub uuid: Option<String>,
    /// `<os>`.
    pub os: OsFacts,
    /// `<features>`.
    pub features: Features,
    /// `<memory>` in bytes.
    pub memory: Option<u64>,
    /// `<memory>`.
    pub memory_element: Option<ElementId>,
    /// `memory/@dumpCore`.
    pub dump_core: Option<bool>,
    /// `<currentMemory>` in bytes.
    pub current_memory: Option<u64>,
    /// `maxMemory/@slots`, with its element.
    pub memory_slots: Option<(ElementId, u32)>,
    /// The processors that QEMU starts with, and those are measured: what `<vcpus>` has enabled and not for hot-plug, else
    /// `vcpu/@current`, else `<vcpu>`.
    pub vcpus: Option<u32>,
    /// `cpu/@mode`.
    pub cpu_mode: Option<String>,
    /// `cpu/model`.
    pub cpu_model: Option<String>,
    /// `<on_poweroff>`.
    pub on_poweroff: Option<String>,
    /// `<on_crash>`.
    pub on_crash: Option<String>,
    /// `<memoryBacking>`.
    pub memory_backing: MemoryBackingFacts,
    /// `memtune/hard_limit` in bytes.
    pub hard_limit: Option<u64>,
    /// `<launchSecurity>`.
    pub launch_security: Option<LaunchSecurityFacts>,
    /// `devices/emulator`.
    pub emulator: Option<String>,
    /// `<devices>`.
    pub devices_element: Option<ElementId>,
    /// The devices, in order.
    pub devices: Vec<Device>,
}

/// Children of `<domain>` that may stand more than once.
const REPEATED: &[&str] = &["sysinfo", "seclabel"];

/// Reads the facts.
pub(super) fn read(d: &Domain<'_>) -> Result<DomainFacts, Error> {
    let root = d.root();
    let all = once(d, root, |name| !REPEATED.contains(&name))?;
    let top = |name| all.get(name);
    let devices_element = top("devices");
    let backing = top("memoryBacking");
    let memtune = top("memtune");
    for id in [backing, memtune, top("pm")].into_iter().flatten() {
        once(d, id, |_| true)?;
    }
    let memory_slots = match top("maxMemory") {
        Some(id) => number(d, id, "slots")?.map(|n| (id, n)),
        None => None,
    };
    let cpu = top("cpu");
    if let Some(id) = cpu {
        once(d, id, |name| name == "model")?;
    }
    let memory_element = top("memory");
    Ok(DomainFacts {
        domain_type: d.attribute(root, "type"),
        name: top("name").map(|id| d.element_text(id)),
        uuid: text(d, top("uuid")),
        os: top("os").map(|id| os(d, id)).transpose()?.unwrap_or_default(),
        features: top("features").map(|id| features(d, id)).transpose()?.unwrap_or_default(),
        memory: size(d, memory_element)?,
        memory_element,
        dump_core: memory_element.and_then(|id| flag(d, id, "dumpCore")),
        current_memory: size(d, top("currentMemory"))?,
        memory_slots,
        vcpus: vcpus(d, top("vcpu"), top("vcpus"))?,
        cpu_mode: cpu.and_then(|id| d.attribute(id, "mode")),
        cpu_model: text(d, cpu.and_then(|id| d.child(id, "model"))),
        on_poweroff: text(d, top("on_poweroff")),
        on_crash: text(d, top("on_crash")),
        memory_backing: backing.map(|id| memory_backing(d, id)).transpose()?.unwrap_or_default(),
        hard_limit: size(d, memtune.and_then(|id| d.child(id, "hard_limit")))?,
        launch_security: top("launchSecurity").map(|id| launch_security(d, id)).transpose()?,
        emulator: text(d, devices_element.and_then(|id| d.child(id, "emulator"))),
        devices_element,
        devices: devices_element.map(|id| devices::read(d, id)).transpose()?.unwrap_or_default(),
    })
}

/// The children of one element that stand once.
pub(super) struct Once<'a>(Vec<(&'a str, ElementId)>);

impl Once<'_> {
    pub(super) fn get(&self, name: &str) -> Option<ElementId> {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, id)| *id)
    }
}

/// Finds the children of these names. Refuses a second one of a name: which of them counts would be a guess.
pub(super) fn once<'d>(
    d: &'d Domain<'_>,
    parent: ElementId,
    mut single: impl FnMut(&str) -> bool,
) -> Result<Once<'d>, Error> {
    let mut found = Once(Vec::with_capacity(16));
    for (child, element) in d.own_children(parent) {
        let name = element.local(&d.text);
        if !single(name) {
            continue;
        }
        // Names are few, but for a hostile document: the numbers of its elements are then found all at once.
        let few = found.0.len() < 64;
        if if few { found.get(name).is_some() } else { d.number(child).is_some_and(|n| n > 1) } {
            return Err(twice(d, child));
        }
        found.0.push((name, child));
    }
    Ok(found)
}

/// The error of an element that has a brother of the same name before it.
pub(super) fn twice(d: &Domain<'_>, second: ElementId) -> Error {
    Error::new(Kind::Domain, "an element that stands twice")
        .at(d.named(second, "", d.span(second).start))
        .wanted(format!("one <{}>", d.name(second)))
}

/// The trimmed text of an element, unless it is empty.
pub(super) fn text(d: &Domain<'_>, id: Option<ElementId>) -> Option<String> {
    let text = d.content(id?);
    let trimmed = text.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

/// An attribute that is a number.
pub(super) fn number(d: &Domain<'_>, id: ElementId, name: &str) -> Result<Option<u32>, Error> {
    let Some(attribute) = d.attribute_at(id, name) else { return Ok(None) };
    let value = d.value(attribute);
    value.trim().parse().map(Some).map_err(|_| {
        Error::new(Kind::Domain, "not a number")
            .at(d.named(id, &format!("/@{name}"), attribute.name().start))
            .found(format!("'{value}'"))
            .wanted("a whole number")
    })
}

/// An element that is a size: KiB without a unit (libvirt, formatdomain "Memory Allocation").
fn size(d: &Domain<'_>, id: Option<ElementId>) -> Result<Option<u64>, Error> {
    let Some(id) = id else { return Ok(None) };
    let unit = d.attribute_at(id, "unit").map_or("KiB".into(), |a| d.value(a));
    let value = d.content(id);
    let bytes = value.trim().parse().ok().and_then(|v| units::scale(v, &unit));
    match bytes {
        Some(b) => Ok(Some(b)),
        None => Err(Error::new(Kind::Domain, "not a size")
            .at(d.named(id, "", d.span(id).start))
            .found(format!("'{}' with unit '{unit}'", value.trim()))
            .wanted("a whole number and a unit such as KiB, MiB or GiB")),
    }
}

/// libvirt plugs in what is enabled and `hotpluggable` after QEMU has started (`qemuBuildSmpCommandLine`).
fn vcpus(d: &Domain<'_>, vcpu: Option<ElementId>, list: Option<ElementId>) -> Result<Option<u32>, Error> {
    if let Some(list) = list {
        let is = |id, name, value| d.attribute(id, name).as_deref() == Some(value);
        let all = d.children_named(list, "vcpu");
        let first = all.filter(|v| is(*v, "enabled", "yes") && !is(*v, "hotpluggable", "yes")).count();
        return Ok(u32::try_from(first).ok());
    }
    match vcpu.map(|id| number(d, id, "current")).transpose()?.flatten() {
        Some(current) => Ok(Some(current)),
        None => Ok(text(d, vcpu).and_then(|t| t.parse().ok())),
    }
}

pub(super) fn flag(d: &Domain<'_>, id: ElementId, name: &str) -> Option<bool> {
    d.attribute_at(id, name).map(|a| is_on(&d.value(a)))
}

/// libvirt has two words for it, each in its places.
pub(super) fn is_on(value: &str) -> bool {
    value == "yes" || value == "on"
}

fn os(d: &Domain<'_>, id: ElementId) -> Result<OsFacts, Error> {
    let repeated = ["boot", "initarg", "initenv", "acpi"];
    let all = once(d, id, |name| !repeated.contains(&name))?;
    let child = |name| all.get(name);
    let kind = child("type");
    let firmware_element = child("firmware");
    let firmware_features = firmware_element
        .into_iter()
        .flat_map(|f| d.children_named(f, "feature"))
        .filter_map(|f| {
            let enabled = flag(d, f, "enabled").unwrap_or(false);
            Some(FirmwareFeature { element: f, name: d.attribute(f, "name")?, enabled })
        })
        .collect();
    Ok(OsFacts {
        element: Some(id),
        os_type: text(d, kind),
        arch: kind.and_then(|t| d.attribute(t, "arch")),
        machine: kind.and_then(|t| d.attribute(t, "machine")),
        firmware: d.attribute(id, "firmware"),
        firmware_element,
        firmware_features,
        loader: child("loader").map(|l| Loader {
            element: l,
            path: text(d, Some(l)),
            kind: d.attribute(l, "type"),
            secure: flag(d, l, "secure"),
            stateless: flag(d, l, "stateless"),
            readonly: flag(d, l, "readonly"),
            format: d.attribute(l, "format"),
        }),
        nvram: child("nvram").map(|n| Nvram {
            element: n,
            path: if d.child(n, "source").is_none() { text(d, Some(n)) } else { None },
            template: d.attribute(n, "template"),
        }),
        kernel: text(d, child("kernel")),
        initrd: text(d, child("initrd")),
        cmdline: child("cmdline").map(|c| d.element_text(c)),
        boot_devices: d.children_named(id, "boot").filter_map(|b| d.attribute(b, "dev")).collect(),
    })
}

fn features(d: &Domain<'_>, id: ElementId) -> Result<Features, Error> {
    let all = once(d, id, |_| true)?;
    // An element without `state` is on (libvirt, formatdomain "Hypervisor features").
    let state = |name| all.get(name).map(|f| (f, d.attribute(f, "state").is_none_or(|s| s == "on")));
    Ok(Features { acpi: all.get("acpi").is_some(), smm: state("smm"), vmcoreinfo: state("vmcoreinfo") })
}

fn memory_backing(d: &Domain<'_>, id: ElementId) -> Result<MemoryBackingFacts, Error> {
    let hugepages = d.child(id, "hugepages");
    let page = |p: ElementId| {
        let unit = d.attribute(p, "unit").unwrap_or_else(|| "KiB".into());
        let bytes = d.attribute(p, "size").and_then(|s| s.trim().parse().ok());
        (p, bytes.and_then(|b| units::scale(b, &unit)), d.attribute(p, "nodeset").is_some())
    };
    Ok(MemoryBackingFacts {
        locked: d.child(id, "locked").is_some(),
        source: d.child(id, "source").map(|s| (s, d.attribute(s, "type").unwrap_or_default())),
        discard: d.child(id, "discard"),
        hugepages,
        pages: hugepages.into_iter().flat_map(|h| d.children_named(h, "page")).map(page).collect(),
    })
}

fn launch_security(d: &Domain<'_>, id: ElementId) -> Result<LaunchSecurityFacts, Error> {
    let all = once(d, id, |_| true)?;
    let child = |name| all.get(name).map(|c| d.element_text(c));
    let count = |name| child(name).and_then(|t| t.trim().parse().ok());
    let policy = child("policy").and_then(|t| {
        let t = t.trim();
        let digits = t.strip_prefix("0x").or_else(|| t.strip_prefix("0X")).unwrap_or(t);
        u64::from_str_radix(digits, 16).ok()
    });
    Ok(LaunchSecurityFacts {
        element: id,
        kind: d.attribute(id, "type"),
        kernel_hashes: d.attribute(id, "kernelHashes"),
        author_key: d.attribute(id, "authorKey"),
        vcek: d.attribute(id, "vcek"),
        policy,
        cbitpos: count("cbitpos"),
        reduced_phys_bits: count("reducedPhysBits"),
        dh_cert: child("dhCert"),
        session: child("session"),
        id_block: child("idBlock"),
        id_auth: child("idAuth"),
        host_data: child("hostData"),
        guest_visible_workarounds: child("guestVisibleWorkarounds"),
    })
}
