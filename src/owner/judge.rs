//! What the guest owner makes of a launch. In: the owner's files and options, then evidence. Out: the verdict, what the
//! policy file does not allow, and what is behind a measurement that differs.
//! Never: a verdict that an explanation changes.

use super::Expectation;
use super::boot::{self, Boot};
use super::evidence::other_session;
use crate::appraisal::Description;
use crate::appraisal::mismatch::{self, Cause, Image};
use crate::appraisal::policy::{Claims, Policy};
use crate::files;
use crate::host::{Fact, RealProbe, inventory, ovmf};
use crate::image::ImageContents;
use crate::measure::evidence::LaunchReport;
use crate::measure::sev::Measured;
use crate::measure::verify::{Candidate, Evidence, Expected, Verdict, check, differs};
use crate::session::answered::Answered;
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
    /// The room that the image has for secrets.
    room: Option<u32>,
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
    /// What the evidence itself tells of that.
    pub told: Option<&'static str>,
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
            let refusal = differs().and_hint(self.explanation());
            return Some(self.told.into_iter().fold(refusal, Error::and_hint));
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

/// Judges evidence off line: the expectation's own files are all that counts, and what its owner claims of the platform must
/// agree. What is accepted is recorded below `state`, and another launch of the same session is refused from then on.
///
/// # Errors
/// `Kind::No` for evidence that says otherwise than the claims; as [`Judge::new`]; `Kind::Session` for a second launch of
/// one session. A measurement that differs is an answer.
pub fn of_report(
    expected: &Expectation,
    keys: &TransportKeys,
    report: &LaunchReport,
    state: &Path,
) -> Result<(Judgement, Judge)> {
    let evidence = &report.evidence;
    expected.claims.agree(evidence)?;
    let judge = Judge::new(expected, evidence.policy, || expected.boot.boot(expected.cpus.num_cpus))?;
    let mut judgement = judge.judge(evidence, keys)?;
    if !judgement.verdict.matched() {
        judgement.told = other_session(report, keys);
    }
    if judgement.accepted() {
        Answered::below(state).answer(&keys.tik, &evidence.measurement)?;
    }
    Ok((judgement, judge))
}

/// What is behind a measurement that differs, in one line.
#[must_use]
pub fn explanation(cause: Option<&Cause>) -> String {
    match cause {
        Some(cause) => format!("One change makes the measurement right: {}.", cause.text),
        None => "No single change that was tried makes the measurement right.".to_owned(),
    }
}

/// The digests of the policy file, where they are what is expected because no image is given to compute one from.
fn by_policy_alone(v: &Expectation, policy: &Policy) -> Result<Option<Expected>> {
    let digests = policy.digests::<32>().unwrap_or_default();
    if v.boot.firmware.is_some() || digests.is_empty() {
        return Ok(None);
    }
    let wrong = |option: &str| {
        Error::new(Kind::Usage, format!("{option} needs --firmware")).hint(
            "Without it the policy file's allowed_digests are what is expected, and they hold everything.",
        )
    };
    if let Some(e) = Error::many(v.boot.given().chain(v.cpus.given()).map(wrong).collect()) {
        return Err(e);
    }
    let digests = digests.into_iter().map(|digest| Candidate { digest, state: None }).collect();
    Ok(Some(Expected { digests }))
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
    /// Reads and hashes everything, each file once. `guest_policy` decides whether the processors are measured. `boot` is
    /// asked only where the policy file's digests are not all that is expected.
    ///
    /// # Errors
    /// Those of `boot`; `Kind::File`, `Kind::Firmware`; `Kind::Usage` where processors are measured and none is named.
    pub fn new(v: &Expectation, guest_policy: u32, boot: impl FnOnce() -> Result<Boot>) -> Result<Self> {
        let policy = read_policy(v.policy_file.as_deref())?;
        if let Some(expected) = by_policy_alone(v, &policy)? {
            return Ok(Self { expected, policy, parts: None });
        }
        let boot = boot()?;
        let at = |e: Error| e.at(boot.firmware.display().to_string());
        let image = boot::image(&boot.firmware)?;
        // A table that is damaged matters only to what asks for it.
        let (contents, damaged) = match ovmf::inspect(&image).map_err(at) {
            Ok(contents) => (contents, None),
            Err(e) => (ImageContents::default(), Some(e)),
        };
        let reset = || damaged.map_or(Ok(contents.es_reset_addr), Err);
        let processors = v.cpus.processors(boot.vcpus.unwrap_or(1), boot.cpu, reset)?;
        let (firmware, kernel) = boot.hashed(|| Measured::new(&mut &image[..]).map_err(at))?;
        let expected =
            Expected::of_launch(&firmware, kernel.as_ref(), guest_policy, processors.as_ref()).map_err(at)?;
        log_inputs(&boot, guest_policy, &expected);
        let cmdline = boot.cmdline.clone().unwrap_or_default().into_bytes();
        let said = Description { kernel, cmdline, processors };
        let room = contents.secret.map(|area| area.size);
        Ok(Self { expected, policy, parts: Some(Parts { firmware, said, image: boot.firmware, room }) })
    }

    /// The room that the image has for secrets; `None` where no image is known.
    ///
    /// # Errors
    /// `Kind::Firmware` for an image that names no place: QEMU would put the secret at address 0.
    pub fn place_for_secrets(&self) -> Result<Option<u32>> {
        let Some(parts) = &self.parts else { return Ok(None) };
        parts.room.map(Some).ok_or_else(|| {
            Error::new(Kind::Firmware, "the firmware has no place for a launch secret")
                .at(parts.image.display().to_string())
                .hint("Use an AmdSev build of OVMF: Debian's package ovmf-amdsev, Fedora's OVMF.amdsev.fd.")
        })
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
            told: None,
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
pub(super) fn images_beside(given: &Path) -> impl Iterator<Item = Image> + use<> {
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
