//! OpenStack Nova: a flavor's extra specs and an image's properties. In: nodes. Out: properties, then
//! [`RawConfig`]. Never: a property that has nothing to do with memory encryption.
//!
//! `hw:mem_encryption` and `hw:mem_encryption_model` of the flavor, `hw_mem_encryption` and
//! `hw_mem_encryption_model` of the image: `amd-sev` (also where no model is given), `amd-sev-es`, `amd-sev-snp`.
//! Where both speak they must agree; the image boots by UEFI, on q35 (Nova `nova/virt/hardware.py`,
//! `get_mem_encryption_constraint`; `doc/source/admin/sev.rst`). The policies are Nova's own: 0x33 for SEV, 0x37 for
//! SEV-ES, 0x30000 with VCEK and without an author key for SEV-SNP (`nova/virt/libvirt/config.py`).

use super::Reader;
use crate::config::raw::RawConfig;
use crate::config::value::shown;
use crate::config::yaml::Node;
use crate::finding::Severity;
use crate::{Error, Kind, Result};
use std::rc::Rc;

/// One property of a flavor or an image.
#[derive(Debug, Clone)]
pub(in crate::config) struct Property {
    name: String,
    value: String,
    place: String,
}

/// The most that is kept: a flavor has some dozens.
const MOST: usize = 1024;

/// Where a flavor or an image has them.
const FIELDS: [&str; 3] = ["properties", "extra_specs", "OS-FLV-WITH-EXT-SPECS:extra_specs"];
const ENCRYPTION: [&str; 2] = ["hw:mem_encryption", "hw_mem_encryption"];
const MODEL: [&str; 2] = ["hw:mem_encryption_model", "hw_mem_encryption_model"];
const MODELS: &str = "amd-sev, amd-sev-es or amd-sev-snp";

/// True for a document with a property that counts here, and for a flavor or an image without any: what asks for
/// nothing may stand beside what does, and against it.
pub(super) fn is_nova(node: &Node) -> bool {
    let whole = ["vcpus", "disk_format"].iter().any(|f| node.get(f).is_some());
    (whole && FIELDS.iter().any(|f| node.get(f).is_some())) || !Reader::new("").properties(node).is_empty()
}

/// The properties of every document.
pub(super) fn read(nodes: &[Rc<Node>], name: &str) -> Result<Vec<Property>> {
    let mut reader = Reader::new(name);
    let mut all = Vec::new();
    for node in nodes.iter().filter(|n| !n.is_null()) {
        if reader.is_map(node, "a flavor or an image") {
            all.extend(reader.properties(node));
        }
        if all.len() > MOST {
            let problem = reader.wrong(node.line(), "too many properties").wanted(format!("at most {MOST}"));
            reader.refuse(problem);
            break;
        }
    }
    reader.finish(all)
}

impl Reader<'_> {
    /// Where `openstack flavor show`, `image show` and the API have them: `properties` as a map or as one text,
    /// `extra_specs`, each perhaps inside `flavor`; or the map itself.
    fn properties(&mut self, node: &Node) -> Vec<Property> {
        let inner = match node.get("flavor") {
            Some(flavor) if matches!(&**flavor, Node::Map { .. }) => flavor,
            _ => node,
        };
        for field in FIELDS {
            match inner.get(field).map(|n| &**n) {
                Some(map @ Node::Map { .. }) => return self.of_map(map),
                Some(node @ Node::Scalar { text, null: false, .. }) => return self.of_text(text, node),
                Some(Node::Scalar { null: true, .. } | Node::List { .. }) | None => {}
            }
        }
        self.of_map(inner)
    }

    fn of_map(&mut self, map: &Node) -> Vec<Property> {
        let mut out: Vec<Property> = Vec::new();
        for (key, value) in map.entries() {
            let Some(name) = key.text().filter(|n| concerns_sev(n)) else { continue };
            if out.len() > MOST {
                break;
            }
            if let Some(other) = out.iter().find(|p| p.name == name) {
                let problem = self.wrong(key.line(), format!("{name} stands twice")).found(&other.place);
                self.refuse(problem);
            }
            if let Some(text) = self.scalar(value, name) {
                out.push(Property { name: name.into(), value: text.trim().into(), place: self.place(key) });
            }
        }
        out
    }

    /// `a='b', c='d'`, as older clients print them.
    fn of_text(&mut self, text: &str, node: &Node) -> Vec<Property> {
        let mut out = Vec::new();
        let mut rest = text.trim();
        while let Some((name, tail)) = rest.split_once("='") {
            let end = tail.find("', ").or_else(|| tail.strip_suffix('\'').map(str::len));
            let Some((value, after)) = end.and_then(|e| tail.split_at_checked(e)) else { break };
            let name = name.trim();
            if concerns_sev(name) && out.len() <= MOST {
                out.push(Property { name: name.into(), value: value.into(), place: self.place(node) });
            }
            rest = after.trim_start_matches(['\'', ',', ' ']);
        }
        if !rest.is_empty() {
            let problem = self
                .wrong(node.line(), "properties that cannot be read")
                .wanted("NAME='VALUE', NAME='VALUE', or a map");
            self.refuse(problem);
        }
        out
    }
}

/// What decides whether and how Nova encrypts a guest's memory, and what it demands then.
fn concerns_sev(name: &str) -> bool {
    name.contains("mem_encryption")
        || MACHINE.contains(&name)
        || FIRMWARE.iter().any(|(n, _)| *n == name)
        || name == "resources:MEM_ENCRYPTION_CONTEXT"
        || (name.starts_with("trait:") && name.contains("_AMD_SEV"))
}

