//! Random domain documents that are valid by libvirt's schema, in every way of writing. In: dice. Out: text, and
//! what the writing was. Markers make each comment and each foreign element unlike any other.

use super::devices::devices;
use super::dice::Dice;

/// How a document is written.
#[derive(Debug, Clone)]
pub(crate) struct Writing {
    /// Line end; empty for a document on one line.
    pub(crate) newline: &'static str,
    pub(crate) unit: &'static str,
    quotes: &'static [char],
    /// Comments, CDATA, foreign elements, odd blanks in tags.
    odd: bool,
    /// Children not in libvirt's order.
    pub(crate) shuffled: bool,
    byte_order_mark: bool,
    declaration: bool,
    /// Foreign elements stand where libvirt's schema takes none: namesakes of its own, for who forgets namespaces.
    pub(crate) strangers: bool,
}

#[derive(Debug, Clone)]
enum Item {
    Element(El),
    Raw(String),
}

/// An element before it is written.
#[derive(Debug, Clone)]
pub(crate) struct El {
    name: String,
    attributes: Vec<(String, String)>,
    text: Option<String>,
    items: Vec<Item>,
}

/// `<name a='b'>`: attributes as `a=b c=d`.
pub(super) fn el(name: &str, attributes: &str) -> El {
    let attributes = attributes
        .split_whitespace()
        .filter_map(|a| a.split_once('='))
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect();
    El { name: name.to_owned(), attributes, text: None, items: Vec::new() }
}

pub(super) fn text(name: &str, attributes: &str, text: &str) -> El {
    El { text: Some(text.to_owned()), ..el(name, attributes) }
}

impl El {
    pub(super) fn with(mut self, child: El) -> Self {
        self.items.push(Item::Element(child));
        self
    }

    pub(super) fn maybe(self, there: bool, child: impl FnOnce() -> El) -> Self {
        if there { self.with(child()) } else { self }
    }
}

/// A document and its writing.
pub(crate) fn document(d: &mut Dice<'_>) -> (String, Writing) {
    let writing = Writing {
        newline: d.pick(&["\n", "\n", "\n", "\r\n", ""]),
        unit: d.pick(&["  ", "    ", "\t", " "]),
        quotes: d.pick(&[&['\''][..], &['"'], &['\'', '"']]),
        odd: d.once_in(2),
        shuffled: d.once_in(4),
        byte_order_mark: d.once_in(8),
        declaration: d.once_in(3),
        strangers: d.once_in(8),
    };
    let mut root = domain(d);
    if writing.shuffled {
        for i in (1..root.items.len()).rev() {
            let j = d.below(i + 1);
            root.items.swap(i, j);
        }
        keep_events_together(&mut root.items);
    }
    let mut marker = 0;
    if writing.odd {
        make_odd(&mut root, d, &mut marker);
    }
    if writing.strangers {
        add_strangers(&mut root, d, &mut marker);
    }
    let mut out = String::new();
    if writing.byte_order_mark {
        out.push('\u{feff}');
    }
    if writing.declaration {
        out.push_str("<?xml version='1.0' encoding=\"UTF-8\"?>");
        out.push_str(writing.newline);
    }
    print(&root, &writing, d, 0, &mut out);
    out.push_str(writing.newline);
    (out, writing)
}

/// libxml2 wants the members of the schema's group `events` side by side.
fn keep_events_together(items: &mut Vec<Item>) {
    let is_event = |i: &Item| matches!(i, Item::Element(e) if e.name.starts_with("on_"));
    let Some(at) = items.iter().position(is_event) else { return };
    let (events, mut rest): (Vec<_>, Vec<_>) = std::mem::take(items).into_iter().partition(is_event);
    let tail = rest.split_off(at);
    items.extend(rest.into_iter().chain(events).chain(tail));
}

/// Puts comments, processing instructions and foreign elements between the children.
fn make_odd(e: &mut El, d: &mut Dice<'_>, marker: &mut usize) {
    let mut items = Vec::new();
    for mut item in std::mem::take(&mut e.items) {
        if d.once_in(4) {
            *marker += 1;
            items.push(Item::Raw(match d.below(3) {
                0 => format!("<!-- m{marker} <os> & ' -->"),
                1 => format!("<!--m{marker}-->"),
                _ => format!("<?pi m{marker} <x> ?>"),
            }));
        }
        if let Item::Element(inner) = &mut item {
            make_odd(inner, d, marker);
        }
        items.push(item);
    }
    e.items = items;
}

