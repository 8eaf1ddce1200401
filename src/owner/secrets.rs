//! A secret from where `GUID-OR-ALIAS:PATH` says it is. In: a file, or a folder of keys. Out: the secret.
//! Never: a key that is left out because it could not be read.

use crate::files;
use crate::inject::bundle::bundle;
use crate::inject::table::{SecretSpec, SecretTable, read_secret};
use crate::redact::Secret;
use crate::{Error, Kind, Result};
use std::ffi::OsStr;
use std::path::Path;

/// The most keys of a folder. A packet has 16 KiB, and a key takes 10 bytes of it at the least.
const MOST_KEYS: usize = 2048;

/// The table of the secrets that `NAME:PATH` names; read before anything is started.
///
/// # Errors
/// `Kind::Usage` for a text that names none, and for a name that stands already; `Kind::File`.
pub fn table(specs: &[String]) -> Result<SecretTable> {
    let mut table = SecretTable::new();
    for text in specs {
        let spec = SecretSpec::parse(OsStr::new(text))?;
        table.add(spec.guid, read(&spec.path)?)?;
    }
    Ok(table)
}

/// A file as it is; a folder as a bundle with one key for each of its files.
///
/// # Errors
/// `Kind::File`, with the place.
pub fn read(path: &Path) -> Result<Secret<Vec<u8>>> {
    if path.is_dir() { folder(path) } else { file(path) }
}

fn file(path: &Path) -> Result<Secret<Vec<u8>>> {
    read_secret(&mut files::open("secret", path)?).map_err(|e| e.at(path.display().to_string()))
}

fn folder(path: &Path) -> Result<Secret<Vec<u8>>> {
    let place = || path.display().to_string();
    let unreadable = |e: std::io::Error| {
        Error::new(Kind::File, "the folder of keys cannot be read").at(place()).because(e)
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let name = name.into_string().map_err(|odd| {
            Error::new(Kind::File, "the name of a key is not UTF-8")
                .at(path.join(odd).display().to_string())
                .hint("The name of the file is the key's name in the bundle, which is JSON.")
        })?;
        // Kubernetes mounts a secret as a folder whose hidden entries are its own.
        if !name.starts_with('.') {
            names.push(name);
        }
        if names.len() > MOST_KEYS {
            return Err(Error::new(Kind::File, "the folder of keys holds too many files")
                .at(place())
                .wanted(format!("at most {MOST_KEYS}")));
        }
    }
    names.sort_unstable();
    let keys = names
        .into_iter()
        .map(|name| {
            let key = file(&path.join(&name))?;
            Ok((name, key))
        })
        .collect::<Result<Vec<_>>>()?;
    bundle(&keys).map_err(|e| e.at(place()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_folder_becomes_a_bundle_and_its_hidden_entries_do_not_count() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("b"), b"two").unwrap();
        fs::write(dir.path().join("a"), b"one").unwrap();
        fs::create_dir(dir.path().join("..data")).unwrap();
        assert_eq!(read(dir.path()).unwrap().expose(), br#"{"a":"b25l","b":"dHdv"}"#);
        assert_eq!(read(&dir.path().join("a")).unwrap().expose(), b"one");
    }

    #[test]
    fn what_is_no_key_is_told_with_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let says = || read(dir.path()).unwrap_err().to_string();
        let place = dir.path().display().to_string();
        assert!(says().starts_with(&format!("{place}: there is no key in the bundle")), "{}", says());
        fs::create_dir(dir.path().join("sub")).unwrap();
        assert!(says().starts_with(&format!("{place}/sub: the secret is a folder")), "{}", says());
    }
}
