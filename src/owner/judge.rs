//! What the guest owner makes of a launch. In: the owner's files and options, then evidence. Out: the verdict, what the
//! policy file does not allow, and what is behind a measurement that differs.
//! Never: a verdict that an explanation changes.

use super::Expectation;
use super::boot::{self, Boot, image_contents};
use super::evidence::answer_once;
use crate::appraisal::Description;
use crate::appraisal::mismatch::{self, Cause, Image};
use crate::appraisal::policy::{Claims, Policy};
use crate::files;
use crate::host::{Fact, RealProbe, inventory};
use crate::measure::sev::Measured;
use crate::measure::verify::{Candidate, Evidence, Expected, Verdict, check, differs};
use crate::session::keys::TransportKeys;
use crate::{Error, Finding, Kind, Result, hex};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The most images that are tried where the firmware may be another, and the largest: QEMU takes no larger one (`max-fw-size`).
const MOST_IMAGES: usize = 64;
const LARGEST_IMAGE: u64 = 16 << 20;

/// What the owner expects and allows.
#[derive(Debug)]
pub struct Judge {
    /// The digests that are expected.
    pub expected: Expected,
    policy: Policy,
    parts: Option<Parts>,
}

/// What the expected digests were computed from.
#[derive(Debug)]
struct Parts {
    firmware: Measured,
    said: Description,
    image: PathBuf,
}

/// The answer.
#[derive(Debug)]
pub struct Judgement {
    /// Whether the measurement is an expected one.
    pub verdict: Verdict,
    /// What the policy file does not allow of a launch that was measured as expected.
    pub refused: Vec<Finding>,
    /// What is behind a measurement that differs.
    pub cause: Option<Cause>,
}

impl Judgement {
    /// True where the launch is as expected and allowed.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.verdict.matched() && self.refused.is_empty()
    }

    /// Why not, for whoever must act.
    #[must_use]
    pub fn refusal(&self) -> Option<Error> {
        if !self.verdict.matched() {
            return Some(differs().and_hint(self.explanation()));
        }
        let one = |f: &Finding| {
            Error::new(Kind::No, f.title.clone())
                .at(format!("policy file: {}", f.path))
                .hint(f.detail.clone())
        };
        Error::many(self.refused.iter().map(one).collect())
    }

    /// What is behind a measurement that differs, in one line.
    #[must_use]
    pub fn explanation(&self) -> String {
        explanation(self.cause.as_ref())
    }

    /// The JSON answer, without its schema.
    #[must_use]
    pub fn json(&self, evidence: &Evidence) -> Value {
        let mut answer = json!({
            "verified": self.accepted(),
            "policy": format!("{:#x}", evidence.policy),
            "api-major": evidence.api_major,
            "api-minor": evidence.api_minor,
            "build-id": evidence.build_id,
        });
        match &self.verdict {
            Verdict::Matched { digest, state } => {
                answer["digest"] = hex::encode(digest).into();
                if let Some(state) = state {
                    answer["initial-state"] = state.to_string().into();
                }
            }
            Verdict::Differs { reported, computed } => {
                answer["reported"] = hex::encode(reported).into();
                answer["expected"] = computed.iter().map(|c| hex::encode(c)).collect::<Vec<_>>().into();
            }
        }
        if let Some(cause) = &self.cause {
            answer["cause"] = json!(cause);
        }
        if !self.refused.is_empty() {
            answer["findings"] = json!(self.refused);
        }
        answer
    }
}

/// Judges evidence off line: the expectation's own files are all that counts. What is accepted is recorded, and another
/// launch of the same session is refused from then on, where `record` says so.
///
/// # Errors
/// As [`Judge::new`]; `Kind::Session` for a second launch of one session. A measurement that differs is an answer.
pub fn judge(
    expected: &Expectation,
    keys: &TransportKeys,
    evidence: &Evidence,
    record: bool,
) -> Result<(Judgement, Option<Boot>)> {
    let boot = match by_policy_alone(expected)? {
        true => None,
        false => Some(expected.boot.boot(expected.cpus.num_cpus)?),
    };
    let judgement = Judge::new(expected, boot.as_ref(), evidence.policy)?.judge(evidence, keys)?;
    if record && judgement.accepted() {
        answer_once(keys, evidence)?;
    }
    Ok((judgement, boot))
}

/// What is behind a measurement that differs, in one line.
#[must_use]
pub fn explanation(cause: Option<&Cause>) -> String {
    match cause {
        Some(cause) => format!("One change makes the measurement right: {}.", cause.text),
        None => "No single change that was tried makes the measurement right.".to_owned(),
    }
}

/// True where the policy file names the digests that may be launched, and no image is given to compute one from.
///
/// # Errors
/// As [`read_policy`]; `Kind::Usage` for options that need an image.
pub fn by_policy_alone(v: &Expectation) -> Result<bool> {
    if v.boot.firmware.is_some() || policy(v)?.digests::<32>().is_none_or(|all| all.is_empty()) {
        return Ok(false);
    }
    let wrong = |option: &str| {
        Error::new(Kind::Usage, format!("{option} needs --firmware")).hint(
            "Without it the policy file's allowed_digests are what is expected, and they hold everything.",
        )
    };
    let problems = v.boot.given().chain(v.cpus.given()).map(wrong).collect();
    Error::many(problems).map_or(Ok(true), Err)
}

