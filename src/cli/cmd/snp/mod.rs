//! `virt-sev snp`. In: the command line. Out: an answer. Never: a hypervisor.

pub(crate) mod id_block;
pub(crate) mod report;

use super::files;
use std::path::Path;
use virt_sev::measure::from_base64;
use virt_sev::{Error, Kind, Result, hex};

/// A value of N bytes: hexadecimal, base64, or `@FILE` with the bytes or their text.
fn bytes<const N: usize>(option: &str, text: &str) -> Result<[u8; N]> {
    value(option, text, N, |len| len == N)?
        .try_into()
        .map_err(|_| Error::new(Kind::Bug, "a value has another size than it was checked for"))
}

/// The same with up to N bytes, and zeroes behind.
fn padded<const N: usize>(option: &str, text: &str) -> Result<[u8; N]> {
    let mut out = [0; N];
    let found = value(option, text, N, |len| (1..=N).contains(&len))?;
    out[..found.len()].copy_from_slice(&found);
    Ok(out)
}

fn value(option: &str, text: &str, most: usize, fits: impl Fn(usize) -> bool) -> Result<Vec<u8>> {
    let decoded = |text: &str| {
        let solid: String = text.split_ascii_whitespace().collect();
        let digits = solid.strip_prefix("0x").unwrap_or(&solid);
        // What is both is hexadecimal, unless only base64 has the size.
        [hex::decode(digits), from_base64(&solid)].into_iter().flatten().find(|v| fits(v.len()))
    };
    let found = match text.strip_prefix('@') {
        Some(path) => {
            let content = files::read_short("file of a value", Path::new(path))?;
            if fits(content.len()) {
                Some(content)
            } else {
                std::str::from_utf8(&content).ok().and_then(decoded)
            }
        }
        None => decoded(text),
    };
    found.ok_or_else(|| {
        let size = if fits(1) { format!("up to {most}") } else { most.to_string() };
        Error::new(Kind::Usage, "the value has the wrong size or form")
            .at(option)
            .found(format!("'{text}'"))
            .wanted(format!("{size} bytes in hexadecimal, in base64, or as @FILE"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_hexadecimal_base64_or_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, content).unwrap();
            format!("@{}", path.display())
        };
        let raw = file("raw", &[7; 16]);
        let text = file("text", b"07070707070707070707070707070707\n");
        for value in
            ["07".repeat(16), format!("0x{}", "07".repeat(16)), "BwcHBwcHBwcHBwcHBwcHBw==".into(), raw, text]
        {
            assert_eq!(bytes::<16>("--x", &value).unwrap(), [7; 16], "{value}");
        }
        for value in ["", "07", "BwcH", "zz", &"07".repeat(17), "@/nowhere"] {
            assert!(bytes::<16>("--x", value).is_err(), "{value}");
        }
        assert_eq!(padded::<4>("--x", "0102").unwrap(), [1, 2, 0, 0]);
        assert_eq!(padded::<4>("--x", "AQID").unwrap(), [1, 2, 3, 0]);
        let e = padded::<4>("--x", "0102030405").unwrap_err();
        assert!(e.to_string().starts_with("--x: ") && e.to_string().contains("up to 4 bytes"), "{e}");
    }
}
