//! The golden cases as they lie in `tests/cases/`. In: a folder. Out: keys, options, host. Never: an answer.

use std::path::{Path, PathBuf};
use virt_sev::Error;
use virt_sev::config::{self, SevConfig};
use virt_sev::host::{HostFacts, RootProbe};
use virt_sev::plan::Options;

/// `tests/`, seen from any package of the workspace.
pub(crate) fn tests() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().map(|a| a.join("tests")).find(|t| t.join("cases").is_dir()).unwrap()
}

/// Every case, in order.
pub(crate) fn cases() -> Vec<PathBuf> {
    let folder = tests().join("cases");
    let mut all: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    all.retain(|p| p.is_dir());
    all.sort();
    assert!(all.len() >= 100, "only {} cases in {}", all.len(), folder.display());
    all
}

/// A file of a case, if it is there.
pub(crate) fn read(case: &Path, file: &str) -> Option<String> {
    std::fs::read_to_string(case.join(file)).ok()
}

/// The keys of a case, by the program's own readers.
pub(crate) fn keys(case: &Path) -> Result<SevConfig, Error> {
    let text = read(case, "config.yaml").unwrap();
    let config = config::resolve(&config::from_document(&text, "config.yaml")?)?;
    Ok(config.unwrap_or_else(|| panic!("{} does not ask for SEV", case.display())))
}

pub(crate) fn options(case: &Path) -> Options {
    let skip = read(case, "skip.txt").unwrap_or_default();
    Options {
        skip: skip.split_whitespace().map(str::to_owned).collect(),
        record: read(case, "record.txt").is_some(),
        ..Options::default()
    }
}

/// Nobody's host, or the folder below `tests/roots/` that the case names.
pub(crate) fn host(case: &Path) -> HostFacts {
    let Some(name) = read(case, "host.txt") else { return HostFacts::not_asked() };
    let root = tests().join("roots").join(name.trim());
    assert!(root.is_dir(), "{} is not there", root.display());
    HostFacts::gather(&RootProbe::new(root), &[])
}
