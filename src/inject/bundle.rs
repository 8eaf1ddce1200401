//! Many keys as one secret: the bundle of simple-kbs. In: names and secrets. Out: a JSON object, name to base64.
//! Never: a secret in a buffer that grows and leaves a copy behind.
//!
//! Format: simple-kbs `src/request.rs` (`SecretBundle`), which attestation-agent's `offline_sev_kbc` reads in the guest.

use super::table::MAX_TABLE;
use crate::redact::Secret;
use crate::{Error, Kind, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Makes the bundle, in the order given.
///
/// # Errors
/// `Kind::File` when there is no key, two have one name, or together they are too long to be injected.
pub fn bundle(keys: &[(String, Secret<Vec<u8>>)]) -> Result<Secret<Vec<u8>>> {
    if keys.is_empty() {
        return Err(Error::new(Kind::File, "there is no key in the bundle")
            .hint("Each file of the folder is one key: its name is the key's, hidden files do not count."));
    }
    let mut names: Vec<&str> = keys.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::new(Kind::File, "two keys of the bundle have the same name").found(twice[0]));
    }
    let names: Vec<String> =
        keys.iter().map(|(name, _)| serde_json::Value::from(name.as_str()).to_string()).collect();
    let text = |secret: &Secret<Vec<u8>>| secret.expose().len().div_ceil(3) * 4;
    // Braces; for each key its quoted name, a colon, quotes, and a comma.
    let size = 2 + keys.iter().zip(&names).map(|((_, k), n)| n.len() + text(k) + 4).sum::<usize>();
    if size > MAX_TABLE {
        return Err(Error::new(Kind::File, "the bundle is too long to be injected")
            .found(format!("{size} bytes of JSON"))
            .wanted(format!("less than {MAX_TABLE}")));
    }
    let mut out = Secret::new(Vec::with_capacity(size));
    out.expose_mut().push(b'{');
    for (n, ((_, key), name)) in keys.iter().zip(&names).enumerate() {
        let json = out.expose_mut();
        json.extend_from_slice(if n == 0 { b"" } else { b"," });
        json.extend_from_slice(name.as_bytes());
        json.extend_from_slice(b":\"");
        let begin = json.len();
        json.resize(begin + text(key), 0);
        STANDARD
            .encode_slice(key.expose(), &mut json[begin..])
            .map_err(|_| Error::new(Kind::Bug, "base64 took more room than it can"))?;
        json.push(b'"');
    }
    out.expose_mut().push(b'}');
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(pairs: &[(&str, &[u8])]) -> Vec<(String, Secret<Vec<u8>>)> {
        pairs.iter().map(|(n, k)| ((*n).to_owned(), Secret::new(k.to_vec()))).collect()
    }

    // Oracle: a JSON reader, and base64's own decoder.
    #[test]
    fn a_json_reader_finds_every_key() {
        let pairs: &[(&str, &[u8])] =
            &[("disk", b"test secret"), ("a \"quoted\" ü", b"\0\xff"), ("empty", b""), ("one", b"1")];
        let made = bundle(&keys(pairs)).unwrap();
        // It never grew: one byte is spare, for the comma that the last key has not.
        assert_eq!(made.expose().capacity(), made.expose().len() + 1);
        let read: serde_json::Value = serde_json::from_slice(made.expose()).unwrap();
        assert_eq!(read["disk"], "dGVzdCBzZWNyZXQ=");
        for (name, key) in pairs {
            assert_eq!(STANDARD.decode(read[name].as_str().unwrap()).unwrap(), *key, "{name}");
        }
        assert_eq!(read.as_object().unwrap().len(), pairs.len());
    }

    #[test]
    fn nothing_twice_and_too_much_are_refused() {
        let says = |pairs: &[(&str, &[u8])]| bundle(&keys(pairs)).unwrap_err().to_string();
        assert!(says(&[]).contains("no key in the bundle"));
        assert!(says(&[("a", b"1"), ("b", b""), ("a", b"2")]).contains("the same name: found a"));
        assert!(says(&[("a", &[7; 13_000])]).contains("too long to be injected"));
    }
}
