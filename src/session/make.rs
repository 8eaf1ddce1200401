//! A session from files, or from what libvirt says, to files. In: a platform's certificates. Out: the files of a fresh session.
//! Never: keys for an unverified platform unless somebody insists, or a network.

use super::cache::CekCache;
use super::chain::{Chain, Report};
use super::chip::ChipId;
use super::create::{MadeFor, create};
use super::gather::{Input, gather};
use super::roots::Roots;
use crate::config::SevPolicy;
use crate::files;
use crate::host::NodeSev;
use crate::{Error, Kind, Result, hex};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What a chain has to lead to, and where its signed CEK comes from. Each field is the option of its name.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// ASK and ARK of another root than AMD's.
    pub ca: Option<PathBuf>,
    /// The chip's CEK with AMD's signature.
    pub cek: Option<PathBuf>,
    /// The chip's identity in hexadecimal, where the certificates do not tell it.
    pub chip_id: Option<String>,
}

impl Trust {
    /// AMD's roots, and the one of `ca`.
    ///
    /// # Errors
    /// `Kind::File`, `Kind::Certificate`.
    pub fn roots(&self) -> Result<Roots> {
        let mut roots = Roots::built_in()?;
        if let Some(ca) = &self.ca {
            roots.add(&ca.display().to_string(), &files::read_short("root certificates", ca)?)?;
        }
        Ok(roots)
    }

    /// Puts the signed CEK into a chain that has it unsigned: from `cek`, or from those kept, whose file is told.
    /// Without either the chain stays as it is, and its verification says what to do.
    ///
    /// # Errors
    /// `Kind::Usage` for an identity that is none; `Kind::File`, `Kind::Certificate`.
    pub fn complete(&self, chain: Chain) -> Result<(Chain, Option<PathBuf>)> {
        let given = self.chip_id.as_deref().map(ChipId::parse).transpose().map_err(|e| e.at("--chip-id"))?;
        let mut chain = chain.of_chip(given);
        if let Some(path) = &self.cek {
            chain
                .replace_cek(&files::read_short("CEK", path)?)
                .map_err(|e| e.at(path.display().to_string()))?;
            return Ok((chain, None));
        }
        if chain.has_signed_cek() {
            return Ok((chain, None));
        }
        let kept = Self::cache().and_then(|cache| cache.complete(&mut chain));
        Ok((chain, kept))
    }

    /// The CEKs that are kept. Without a folder of one's own nothing is; that is no reason to stop.
    #[must_use]
    pub fn cache() -> Option<CekCache> {
        CekCache::default_folder().ok().map(|folder| CekCache::below(&folder))
    }
}

/// The chain in these files.
///
/// # Errors
/// `Kind::File`; as [`gather`].
pub fn read(paths: &[PathBuf]) -> Result<Chain> {
    if paths.iter().filter(|p| *p == Path::new("-")).count() > 1 {
        return Err(Error::new(Kind::Usage, "standard input can be read only once").at("-"));
    }
    let files: Vec<(String, Vec<u8>)> = paths
        .iter()
        .map(|path| Ok((files::shown(path), files::read_short("certificate chain", path)?)))
        .collect::<Result<_>>()?;
    let inputs: Vec<Input<'_>> = files.iter().map(|(name, bytes)| Input { name, bytes }).collect();
    gather(&inputs)
}

/// The chain that libvirt has of a platform; `uri` names it in errors.
///
/// # Errors
/// As [`gather`].
pub fn of_node(node: NodeSev, uri: &str) -> Result<Chain> {
    let bytes = [node.pdh, node.cert_chain].concat();
    let chain = gather(&[Input { name: uri, bytes: &bytes }])?;
    Ok(chain.of_chip(ChipId::from_bytes(&node.cpu0_id)))
}

/// What a chain's verification says, in one line.
#[must_use]
pub fn verdict(report: &Report<'_>) -> String {
    match report.root().filter(|_| report.verified()) {
        Some(root) if root.built_in => format!("verified to AMD's root {}", root.name),
        Some(root) => format!("verified to {}, which is not one of AMD's roots", root.name),
        None => "not verified".to_owned(),
    }
}

/// What session is wanted.
#[derive(Debug, Clone)]
pub struct Order {
    /// The guest's policy.
    pub policy: u32,
    /// The folder for its files; made where it is missing.
    pub folder: PathBuf,
    /// One more file, with all that the host needs.
    pub bundle: Option<PathBuf>,
    /// The owner's copy of the firmware image, whose SHA-256 goes into the bundle.
    pub firmware: Option<PathBuf>,
    /// A chain that is not verified will do.
    pub insecure: bool,
}

/// A session that was made.
#[derive(Debug)]
pub struct Made {
    /// Its name: a hash of its blob.
    pub session: String,
    /// What the platform's chain leads to.
    pub platform: String,
    /// Why the chain is not verified, where that was permitted.
    pub warning: Option<Error>,
    /// SHA-256 of the platform's PDH.
    pub pdh: String,
    /// The policy that it is bound to.
    pub policy: u32,
    /// The files.
    pub files: Vec<PathBuf>,
}

impl Made {
    /// The JSON answer of `session`, without its schema.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "session": self.session,
            "platform": self.platform,
            "pdh": self.pdh,
            "policy": format!("{:#x}", self.policy),
            "warning": self.warning.as_ref().map(ToString::to_string),
            "files": self.files.iter().map(|p| p.display().to_string()).collect::<Vec<_>>(),
        })
    }
}

/// Makes one.
///
/// # Errors
/// `Kind::Config` for a policy with reserved bits; `Kind::Certificate` for a chain that is not verified; `Kind::File`. No
/// file is left then.
pub fn make(chain: &Chain, roots: &Roots, order: &Order) -> Result<Made> {
    check_policy(order.policy)?;
    let report = chain.check(roots);
    let verdict = verdict(&report);
    // The name of another root is a path of this machine, which is nobody else's business.
    let root = report.root().filter(|r| report.verified() && r.built_in).map(|r| r.name.clone());
    let (platform, warning) = match report.into_error() {
        None => (verdict, None),
        Some(e) if order.insecure => ("not verified (--insecure)".to_owned(), Some(e)),
        Some(e) => return Err(e),
    };
    let firmware = order.firmware.as_deref().map(files::firmware_digest).transpose()?;
    let session = create(chain.pdh(), order.policy)?;
    let made_for = MadeFor { pdh: chain.pdh(), root: root.as_deref(), firmware: firmware.as_ref() };
    let text = session.bundle(&made_for)?;
    let bundle = order.bundle.as_deref().map(|path| (path, text.as_str()));
    Ok(Made {
        files: session.write(&order.folder, bundle)?,
        session: session.blob.id(),
        platform,
        warning,
        pdh: hex::encode(&chain.pdh().fingerprint()),
        policy: order.policy,
    })
}

/// Refuses a policy that no firmware takes.
///
/// # Errors
/// `Kind::Config`, with the bits.
pub fn check_policy(policy: u32) -> Result<()> {
    // Bits 16 to 31 are the lowest firmware API version.
    let reserved = policy & SevPolicy::RESERVED;
    if reserved != 0 {
        return Err(Error::new(Kind::Config, "the policy sets reserved bits")
            .at("--policy")
            .found(format!("{policy:#x}"))
            .wanted(format!("bits 6 to 15 clear; {reserved:#x} are set")));
    }
    Ok(())
}
