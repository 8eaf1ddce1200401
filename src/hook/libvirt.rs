//! libvirt's hook of QEMU domains (libvirt, docs/hooks.rst, "/etc/libvirt/hooks/qemu"). In: an operation, the domain.
//! Out: a veto with its reason, or silence. Never: a word on standard output, which libvirt would take for a document; a
//! veto of `reconnect`, which would kill a guest that runs; or a veto of a domain without SEV.

use super::site::{SITE_POLICY, Site};
use super::{Said, parse, speaks_of_sev};
use crate::config::value::shown;
use crate::config::{RawConfig, SevConfig, Technology};
use crate::domain::Domain;
use crate::finding::{Finding, Severity};
use crate::host::{HostFacts, Probe};
use crate::launch::journal::Journal;
use crate::lint::{self, Subject};
use crate::measure::Digest32;
use crate::plan::{self, Options};
use crate::report::clean;
use crate::session::blob::SessionBlob;
use crate::session::registry::Registry;
use crate::{Error, Kind, Result, config, files, prepare};
use std::path::PathBuf;

/// What libvirt calls a hook with: `NAME OPERATION SUB-OPERATION EXTRA`, and the domain on standard input.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The domain's name.
    pub name: &'a str,
    /// `prepare`, `start`, `started`, `stopped`, `release`, `migrate`, `restore`, `reconnect`, `attach`, or what comes yet.
    pub operation: &'a str,
    /// `begin` or `end`.
    pub sub: &'a str,
}

/// What becomes of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// The guest is to be started: it is judged.
    Judge,
    /// The guest's memory would come from elsewhere: a SEV guest's cannot.
    Refuse,
    /// It is written down.
    Note,
}

/// Which it is; `None` where it is none of ours.
#[must_use]
pub fn gate(call: &Call<'_>) -> Option<Gate> {
    match (call.operation, call.sub) {
        ("prepare" | "start", "begin") => Some(Gate::Judge),
        ("migrate" | "restore", "begin") => Some(Gate::Refuse),
        ("started", "begin") => Some(Gate::Note),
        _ => None,
    }
}

/// What the hook goes by, asked once a guest wants SEV.
#[derive(Debug, Clone, Copy)]
pub struct World {
    /// What the site wants, or why that cannot be read.
    pub site: fn() -> Result<Site>,
    /// The folder of the records: which sessions were used, which launches are under way.
    pub state: fn() -> Result<PathBuf>,
}

/// What the hook says, and the line for the log; none where it has nothing to do with SEV.
#[derive(Debug, Default)]
pub struct Judged {
    /// The answer to libvirt.
    pub said: Said,
    /// One line.
    pub audit: Option<String>,
}

impl Judged {
    fn noted(call: &Call<'_>, what: &str) -> Self {
        Self { audit: Some(line(call, what)), ..Self::default() }
    }

    /// A veto. libvirt shows standard error to whoever asked for the guest.
    #[must_use]
    pub fn refused(call: &Call<'_>, error: &Error) -> Self {
        let first = clean(&error.alone().to_string().replace('\n', " "));
        Self { said: Said::refused(error, 1), audit: Some(line(call, &format!("refused: {first}"))) }
    }
}

/// A line of the log. A name of several words is quoted: it could be a decision.
fn line(call: &Call<'_>, what: &str) -> String {
    let is_word = !call.name.contains(char::is_whitespace);
    let name = if is_word { clean(call.name) } else { shown(call.name) };
    format!("{name} {}: {what}", call.operation)
}

/// Judges one call. `xml` is what libvirt sent, whatever it is; `probe` is the host, of which the firmware images are looked
/// into, and more only where the site wants it.
#[must_use]
pub fn judge(call: &Call<'_>, xml: &[u8], world: World, probe: &dyn Probe) -> Judged {
    let Some(gate) = gate(call).filter(|_| speaks_of_sev(xml)) else { return Judged::default() };
    let domain = match (parse(xml), gate) {
        (Ok(domain), _) => domain,
        (Err(_), Gate::Note) => return Judged::default(),
        // It speaks of SEV and cannot be judged.
        (Err(e), Gate::Judge | Gate::Refuse) => return Judged::refused(call, &e),
    };
    match gate {
        Gate::Note if is_sev(&domain) => Judged::noted(call, "runs or waits"),
        Gate::Refuse if is_sev(&domain) => Judged::refused(call, &elsewhere(call)),
        Gate::Note | Gate::Refuse => Judged::default(),
        Gate::Judge => match start(call, &domain, world, probe) {
            Ok(Some(warnings)) if warnings.is_empty() => Judged::noted(call, "allowed"),
            Ok(Some(warnings)) => Judged::noted(call, &format!("allowed; {}", warnings.join("; "))),
            Ok(None) => Judged::default(),
            Err(e) => Judged::refused(call, &e),
        },
    }
}

fn is_sev(domain: &Domain<'_>) -> bool {
    plan::implied_keys(domain).is_some()
}

