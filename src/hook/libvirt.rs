//! libvirt's hook of QEMU domains (libvirt, docs/hooks.rst, "/etc/libvirt/hooks/qemu"). In: an operation, the domain.
//! Out: a veto with its reason, or silence. Never: a word on standard output, which libvirt would take for a document; a
//! veto of `reconnect`, which would kill a guest that runs; or a veto of a domain without SEV.

use super::Said;
use super::site::Site;
use crate::config::{RawConfig, SevConfig, Technology};
use crate::domain::Domain;
use crate::finding::{Finding, Severity};
use crate::host::{HostFacts, Probe};
use crate::launch::journal::Journal;
use crate::lint::{self, Subject};
use crate::measure::Digest32;
use crate::measure::sev::launch_digest;
use crate::plan::{self, Options};
use crate::report::clean;
use crate::session::blob::SessionBlob;
use crate::session::registry::Registry;
use crate::{Error, Kind, Result, config, files, prepare};
use std::path::{Path, PathBuf};

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
    /// It is none of ours.
    Pass,
}

/// Which it is.
#[must_use]
pub fn gate(call: &Call<'_>) -> Gate {
    match (call.operation, call.sub) {
        ("prepare" | "start", "begin") => Gate::Judge,
        ("migrate" | "restore", "begin") => Gate::Refuse,
        ("started", "begin") => Gate::Note,
        _ => Gate::Pass,
    }
}

/// What the hook goes by.
#[derive(Debug)]
pub struct World {
    /// What the site wants, or why that cannot be read.
    pub site: Result<Site>,
    /// The folder of the records: which sessions were used, which launches are under way.
    pub state: Result<PathBuf>,
}

/// What the hook says, and the line for the log; none where it has nothing to do with SEV.
#[derive(Debug)]
pub struct Judged {
    /// The answer to libvirt.
    pub said: Said,
    /// One line.
    pub audit: Option<String>,
}

impl Judged {
    /// Silence.
    #[must_use]
    pub fn pass() -> Self {
        Self { said: Said::nothing(), audit: None }
    }

    fn noted(call: &Call<'_>, what: &str) -> Self {
        Self {
            said: Said::nothing(),
            audit: Some(format!("{} {}: {what}", clean(call.name), call.operation)),
        }
    }

    /// A veto. libvirt shows standard error to whoever asked for the guest.
    #[must_use]
    pub fn refused(call: &Call<'_>, error: &Error) -> Self {
        let text: String = error.problems().map(|p| format!("virt-sev: {}\n", p.alone())).collect();
        let first = clean(&error.alone().to_string().replace('\n', " "));
        let audit = format!("{} {}: refused: {first}", clean(call.name), call.operation);
        Self { said: Said { stderr: text, exit: 1, ..Said::nothing() }, audit: Some(audit) }
    }
}

/// Judges one call. `xml` is what libvirt sent, whatever it is; `probe` is the host, of which the firmware images are looked
/// into, and more only where the site wants it.
#[must_use]
pub fn judge(call: &Call<'_>, xml: &[u8], world: World, probe: &dyn Probe) -> Judged {
    let gate = gate(call);
    if gate == Gate::Pass || !concerns(xml) {
        return Judged::pass();
    }
    let result = std::str::from_utf8(xml)
        .map_err(|e| Error::new(Kind::Domain, "the domain is not UTF-8").because(e))
        .and_then(|text| Domain::parse(text.to_owned()));
    let domain = match (result, gate) {
        (Ok(domain), _) => domain,
        (Err(_), Gate::Note | Gate::Pass) => return Judged::pass(),
        // It speaks of SEV and cannot be judged.
        (Err(e), Gate::Judge | Gate::Refuse) => return Judged::refused(call, &e),
    };
    match gate {
        Gate::Pass => Judged::pass(),
        Gate::Note if is_sev(&domain) => Judged::noted(call, "runs or waits"),
        Gate::Refuse if is_sev(&domain) => Judged::refused(call, &elsewhere(call)),
        Gate::Note | Gate::Refuse => Judged::pass(),
        Gate::Judge => match start(call, &domain, world, probe) {
            Ok(Some(warnings)) if warnings.is_empty() => Judged::noted(call, "allowed"),
            Ok(Some(warnings)) => Judged::noted(call, &format!("allowed; {}", warnings.join("; "))),
            Ok(None) => Judged::pass(),
            Err(e) => Judged::refused(call, &e),
        },
    }
}

