//! A chip's identity. In: what GET_ID gave, or its hexadecimal digits. Out: [`ChipId`]. Never: a text that could be
//! anything else in an address or a file name.

use crate::{Error, Kind, Result, hex};
use std::fmt;

/// Bytes of the identity of one socket's chip (Linux `include/uapi/linux/psp-sev.h`, `struct sev_user_data_get_id`).
const SOCKET: usize = 64;

/// What AMD's key service knows a chip by: libvirt's `cpu0-id`, `sevctl show identifier`.
#[derive(Clone, PartialEq, Eq)]
pub struct ChipId(Vec<u8>);

impl ChipId {
    /// As GET_ID gives it: of several sockets the first counts. `None` where nothing was given.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let first = bytes.get(..SOCKET).unwrap_or(bytes);
        (!first.is_empty()).then(|| Self(first.to_vec()))
    }

    /// From hexadecimal digits, with white space around them.
    ///
    /// # Errors
    /// `Kind::Usage` when it is anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let bytes = hex::decode(text.strip_prefix("0x").unwrap_or(text));
        bytes.filter(|b| b.len() <= 2 * SOCKET).and_then(|b| Self::from_bytes(&b)).ok_or_else(|| {
            Error::new(Kind::Usage, "this is not a chip's identity")
                .wanted(format!("{} hexadecimal digits", 2 * SOCKET))
                .hint("`virt-sev chain fetch` tells it, and `sevctl show identifier` on the host.")
        })
    }
}

impl fmt::Display for ChipId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for ChipId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChipId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_sockets_the_first_counts_and_hex_is_read_back() {
        let both: Vec<u8> = (0..128).collect();
        let id = ChipId::from_bytes(&both).unwrap();
        assert_eq!(id.to_string().len(), 128);
        assert!(id.to_string().starts_with("000102") && id.to_string().ends_with("3e3f"));
        assert_eq!(ChipId::parse(&id.to_string()).unwrap(), id);
        assert_eq!(ChipId::parse(&format!("0x{id}\n")).unwrap(), id);
        assert_eq!(ChipId::parse("ABcd").unwrap(), ChipId::from_bytes(&[0xab, 0xcd]).unwrap());
        assert_eq!(ChipId::from_bytes(&[]), None);
    }

    #[test]
    fn nothing_else_gets_into_an_address() {
        for text in ["", "0x", "abc", "../../x", "ab cd", "ab/cd", "zz", "+1", "é9", &"00".repeat(129)] {
            let e = ChipId::parse(text).unwrap_err();
            assert_eq!(e.kind(), Kind::Usage, "{text}");
            assert!(e.to_string().contains("128 hexadecimal digits"), "{e}");
        }
    }
}
