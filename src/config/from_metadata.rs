//! Keys from a domain's metadata. In: XML text. Out: [`RawConfig`]. Never: changes the XML.
//!
//! ```xml
//! <virtsev:config xmlns:virtsev="urn:virt-sev:config:1">
//!   <virtsev:key name="security.sev">true</virtsev:key>
//! </virtsev:config>
//! ```
//!
//! The text may be that element, a whole domain, or what `virsh metadata` prints: the same element with its
//! namespace taken off (libvirt `virXMLExtractNamespaceXML`, seen with 11.3).

use super::raw::RawConfig;
use crate::{Error, Kind, Result};
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

/// The namespace of the element.
pub const NAMESPACE: &str = "urn:virt-sev:config:1";

/// Reads the keys. No such element: no keys.
///
/// # Errors
/// Not XML, a key without a name, a key twice, the element twice.
pub fn from_metadata(xml: &str, name: &str) -> Result<RawConfig> {
    let mut walk = Walk { name, raw: RawConfig::new(), depth: 0, config: None, seen: false, key: None };
    let mut reader = NsReader::from_str(xml);
    loop {
        let read = reader.read_resolved_event();
        let (namespace, event) = read.map_err(|e| walk.wrong("not XML").because(e))?;
        let bound = match namespace {
            ResolveResult::Bound(n) => Space::of(n.as_ref()),
            ResolveResult::Unbound => Space::None,
            ResolveResult::Unknown(_) => Space::Other,
        };
        match event {
            Event::Start(start) => walk.start(bound, &start)?,
            Event::Empty(start) => {
                walk.start(bound, &start)?;
                walk.end()?;
            }
            Event::End(_) => walk.end()?,
            Event::Text(text) => walk.text(&text.xml10_content()),
            Event::CData(text) => walk.text(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|e| walk.wrong("not XML").because(e))?;
                match character {
                    Some(c) => walk.text(c.encode_utf8(&mut [0; 4])),
                    None => match resolve_xml_entity(&reference.xml10_content()) {
                        Some(text) => walk.text(text),
                        None if walk.key.is_some() => return Err(walk.wrong("an entity that is not known")),
                        None => {}
                    },
                }
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof => break,
        }
    }
    if walk.depth > 0 {
        return Err(walk.wrong("the XML ends inside an element"));
    }
    Ok(walk.raw)
}

#[derive(Clone, Copy, PartialEq)]
enum Space {
    Ours,
    None,
    Other,
}

impl Space {
    fn of(uri: &str) -> Self {
        if uri == NAMESPACE { Space::Ours } else { Space::Other }
    }
}

struct Key {
    name: String,
    value: String,
    depth: usize,
}

struct Walk<'a> {
    name: &'a str,
    raw: RawConfig,
    depth: usize,
    /// Depth and namespace of the open config element.
    config: Option<(usize, Space)>,
    seen: bool,
    key: Option<Key>,
}

impl Walk<'_> {
    fn start(&mut self, space: Space, start: &BytesStart<'_>) -> Result<()> {
        self.depth += 1;
        if self.key.is_some() {
            return Err(self.wrong("an element inside a key").wanted("text"));
        }
        let local = start.local_name();
        let Some((_, config)) = self.config else {
            let root_of_virsh = self.depth == 1 && space == Space::None;
            if local.as_ref() == "config" && (space == Space::Ours || root_of_virsh) {
                if self.seen {
                    return Err(self.wrong("the config element stands twice"));
                }
                self.seen = true;
                self.config = Some((self.depth, space));
            }
            return Ok(());
        };
        if space != config || local.as_ref() != "key" {
            return Err(self.wrong("an element that is not known").wanted("key"));
        }
        let name = match start.try_get_attribute("name") {
            Ok(Some(attribute)) => {
                attribute.normalized_value(XmlVersion::Implicit1_0).map_or(None, |v| Some(v.into_owned()))
            }
            Ok(None) | Err(_) => None,
        };
        let name = name.ok_or_else(|| self.wrong("a key without a name").wanted("name=\"security.sev…\""))?;
        if self.raw.entries().any(|e| e.key == name) {
            return Err(
                Error::new(Kind::Config, "the key stands twice").at(format!("{name} ({})", self.name))
            );
        }
        if self.raw.is_full() {
            return Err(self.wrong("too many keys"));
        }
        self.key = Some(Key { name, value: String::new(), depth: self.depth });
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        if let Some(key) = self.key.take_if(|k| k.depth == self.depth) {
            self.raw.set(key.name, key.value, self.name);
        }
        if self.config.is_some_and(|(depth, _)| depth == self.depth) {
            self.config = None;
        }
        self.depth = self.depth.checked_sub(1).ok_or_else(|| self.wrong("an end without a start"))?;
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(key) = &mut self.key {
            key.value.push_str(text);
        }
    }

    fn wrong(&self, message: &str) -> Error {
        Error::new(Kind::Config, message).at(self.name)
    }
}

#[cfg(test)]
#[path = "from_metadata_tests.rs"]
mod tests;
