//! What a caller set: keys, documents, options. In: texts. Out: what they mean for one domain. Never: a host.
#![forbid(unsafe_code)]

use crate::options::{flag, seconds, wrong};
use std::path::Path;
use std::time::Duration;
use virt_sev::config::{self, Document, Format, Loaded, RawConfig};
use virt_sev::domain::Domain;
use virt_sev::host::RootProbe;
use virt_sev::plan::Options;
use virt_sev::{Error, Kind, Result};

/// Everything that a `virtsev_config` holds. Each change is made as a whole or not at all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    documents: Vec<Document>,
    keys: RawConfig,
    /// What the rules are told.
    pub(crate) options: Options,
    no_metadata: bool,
    /// The longest wait for one answer of the hypervisor, where the caller says one.
    pub(crate) timeout: Option<Duration>,
    /// A folder that stands for the host.
    host_root: Option<RootProbe>,
}

/// What errors say of a key that was set.
const SET: &str = "virtsev_config_set";

impl Settings {
    /// Sets a key, or takes it back.
    pub(crate) fn set(&mut self, key: &str, value: Option<&str>) -> Result<()> {
        config::check_key(key, value.unwrap_or_default(), SET)?;
        match value {
            Some(value) => self.keys.set(key, value, SET),
            None => self.keys.remove(key),
        }
        Ok(())
    }

    /// Adds a document.
    pub(crate) fn load(&mut self, text: &str, format: Option<&str>) -> Result<()> {
        let format = match format {
            None => Format::Auto,
            Some(name) => Format::from_name(name).ok_or_else(|| {
                let names: Vec<&str> = Format::NAMES.iter().map(|(name, _)| *name).collect();
                wrong("format", name, names.join(", "))
            })?,
        };
        let name = format!("document {}", self.documents.len() + 1);
        self.documents.push(Document::read(text, &name, format)?);
        Ok(())
    }

    /// Sets an option, or takes it back to what it is unasked.
    pub(crate) fn option(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        match name {
            "skip" => match value {
                None => self.options.skip.clear(),
                Some(rule) => {
                    let alone = Options { skip: vec![rule.to_owned()], ..Options::default() };
                    alone.check().map_err(|e| e.at("skip"))?;
                    self.options.skip.extend(alone.skip);
                }
            },
            "record" => self.options.record = flag(name, value)?,
            "injects-secret" => self.options.injects_secret = flag(name, value)?,
            "no-metadata" => self.no_metadata = flag(name, value)?,
            "timeout" => self.timeout = seconds(name, value)?,
            "host-root" => {
                self.host_root = value.map(|folder| RootProbe::open(Path::new(folder))).transpose()?;
            }
            _ => {
                return Err(Error::new(Kind::Usage, "there is no such option of a configuration")
                    .at(name)
                    .wanted("skip, record, injects-secret, no-metadata, timeout or host-root"));
            }
        }
        Ok(())
    }

    /// The folder that stands for the host.
    pub(crate) fn root(&self) -> Option<RootProbe> {
        self.host_root.clone()
    }

    /// Whether the keys in a domain's metadata count.
    pub(crate) fn reads_metadata(&self) -> bool {
        !self.no_metadata
    }

    /// The keys that the caller gave, laid over each other.
    pub(crate) fn given(&self) -> Result<RawConfig> {
        let mut raw = config::from_documents(&self.documents)?;
        raw.overlay(self.keys.clone());
        Ok(raw)
    }

    /// What the keys mean for a domain, or by themselves.
    pub(crate) fn resolve(&self, domain: Option<&Domain<'_>>) -> Result<Loaded> {
        let metadata = domain.filter(|_| self.reads_metadata()).and_then(Domain::metadata_config);
        let mut raw = match metadata {
            Some(xml) => config::from_metadata(&xml, "metadata")?,
            None => RawConfig::new(),
        };
        raw.overlay(self.given()?);
        config::resolve_with_notes(&raw)
    }
}
