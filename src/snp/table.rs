//! The certificate table that a guest gets with its report. In: bytes. Out: the certificates in it.
//! Never: an entry that reaches outside the table.
//!
//! AMD GHCB (56421), 4.1.8.1: entries of GUID (16 bytes), offset and length (32 bits each, little-endian), until a GUID of
//! zeroes; then the certificates, in DER. GUIDs stand with their first byte first.

use crate::{Error, Kind, Result};

const ENTRY: usize = 24;
/// The most entries: four kinds of certificates, a revocation list, and what is to come.
const MOST: usize = 32;

/// The GUIDs of certificates; another, such as that of a revocation list, is passed over.
const CERTIFICATES: [(&str, [u8; 16]); 4] = [
    ("VCEK", 0x63da758d_e664_4564_adc5_f4b93be8accd_u128.to_be_bytes()),
    ("VLEK", 0xa8074bc2_a25a_483e_aae6_39c045a0b8a1_u128.to_be_bytes()),
    ("ASK", 0x4ab7b379_bbac_4fe4_a02f_05aef327c782_u128.to_be_bytes()),
    ("ARK", 0xc0b406a4_a803_4952_9743_3fb6014cd0ae_u128.to_be_bytes()),
];

/// True where the bytes begin as a table with a certificate does.
pub(super) fn is_table(bytes: &[u8]) -> bool {
    bytes.get(..16).is_some_and(|guid| CERTIFICATES.iter().any(|(_, known)| known == guid))
}

/// The certificates with their names.
///
/// # Errors
/// `Kind::Certificate`: an entry is cut off, or names bytes that are not there.
pub fn parse(bytes: &[u8]) -> Result<Vec<(&'static str, &[u8])>> {
    let wrong = |what: &str, n: usize| {
        Error::new(Kind::Certificate, format!("entry {n} of the certificate table {what}"))
    };
    let mut out = Vec::new();
    for n in 0.. {
        if n > MOST {
            return Err(wrong("is one too many", n).wanted(format!("at most {MOST}")));
        }
        let Some(entry) = bytes.get(n * ENTRY..(n + 1) * ENTRY) else {
            return Err(wrong("is cut off, and no entry of zeroes came before", n));
        };
        let (guid, place) = entry.split_at(16);
        if guid.iter().all(|b| *b == 0) {
            break;
        }
        let number = |at: usize| {
            let mut b = [0; 4];
            b.copy_from_slice(&place[at..at + 4]);
            u32::from_le_bytes(b) as usize
        };
        let (from, size) = (number(0), number(4));
        let Some(content) = from.checked_add(size).and_then(|to| bytes.get(from..to)) else {
            return Err(wrong("reaches outside the table", n)
                .found(format!("{size} bytes at {from} of {} bytes", bytes.len())));
        };
        if let Some((name, _)) = CERTIFICATES.iter().find(|(_, known)| known == guid) {
            out.push((*name, content));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(entries: &[([u8; 16], &[u8])]) -> Vec<u8> {
        let mut at = (entries.len() + 1) * ENTRY;
        let (mut head, mut body) = (Vec::new(), Vec::new());
        for (guid, content) in entries {
            head.extend_from_slice(guid);
            head.extend_from_slice(&u32::try_from(at).unwrap().to_le_bytes());
            head.extend_from_slice(&u32::try_from(content.len()).unwrap().to_le_bytes());
            body.extend_from_slice(content);
            at += content.len();
        }
        [head, vec![0; ENTRY], body].concat()
    }

    #[test]
    fn certificates_are_found_and_other_entries_passed_over() {
        let bytes =
            table(&[(CERTIFICATES[3].1, b"ark"), ([7; 16], b"something"), (CERTIFICATES[0].1, b"vcek")]);
        assert!(is_table(&bytes));
        assert_eq!(parse(&bytes).unwrap(), [("ARK", &b"ark"[..]), ("VCEK", b"vcek")]);
        // The pages of the firmware's buffer stand behind.
        assert_eq!(parse(&[bytes, vec![0; 4096]].concat()).unwrap().len(), 2);
        assert_eq!(parse(&[0; ENTRY]).unwrap(), []);
    }

    #[test]
    fn an_entry_stays_inside() {
        let good = table(&[(CERTIFICATES[0].1, b"vcek")]);
        for (bytes, says) in [
            ([&good[..16], &[0; 8], &good[..6]].concat(), "entry 1 of the certificate table is cut off"),
            (good[..good.len() - 1].to_vec(), "entry 0 of the certificate table reaches outside"),
            ([&good[..16], &[0xff; 8], &good[24..]].concat(), "reaches outside"),
            (Vec::new(), "entry 0 of the certificate table is cut off"),
        ] {
            let e = parse(&bytes).unwrap_err();
            assert!(e.to_string().contains(says), "{e}");
            assert_eq!(e.kind(), Kind::Certificate);
        }
    }
}
