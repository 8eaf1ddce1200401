//! A secret packet as one file. In: a packet and the measurement that it is bound to, or the text of one. Out: the other.
//! Never: a secret in clear.

use super::packet::{HEADER_SIZE, Packet};
use crate::measure::verify::Evidence;
use crate::measure::{from_base64, to_base64};
use crate::{Error, Kind, Result, files};
use serde_json::{Value, json};

/// `schema` of the file.
pub const PACKET_SCHEMA: &str = "virt-sev/packet/1";

/// A packet for one launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacketFile {
    /// The measurement that the packet is bound to: no other launch takes it.
    pub measurement: [u8; 48],
    /// The packet.
    pub packet: Packet,
}

impl PacketFile {
    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let document = json!({
            "schema": PACKET_SCHEMA,
            "measurement": to_base64(&self.measurement),
            "header": self.packet.header_base64(),
            "payload": self.packet.payload_base64(),
        });
        format!("{document:#}\n")
    }

    /// Reads a file.
    ///
    /// # Errors
    /// `Kind::File`: it is not one, or not whole.
    pub fn parse(text: &str) -> Result<Self> {
        let no_packet = || {
            Error::new(Kind::File, "this is not a secret packet")
                .wanted(PACKET_SCHEMA)
                .hint("The guest owner writes it: `virt-sev verify --packet FILE`.")
        };
        files::short("secret packet", text)?;
        let document: Value = serde_json::from_str(text).map_err(|e| no_packet().because(e))?;
        if document["schema"] != PACKET_SCHEMA {
            return Err(no_packet());
        }
        let blob = |name: &str| document[name].as_str().and_then(from_base64);
        let wrong = |name: &str, wanted: &str| {
            Error::new(Kind::File, format!("the packet has no valid {name}")).wanted(wanted.to_owned())
        };
        let measurement = Evidence::parse_measurement(document["measurement"].as_str().unwrap_or_default())?;
        let header: [u8; HEADER_SIZE] = blob("header")
            .and_then(|b| b.try_into().ok())
            .ok_or_else(|| wrong("header", "52 bytes in base64"))?;
        let payload = blob("payload")
            .filter(|p| !p.is_empty() && p.len() % 16 == 0 && p.len() <= super::table::MAX_TABLE)
            .ok_or_else(|| wrong("payload", "a multiple of 16 bytes in base64"))?;
        Ok(Self { measurement, packet: Packet { header, payload } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let file = PacketFile {
            measurement: [3; 48],
            packet: Packet { header: [1; HEADER_SIZE], payload: vec![2; 64] },
        };
        let text = file.to_text();
        assert_eq!(PacketFile::parse(&text).unwrap(), file);
        assert!(text.starts_with("{\n  \"schema\": \"virt-sev/packet/1\","));
        let without = |name: &str| text.replace(&format!("\"{name}\""), "\"x\"");
        for (text, says) in [
            (String::new(), "this is not a secret packet"),
            (text.replace("packet/1", "packet/2"), "this is not a secret packet"),
            (without("measurement"), "the measurement has the wrong size"),
            (without("header"), "the packet has no valid header"),
            (without("payload"), "the packet has no valid payload"),
            (text.replace("AQEB", "AQ"), "the packet has no valid header"),
            (text.replace("AgIC", "AgI"), "the packet has no valid payload"),
        ] {
            let e = PacketFile::parse(&text).unwrap_err();
            assert!(e.to_string().starts_with(says) && e.kind() == Kind::File, "{e}");
        }
    }
}
