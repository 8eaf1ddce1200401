//! QEMU's arguments, read and rewritten.
//! In: argv as libvirt made it. Out: [`CommandLine`]: the SEV object, the monitor, what is measured; and the arguments
//! that the real QEMU gets. Never: a file opened.

use super::qopts::{Options, is_on, number};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The options that this program looks into; each takes a value.
const INSPECTED: &[&str] = &[
    "object", "machine", "M", "chardev", "mon", "qmp", "name", "bios", "drive", "blockdev", "kernel",
    "initrd", "append", "smp", "cpu", "accel", "pidfile",
];

/// QEMU's arguments, taken apart.
#[derive(Debug, Clone, Default)]
pub struct CommandLine {
    /// The guest.
    pub guest: Guest,
    /// Where the QMP monitor listens.
    pub monitor: Option<Listen>,
    /// `-daemonize`: a probe of the emulator's abilities.
    pub daemonize: bool,
    items: Vec<Item>,
}

/// What the simulated chip must know of a guest.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Guest {
    /// The name, as libvirt gives it.
    pub name: String,
    /// The `sev-guest` or `sev-snp-guest` object that the machine uses.
    pub sev: Option<SevObject>,
    /// The firmware image.
    pub firmware: Firmware,
    /// Direct kernel boot.
    pub kernel: Option<PathBuf>,
    /// Its initrd.
    pub initrd: Option<PathBuf>,
    /// Its command line.
    pub append: Option<String>,
    /// Virtual processors at the start.
    pub vcpus: u32,
    /// They are the host's own: `-cpu host`, and `-cpu max`, which is the same with KVM (`target/i386/host-cpu.c`).
    pub host_cpu: bool,
    /// `smm=on`, said aloud.
    pub smm: bool,
    /// `-S`: the guest starts stopped.
    pub paused: bool,
}

/// The image that is measured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Firmware {
    /// QEMU's own SeaBIOS.
    #[default]
    SeaBios,
    /// `-bios`.
    Bios(PathBuf),
    /// The first flash unit.
    Pflash(PathBuf),
}

/// The confidential guest object's properties.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SevObject {
    /// `sev-snp-guest`.
    pub snp: bool,
    /// The guest policy: 32 bits, or 64 for SNP.
    pub policy: u64,
    /// The C-bit position asked for.
    pub cbitpos: Option<u64>,
    /// The reduction of the physical address space asked for.
    pub reduced_phys_bits: Option<u64>,
    /// The guest owner's certificate, in base64.
    pub dh_cert_file: Option<PathBuf>,
    /// The session, in base64.
    pub session_file: Option<PathBuf>,
    /// Whether the kernel's hashes are measured.
    pub kernel_hashes: bool,
}

/// Where a monitor listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// An inherited listening descriptor.
    Descriptor(i32),
    /// A path to bind.
    Path(PathBuf),
}

#[derive(Debug, Clone)]
enum Item {
    /// Goes to QEMU as it is.
    Plain(OsString),
    /// An option that may be rewritten.
    Option(String, String),
    /// The monitor's own option: replaced by the relay's descriptor.
    Monitor(Replace),
}

#[derive(Debug, Clone)]
enum Replace {
    Chardev(String),
    Qmp,
}

/// What the real QEMU gets.
#[derive(Debug, Clone, Copy)]
pub struct Rewrite {
    /// Run under TCG whatever was asked for.
    pub tcg: bool,
    /// The connected descriptor of the relay's monitor.
    pub monitor: Option<i32>,
}

