//! The other programs of virt-sev. In: a name. Out: where it is.

use std::path::PathBuf;
use virt_sev::{Error, Kind, Result};

/// Another program of ours: beside this one (a build folder), or where `make install` puts it.
///
/// # Errors
/// `kind` where it is not there.
pub(crate) fn beside(program: &str, kind: Kind) -> Result<PathBuf> {
    let places = places(program);
    places.iter().find(|p| p.is_file()).cloned().ok_or_else(|| {
        Error::new(kind, format!("{program} is not installed"))
            .wanted(places.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(" or "))
            .hint("`make install` installs all programs of virt-sev together; of its packages, virt-sev-hooks has the hooks.")
    })
}

fn places(program: &str) -> Vec<PathBuf> {
    let Ok(own) = std::env::current_exe() else { return Vec::new() };
    let Some(folder) = own.parent() else { return Vec::new() };
    let mut places = vec![folder.join(program)];
    if let Some(prefix) = folder.parent() {
        places.push(prefix.join("libexec/virt-sev").join(program));
        places.push(prefix.join("lib/virt-sev").join(program));
    }
    places
}
