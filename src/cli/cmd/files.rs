//! Files in and out. In: paths, `-` for standard streams. Out: bytes; files that are complete or not there.

use std::fs::File;
use std::io::{Read, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use virt_sev::{Error, Kind, Result};

/// The most that is read of a document: libvirt's own limit for a domain is far below (VIR_DOMAIN_XML, RPC 32 MiB).
const MOST: u64 = 32 << 20;

fn trouble(what: &str, path: &Path, e: std::io::Error) -> Error {
    Error::new(Kind::File, what).at(path.display().to_string()).because(e)
}

/// `tempfile` puts its own random name into its errors: the user knows only the file that was asked for.
fn plain(e: std::io::Error) -> std::io::Error {
    match e.to_string().split_once(" at path \"") {
        Some((text, _)) => std::io::Error::new(e.kind(), text.to_owned()),
        None => e,
    }
}

/// Opens a file to be read as a stream; `-` is standard input.
pub(crate) fn open(what: &str, path: &Path) -> Result<File> {
    let opened = if path == Path::new("-") {
        // Not /dev/stdin: that cannot be opened where standard input is a socket.
        std::io::stdin().as_fd().try_clone_to_owned().map(File::from)
    } else {
        File::open(path)
    };
    let file = opened.map_err(|e| trouble(&format!("the {what} cannot be opened"), path, e))?;
    // A folder opens, and fails only when it is read, with a text that names no file.
    match file.metadata() {
        Ok(m) if m.is_dir() => {
            Err(Error::new(Kind::File, format!("the {what} is a folder")).at(path.display().to_string()))
        }
        _ => Ok(file),
    }
}

/// Reads a whole document; `-` is standard input.
pub(crate) fn read(what: &str, path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(what, path)?
        .take(MOST + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| trouble(&format!("the {what} cannot be read"), path, e))?;
    if bytes.len() as u64 > MOST {
        return Err(Error::new(Kind::File, format!("the {what} is too large"))
            .at(path.display().to_string())
            .wanted(format!("at most {} MiB", MOST >> 20)));
    }
    Ok(bytes)
}

/// Reads a document as text.
pub(crate) fn read_text(what: &str, path: &Path) -> Result<String> {
    String::from_utf8(read(what, path)?).map_err(|e| {
        Error::new(Kind::File, format!("the {what} is not UTF-8 text"))
            .at(path.display().to_string())
            .because(e.utf8_error())
    })
}

/// Writes a file, complete or not at all: a new one with `mode`, an existing one with the mode it has.
pub(crate) fn write(what: &str, path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    // A symbolic link keeps pointing: the file behind it is replaced.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let fail = |e: std::io::Error| trouble(&format!("the {what} cannot be written"), path, plain(e));
    let mode = std::fs::metadata(&target).map_or(mode, |m| m.permissions().mode() & 0o7777);
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut draft = tempfile::Builder::new().prefix(".virt-sev.").tempfile_in(folder).map_err(fail)?;
    draft.write_all(bytes).map_err(fail)?;
    draft.as_file().set_permissions(std::fs::Permissions::from_mode(mode)).map_err(fail)?;
    draft.as_file().sync_all().map_err(fail)?;
    draft.persist(&target).map_err(|e| fail(e.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_error_names_no_temporary_file() {
        let e = super::write("answer", std::path::Path::new("/nowhere/at/all"), b"", 0o600)
            .map_err(|e| e.to_string());
        assert!(
            e.as_ref()
                .is_err_and(|e| e.starts_with("/nowhere/at/all: the answer") && !e.contains(".virt-sev.")),
            "{e:?}"
        );
    }
}