impl CommandLine {
    /// Takes the arguments (without `argv[0]`) apart.
    ///
    /// # Errors
    /// A confidential guest object that cannot be read, as QEMU would refuse it.
    pub fn parse(args: &[OsString]) -> Result<Self> {
        let mut line = Self { items: items(args), ..Self::default() };
        line.guest.vcpus = 1;
        line.daemonize = args.iter().any(|a| is_flag(a, "daemonize"));
        line.guest.paused = args.iter().any(|a| is_flag(a, "S"));

        let mut objects: Vec<(String, Map<String, Value>)> = Vec::new();
        let mut wanted: Option<String> = None;
        let mut blocks: Vec<Map<String, Value>> = Vec::new();
        let mut flash_node: Option<String> = None;
        let mut flash_file: Option<PathBuf> = None;
        let mut bios: Option<PathBuf> = None;
        let mut qmp_chardev: Option<String> = None;
        for item in &line.items {
            let Item::Option(name, value) = item else { continue };
            let options = || Options::parse(value);
            match name.as_str() {
                "object" => {
                    let properties = properties(value, "qom-type");
                    if let Some(kind) = sev_type(&properties) {
                        objects.push((kind, properties));
                    } else if text(&properties, "qom-type").as_deref() == Some("monitor-qmp") {
                        // In the place of -mon, from QEMU 11.1 on.
                        qmp_chardev = text(&properties, "chardev");
                    }
                }
                "machine" | "M" => {
                    let options = options();
                    // memory-encryption is the spelling before QEMU 6.0.
                    for key in ["confidential-guest-support", "memory-encryption"] {
                        wanted = options.get(key).map(str::to_owned).or(wanted);
                    }
                    flash_node = options.get("pflash0").map(str::to_owned).or(flash_node);
                    line.guest.smm = options.get("smm").map_or(line.guest.smm, is_on);
                }
                "mon" => {
                    let options = options();
                    if options.get("mode") == Some("control") {
                        let named = options.get("chardev").or_else(|| options.get(""));
                        qmp_chardev = named.map(str::to_owned);
                    }
                }
                "name" => {
                    let options = options();
                    let name = options.get("guest").or_else(|| options.get(""));
                    line.guest.name = name.unwrap_or_default().to_owned();
                }
                "smp" => line.guest.vcpus = processors(&options()),
                "cpu" => line.guest.host_cpu = matches!(options().get(""), Some("host" | "max")),
                "bios" => bios = Some(value.into()),
                "kernel" => line.guest.kernel = Some(value.into()),
                "initrd" => line.guest.initrd = Some(value.into()),
                "append" => line.guest.append = Some(value.clone()),
                "drive" => {
                    let options = options();
                    if options.get("if") == Some("pflash") && matches!(options.get("unit"), None | Some("0"))
                    {
                        flash_file = flash_file.or(options.get("file").map(PathBuf::from));
                    }
                }
                "blockdev" => blocks.push(properties(value, "driver")),
                _ => {}
            }
        }
        if let Some(node) = flash_node {
            flash_file = file_of_node(&blocks, &node).or(flash_file);
        }
        line.guest.firmware = match (flash_file, bios) {
            (Some(file), _) => Firmware::Pflash(file),
            (None, Some(file)) => Firmware::Bios(file),
            (None, None) => Firmware::SeaBios,
        };
        if let Some(id) = wanted {
            line.guest.sev =
                match objects.into_iter().find(|(_, p)| text(p, "id").as_deref() == Some(id.as_str())) {
                    Some((kind, properties)) => Some(SevObject::read(&kind, &properties)?),
                    None => None,
                };
        }
        line.find_monitor(qmp_chardev.as_deref());
        Ok(line)
    }

    fn find_monitor(&mut self, qmp_chardev: Option<&str>) {
        for item in &mut self.items {
            let Item::Option(name, value) = item else { continue };
            let options = Options::parse(value);
            let found = match name.as_str() {
                "chardev" if qmp_chardev.is_some() && options.get("id") == qmp_chardev => listen(&options)
                    .map(|l| (l, Replace::Chardev(qmp_chardev.unwrap_or_default().to_owned()))),
                // -qmp unix:PATH,server=on,wait=off
                "qmp" => value
                    .strip_prefix("unix:")
                    .map(Options::parse)
                    .and_then(|o| o.get("").map(|path| (Listen::Path(path.into()), Replace::Qmp))),
                _ => None,
            };
            if let Some((listen, replace)) = found {
                self.monitor = Some(listen);
                *item = Item::Monitor(replace);
                return;
            }
        }
    }

    /// The arguments for the real QEMU.
    #[must_use]
    pub fn rewritten(&self, how: Rewrite) -> Vec<OsString> {
        let mut args: Vec<OsString> = Vec::new();
        for item in &self.items {
            match item {
                Item::Plain(text) => args.push(text.clone()),
                Item::Monitor(replace) => args.extend(monitor(replace, how.monitor)),
                Item::Option(name, value) => {
                    if name == "object" && sev_type(&properties(value, "qom-type")).is_some() {
                        continue;
                    }
                    args.push(format!("-{name}").into());
                    args.push(rewrite_value(name, value, how.tcg).into());
                }
            }
        }
        if self.monitor.is_none() && self.guest.sev.is_some() {
            args.extend(monitor(&Replace::Qmp, how.monitor));
        }
        args
    }
}

impl SevObject {
    fn read(kind: &str, properties: &Map<String, Value>) -> Result<Self> {
        let snp = kind == "sev-snp-guest";
        // QEMU: SEV's default is "no debug"; SNP's is "SMT allowed" and the reserved bit.
        let default = if snp { 0x30000 } else { 0x1 };
        let policy = match properties.get("policy") {
            None => default,
            Some(value) => as_number(value).ok_or_else(|| {
                Error::new(format!("Parameter 'policy' expects uint{}: {value}", if snp { 64 } else { 32 }))
            })?,
        };
        if !snp && policy > u64::from(u32::MAX) {
            return Err(Error::new("Parameter 'policy' expects uint32"));
        }
        Ok(Self {
            snp,
            policy,
            cbitpos: properties.get("cbitpos").and_then(as_number),
            reduced_phys_bits: properties.get("reduced-phys-bits").and_then(as_number),
            dh_cert_file: text(properties, "dh-cert-file").map(PathBuf::from),
            session_file: text(properties, "session-file").map(PathBuf::from),
            kernel_hashes: properties.get("kernel-hashes").is_some_and(as_bool),
        })
    }

    /// Whether the policy asks for SEV-ES.
    #[must_use]
    pub fn es(&self) -> bool {
        !self.snp && self.policy & 4 != 0
    }
}

