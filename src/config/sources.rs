//! All sources of keys, read and laid over each other. In: metadata, files, `--set`. Out: [`RawConfig`].
//! Never: the meaning of a key. The only file of this folder that touches the file system.

use super::from_metadata::from_metadata;
use super::import::{self, Format};
use super::raw::RawConfig;
use super::types::SevConfig;
use super::{from_set, resolve, yaml};
use crate::finding::{Finding, Severity};
use crate::{Error, Kind, Result, files};
use std::path::{Path, PathBuf};

/// Where keys come from, lowest first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sources<'a> {
    /// The domain's XML, or its metadata element, unless `--no-metadata`.
    pub metadata: Option<&'a str>,
    /// `--config FILE`, in order; `-` is standard input.
    pub files: &'a [PathBuf],
    /// `--config-format`, for every one of them.
    pub format: Format,
    /// `--set KEY=VALUE`, in order.
    pub sets: &'a [String],
}

/// Reads every source. Of two that set the same key the later wins: metadata, files, sets.
///
/// # Errors
/// Every problem of every source at once.
pub fn load(sources: Sources<'_>) -> Result<RawConfig> {
    let mut problems = Vec::new();
    let raw = gather(sources, &mut problems);
    match Error::many(problems) {
        Some(error) => Err(error),
        None => Ok(raw),
    }
}

/// [`load`] and [`resolve`](super::resolve()) in one, so that problems of form and of meaning are told together.
///
/// # Errors
/// Every problem of every source and of the keys.
pub fn load_and_resolve(sources: Sources<'_>) -> Result<Option<SevConfig>> {
    load_with_notes(sources).map(|loaded| loaded.config)
}

/// What the sources mean, and what they said beyond their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// What the keys ask for; `None`: nothing.
    pub config: Option<SevConfig>,
    /// Foreign settings without a key, profiles that are missing.
    pub notes: Vec<Finding>,
}

/// [`load_and_resolve`], with the notes.
///
/// # Errors
/// Every problem of every source and of the keys.
pub fn load_with_notes(sources: Sources<'_>) -> Result<Loaded> {
    let mut problems = Vec::new();
    let raw = gather(sources, &mut problems);
    resolve_noting(&raw, problems)
}

/// [`resolve`](super::resolve()) of sources that the caller has laid over each other, with their notes.
///
/// # Errors
/// Every problem of the keys.
pub fn resolve_with_notes(raw: &RawConfig) -> Result<Loaded> {
    resolve_noting(raw, Vec::new())
}

fn resolve_noting(raw: &RawConfig, mut problems: Vec<Error>) -> Result<Loaded> {
    let config = resolve::resolve_into(raw, &mut problems);
    match Error::many(problems) {
        // A key that hangs in the air may be waiting for a profile that is not there.
        Some(error) => Err(raw
            .notes()
            .iter()
            .filter(|n| n.severity == Severity::Warning)
            .fold(error, |e, n| e.and_hint(format!("{}: {}. {}", n.path, n.title, n.fix)))),
        None => Ok(Loaded { config, notes: raw.notes().to_vec() }),
    }
}

fn gather(sources: Sources<'_>, problems: &mut Vec<Error>) -> RawConfig {
    let mut raw = RawConfig::new();
    let mut lay = |result: Result<RawConfig>, problems: &mut Vec<Error>| match result {
        Ok(higher) => raw.overlay(higher),
        Err(error) => problems.push(error),
    };
    if let Some(xml) = sources.metadata {
        lay(from_metadata(xml, "metadata"), problems);
    }
    let mut input = Input::default();
    // Not each by itself: a profile in one file serves an instance in another.
    let mut parts = Vec::new();
    for file in sources.files {
        match input.text(file).and_then(|(text, name)| import::read(&text, &name, sources.format)) {
            Ok(more) => parts.extend(more),
            Err(error) => problems.push(error),
        }
    }
    lay(import::assemble(parts), problems);
    for set in sources.sets {
        lay(from_set::from_set(set, |path| input.bytes("value", path, from_set::LONGEST)), problems);
    }
    raw
}

/// Reads files, and standard input once.
#[derive(Default)]
struct Input {
    stdin_is_read: bool,
}

impl Input {
    fn text(&mut self, file: &Path) -> Result<(String, String)> {
        let name = files::shown(file);
        let bytes = self.bytes("configuration", file, yaml::LONGEST)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Error::new(Kind::File, "not text in UTF-8").at(&name).wanted("YAML, JSON or XML"))?;
        Ok((text, name))
    }

    fn bytes(&mut self, what: &str, file: &Path, longest: usize) -> Result<Vec<u8>> {
        if file == Path::new("-") && std::mem::replace(&mut self.stdin_is_read, true) {
            return Err(Error::new(Kind::Usage, "standard input can be read only once").at("-"));
        }
        files::read_up_to(longest as u64, what, file)
    }
}
