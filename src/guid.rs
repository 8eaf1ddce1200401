//! GUIDs as UEFI stores them: the first three fields little-endian (UEFI specification 2.10, appendix A).
//! In: text or fields. Out: [`Guid`]. Never: a guess at a malformed text.

use std::fmt;
use std::str::FromStr;

/// A GUID in UEFI's byte order.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guid([u8; 16]);

impl Guid {
    /// From the four fields that C sources write: `{0x96b582de, 0x1fb2, 0x45f7, {0xba, …}}`.
    #[must_use]
    pub const fn new(a: u32, b: u16, c: u16, d: [u8; 8]) -> Self {
        let (a, b, c) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes());
        Self([a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]])
    }

    /// From the bytes as they stand in a table.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes as they stand in a table.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// A text is not of the form 8-4-4-4-12 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAGuid;

impl FromStr for Guid {
    type Err = NotAGuid;

    fn from_str(text: &str) -> Result<Self, NotAGuid> {
        let bytes = text.as_bytes();
        if bytes.len() != 36 {
            return Err(NotAGuid);
        }
        let mut digits = [0u8; 32];
        let mut n = 0;
        for (i, b) in bytes.iter().enumerate() {
            if matches!(i, 8 | 13 | 18 | 23) {
                if *b != b'-' {
                    return Err(NotAGuid);
                }
                continue;
            }
            digits[n] = match b {
                b'0'..=b'9' => b - b'0',
                b'a'..=b'f' => b - b'a' + 10,
                b'A'..=b'F' => b - b'A' + 10,
                _ => return Err(NotAGuid),
            };
            n += 1;
        }
        let mut be = [0u8; 16];
        for (out, pair) in be.iter_mut().zip(digits.chunks_exact(2)) {
            *out = pair[0] << 4 | pair[1];
        }
        be[0..4].reverse();
        be[4..6].reverse();
        be[6..8].reverse();
        Ok(Self(be))
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
        for (n, i) in ORDER.into_iter().enumerate() {
            if matches!(n, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{:02x}", self.0[i])?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_text_and_bytes_agree() {
        let g = Guid::new(0x9438_d606, 0x4f22, 0x4cc9, [0xb4, 0x79, 0xa7, 0x93, 0xd4, 0x11, 0xfd, 0x21]);
        assert_eq!(g.to_string(), "9438d606-4f22-4cc9-b479-a793d411fd21");
        assert_eq!("9438D606-4F22-4CC9-B479-A793D411FD21".parse(), Ok(g));
        assert_eq!(g.bytes()[..8], [0x06, 0xd6, 0x38, 0x94, 0x22, 0x4f, 0xc9, 0x4c]);
        assert_eq!(Guid::from_bytes(*g.bytes()), g);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "beef",
            "9438d606-4f22-4cc9-b479-a793d411fd2",
            "9438d606-4f22-4cc9-b479-a793d411fd211",
            "9438d60g-4f22-4cc9-b479-a793d411fd21",
            "9438d606+4f22-4cc9-b479-a793d411fd21",
            "{9438d606-4f22-4cc9-b479-a793d411fd2}",
            "9438d606-4f22-4cc9-b479-a793d411fdé",
        ] {
            assert_eq!(text.parse::<Guid>(), Err(NotAGuid), "{text}");
        }
    }
}