fn items(args: &[OsString]) -> Vec<Item> {
    let mut items = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let name = arg.to_str().and_then(|a| a.strip_prefix("--").or_else(|| a.strip_prefix('-')));
        match name.filter(|name| INSPECTED.contains(name)) {
            None => items.push(Item::Plain(arg.clone())),
            Some(name) => match args.next() {
                None => items.push(Item::Plain(arg.clone())),
                Some(value) => match value.to_str() {
                    Some(value) => items.push(Item::Option(name.to_owned(), value.to_owned())),
                    None => items.extend([Item::Plain(arg.clone()), Item::Plain(value.clone())]),
                },
            },
        }
    }
    items
}

fn is_flag(arg: &OsStr, name: &str) -> bool {
    arg.to_str().is_some_and(|a| a.strip_prefix("--").or_else(|| a.strip_prefix('-')) == Some(name))
}

/// Properties of `-object` or `-blockdev`, from JSON or from an option string.
fn properties(value: &str, implied: &str) -> Map<String, Value> {
    if value.trim_start().starts_with('{') {
        return serde_json::from_str(value).unwrap_or_default();
    }
    Options::parse(value)
        .0
        .into_iter()
        .map(|(name, value)| (if name.is_empty() { implied.to_owned() } else { name }, Value::String(value)))
        .collect()
}

fn sev_type(properties: &Map<String, Value>) -> Option<String> {
    text(properties, "qom-type").filter(|kind| kind == "sev-guest" || kind == "sev-snp-guest")
}

fn text(properties: &Map<String, Value>, name: &str) -> Option<String> {
    properties.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn as_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str().and_then(number))
}

fn as_bool(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_str().is_some_and(is_on))
}

/// Follows `-blockdev` nodes down to a file: libvirt stacks a raw format node on a file node.
fn file_of_node(blocks: &[Map<String, Value>], node: &str) -> Option<PathBuf> {
    let mut node = node.to_owned();
    for _ in 0..blocks.len() {
        let block = blocks.iter().find(|b| text(b, "node-name").as_deref() == Some(node.as_str()))?;
        if let Some(file) = text(block, "filename") {
            return Some(file.into());
        }
        let below = block.get("file")?;
        match below.get("filename").and_then(Value::as_str) {
            Some(file) => return Some(file.into()),
            None => node = below.as_str()?.to_owned(),
        }
    }
    None
}

fn processors(options: &Options) -> u32 {
    let count = options.get("cpus").or_else(|| options.get("")).and_then(number);
    if let Some(count) = count.and_then(|n| u32::try_from(n).ok()) {
        return count;
    }
    let product: u64 = ["sockets", "dies", "clusters", "modules", "cores", "threads"]
        .iter()
        .filter_map(|key| options.get(key).and_then(number))
        .product();
    u32::try_from(product).unwrap_or(1).max(1)
}

fn listen(options: &Options) -> Option<Listen> {
    let server = options.get("server").is_some_and(is_on);
    match (options.get(""), options.get("fd"), options.get("path")) {
        (Some("socket"), Some(fd), _) if server => {
            fd.parse::<u16>().ok().map(|fd| Listen::Descriptor(fd.into()))
        }
        (Some("socket"), None, Some(path)) if server => Some(Listen::Path(path.into())),
        _ => None,
    }
}

fn monitor(replace: &Replace, descriptor: Option<i32>) -> Vec<OsString> {
    let Some(descriptor) = descriptor else { return Vec::new() };
    let (id, mon) = match replace {
        Replace::Chardev(id) => (id.as_str(), false),
        Replace::Qmp => ("qemu-sev-sim", true),
    };
    let mut args: Vec<OsString> = vec!["-chardev".into(), format!("socket,id={id},fd={descriptor}").into()];
    if mon {
        args.extend(["-mon".into(), format!("chardev={id},mode=control").into()]);
    }
    args
}

fn rewrite_value(name: &str, value: &str, tcg: bool) -> String {
    match name {
        "machine" | "M" => {
            let mut options = Options::parse(value);
            options.remove("confidential-guest-support");
            options.remove("memory-encryption");
            if tcg {
                if options.get("accel").is_some() {
                    options.set("accel", "tcg");
                }
                // Sugar for a property of the KVM accelerator, which TCG does not have.
                options.remove("kernel_irqchip");
                options.remove("kernel-irqchip");
            }
            options.text()
        }
        "accel" if tcg && Options::parse(value).get("").is_some_and(|a| a.starts_with("kvm")) => {
            "tcg".to_owned()
        }
        // TCG cannot pass the host's processor through; `max` is what it can do.
        "cpu" if tcg => {
            let mut options = Options::parse(value);
            if options.get("") == Some("host") {
                options.0.retain(|(name, _)| !name.is_empty());
                options.0.insert(0, (String::new(), "max".to_owned()));
            }
            options.text()
        }
        _ => value.to_owned(),
    }
}

#[cfg(test)]
#[path = "argv_tests.rs"]
mod tests;
