//! One `--set KEY=VALUE`. In: its text, and how to read a file. Out: [`RawConfig`] with one key.
//! Never: the meaning of the value.

use super::keys;
use super::raw::RawConfig;
use super::value::{blob_of_any_size, blob_text};
use crate::{Error, Kind, Result};
use std::path::Path;

/// The longest file behind `@`. The longest blob has 4096 bytes.
pub(super) const LONGEST: usize = 64 << 10;

/// Reads `KEY=VALUE`, where `VALUE` may be `@FILE`: text, base64, or a blob's own bytes.
///
/// # Errors
/// `Kind::Usage` without an equals sign; `Kind::File` for a file that does not fit.
pub fn from_set(set: &str, read: impl FnOnce(&Path) -> Result<Vec<u8>>) -> Result<RawConfig> {
    let Some((key, value)) = set.split_once('=').map(|(k, v)| (k.trim(), v.trim())) else {
        return Err(usage("there is no equals sign").wanted("KEY=VALUE"));
    };
    if key.is_empty() {
        return Err(usage("there is no key before the equals sign").wanted("KEY=VALUE"));
    }
    let mut raw = RawConfig::new();
    match value.strip_prefix('@') {
        None => raw.set(key, value, "--set"),
        Some(file) => {
            let bytes =
                read(Path::new(file)).map_err(|e| e.hint(format!("It is the value of --set {key}.")))?;
            raw.set(key, text_of(key, file, bytes)?, format!("--set @{file}"));
        }
    }
    Ok(raw)
}

/// A blob file holds base64 or the bytes themselves. Both never have the same length: base64 is longer.
fn text_of(key: &str, file: &str, bytes: Vec<u8>) -> Result<String> {
    let size = keys::find(key).and_then(|k| k.kind.blob_size());
    match size {
        Some(size) if bytes.len() == size => Ok(blob_text(&bytes)),
        Some(size) => {
            let text = std::str::from_utf8(&bytes).ok().filter(|t| blob_of_any_size(t, size).is_ok());
            text.map(str::to_owned).ok_or_else(|| {
                let e = Error::new(Kind::File, "neither the blob nor its base64")
                    .at(format!("{key} (--set @{file})"))
                    .found(format!("{} bytes", bytes.len()))
                    .wanted(format!("{size} bytes, or their base64"));
                if key.starts_with("security.sev.session.") { e.hint(super::session::HINT) } else { e }
            })
        }
        None => String::from_utf8(bytes).map_err(|_| {
            Error::new(Kind::File, "not text in UTF-8")
                .at(format!("{key} (--set @{file})"))
                .wanted("the value as text")
        }),
    }
}

fn usage(message: &str) -> Error {
    // Without the text itself: it may be a blob or a secret whose key was forgotten.
    Error::new(Kind::Usage, message).at("--set")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str, file: &'static [u8]) -> Result<RawConfig> {
        from_set(text, move |_| Ok(file.to_vec()))
    }

    #[test]
    fn a_value_may_hold_equals_signs_and_blanks() {
        let raw = set(" security.sev.session.data = AQ== ", b"").unwrap();
        assert_eq!(raw.get("security.sev.session.data").unwrap().value, "AQ==");
        assert!(set("security.sev=", b"").unwrap().get("security.sev").is_none());
    }

    #[test]
    fn a_file_holds_text_base64_or_bytes() {
        let raw = set("security.sev.policy=@p", b"0x5\n").unwrap();
        assert_eq!(raw.get("security.sev.policy").unwrap().value, "0x5");
        let key = "security.sev.snp.guest_visible_workarounds";
        let raw = set(&format!("{key}=@w"), &[1; 16]).unwrap();
        assert_eq!(raw.get(key).unwrap().value, "AQEBAQEBAQEBAQEBAQEBAQ==");
        let raw = set(&format!("{key}=@w"), b"AQEBAQEBAQEB\nAQEBAQEBAQ==\n").unwrap();
        assert_eq!(raw.get(key).unwrap().value, "AQEBAQEBAQEB\nAQEBAQEBAQ==");
        let e = set(&format!("{key}=@w"), &[0xff; 17]).unwrap_err().to_string();
        assert!(e.contains("found 17 bytes, wanted 16 bytes"), "{e}");
    }

    #[test]
    fn wrong_usage_is_told_without_the_text() {
        for text in ["c2VjcmV0", "=c2VjcmV0"] {
            let e = set(text, b"").unwrap_err();
            assert_eq!(e.kind(), Kind::Usage);
            assert!(!e.to_string().contains("c2Vj"), "{e}");
        }
    }
}
