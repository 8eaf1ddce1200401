//! The socket that `virt-launcher` looks for. In: a folder. Out: a listener. Never: a second name in the folder, which
//! `virt-launcher` would take for a second sidecar; the place of a sidecar that lives.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use virt_sev::{Error, Kind, Result};

/// The same after a restart: `virt-launcher` looks once.
const NAME: &str = "virt-sev.sock";

/// A socket of ours. Its file goes with it.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) path: PathBuf,
    inode: u64,
}

impl Socket {
    /// Listens. What a killed sidecar left is replaced.
    pub(crate) fn listen(folder: &Path) -> Result<(Self, UnixListener)> {
        let path = folder.join(NAME);
        let wrong = |message: &str| Error::new(Kind::File, message).at(path.display().to_string());
        if !folder.is_dir() {
            return Err(Error::new(Kind::File, "the folder of KubeVirt's hooks is not there")
                .at(folder.display().to_string())
                .hint("KubeVirt mounts it into the containers that hooks.kubevirt.io/hookSidecars names. Elsewhere: --directory DIR."));
        }
        if let Ok(found) = fs::symlink_metadata(&path) {
            if !found.file_type().is_socket() {
                return Err(wrong("this is no socket").hint("Something else put it there: remove it."));
            }
            match UnixStream::connect(&path) {
                Err(e) if e.kind() == ErrorKind::ConnectionRefused => {
                    fs::remove_file(&path)
                        .map_err(|e| wrong("the socket of a killed sidecar stays").because(e))?;
                }
                _ => {
                    return Err(
                        wrong("another sidecar of virt-sev lives here").hint("One is enough for a machine.")
                    );
                }
            }
        }
        let here = |e| {
            wrong("the socket cannot be made")
                .because(e)
                .hint("The folder must be writable for this container's user.")
        };
        let listener = UnixListener::bind(&path).map_err(here)?;
        // virt-launcher may be another user, and not one that permissions do not stop; the folder is the pod's own.
        fs::set_permissions(&path, Permissions::from_mode(0o666)).map_err(here)?;
        listener.set_nonblocking(true).map_err(here)?;
        let inode = fs::symlink_metadata(&path).map_err(here)?.ino();
        Ok((Self { path, inode }, listener))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|now| now.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
