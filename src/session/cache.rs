//! AMD's signed CEKs, kept. In: a chain with an unsigned CEK. Out: the same with the signed one, where it is here.
//! Never: belief in a file because it lies here: it must be this chip's CEK, and its signature is verified as any other.
//!
//! One file for each chip, `cek/ID.cert`, where ID is what the key service knows the chip by; it may be put there by hand.

use super::cert::CERT_SIZE;
use super::chain::Chain;
use super::chip::ChipId;
use super::place::Place;
use super::store;
use crate::{Error, Kind, Result};
use std::fs::{self, DirBuilder};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The kept CEKs: a folder.
#[derive(Debug, Clone)]
pub struct CekCache {
    folder: PathBuf,
}

impl CekCache {
    const PLACE: Place = Place {
        variable: "XDG_CACHE_HOME",
        root: "/var/cache/virt-sev",
        home: ".cache/virt-sev",
        what: "the signed CEKs that were fetched",
    };

    /// `$XDG_CACHE_HOME/virt-sev` where that is set, else for root `/var/cache/virt-sev`, else `~/.cache/virt-sev`.
    ///
    /// # Errors
    /// `Kind::File` when there is no home folder either.
    pub fn default_folder() -> Result<PathBuf> {
        Self::PLACE.folder()
    }

    /// The cache below this folder; it need not be there.
    #[must_use]
    pub fn below(folder: &Path) -> Self {
        Self { folder: folder.join("cek") }
    }

    /// The file of a chip.
    #[must_use]
    pub fn path(&self, id: &ChipId) -> PathBuf {
        self.folder.join(format!("{id}.cert"))
    }

    /// Puts the kept CEK into the chain, and says which file it was. A chip whose identity is not known is found by its
    /// CEK's own key.
    pub fn complete(&self, chain: &mut Chain) -> Option<PathBuf> {
        if let Some(id) = chain.chip_id() {
            let path = self.path(id);
            return match chain.replace_cek(&read(&path)?) {
                Ok(()) => Some(path),
                Err(e) => {
                    log::warn!("{}: {}; this file is of no use", path.display(), e.message());
                    None
                }
            };
        }
        let mut files: Vec<PathBuf> =
            fs::read_dir(&self.folder).ok()?.filter_map(|e| Some(e.ok()?.path())).collect();
        files.sort();
        files.into_iter().find(|path| read(path).is_some_and(|bytes| chain.replace_cek(&bytes).is_ok()))
    }

    /// Keeps the chain's CEK, complete or not at all. Verify it first: this does not.
    ///
    /// # Errors
    /// `Kind::File`.
    pub fn keep(&self, id: &ChipId, chain: &Chain) -> Result<PathBuf> {
        let path = self.path(id);
        let failed = |e: std::io::Error| {
            Error::new(Kind::File, "the signed CEK cannot be kept").at(path.display().to_string()).because(e)
        };
        DirBuilder::new().recursive(true).mode(0o755).create(&self.folder).map_err(failed)?;
        let [_, _, _, cek] = chain.certs();
        store::write_over(&path, cek.bytes()).map_err(failed)?;
        Ok(path)
    }
}

/// A file that may be a kept CEK: regular, and of its size or in base64.
fn read(path: &Path) -> Option<Vec<u8>> {
    let visible = path.file_name().is_some_and(|n| !n.as_encoded_bytes().starts_with(b"."));
    if !visible || !fs::metadata(path).is_ok_and(|m| m.is_file()) {
        return None;
    }
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(4 * CERT_SIZE as u64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::roots::Roots;
    use std::os::unix::fs::PermissionsExt;

    const ROME: &[u8] = include_bytes!("testdata/rome-platform.bin");
    const NAPLES: &[u8] = include_bytes!("testdata/naples-platform.bin");

    fn unsigned(platform: &[u8]) -> Chain {
        let mut bytes = platform.to_vec();
        bytes[3 * CERT_SIZE + 0x414..].fill(0);
        for slot in [0x414, 0x61c] {
            let at = 3 * CERT_SIZE + slot;
            bytes[at..at + 4].copy_from_slice(&0x1000u32.to_le_bytes());
        }
        Chain::parse(&bytes).unwrap()
    }

    #[test]
    fn what_was_kept_completes_the_chain_by_its_name_and_by_its_key() {
        let dir = tempfile::tempdir().unwrap();
        let cache = CekCache::below(&dir.path().join("not/yet"));
        let id = ChipId::from_bytes(&[7; 64]).unwrap();
        let mut chain = unsigned(ROME);
        assert_eq!(cache.complete(&mut chain), None);
        let path = cache.keep(&id, &Chain::parse(ROME).unwrap()).unwrap();
        assert_eq!(path.file_name().unwrap().to_str().unwrap(), format!("{}.cert", "07".repeat(64)));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777 & !0o022, 0o644);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        let roots = Roots::built_in().unwrap();
        for mut chain in [unsigned(ROME), unsigned(ROME).of_chip(Some(id.clone()))] {
            assert_eq!(cache.complete(&mut chain), Some(path.clone()));
            assert!(chain.verify(&roots).is_ok());
        }
        // Another chip's is not taken, neither by key nor by a name that lies.
        for mut chain in [unsigned(NAPLES), unsigned(NAPLES).of_chip(Some(id.clone()))] {
            assert_eq!(cache.complete(&mut chain), None);
            assert!(!chain.has_signed_cek());
        }
    }

    #[test]
    fn what_else_lies_there_is_passed_by() {
        let dir = tempfile::tempdir().unwrap();
        let cache = CekCache::below(dir.path());
        let folder = dir.path().join("cek");
        fs::create_dir_all(folder.join("a.cert")).unwrap();
        fs::write(folder.join("b.cert"), "<html>").unwrap();
        fs::write(folder.join(".half-written"), &ROME[3 * CERT_SIZE..]).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(folder.join("c.cert")).status().unwrap().success());
        assert_eq!(cache.complete(&mut unsigned(ROME)), None);
        fs::write(folder.join("d.cert"), crate::measure::to_base64(&ROME[3 * CERT_SIZE..])).unwrap();
        assert_eq!(cache.complete(&mut unsigned(ROME)), Some(folder.join("d.cert")));
        let id = ChipId::from_bytes(&[1]).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        fs::write(&folder, "").unwrap();
        assert_eq!(cache.keep(&id, &unsigned(ROME)).unwrap_err().kind(), Kind::File);
    }
}