const MACHINE: [&str; 2] = ["hw:machine_type", "hw_machine_type"];
const FIRMWARE: [(&str, &str); 2] = [("hw_firmware_type", "uefi"), ("hw_firmware_stateless", "true")];

/// What all properties together mean.
pub(super) fn convert(all: &[Property]) -> Result<RawConfig> {
    let mut problems = Vec::new();
    let mut raw = RawConfig::new();
    for p in all.iter().filter(|p| p.name.contains("mem_encryption")) {
        if !ENCRYPTION.contains(&p.name.as_str()) && !MODEL.contains(&p.name.as_str()) {
            let known: Vec<_> = ENCRYPTION.into_iter().chain(MODEL).collect();
            problems.push(wrong(p, "a property that virt-sev does not know").wanted(known.join(", ")));
        }
    }
    let truths: Vec<_> = of(all, &ENCRYPTION)
        .filter_map(|p| match truth(&p.value) {
            Some(on) => Some((p, on)),
            None => {
                problems.push(wrong(p, "not a boolean").found(shown(&p.value)).wanted("true or false"));
                None
            }
        })
        .collect();
    agree(&truths, &mut problems);
    let models: Vec<_> = of(all, &MODEL).map(|p| (p, p.value.as_str())).collect();
    agree(&models, &mut problems);
    match (truths.first(), models.first()) {
        (Some((p, true)), model) => {
            let (place, model) = model.map_or((&p.place, "amd-sev"), |(p, m)| (&p.place, *m));
            match model {
                "amd-sev" | "amd-sev-es" => sev(&mut raw, &p.place, (model == "amd-sev-es").then_some(place)),
                "amd-sev-snp" => snp(&mut raw, place),
                other => problems.push(
                    Error::new(Kind::Config, "not a model of memory encryption that is AMD's")
                        .at(place)
                        .found(shown(other))
                        .wanted(MODELS),
                ),
            }
            demands(all, model == "amd-sev-snp", &mut problems);
        }
        (Some((p, false)), _) => raw.set("security.sev", "false", &p.place),
        (None, Some((p, _))) if problems.is_empty() => raw.note(
            Severity::Warning,
            &p.place,
            format!("{} counts only with mem_encryption: Nova does not encrypt this guest", p.name),
            "Set hw:mem_encryption or hw_mem_encryption to true, or give the flavor and the image both.",
        ),
        (None, None) if problems.is_empty() => raw.note(
            Severity::Info,
            all.first().map_or("", |p| &p.place),
            "no mem_encryption: Nova does not encrypt this guest's memory",
            "",
        ),
        (None, _) => {}
    }
    for p in all.iter().filter(|p| p.name.starts_with("trait:") || p.name.starts_with("resources:")) {
        raw.note(
            Severity::Info,
            &p.place,
            format!("{} chooses the host and has no key", p.name),
            "`virt-sev lint -c URI` tells whether a host can run the guest.",
        );
    }
    Error::many(problems).map_or(Ok(raw), Err)
}

fn of<'a>(all: &'a [Property], names: &'a [&str]) -> impl Iterator<Item = &'a Property> {
    all.iter().filter(|p| names.contains(&p.name.as_str()))
}

fn wrong(p: &Property, message: &str) -> Error {
    Error::new(Kind::Config, message).at(format!("{} ({})", p.name, p.place))
}

/// `oslo_utils.strutils.bool_from_string`, strict, as the API checks an extra spec.
fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "t" | "true" | "on" | "y" | "yes" => Some(true),
        "0" | "f" | "false" | "off" | "n" | "no" => Some(false),
        _ => None,
    }
}

/// Flavor and image, where both speak, say the same.
fn agree<T: PartialEq>(said: &[(&Property, T)], problems: &mut Vec<Error>) {
    let Some(((first, value), rest)) = said.split_first() else { return };
    for (p, other) in rest {
        if other != value {
            problems.push(
                wrong(p, "flavor and image contradict each other, and Nova refuses that")
                    .found(format!(
                        "{}, and {}={} at {}",
                        shown(&p.value),
                        first.name,
                        shown(&first.value),
                        first.place
                    ))
                    .hint("Make them say the same, or take one away."),
            );
        }
    }
}

/// What Nova demands of the image when memory is encrypted.
fn demands(all: &[Property], is_snp: bool, problems: &mut Vec<Error>) {
    for p in all {
        if MACHINE.contains(&p.name.as_str()) && !p.value.contains("q35") {
            problems.push(wrong(p, "Nova encrypts q35 guests only").found(shown(&p.value)).wanted("q35"));
        }
        for (name, wanted) in FIRMWARE {
            let needed = name == "hw_firmware_type" || is_snp;
            if needed && p.name == name && !p.value.eq_ignore_ascii_case(wanted) {
                problems.push(
                    wrong(p, "Nova does not encrypt the memory of such a guest")
                        .found(shown(&p.value))
                        .wanted(wanted),
                );
            }
        }
    }
}

/// 0x33: NODBG, NOKS, DOMAIN, SEV; with ES 0x37.
fn sev(raw: &mut RawConfig, place: &str, es: Option<&String>) {
    raw.set("security.sev", "true", place);
    if let Some(es) = es {
        raw.set("security.sev.policy.es", "true", es);
    }
    for key in ["security.sev.policy.noks", "security.sev.policy.domain", "security.sev.policy.sev"] {
        raw.set(key, "true", place);
    }
}

fn snp(raw: &mut RawConfig, place: &str) {
    raw.set("security.sev.snp", "true", place);
    raw.set("security.sev.snp.author_key", "false", place);
    raw.set("security.sev.snp.vcek", "true", place);
}

#[cfg(test)]
#[path = "nova_tests.rs"]
mod tests;