/// Whether the bytes speak of SEV at all. What does not passes, whatever it is.
#[must_use]
pub fn concerns(xml: &[u8]) -> bool {
    let holds = |word: &[u8]| xml.windows(word.len()).any(|w| w == word);
    holds(b"launchSecurity") || holds(config::NAMESPACE.as_bytes())
}

fn is_sev(domain: &Domain<'_>) -> bool {
    let kind = domain.facts().launch_security.as_ref().and_then(|l| l.kind.as_deref());
    matches!(kind, Some("sev" | "sev-snp"))
}

fn elsewhere(call: &Call<'_>) -> Error {
    let what = if call.operation == "migrate" { "migrated" } else { "restored" };
    Error::new(Kind::State, format!("a SEV guest cannot be {what}")).at(clean(call.name)).hint(
        "Its memory is encrypted with a key that never leaves the chip. Shut it down, and launch it again.",
    )
}

/// What libvirt writes into the document of a guest that it starts (`qemuProcessPrepareHostSEV`), and no definition needs.
const FILLED_IN: [&str; 2] = ["/domain/launchSecurity/cbitpos", "/domain/launchSecurity/reducedPhysBits"];

/// Whether the guest may start: what there is to warn of; `None` where nothing asks for SEV.
fn start(
    call: &Call<'_>,
    domain: &Domain<'static>,
    world: World,
    probe: &dyn Probe,
) -> Result<Option<Vec<String>>> {
    let wanted = wanted(domain)?;
    if wanted.is_none() && !is_sev(domain) {
        return Ok(None);
    }
    let site = world.site?;
    let facts = |domain: &Domain<'_>, config: &SevConfig| {
        let images = prepare::images(domain, config);
        Ok(match site.ask_host {
            true => HostFacts::gather(probe, &images),
            false => HostFacts::of_images(probe, &images),
        })
    };
    let subject = Subject { name: String::new(), is_file: false, domain: domain.clone() };
    let judged = lint::judge(subject, &RawConfig::new(), true, &Options::default(), facts)?;
    let mut findings: Vec<Finding> = judged.findings.into_iter().map(|l| l.finding).collect();
    if let Some(wanted) = &wanted {
        let digest = site.allowed_firmware.as_ref().and_then(|_| firmware(domain, wanted));
        findings.extend(site.judge(wanted, digest));
    }
    let (errors, warnings): (Vec<Finding>, Vec<Finding>) = findings
        .into_iter()
        .filter(|f| f.severity == Severity::Error && !FILLED_IN.contains(&f.path.as_str()))
        .partition(|f| !site.warn_only.iter().any(|id| id == f.id));
    if let Some(e) = Error::many(errors.iter().map(Finding::as_error).collect()) {
        return Err(e.and_hint("`virt-sev lint -c URI --domain NAME` judges the definition."));
    }
    if let Some(wanted) = &wanted {
        session(call, domain, wanted, &world.state?)?;
    }
    Ok(Some(warnings.iter().map(|f| format!("warning: {} [{}]", clean(&f.title), f.id)).collect()))
}

/// What the domain's own `<launchSecurity>` asks for, or what its recorded keys do.
fn wanted(domain: &Domain<'_>) -> Result<Option<SevConfig>> {
    match prepare::implied(domain) {
        Ok(Some(config)) => Ok(Some(config)),
        // What stands there and cannot be is a finding of its own.
        Err(_) => Ok(None),
        Ok(None) => match domain.metadata_config() {
            Some(xml) => config::resolve(&config::from_metadata(&xml, "metadata")?),
            None => Ok(None),
        },
    }
}

/// SHA-256 of the image that the guest boots from, as it is measured.
fn firmware(domain: &Domain<'_>, config: &SevConfig) -> Option<Digest32> {
    let host = HostFacts::not_asked();
    let (image, _) = plan::image_to_be(config, domain, &host, &Options::default())?;
    let mut file = files::open("firmware", &image).ok()?;
    launch_digest(&mut file, None, None).ok()
}

/// A session serves one launch. `virt-sev launch` claims it for itself and says so in its journal; for any other start it is
/// claimed here, at the last moment.
fn session(call: &Call<'_>, domain: &Domain<'_>, wanted: &SevConfig, state: &Path) -> Result<()> {
    let Technology::Sev { session: Some(session), .. } = &wanted.technology else { return Ok(()) };
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
