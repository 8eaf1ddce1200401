//! libvirt's domain capabilities. In: the XML text of `virConnectGetDomainCapabilities`. Out: [`DomCaps`].
//! Never: belief; libvirt lists `sev-snp` wherever QEMU knows the object (`src/qemu/qemu_capabilities.c`).

use super::facts::DomCaps;
use crate::{Error, Kind, Result};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use std::path::PathBuf;

/// Reads the document (`docs/formatdomaincaps.rst` of libvirt).
///
/// # Errors
/// `Kind::File` when it is not XML or not domain capabilities.
pub fn parse(xml: &str) -> Result<DomCaps> {
    let mut reader = Reader::from_str(xml);
    let mut walk = Walk {
        path: Vec::new(),
        text: String::new(),
        sectype: false,
        host_model: false,
        root: false,
        caps: DomCaps::default(),
    };
    loop {
        match reader.read_event().map_err(|e| wrong("not XML").because(e))? {
            Event::Start(start) => walk.start(&start),
            Event::Empty(start) => {
                walk.start(&start);
                walk.end()?;
            }
            Event::End(_) => walk.end()?,
            Event::Text(text) => walk.text.push_str(&text.xml10_content()),
            Event::CData(text) => walk.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|e| wrong("not XML").because(e))?;
                match character {
                    Some(c) => walk.text.push(c),
                    None => walk.text.push_str(
                        quick_xml::escape::resolve_xml_entity(&reference.xml10_content()).unwrap_or_default(),
                    ),
                }
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof => break,
        }
    }
    if !walk.root || !walk.path.is_empty() {
        return Err(wrong("not libvirt's domain capabilities")
            .wanted("a complete <domainCapabilities> document, as `virsh domcapabilities` prints it"));
    }
    Ok(walk.caps)
}

fn wrong(message: &str) -> Error {
    Error::new(Kind::File, message).at("domain capabilities")
}

struct Walk {
    path: Vec<String>,
    text: String,
    /// Inside `<launchSecurity supported='yes'><enum name='sectype'>`.
    sectype: bool,
    /// Inside `<cpu><mode name='host-model'>`.
    host_model: bool,
    root: bool,
    caps: DomCaps,
}

impl Walk {
    fn start(&mut self, start: &BytesStart<'_>) {
        self.path.push(start.local_name().as_ref().to_owned());
        self.text.clear();
        let is = |name: &str, value: &str| {
            start
                .try_get_attribute(name)
                .ok()
                .flatten()
                .and_then(|a| a.normalized_value(XmlVersion::Implicit1_0).ok().map(|v| v == value))
                .unwrap_or(false)
        };
        match self.here().as_slice() {
            ["domainCapabilities"] => self.root = true,
            ["domainCapabilities", "features", "sev"] => self.caps.sev = is("supported", "yes"),
            ["domainCapabilities", "features", "launchSecurity"] => self.sectype = false,
            ["domainCapabilities", "cpu", "mode"] => self.host_model = is("name", "host-model"),
            ["domainCapabilities", "features", "launchSecurity", "enum"] => {
                self.sectype = is("name", "sectype")
            }
            _ => {}
        }
    }

    fn end(&mut self) -> Result<()> {
        let text = self.text.trim().to_owned();
        // A number that is none is left out, as if libvirt had not said it.
        let number = text.parse::<u32>().ok();
        match self.here().as_slice() {
            ["domainCapabilities", "features", "sev", name] => match *name {
                "cbitpos" => self.caps.cbitpos = number,
                "reducedPhysBits" => self.caps.reduced_phys_bits = number,
                "maxGuests" => self.caps.max_guests = number,
                "maxESGuests" => {
                    self.caps.max_es_guests = number;
                    self.caps.sev_es = number.is_some_and(|n| n > 0);
                }
                _ => {}
            },
            ["domainCapabilities", "features", "launchSecurity", "enum", "value"] => {
                self.caps.sev_snp |= self.sectype && text == "sev-snp";
            }
            ["domainCapabilities", "cpu", "mode", "model"] if self.host_model && !text.is_empty() => {
                self.caps.host_model = Some(text);
            }
            ["domainCapabilities", "os", "loader", "value"] => self.caps.loaders.push(PathBuf::from(text)),
            _ => {}
        }
        self.text.clear();
        self.path.pop().map(|_| ()).ok_or_else(|| wrong("not XML"))
    }

    fn here(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }
}

#[cfg(test)]
#[path = "domcaps_tests.rs"]
mod tests;