/// Puts elements of foreign namespaces between the children of `<domain>` and of `<metadata>`, with the names that the
/// rules look for. Elsewhere libvirt takes them for its own, and they are refused.
fn add_strangers(e: &mut El, d: &mut Dice<'_>, marker: &mut usize) {
    const NAMES: &[&str] =
        &["os", "driver", "model", "rom", "boot", "smm", "locked", "disk", "memballoon", "policy", "loader"];
    let mut items = Vec::new();
    for mut item in std::mem::take(&mut e.items) {
        if d.once_in(3) {
            *marker += 1;
            let name = d.pick(NAMES);
            items.push(Item::Raw(match d.below(3) {
                0 => format!("<x:{name} xmlns:x='urn:x' iommu='off' m='{marker}'/>"),
                1 => format!("<{name} xmlns='urn:x' state='on' m='{marker}'><driver/>text</{name}>"),
                _ => format!("<x:{name} xmlns:x='urn:y' m='{marker}'><{name}>a</{name}></x:{name}>"),
            }));
        }
        if let Item::Element(inner) = &mut item
            && inner.name == "metadata"
        {
            add_strangers(inner, d, marker);
        }
        items.push(item);
    }
    e.items = items;
}

fn metadata(d: &mut Dice<'_>) -> El {
    let foreign = d.pick(&[
        "<app:os xmlns:app='urn:app'><app:type>x</app:type><launchSecurity type='none'/></app:os>",
        "<data xmlns=\"urn:data\"><features><acpi/></features><![CDATA[<devices>]]></data>",
        "<v:config xmlns:v='urn:virt-sev:config:1'><v:key name='a'>b</v:key></v:config>",
        "<virtsev:config xmlns:virtsev='urn:virt-sev:config:1'><virtsev:key name='security.sev.snp'>yes</virtsev:key>\
         </virtsev:config><app:x xmlns:app='urn:app'/>",
        "<config xmlns='urn:virt-sev:config:1'/>",
    ]);
    El { items: vec![Item::Raw(foreign.to_owned())], ..el("metadata", "") }
}

fn domain(d: &mut Dice<'_>) -> El {
    let with_arguments = d.once_in(4);
    let kind = if d.once_in(40) { "qemu" } else { "kvm" };
    let names = if with_arguments { " xmlns:qemu=http://libvirt.org/schemas/domain/qemu/1.0" } else { "" };
    let memory = d.pick(&[
        ("unit=MiB", "2048"),
        ("", "1048576"),
        ("unit=GiB", "4"),
        ("unit=KB dumpCore=on", "3000000"),
        ("dumpCore=off", "2097152"),
    ]);
    let mut root = el("domain", &format!("type={kind}{names}"))
        .with(text("name", "", d.pick(&["guest", "a&b", "späße"])))
        .maybe(d.once_in(2), || text("uuid", "", "6d1c1e2c-7a0e-4b5e-9c59-3a3f0c1b7d11"));
    if d.once_in(2) {
        root = root.with(metadata(d));
    }
    if d.once_in(16) {
        root = root.with(text("maxMemory", "slots=4 unit=GiB", "16"));
    }
    root = root.with(text("memory", memory.0, memory.1));
    root = root.maybe(d.once_in(3), || text("currentMemory", "", "524288"));
    root = root.maybe(d.once_in(3), || {
        el("memtune", "").with(text("hard_limit", "unit=GiB", "8")).with(text(
            "swap_hard_limit",
            "unit=GiB",
            "9",
        ))
    });
    if d.once_in(3) {
        root = root.with(memory_backing(d));
    }
    root = root.with(text("vcpu", d.pick(&["", "placement=static"]), "2"));
    root = root.with(os(d));
    if !d.once_in(4) {
        root = root.with(features(d));
    }
    if d.once_in(2) {
        root = root.with(cpu(d));
    }
    root = root.maybe(d.once_in(2), || el("clock", "offset=utc").with(el("timer", "name=hpet present=no")));
    let actions = ["restart", "destroy", "preserve"];
    let (poweroff, reboot) = (d.pick(&actions), d.pick(&actions));
    let crash = d.pick(&["restart", "destroy", "coredump-restart", "coredump-destroy"]);
    root = root.maybe(d.once_in(3), || text("on_poweroff", "", poweroff));
    root = root.maybe(d.once_in(3), || text("on_reboot", "", reboot));
    root = root.maybe(d.once_in(3), || text("on_crash", "", crash));
    if d.once_in(3) {
        let (to_mem, to_disk) =
            (d.pick(&["enabled=no", "enabled=yes"]), d.pick(&["enabled=no", "enabled=yes"]));
        root = root.with(
            el("pm", "")
                .maybe(d.once_in(2), || el("suspend-to-mem", to_mem))
                .maybe(d.once_in(2), || el("suspend-to-disk", to_disk)),
        );
    }
    root = root.with(devices(d));
    root = root.maybe(d.once_in(5), || el("seclabel", "type=dynamic model=dac relabel=yes"));
    if d.once_in(2) {
        root = root.with(launch_security(d));
    }
    root.maybe(with_arguments, || el("qemu:commandline", "").with(el("qemu:arg", "value=-nodefaults")))
}

