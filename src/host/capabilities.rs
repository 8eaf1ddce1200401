//! libvirt's capabilities. In: the XML text of `virConnectGetCapabilities`. Out: the signature of the host's processor.
//! Never: belief: it is what the host says.

use crate::{Error, Kind, Result};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// `<host><cpu><signature family='25' model='1' stepping='1'/>` (libvirt, formatcaps): family, model and stepping. `None`
/// where libvirt does not tell, as for another architecture.
///
/// # Errors
/// `Kind::File` when it is not XML or not capabilities.
pub fn cpu_signature(xml: &str) -> Result<Option<(u32, u32, u32)>> {
    let wrong = |message: &str| Error::new(Kind::File, message).at("capabilities");
    let mut reader = Reader::from_str(xml);
    let (mut path, mut known, mut found) = (Vec::new(), false, None);
    let mut enter = |path: &mut Vec<String>, start: &BytesStart<'_>| {
        path.push(start.local_name().as_ref().to_owned());
        match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["capabilities"] => known = true,
            ["capabilities", "host", "cpu", "signature"] => found = signature(start),
            _ => {}
        }
    };
    loop {
        match reader.read_event().map_err(|e| wrong("not XML").because(e))? {
            Event::Start(start) => enter(&mut path, &start),
            Event::Empty(start) => {
                enter(&mut path, &start);
                path.pop();
            }
            Event::End(_) => drop(path.pop()),
            Event::Eof => break,
            Event::Text(_)
            | Event::CData(_)
            | Event::GeneralRef(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_) => {}
        }
    }
    if known && path.is_empty() { Ok(found) } else { Err(wrong("not libvirt's capabilities")) }
}

fn signature(start: &BytesStart<'_>) -> Option<(u32, u32, u32)> {
    let number = |name: &str| -> Option<u32> {
        let attribute = start.try_get_attribute(name).ok().flatten()?;
        attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.trim().parse().ok()
    };
    Some((number("family")?, number("model")?, number("stepping")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_hosts_own() {
        let xml = "<capabilities><host><cpu><arch>x86_64</arch><signature family='25' model='1' stepping='1'/>\
                   </cpu></host><guest><cpu><signature family='6' model='6' stepping='6'/></cpu></guest></capabilities>";
        assert_eq!(cpu_signature(xml).unwrap(), Some((25, 1, 1)));
        let whole = "<signature family='25' model='1' stepping='1'/>";
        for without in [whole, "family='25' ", "model='1' ", " stepping='1'"] {
            let other = xml.replace(without, "");
            assert_ne!(other, xml);
            assert_eq!(cpu_signature(&other).unwrap(), None, "{other}");
        }
    }

    #[test]
    fn another_document_is_refused() {
        for xml in ["", "<domain/>", "<capabilities>", "<a></b>", "no XML"] {
            assert_eq!(cpu_signature(xml).unwrap_err().kind(), Kind::File, "{xml}");
        }
    }
}
