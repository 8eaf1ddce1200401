//! Where this program keeps its own files. In: an environment. Out: a folder. Never: a relative path.
//!
//! XDG base directory specification: a variable that is not an absolute path counts as not set.

use crate::{Error, Kind, Result};
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// One kind of files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The variable of the specification.
    pub(super) variable: &'static str,
    /// Root's folder.
    pub(super) root: &'static str,
    /// Everybody else's, below the home folder.
    pub(super) home: &'static str,
    /// What it is, for an error.
    pub(super) what: &'static str,
}

impl Place {
    pub(super) fn folder_for(
        &self,
        env: impl Fn(&str) -> Option<OsString>,
        is_root: bool,
    ) -> Result<PathBuf> {
        let absolute = |name: &str| env(name).map(PathBuf::from).filter(|p| p.is_absolute());
        if let Some(base) = absolute(self.variable) {
            return Ok(base.join("virt-sev"));
        }
        if is_root {
            return Ok(PathBuf::from(self.root));
        }
        absolute("HOME").map(|home| home.join(self.home)).ok_or_else(|| {
            Error::new(Kind::File, format!("there is no folder for {}", self.what))
                .hint(format!("Set HOME or {} to an absolute path.", self.variable))
        })
    }

    /// The folder of this process. It runs as root when root owns its `/proc/self`: the kernel gives that folder to the
    /// process's effective user (proc(5)), and this program is never set-user-ID.
    pub(super) fn folder(&self) -> Result<PathBuf> {
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0);
        self.folder_for(|name| std::env::var_os(name), is_root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    const PLACE: Place =
        Place { variable: "XDG_X_HOME", root: "/var/x/virt-sev", home: ".x/virt-sev", what: "x" };

    #[test]
    fn the_variable_then_roots_then_the_home_folder() {
        let folder = |env: &[(&str, &str)], root: bool| {
            let env: HashMap<_, _> = env.iter().copied().collect();
            let env = |n: &str| env.get(n).map(Into::into);
            PLACE.folder_for(env, root).map(|p| p.display().to_string()).ok()
        };
        let home = ("HOME", "/home/u");
        for root in [false, true] {
            assert_eq!(folder(&[("XDG_X_HOME", "/s"), home], root).unwrap(), "/s/virt-sev");
        }
        assert_eq!(folder(&[home], true).unwrap(), "/var/x/virt-sev");
        for variable in [("A", "b"), ("XDG_X_HOME", ""), ("XDG_X_HOME", "rel")] {
            assert_eq!(folder(&[variable, home], false).unwrap(), "/home/u/.x/virt-sev");
        }
        assert_eq!(folder(&[], false), None);
        assert_eq!(folder(&[("HOME", "rel")], false), None);
    }
}