fn cpu(d: &mut Dice<'_>) -> El {
    let named = |attributes: &str, model: &str| el("cpu", attributes).with(text("model", "", model));
    match d.below(8) {
        0 => el("cpu", "mode=host-model"),
        1 => el("cpu", "mode=maximum"),
        2 => named("mode=custom match=exact", "EPYC-Milan"),
        3 => named("", "kvm64"),
        4 => el("cpu", "").with(el("topology", "sockets=1 cores=2 threads=1")),
        5 => named("mode=custom", d.pick(&["Haswell-noTSX", "Dhyana-v2", "qemu32", "EPYC-v4"])),
        _ => el("cpu", "mode=host-passthrough check=none"),
    }
}

fn memory_backing(d: &mut Dice<'_>) -> El {
    let mut e = el("memoryBacking", "");
    match d.below(4) {
        1 => e = e.with(el("hugepages", "")),
        2 => e = e.with(el("hugepages", "").with(el("page", "size=2048 unit=KiB"))),
        3 => {
            let pages = el("hugepages", "")
                .with(el("page", "size=2 unit=MiB nodeset=0"))
                .with(el("page", "size=1 unit=GiB nodeset=1"));
            e = e.with(pages);
        }
        _ => {}
    }
    let source = d.pick(&["memfd", "anonymous", "memfd", "file"]);
    e.maybe(d.once_in(3), || el("nosharepages", ""))
        .maybe(d.once_in(3), || el("locked", ""))
        .maybe(d.once_in(3), || el("source", &format!("type={source}")))
        .maybe(d.once_in(3), || el("access", "mode=shared"))
        .maybe(d.once_in(12), || el("discard", ""))
}

fn os(d: &mut Dice<'_>) -> El {
    let machine = d.pick(&["q35", "pc-q35-9.2", "q35", "q35", "pc"]);
    let arch = if d.once_in(40) { "i686" } else { "x86_64" };
    let kind = text("type", &format!("arch={arch} machine={machine}"), "hvm");
    let code = "/usr/share/OVMF/OVMF_CODE_4M.fd";
    let feature = |name: &str, on: &str| el("feature", &format!("enabled={on} name={name}"));
    let e = match d.below(8) {
        0 => el("os", "firmware=efi").with(kind),
        1 => el("os", "").with(kind),
        2 => el("os", "").with(kind).with(text("loader", "readonly=yes type=pflash", code)).with(text(
            "nvram",
            "template=/usr/share/OVMF/OVMF_VARS_4M.fd",
            "/var/lib/a_VARS.fd",
        )),
        3 => el("os", "firmware=efi")
            .with(kind)
            .with(el("firmware", "").with(feature("enrolled-keys", "no")).with(feature("secure-boot", "no")))
            .with(text("loader", "readonly=yes secure=no type=pflash format=raw", code))
            .with(text("nvram", "", "/var/lib/a_VARS.fd")),
        4 => {
            el("os", "firmware=efi").with(kind).with(el("firmware", "").with(feature("enrolled-keys", "no")))
        }
        5 => el("os", "").with(kind).with(text("loader", "type=rom", "/usr/share/ovmf/OVMF.amdsev.fd")),
        6 => el("os", "firmware=bios").with(kind),
        7 => el("os", "").with(kind).with(text("loader", "", "/usr/share/seabios/bios-256k.bin")),
        _ => el("os", "firmware=efi").with(kind).with(el("loader", "stateless=yes")),
    };
    let e = e.maybe(d.once_in(3), || text("kernel", "", "/boot/vmlinuz"));
    e.maybe(d.once_in(3), || text("cmdline", "", " console=ttyS0 a&b "))
        .maybe(d.once_in(2), || el("boot", "dev=hd"))
        .maybe(d.once_in(5), || el("bootmenu", "enable=yes"))
}

fn features(d: &mut Dice<'_>) -> El {
    let smm = d.pick(&["state=on", "state=off", ""]);
    let vmcoreinfo = d.pick(&["state=on", "state=off", ""]);
    el("features", "")
        .maybe(!d.once_in(3), || el("acpi", ""))
        .maybe(d.once_in(2), || el("apic", ""))
        .maybe(d.once_in(4), || el("kvm", "").with(el("hidden", "state=on")))
        .maybe(d.once_in(4), || el("pmu", "state=on"))
        .maybe(d.once_in(3), || el("smm", smm).maybe(smm == "state=on", || text("tseg", "unit=MiB", "48")))
        .maybe(d.once_in(3), || el("vmcoreinfo", vmcoreinfo))
}

