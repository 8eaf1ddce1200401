//! Which domain a document is. In: the document. Out: its UUID, and the document with it. Never: another change.
//!
//! A document without a UUID gets one here instead of from libvirt: so the launch can be recorded before anything is
//! defined, and what a crash leaves has a name.

use crate::codes::Kind;
use crate::crypt;
use crate::domain::{Change, Domain, Node};
use crate::error::{Error, Result};

/// The UUID as libvirt writes it, and the document that holds it.
pub(super) fn identified(xml: String) -> Result<(String, String)> {
    let domain = Domain::parse(&xml)?;
    match &domain.facts().uuid {
        Some(text) => Ok((canonical(text)?, xml)),
        None => {
            let uuid = fresh()?;
            let element = Node { name: "uuid".into(), text: Some(uuid.clone().into()), ..Node::default() };
            let change = Change::Unite { parent: domain.root(), fragment: element.into() };
            let xml = domain.apply(std::iter::once(&change))?;
            Ok((uuid, xml))
        }
    }
}

/// libvirt reads 32 digits with hyphens anywhere (virUUIDParse in `src/util/viruuid.c`), and writes 8-4-4-4-12.
fn canonical(text: &str) -> Result<String> {
    let digits: String = text
        .chars()
        .filter(|c| *c != '-' && !c.is_ascii_whitespace())
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Error::new(Kind::Domain, "not a UUID")
            .at("/domain/uuid")
            .found(text)
            .wanted("32 hexadecimal digits"));
    }
    Ok(hyphenated(&digits))
}

/// A random one: version 4, variant 1 (RFC 9562, section 5.4).
fn fresh() -> Result<String> {
    let mut bytes = [0u8; 16];
    crypt::random(&mut bytes)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Ok(hyphenated(&crate::hex::encode(&bytes)))
}

fn hyphenated(digits: &str) -> String {
    let mut out = String::with_capacity(36);
    for (n, c) in digits.chars().enumerate() {
        if matches!(n, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_keeps_its_uuid_and_gets_one_where_it_has_none() {
        let given = "<domain><name>g</name><uuid> 4DEA22B31D52D8F32516782E98AB3FA0 </uuid></domain>";
        let (uuid, xml) = identified(given.into()).unwrap();
        assert_eq!((uuid.as_str(), xml.as_str()), ("4dea22b3-1d52-d8f3-2516-782e98ab3fa0", given));

        let (uuid, xml) = identified("<domain><name>g</name><memory>1</memory></domain>".into()).unwrap();
        assert_eq!(xml, format!("<domain><name>g</name><uuid>{uuid}</uuid><memory>1</memory></domain>"));
        assert_eq!(canonical(&uuid).unwrap(), uuid);
        assert_ne!(fresh().unwrap(), fresh().unwrap());

        let e = identified("<domain><uuid>4dea</uuid></domain>".into()).unwrap_err();
        assert_eq!(e.kind(), Kind::Domain);
    }
}
