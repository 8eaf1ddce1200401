//! New images: disks by qemu-img, cloud-init's seed by xorriso. In: a request. Out: [`Made`]: files that were not
//! there before, private to their owner. Never: a file that is there already, or half an image under its name.

use crate::cmd::files;
use serde_json::json;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::NamedTempFile;
use virt_sev::generate::{Creation, Disk, Request, Seed, SeedSources};
use virt_sev::{Error, Kind, Result};

/// Images that are there now, and go again when this is dropped before [`Made::keep`].
#[derive(Debug, Default)]
pub(super) struct Made {
    paths: Vec<PathBuf>,
}

impl Made {
    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Everything else went well.
    pub(super) fn keep(&mut self) {
        self.paths.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for path in &self.paths {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Makes every image under a name of its own, and only then gives them theirs.
pub(super) fn create(request: &Request) -> Result<Made> {
    let disks: Vec<(&Disk, &Creation)> =
        request.disks.iter().filter_map(|d| Some((d, d.creation.as_ref()?))).collect();
    let seed: Option<(&Seed, &SeedSources)> =
        request.seed.as_ref().and_then(|s| Some((s, s.sources.as_ref()?)));
    let paths = disks.iter().map(|(d, _)| d.path.as_str()).chain(seed.iter().map(|(s, _)| s.path.as_str()));
    let wrong = paths.map(Path::new).filter(|p| p.symlink_metadata().is_ok()).map(there).collect();
    if let Some(e) = Error::many(wrong) {
        return Err(e);
    }
    let mut drafts = Vec::new();
    for (disk, creation) in disks {
        drafts.push((Path::new(&disk.path), image(disk, creation)?));
    }
    if let Some((seed, sources)) = seed {
        drafts.push((Path::new(&seed.path), seed_image(seed, sources, &request.name)?));
    }
    let mut made = Made::default();
    for (path, file) in drafts {
        file.persist_noclobber(path).map_err(|e| {
            if e.error.kind() == ErrorKind::AlreadyExists { there(path) } else { unwritable(path, e.error) }
        })?;
        made.paths.push(path.to_owned());
    }
    Ok(made)
}

/// Refuses an answer that would be written over one of the files that the domain needs. Asked when those that are created
/// are there, so that a link to one is seen.
pub(super) fn apart(request: &Request, answer: &Path) -> Result<()> {
    let place = real(answer);
    let wrong = request.files().into_iter().map(Path::new).find(|path| real(path) == place);
    wrong.map_or(Ok(()), |path| {
        let e = Error::new(Kind::Usage, "the answer would be written over a file that the domain needs");
        Err(e.at(path.display().to_string()).wanted("another file for the answer"))
    })
}

/// Where a file is, or would be.
fn real(path: &Path) -> PathBuf {
    let folder = || {
        let folder = path.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(folder.canonicalize().ok()?.join(path.file_name()?))
    };
    path.canonicalize().ok().or_else(folder).unwrap_or_else(|| path.to_owned())
}

fn there(path: &Path) -> Error {
    Error::new(Kind::File, "the image is there already, and is not written over")
        .at(path.display().to_string())
        .hint("Use it as it is, without a size, backing or user-data; or name a new file.")
}

fn unwritable(path: &Path, e: std::io::Error) -> Error {
    Error::new(Kind::File, "the image cannot be written")
        .at(path.display().to_string())
        .because(files::plain(e))
}

/// A private file in the folder where the image is to be, so that its name can be given at once.
fn draft(path: &Path) -> Result<NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let made = tempfile::Builder::new().prefix(".virt-sev.").tempfile_in(folder);
    made.map_err(|e| unwritable(path, e))
}

fn image(disk: &Disk, creation: &Creation) -> Result<NamedTempFile> {
    let path = Path::new(&disk.path);
    let draft = draft(path)?;
    let mut command = Command::new("qemu-img");
    command.args(["create", "-q", "-f", disk.format.as_str()]);
    if let Some((base, format)) = &creation.backing {
        command.args(["-b", base, "-F", format.as_str()]);
    }
    command.arg(draft.path()).args(creation.size.map(|s| s.to_string())).stdin(Stdio::null());
    let run = command.env("LC_ALL", "C").output().map_err(|e| {
        missing(
            "qemu-img",
            &e,
            "Debian: qemu-utils; Fedora: qemu-img. Or create the disk yourself and leave out its size.",
        )
    })?;
    if run.status.success() {
        return Ok(draft);
    }
    // The draft's own name means nothing to anybody.
    let said = String::from_utf8_lossy(&run.stderr).replace(&*draft.path().to_string_lossy(), &disk.path);
    Err(Error::new(Kind::File, "qemu-img cannot create the image")
        .at(&disk.path)
        .because(said.trim().to_owned()))
}

fn missing(program: &str, e: &std::io::Error, hint: &str) -> Error {
    let what = if e.kind() == ErrorKind::NotFound { "is not installed" } else { "cannot be started" };
    let error = Error::new(Kind::Hypervisor, format!("{program} {what}")).hint(hint);
    if e.kind() == ErrorKind::NotFound { error } else { error.because(e.to_string()) }
}

/// Programs that write ISO 9660 and take mkisofs's options.
const ISO: &[(&str, &[&str])] = &[("xorriso", &["-as", "mkisofs"]), ("genisoimage", &[]), ("mkisofs", &[])];

/// An image with the label and the files that cloud-init looks for (cloud-init's documentation, "NoCloud").
fn seed_image(seed: &Seed, sources: &SeedSources, name: &str) -> Result<NamedTempFile> {
    let path = Path::new(&seed.path);
    // Only its owner can look into it: the user data may hold secrets.
    let folder = tempfile::tempdir().map_err(|e| unwritable(path, e))?;
    let mut names = Vec::new();
    let mut put = |file: &'static str, bytes: &[u8]| {
        names.push(file);
        std::fs::write(folder.path().join(file), bytes).map_err(|e| unwritable(path, e))
    };
    put("user-data", &files::read("user data", Path::new(&sources.user_data))?)?;
    match &sources.meta_data {
        Some(file) => put("meta-data", &files::read("meta data", Path::new(file))?)?,
        None => put("meta-data", meta_data(name).as_bytes())?,
    }
    if let Some(file) = &sources.network_config {
        put("network-config", &files::read("network configuration", Path::new(file))?)?;
    }
    let draft = draft(path)?;
    for (program, first) in ISO {
        let image = File::options().write(true).truncate(true).open(draft.path());
        let image = image.map_err(|e| unwritable(path, e))?;
        let mut command = Command::new(program);
        command.args(*first).args(["-quiet", "-V", "cidata", "-J", "-r"]).args(&names);
        // The same files give the same image: 1980 is where FAT begins, and no program takes it for unset.
        command
            .env("SOURCE_DATE_EPOCH", "315532800")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(image);
        match command.output() {
            Ok(run) if run.status.success() => return Ok(draft),
            Ok(run) => {
                let said = String::from_utf8_lossy(&run.stderr).trim().to_owned();
                return Err(Error::new(Kind::File, format!("{program} cannot make the seed"))
                    .at(&seed.path)
                    .because(said));
            }
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(missing(program, &e, "Or make the seed yourself and leave out user-data.")),
        }
    }
    let e = std::io::Error::from(ErrorKind::NotFound);
    Err(missing(
        "xorriso",
        &e,
        "Neither are genisoimage and mkisofs. Or make the seed yourself and leave out user-data.",
    ))
}

/// Who the guest is. JSON is YAML, and quotes what a name may hold. A name that is no host name is not made one.
fn meta_data(name: &str) -> String {
    let label = |l: &str| !l.is_empty() && l.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let mut data = json!({ "instance-id": name });
    if name.split('.').all(label) {
        data["local-hostname"] = json!(name);
    }
    format!("{data}\n")
}