fn elsewhere(call: &Call<'_>) -> Error {
    let what = if call.operation == "migrate" { "migrated" } else { "restored" };
    Error::new(Kind::State, format!("a SEV guest cannot be {what}")).at(clean(call.name)).hint(
        "Its memory is encrypted with a key that never leaves the chip. Shut it down, and launch it again.",
    )
}

/// The keys of what libvirt itself writes into the document of a guest that it starts (`qemuProcessPrepareHostSEV`).
const FILLED_IN: [&str; 2] = ["security.sev.cbitpos", "security.sev.reduced_phys_bits"];

const LINT: &str = "`virt-sev lint -c URI --domain NAME` judges the definition.";

/// Whether the guest may start: what there is to warn of; `None` where nothing asks for SEV.
fn start(
    call: &Call<'_>,
    domain: &Domain<'static>,
    world: World,
    probe: &dyn Probe,
) -> Result<Option<Vec<String>>> {
    let Some(wanted) = wanted(domain).transpose() else { return Ok(None) };
    let site = (world.site)()?;
    let facts = |domain: &Domain<'_>, config: &SevConfig| {
        let images = prepare::images(domain, config);
        Ok(match site.ask_host {
            true => HostFacts::gather(probe, &images),
            false => HostFacts::of_images(probe, &images),
        })
    };
    let subject = Subject { name: String::new(), is_file: false, domain: domain.clone() };
    let judged = lint::judge(subject, &unrecorded(domain), true, &Options::default(), facts)?;
    let mut findings: Vec<Finding> = judged.findings.into_iter().map(|l| l.finding).collect();
    if let Ok(wanted) = &wanted {
        let digest = site.allowed_firmware.as_ref().and_then(|_| firmware(domain, wanted));
        findings.extend(site.judge(wanted, digest));
    }
    let (errors, warnings): (Vec<Finding>, Vec<Finding>) = findings
        .into_iter()
        .filter(|f| f.severity == Severity::Error)
        .partition(|f| !site.warn_only.iter().any(|id| id == f.id));
    if let Some(e) = Error::many(errors.iter().map(Finding::as_error).collect()) {
        // Of what the site wants, lint knows nothing.
        let of_site = errors.iter().all(|f| f.id == SITE_POLICY);
        return Err(if of_site { e } else { e.and_hint(LINT) });
    }
    // A finding can be made a warning; but of keys that cannot be read neither the site nor the session was asked.
    let wanted = wanted.map_err(|e| e.and_hint(LINT))?;
    session(call, domain, &wanted, world.state)?;
    Ok(Some(warnings.iter().map(|f| format!("warning: {} [{}]", clean(&f.title), f.id)).collect()))
}

/// What the domain's own `<launchSecurity>` asks for, or what its recorded keys do.
fn wanted(domain: &Domain<'_>) -> Result<Option<SevConfig>> {
    match prepare::implied(domain) {
        Ok(None) => recorded(domain).map_or(Ok(None), |raw| config::resolve(&raw?)),
        said => said,
    }
}

fn recorded(domain: &Domain<'_>) -> Option<Result<RawConfig>> {
    domain.metadata_config().map(|xml| config::from_metadata(&xml, "metadata"))
}

/// What a record does not say, out of the document itself: blobs, which are never recorded, and what libvirt has filled in.
/// Without it the record would seem to want them taken away.
fn unrecorded(domain: &Domain<'_>) -> RawConfig {
    let mut given = RawConfig::new();
    let Some(Ok(recorded)) = recorded(domain).filter(|r| r.as_ref().is_ok_and(|raw| !raw.is_empty())) else {
        return given;
    };
    for entry in plan::implied_keys(domain).iter().flat_map(RawConfig::entries) {
        let is_blob = config::find_key(&entry.key).is_some_and(|k| k.kind.blob_size().is_some());
        let is_left_out = is_blob || FILLED_IN.contains(&entry.key.as_str());
        if is_left_out && recorded.get(&entry.key).is_none() {
            given.set(&entry.key, &entry.value, &entry.place);
        }
    }
    given
}

/// SHA-256 of the image that the guest boots from, as it is measured.
fn firmware(domain: &Domain<'_>, config: &SevConfig) -> Option<Digest32> {
    let host = HostFacts::not_asked();
    let (image, _) = plan::image_to_be(config, domain, &host, &Options::default())?;
    files::named_firmware_digest(&image).ok()
}

/// A session serves one launch. `virt-sev launch` claims it for itself and says so in its journal; for any other start it is
/// claimed here, at the last moment.
fn session(
    call: &Call<'_>,
    domain: &Domain<'_>,
    wanted: &SevConfig,
    state: fn() -> Result<PathBuf>,
) -> Result<()> {
    let Technology::Sev { session: Some(session), .. } = &wanted.technology else { return Ok(()) };
    let state = &state()?;
    let blob = SessionBlob::parse(&session.session)?;
    let uuid = domain.facts().uuid.clone().unwrap_or_default();
    if Journal::below(state).is_under_way(&uuid) {
        return Ok(());
    }
    let registry = Registry::open(state)?;
    match call.operation {
        "start" => registry.claim(&blob, &format!("domain {}, started through libvirt", call.name)),
        _ => registry.refuse_used(&blob),
    }
}
