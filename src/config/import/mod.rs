//! Configurations of other programs. In: text, its name, its format. Out: [`RawConfig`]. Never: a key's meaning,
//! nor a way back: what these programs read is theirs to write.

mod assemble;
mod bundle;
pub(super) mod kubevirt;
mod lxd;
mod nova;
mod proxmox;
mod reader;

use super::from_metadata::{NAMESPACE, from_metadata};
use super::raw::RawConfig;
use super::yaml;
use crate::{Error, Kind, Result};
pub(super) use assemble::assemble;
use reader::Reader;

/// How a `--config` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// What the document unmistakably is, a guest owner's bundle too; else as `Lxd`.
    #[default]
    Auto,
    /// A flat map of keys; instances and profiles of LXD and Incus.
    Lxd,
    /// A `VirtualMachine` or `VirtualMachineInstance`.
    KubeVirt,
    /// Properties of a flavor or an image.
    Nova,
    /// A guest's configuration, or its `amd-sev` alone.
    Proxmox,
    /// The element of a domain's metadata.
    Metadata,
}

impl Format {
    /// Each format with the name that a caller gives it.
    pub const NAMES: &[(&str, Format)] = &[
        ("auto", Format::Auto),
        ("lxd", Format::Lxd),
        ("kubevirt", Format::KubeVirt),
        ("nova", Format::Nova),
        ("proxmox", Format::Proxmox),
        ("metadata", Format::Metadata),
    ];

    /// The format of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, format)| *format)
    }
}

/// A document that was read, and means something together with others: a profile serves an instance in another one.
#[derive(Debug, Clone)]
pub struct Document(Vec<Part>);

impl Document {
    /// Reads a document of this form.
    ///
    /// # Errors
    /// What is wrong with its form.
    pub fn read(text: &str, name: &str, format: Format) -> Result<Self> {
        read(text, name, format).map(Self)
    }
}

/// What these documents say together. Of two that set the same key the later wins.
///
/// # Errors
/// What does not fit together.
pub fn from_documents(documents: &[Document]) -> Result<RawConfig> {
    assemble(documents.iter().flat_map(|d| d.0.iter().cloned()).collect())
}

/// One piece of a source: most stand for themselves, some mean something only beside others.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// Keys, at the place of their document.
    Keys(RawConfig),
    /// An LXD instance without its profiles.
    Instance { keys: RawConfig, profiles: Vec<String>, place: String },
    /// An LXD profile. One out of a list is there to be chosen from.
    Profile { name: String, keys: RawConfig, listed: bool, place: String },
    /// What a flavor or an image says; each may speak for the other.
    Nova(Vec<nova::Property>),
}

/// A document of any of the known forms, recognised by what it is.
///
/// # Errors
/// What is wrong with its form.
pub fn from_text(text: &str, name: &str) -> Result<RawConfig> {
    from_text_as(text, name, Format::Auto)
}

/// A document of this form.
///
/// # Errors
/// What is wrong with its form; for foreign configurations every setting that means nothing known.
pub fn from_text_as(text: &str, name: &str, format: Format) -> Result<RawConfig> {
    assemble(read(text, name, format)?)
}

/// A flat map of keys, or a document of LXD or Incus, as YAML or JSON. An empty one has no keys.
///
/// # Errors
/// Every problem of the document's form: not YAML, not a map, a key twice, a value that is a map or a list.
pub fn from_document(text: &str, name: &str) -> Result<RawConfig> {
    from_text_as(text, name, Format::Lxd)
}

/// The pieces of one source.
pub(super) fn read(text: &str, name: &str, format: Format) -> Result<Vec<Part>> {
    if text.len() > yaml::LONGEST {
        return Err(Error::new(Kind::Config, "the document is too long")
            .at(name)
            .found(format!("{} bytes", text.len()))
            .wanted(format!("at most {} bytes", yaml::LONGEST)));
    }
    let start = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start();
    match format {
        Format::Auto if start.starts_with('<') && !start.starts_with("<<") => metadata(start, name),
        Format::Auto if proxmox::is_config(text) => Ok(vec![Part::Keys(proxmox::read(text, name)?)]),
        Format::Auto => {
            let nodes = yaml::parse(text, name)?;
            if bundle::is_ours(&nodes) {
                bundle::read(&nodes, name)
            } else if nodes.iter().any(|n| kubevirt::is_machine(n)) {
                Ok(vec![Part::Keys(kubevirt::read(&nodes, name)?)])
            } else if nodes.iter().any(|n| nova::is_nova(n)) {
                Ok(vec![Part::Nova(nova::read(&nodes, name)?)])
            } else {
                lxd::read(&nodes, name)
            }
        }
        Format::Lxd => lxd::read(&yaml::parse(text, name)?, name),
        Format::KubeVirt => Ok(vec![Part::Keys(kubevirt::read(&yaml::parse(text, name)?, name)?)]),
        Format::Nova => Ok(vec![Part::Nova(nova::read(&yaml::parse(text, name)?, name)?)]),
        Format::Proxmox => Ok(vec![Part::Keys(proxmox::read(text, name)?)]),
        Format::Metadata => metadata(start, name),
    }
}

fn metadata(text: &str, name: &str) -> Result<Vec<Part>> {
    let raw = from_metadata(text, name)?;
    // A whole domain is taken for its metadata. One that has none was not meant as a configuration without keys.
    if raw.is_empty() && !text.contains(NAMESPACE) {
        return Err(Error::new(Kind::Config, "this XML holds no virt-sev keys")
            .at(name)
            .wanted(format!("an element of the namespace {NAMESPACE}, or YAML or JSON"))
            .hint("A domain is the argument of the command, not of --config."));
    }
    Ok(vec![Part::Keys(raw)])
}
