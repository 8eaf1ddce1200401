//! Files. In: paths, `-` for standard input. Out: bytes or text, bounded; a file replaced. Never: a folder that seems to be an
//! empty file, or half a file.

use crate::draft::Draft;
use crate::measure::Digest32;
use crate::measure::sev::launch_digest;
use crate::{Error, Kind, Result};
use std::fs::{self, File, Permissions};
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::Path;

/// The most that is read of a document: libvirt's own limit for a domain is far below (VIR_DOMAIN_XML, RPC 32 MiB).
const MOST: u64 = 32 << 20;

/// The most that is read of everything else: what passes between owner and host has some KiB, domain capabilities some
/// hundred, and a parser of JSON takes thirty times the memory of its text.
const MOST_OF_SHORT: u64 = 1 << 20;

/// A file's name for people.
pub fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".into() } else { path.display().to_string() }
}

fn trouble(what: &str, path: &Path, e: std::io::Error) -> Error {
    Error::new(Kind::File, what).at(shown(path)).because(e)
}

/// Opens a file to be read as a stream; `-` is standard input.
pub fn open(what: &str, path: &Path) -> Result<File> {
    let opened = if path == Path::new("-") {
        // Not /dev/stdin: that cannot be opened where standard input is a socket.
        std::io::stdin().as_fd().try_clone_to_owned().map(File::from)
    } else {
        File::open(path)
    };
    let file = opened.map_err(|e| trouble(&format!("the {what} cannot be opened"), path, e))?;
    // A folder opens, and fails only when it is read, with a text that names no file.
    match file.metadata() {
        Ok(m) if m.is_dir() => Err(Error::new(Kind::File, format!("the {what} is a folder")).at(shown(path))),
        _ => Ok(file),
    }
}

/// Opens a file that somebody else has named: a pipe or a device there would keep whoever reads it waiting for ever.
pub fn open_regular(what: &str, path: &Path) -> Result<File> {
    match fs::metadata(path) {
        Ok(m) if !m.is_file() && !m.is_dir() => {
            Err(Error::new(Kind::File, format!("the {what} is no regular file")).at(shown(path)))
        }
        _ => open(what, path),
    }
}

/// Reads a whole document; `-` is standard input.
pub fn read(what: &str, path: &Path) -> Result<Vec<u8>> {
    read_up_to(MOST, what, path)
}

/// Reads what has no reason to be long: reports and certificates, which a stranger may have made.
pub fn read_short(what: &str, path: &Path) -> Result<Vec<u8>> {
    read_up_to(MOST_OF_SHORT, what, path)
}

pub(crate) fn read_up_to(most: u64, what: &str, path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(what, path)?
        .take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| trouble(&format!("the {what} cannot be read"), path, e))?;
    if bytes.len() as u64 > most {
        let limit =
            if most >> 20 > 0 { format!("{} MiB", most >> 20) } else { format!("{} KiB", most >> 10) };
        return Err(Error::new(Kind::File, format!("the {what} is too large"))
            .at(shown(path))
            .wanted(format!("at most {limit}")));
    }
    Ok(bytes)
}

/// Replaces a file that is there, complete or not at all, by one with its mode and, for root, its owner. Of a symbolic link
/// the file that it names is replaced. It is not synced: whoever waits for it reads it at once, and it is gone with the machine.
pub fn replace(what: &str, path: &Path, bytes: &[u8]) -> Result<()> {
    let fail = |e: std::io::Error| trouble(&format!("the {what} cannot be replaced"), path, e);
    let target = fs::canonicalize(path).map_err(fail)?;
    let known = target.metadata().map_err(fail)?;
    if !known.is_file() {
        return Err(Error::new(Kind::File, format!("the {what} is no file")).at(shown(path)));
    }
    let draft = Draft::fleeting(&target, bytes, 0o600).map_err(fail)?;
    let file = draft.lock().map_err(fail)?;
    // Everybody else's files are their own already.
    let _ = fchown(&file, Some(known.uid()), Some(known.gid()));
    file.set_permissions(Permissions::from_mode(known.mode() & 0o7777)).map_err(fail)?;
    fs::rename(draft.path(), &target).map_err(fail)
}

/// SHA-256 of a firmware image, as it is measured.
pub fn firmware_digest(path: &Path) -> Result<Digest32> {
    measured(open("firmware", path)?, path)
}

/// The same of the image that a domain names.
pub fn named_firmware_digest(path: &Path) -> Result<Digest32> {
    measured(open_regular("firmware", path)?, path)
}

fn measured(mut image: File, path: &Path) -> Result<Digest32> {
    launch_digest(&mut image, None, None).map_err(|e| e.at(shown(path)))
}

/// Refuses a text that came some other way than out of a file, where [`read_short`] would refuse it.
pub fn short(what: &str, text: &str) -> Result<()> {
    if text.len() as u64 > MOST_OF_SHORT {
        return Err(Error::new(Kind::File, format!("the {what} is too large"))
            .wanted(format!("at most {} MiB", MOST_OF_SHORT >> 20)));
    }
    Ok(())
}

/// The same as text.
pub fn read_text(what: &str, path: &Path) -> Result<String> {
    String::from_utf8(read_short(what, path)?).map_err(|e| {
        Error::new(Kind::File, format!("the {what} is not UTF-8 text"))
            .at(path.display().to_string())
            .because(e.utf8_error())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// 30 MB of JSON as evidence took a gigabyte of memory.
    #[test]
    fn what_has_no_reason_to_be_long_is_not_read_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let (long, most) = (dir.path().join("long"), 1 << 20);
        fs::write(&long, vec![b' '; most]).unwrap();
        assert_eq!(read_text("evidence", &long).unwrap().len(), most);
        fs::File::create(&long).unwrap().set_len(4 << 30).unwrap();
        for result in [read_text("evidence", &long).map(drop), read_short("report", &long).map(drop)] {
            assert!(result.unwrap_err().to_string().contains("is too large: wanted at most 1 MiB"));
        }
    }
}