fn launch_security(d: &mut Dice<'_>) -> El {
    let blob = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";
    match d.below(3) {
        0 => el("launchSecurity", d.pick(&["type=sev", "type=sev kernelHashes=yes"]))
            .maybe(d.once_in(2), || text("cbitpos", "", "47"))
            .maybe(d.once_in(2), || text("reducedPhysBits", "", "1"))
            .with(text("policy", "", d.pick(&["0x0001", "0x3", "5"])))
            .maybe(d.once_in(2), || text("dhCert", "", blob))
            .maybe(d.once_in(2), || text("session", "", blob)),
        1 => el(
            "launchSecurity",
            d.pick(&["type=sev-snp", "type=sev-snp authorKey=yes vcek=no kernelHashes=yes"]),
        )
        .with(text("policy", "", "0x00030000"))
        .maybe(d.once_in(2), || text("hostData", "", blob)),
        _ => el("launchSecurity", "type=s390-pv"),
    }
}

fn plain(text: &str) -> String {
    text.replace('&', "&amp;")
}

/// Now and then one letter as a reference.
fn referenced(text: &str, d: &mut Dice<'_>) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.is_empty() || !d.once_in(10) {
        return plain(text);
    }
    let at = d.below(letters.len());
    let (head, tail): (String, String) = (letters[..at].iter().collect(), letters[at + 1..].iter().collect());
    let code = u32::from(letters[at]);
    let reference = d.pick(&[format!("&#{code};"), format!("&#x{code:x};"), format!("&#x{code:04X};")]);
    format!("{}{reference}{}", plain(&head), plain(&tail))
}

/// A text in any way of writing that means the same to libvirt.
fn written(t: &str, e: &El, w: &Writing, d: &mut Dice<'_>) -> String {
    if !w.odd {
        return plain(t);
    }
    // Blanks around the others mean nothing; in these they are part of the text.
    let exact =
        matches!(e.name.as_str(), "name" | "cmdline" | "kernel" | "uuid" | "loader" | "nvram" | "emulator");
    let middle = t.char_indices().map(|(at, _)| at).nth(t.chars().count() / 2).unwrap_or(0);
    let (head, tail) = t.split_at(middle);
    match d.below(8) {
        1 if exact => format!("<![CDATA[{t}]]>"),
        2 => format!("{}<!-- in text -->", plain(t)),
        3 if exact => format!("{}<![CDATA[{tail}]]>", plain(head)),
        4 => referenced(t, d),
        _ => plain(t),
    }
}

fn print(e: &El, w: &Writing, d: &mut Dice<'_>, depth: usize, out: &mut String) {
    out.push('<');
    out.push_str(&e.name);
    for (name, value) in &e.attributes {
        let quote = d.pick(w.quotes);
        let blank = if w.odd { d.pick(&[" ", " ", "  ", "\n      ", "\t"]) } else { " " };
        let equals = if w.odd { d.pick(&["=", "=", " = ", "= "]) } else { "=" };
        let value = if w.odd && !name.starts_with("xmlns") { referenced(value, d) } else { plain(value) };
        out.push_str(&format!("{blank}{name}{equals}{quote}{value}{quote}"));
    }
    let tail = if w.odd { d.pick(&["", "", " ", "\n"]) } else { "" };
    if e.items.is_empty() && e.text.is_none() && !(w.odd && d.once_in(6)) {
        out.push_str(tail);
        out.push_str("/>");
        return;
    }
    out.push_str(tail);
    out.push('>');
    if let Some(t) = &e.text {
        out.push_str(&written(t, e, w, d));
    }
    for item in &e.items {
        out.push_str(w.newline);
        if !w.newline.is_empty() {
            out.push_str(&w.unit.repeat(depth + 1));
        }
        match item {
            Item::Element(child) => print(child, w, d, depth + 1, out),
            Item::Raw(raw) => out.push_str(raw),
        }
        if w.odd && d.once_in(8) {
            out.push_str(" <!-- behind -->");
        }
    }
    if !e.items.is_empty() && !w.newline.is_empty() {
        out.push_str(w.newline);
        out.push_str(&w.unit.repeat(depth));
    }
    out.push_str(&format!("</{}>", e.name));
}

impl Writing {
    /// True where every element begins its own line and nothing odd stands between.
    #[allow(dead_code, reason = "not every test that makes documents asks")]
    pub(crate) fn is_regular(&self) -> bool {
        !self.odd && !self.newline.is_empty()
    }
}