fn policy(v: &Expectation) -> Result<Policy> {
    read_policy(v.policy_file.as_deref())
}

/// The policy file; without one nothing is restricted.
///
/// # Errors
/// `Kind::File`; as [`Policy::parse`].
pub fn read_policy(file: Option<&Path>) -> Result<Policy> {
    match file {
        Some(path) => Policy::parse(&files::read_text("policy file", path)?, &files::shown(path)),
        None => Ok(Policy::default()),
    }
}

impl Judge {
    /// Reads and hashes everything. `guest_policy` decides whether the processors are measured. Without `boot` the policy
    /// file's digests are what is expected.
    ///
    /// # Errors
    /// `Kind::File`, `Kind::Firmware`; `Kind::Usage` where processors are measured and none is named.
    pub fn new(v: &Expectation, boot: Option<&Boot>, guest_policy: u32) -> Result<Self> {
        let policy = policy(v)?;
        let Some(boot) = boot else {
            let digests = policy.digests::<32>().unwrap_or_default();
            let digests = digests.into_iter().map(|digest| Candidate { digest, state: None }).collect();
            return Ok(Self { expected: Expected { digests }, policy, parts: None });
        };
        let processors = v.cpus.processors(boot.vcpus.unwrap_or(1), boot.cpu, || {
            Ok(image_contents(&boot.firmware)?.es_reset_addr)
        })?;
        let (firmware, kernel) = boot.hashed(|| {
            Measured::new(&mut files::open("firmware", &boot.firmware)?)
                .map_err(|e| e.at(boot.firmware.display().to_string()))
        })?;
        let expected = Expected::of_launch(&firmware, kernel.as_ref(), guest_policy, processors.as_ref())
            .map_err(|e| e.at(boot.firmware.display().to_string()))?;
        log_inputs(boot, guest_policy, &expected);
        let cmdline = boot.cmdline.clone().unwrap_or_default().into_bytes();
        let said = Description { kernel, cmdline, processors };
        Ok(Self { expected, policy, parts: Some(Parts { firmware, said, image: boot.firmware.clone() }) })
    }

    /// Judges a launch.
    ///
    /// # Errors
    /// As [`check`].
    pub fn judge(&self, evidence: &Evidence, keys: &TransportKeys) -> Result<Judgement> {
        let verdict = check(evidence, &self.expected, &keys.tik)?;
        Ok(Judgement {
            refused: self.refused(evidence, &verdict),
            cause: if verdict.matched() { None } else { self.cause(evidence, keys) },
            verdict,
        })
    }

    fn refused(&self, evidence: &Evidence, verdict: &Verdict) -> Vec<Finding> {
        let Verdict::Matched { digest, .. } = verdict else { return Vec::new() };
        self.policy.judge(&Claims {
            digest,
            policy: evidence.policy.into(),
            api: (evidence.api_major, evidence.api_minor),
            build_id: evidence.build_id,
        })
    }

    fn cause(&self, evidence: &Evidence, keys: &TransportKeys) -> Option<Cause> {
        let parts = self.parts.as_ref()?;
        mismatch::of_sev(evidence, keys, &parts.firmware, &parts.said, images_beside(&parts.image))
    }
}

fn log_inputs(boot: &Boot, policy: u32, expected: &Expected) {
    log::debug!("measured: firmware {}, policy {policy:#x}", boot.firmware.display());
    if let Some(kernel) = &boot.kernel {
        let initrd = boot.initrd.as_ref().map_or("none".to_owned(), |p| p.display().to_string());
        let cmdline = boot.cmdline.as_deref().unwrap_or_default();
        log::debug!("measured: kernel {}, initrd {initrd}, command line '{cmdline}'", kernel.display());
    }
    for candidate in &expected.digests {
        let state = candidate.state.map(|s| format!(", initial state {s}")).unwrap_or_default();
        log::info!("expected launch digest {}{state}", hex::encode(&candidate.digest));
    }
}

/// Images that the guest may have been launched from instead: those in the folder of the owner's, and those that this
/// machine's descriptors name.
pub fn images_beside(given: &Path) -> impl Iterator<Item = Image> + use<> {
    let folder = given.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    if let Fact::Known(images) = inventory(&RealProbe::system()) {
        paths.extend(images.into_iter().map(|image| image.descriptor.image));
    }
    let mut seen: HashSet<PathBuf> = std::fs::canonicalize(given).into_iter().collect();
    let other = move |path: PathBuf| {
        let real = std::fs::canonicalize(&path).ok()?;
        let m = real.metadata().ok()?;
        // Whole pages: no image has anything else, and a folder may hold more than images.
        let fits = (1..=LARGEST_IMAGE).contains(&m.len()) && m.len().is_multiple_of(4096);
        (m.is_file() && fits && seen.insert(real)).then_some(path)
    };
    paths.into_iter().filter_map(other).take(MOST_IMAGES).filter_map(|path| {
        let bytes = boot::image(&path).ok()?;
        Some((path.display().to_string(), bytes))
    })
}
