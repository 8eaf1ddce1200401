//! What a launch starts from. In: options, a document, keys. Out: typed inputs, all checked before anything starts.

use crate::args::{LaunchArgs, VerifyArgs, given};
use crate::cmd::boot::{self, Boot};
use crate::cmd::judge::{self, Judge};
use crate::cmd::prepare::{self, Prepared};
use std::path::{Path, PathBuf};
use std::time::Duration;
use virt_sev::config::{SevPolicy, Technology};
use virt_sev::domain::{Domain, DomainFacts};
use virt_sev::inject::table::SecretTable;
use virt_sev::launch::{Cancel, Guest as _, Hypervisor as _, within};
use virt_sev::measure::cpu::CpuSignature;
use virt_sev::measure::verify::Evidence;
use virt_sev::session::blob::SessionBlob;
use virt_sev::session::keys::TransportKeys;
use virt_sev::{Error, Kind, Result};
use virt_sev_sys::Libvirt;

/// Where the document comes from.
#[derive(Debug)]
pub(in crate::online) enum Source {
    /// A file, or standard input.
    File(PathBuf),
    /// A defined domain.
    Name(String),
}

impl Source {
    /// A file where there is one of that name, or where only a file can be meant; else a domain's name.
    pub(in crate::online) fn of(text: &str) -> Self {
        let path = Path::new(text);
        if text == "-" || text.contains('/') || path.extension().is_some_and(|x| x == "xml") || path.is_file()
        {
            Source::File(path.to_owned())
        } else {
            Source::Name(text.to_owned())
        }
    }

    pub(in crate::online) fn is_stdin(&self) -> bool {
        self.file() == Some(Path::new("-"))
    }

    pub(in crate::online) fn file(&self) -> Option<&Path> {
        match self {
            Source::File(path) => Some(path),
            Source::Name(_) => None,
        }
    }

    /// The document, where it is a file.
    pub(in crate::online) fn read_file(&self) -> Result<Option<Domain<'static>>> {
        self.file().map(prepare::read_domain).transpose()
    }

    /// The document, where it is a defined domain.
    pub(in crate::online) fn read_defined(
        &self,
        libvirt: &Libvirt,
        limit: Duration,
        cancel: &Cancel,
    ) -> Result<Domain<'static>> {
        let Source::Name(name) = self else {
            return Err(Error::new(Kind::Bug, "a file was taken for a domain's name"));
        };
        let (hv, wanted) = (libvirt.clone(), name.clone());
        let xml = within(limit, cancel, "reading the domain", move || match hv.find(&wanted)? {
            Some(guest) => guest.definition().map(Some),
            None => Ok(None),
        })?;
        let xml = xml.ok_or_else(|| {
            Error::new(Kind::State, "there is neither such a file nor such a domain")
                .at(name.clone())
                .hint(format!("virsh -c '{}' list --all names the domains.", libvirt.uri()))
        })?;
        Domain::parse(xml).map_err(|e| e.at(name.clone()))
    }
}

/// True when the owner's keys are here: then the launch is verified.
pub(super) fn is_verified(v: &VerifyArgs) -> bool {
    v.keys.tik.is_some() || v.keys.tek.is_some() || v.keys.tk.is_some()
}

/// Options that would be ignored are refused: somebody believes that they do something.
pub(super) fn useless_options(v: &VerifyArgs) -> Option<Error> {
    let others = given([
        ("--api-major", v.api_major.is_some()),
        ("--api-minor", v.api_minor.is_some()),
        ("--build-id", v.build_id.is_some()),
        ("--policy", v.policy.is_some()),
        ("--policy-file", v.policy_file.is_some()),
        ("--inject-secret", !v.inject_secret.is_empty()),
    ]);
    if v.measurement.is_some() {
        return Some(Error::new(Kind::Usage, "--measurement is what launch reads from the guest itself"));
    }
    let mut all = v.boot.given().chain(v.cpus.given()).chain(others);
    let first = all.find(|_| !is_verified(v))?;
    Some(
        Error::new(Kind::Usage, format!("{first} needs the guest owner's keys"))
            .wanted("--tk FILE, or --tik FILE and --tek FILE")
            .hint("Without them nothing is verified, and an unverified guest gets no secret."),
    )
}

/// What the guest is launched with.
#[derive(Debug)]
pub(super) struct Security {
    pub(super) name: String,
    /// `sev` or `sev-es`; `None` for SEV-SNP, which has no measurement.
    pub(super) mode: Option<&'static str>,
    pub(super) policy: u32,
    pub(super) session: Option<SessionBlob>,
    /// The domain boots a kernel directly.
    pub(super) kernel: bool,
}

impl Security {
    /// From the keys; or, where no key asks for anything, from the document itself.
    pub(super) fn of(done: &Prepared) -> Result<Self> {
        let name = done.domain.facts().name.clone().ok_or_else(|| {
            Error::new(Kind::Domain, "the domain has no name").at("/domain").hint("Add <name>.")
        })?;
        let kernel = done.domain.facts().os.kernel.is_some();
        let (policy, session) = match &done.config {
            Some(config) => match &config.technology {
                Technology::Sev { policy, session } => {
                    (policy.0, session.as_ref().map(|s| SessionBlob::parse(&s.session)).transpose()?)
                }
                Technology::Snp(_) => return Ok(Self { name, mode: None, policy: 0, session: None, kernel }),
            },
            None => {
                let security = done.domain.facts().launch_security.as_ref().ok_or_else(|| {
                    Error::new(Kind::Config, "nothing asks for SEV: neither a key nor the domain")
                        .at(name.clone())
                        .hint("Give --set security.sev=true, or --config FILE. A guest without SEV starts with virsh start.")
                })?;
                if security.kind.as_deref() != Some("sev") {
                    return Ok(Self { name, mode: None, policy: 0, session: None, kernel });
                }
                let policy = security.policy.and_then(|p| u32::try_from(p).ok()).ok_or_else(|| {
                    Error::new(Kind::Domain, "the launch security has no policy")
                        .at("/domain/launchSecurity/policy")
                })?;
                (policy, security.session.as_ref().map(|s| SessionBlob::parse(s.as_bytes())).transpose()?)
            }
        };
        let mode = if SevPolicy(policy).es() { "sev-es" } else { "sev" };
        Ok(Self { name, mode: Some(mode), policy, session, kernel })
    }
}

/// What the owner expects and holds.
#[derive(Debug)]
pub(super) struct Verification {
    pub(super) keys: TransportKeys,
    pub(super) judge: Judge,
    pub(super) table: SecretTable,
    pub(super) secret_area: Option<u32>,
    claimed: VerifyArgs,
}

impl Verification {
    /// Reads and hashes everything before the guest starts: a missing file must not cost a launch.
    pub(super) fn new(
        args: &LaunchArgs,
        done: &Prepared,
        security: &Security,
        keys: TransportKeys,
        table: SecretTable,
        cpu: Option<CpuSignature>,
        local: bool,
    ) -> Result<Self> {
        let v = &args.verify;
        if security.mode.is_none() {
            return Err(Error::new(Kind::Usage, "a SEV-SNP guest is not verified from here")
                .hint("It attests itself from inside. Leave out --tk, --tik and --tek."));
        }
        let session = security.session.as_ref().ok_or_else(|| {
            Error::new(Kind::Config, "a launch cannot be verified without a session")
                .hint("The chip would invent keys that nobody knows. Give security.sev.session.dh and .data, made by `virt-sev session`.")
        })?;
        if !session.is_for(security.policy, &keys.tik)? {
            return Err(Error::new(Kind::Session, "the session is not for this policy and these keys")
                .found(format!("policy {:#x}", security.policy))
                .hint("The chip would refuse the launch. Use the TIK that was made with this session, and the same policy."));
        }
        let edited = Domain::parse(&done.xml)?;
        let boot = match judge::by_policy_alone(v)? {
            true => None,
            false => Some(Boot { cpu, ..boot(v, edited.facts(), security.policy, local)? }),
        };
        let judge = Judge::new(v, boot.as_ref(), security.policy)?;
        let secret_area = match &boot {
            Some(boot) if !table.is_empty() => secret_area(&boot.firmware)?,
            Some(_) | None => None,
        };
        if !table.is_empty() {
            // Too large a table is found before the start, too.
            table.to_bytes(secret_area)?;
        }
        Ok(Self { keys, judge, table, secret_area, claimed: v.clone() })
    }

    /// Compares what the owner stated of the platform with what it reports.
    pub(super) fn agrees(&self, evidence: &Evidence) -> Result<()> {
        let claims = [
            ("--api-major", self.claimed.api_major.map(u32::from), u32::from(evidence.api_major)),
            ("--api-minor", self.claimed.api_minor.map(u32::from), u32::from(evidence.api_minor)),
            ("--build-id", self.claimed.build_id.map(u32::from), u32::from(evidence.build_id)),
            ("--policy", self.claimed.policy, evidence.policy),
        ];
        let problems = claims
            .into_iter()
            .filter_map(|(option, wanted, found)| wanted.filter(|w| *w != found).map(|w| (option, w, found)))
            .map(|(option, wanted, found)| {
                Error::new(Kind::No, "the platform reports something else")
                    .at(option)
                    .found(format!("{found:#x}"))
                    .wanted(format!("{wanted:#x}"))
            })
            .collect();
        Error::many(problems).map_or(Ok(()), Err)
    }
}

/// Where the firmware lets a secret be put. An image without a place would take it at address 0.
fn secret_area(firmware: &Path) -> Result<Option<u32>> {
    match boot::image_contents(firmware)?.secret {
        Some(area) => Ok(Some(area.size)),
        None => Err(Error::new(Kind::Firmware, "the firmware has no place for a launch secret")
            .at(firmware.display().to_string())
            .hint("Use an AmdSev build of OVMF: Debian's package ovmf-amdsev, Fedora's OVMF.amdsev.fd.")),
    }
}

/// What the guest is expected to start from: the owner's files; with `--insecure` the document's own, where the
/// hypervisor is this machine.
pub(in crate::online) fn boot(v: &VerifyArgs, facts: &DomainFacts, policy: u32, local: bool) -> Result<Boot> {
    let from_document = |option: &str| {
        Error::new(
            Kind::Insecure,
            format!("{option} is not given, and the domain document comes from the host"),
        )
        .hint("Give your own copy of what the guest is to start from. --insecure takes the document's.")
    };
    // A path of the document names a file over there. One of that name here is another.
    let from_document_file = |option: &str| {
        if local {
            return from_document(option);
        }
        Error::new(
            Kind::Usage,
            format!("{option} is not given, and the domain's file lies on the hypervisor"),
        )
        .hint("Give your own copy of what the guest is to start from.")
    };
    let insecure_here = v.insecure && local;
    let os = &facts.os;
    let firmware = match (&v.boot.firmware, os.loader.as_ref().and_then(|l| l.path.clone())) {
        (Some(path), _) => path.clone(),
        (None, Some(path)) if insecure_here => PathBuf::from(path),
        (None, Some(_)) => return Err(from_document_file("--firmware")),
        (None, None) => {
            return Err(Error::new(Kind::Usage, "--firmware is not given, and the domain names no image")
                .hint(
                    "Give --firmware FILE, and security.sev.firmware so that the guest gets the same one.",
                ));
        }
    };
    // Each processor's state is measured: a host that adds one adds what the owner has not counted.
    if SevPolicy(policy).es() && v.cpus.num_cpus.is_none() && !v.insecure {
        return Err(from_document("--num-cpus"));
    }
    let hashed = facts.launch_security.as_ref().is_some_and(|l| l.kernel_hashes.as_deref() == Some("yes"));
    if !hashed {
        if v.boot.kernel.is_some() {
            return Err(Error::new(
                Kind::Usage,
                "--kernel is given, and the domain does not measure its kernel",
            )
            .hint("Set security.sev.kernel_hashes=true, or leave out --kernel."));
        }
        if os.kernel.is_some() && !v.insecure {
            return Err(Error::new(Kind::Insecure, "the domain boots a kernel that is not measured")
                .hint("Set security.sev.kernel_hashes=true; --insecure verifies the firmware alone."));
        }
        return Ok(Boot { firmware, vcpus: v.cpus.num_cpus.or(facts.vcpus), ..Boot::default() });
    }
    let or_document = |option: &str, given: Option<PathBuf>, found: &Option<String>| match (given, found) {
        (Some(path), _) => Ok(Some(path)),
        (None, None) => Ok(None),
        (None, Some(path)) if insecure_here => Ok(Some(PathBuf::from(path))),
        (None, Some(_)) => Err(from_document_file(option)),
    };
    let kernel = or_document("--kernel", v.boot.kernel.clone(), &os.kernel)?;
    let initrd = or_document("--initrd", v.boot.initrd.clone(), &os.initrd)?;
    let cmdline = match (&v.boot.cmdline, &os.cmdline) {
        (Some(text), _) => Some(text.clone()),
        (None, None) => None,
        (None, Some(text)) if v.insecure => Some(text.clone()),
        (None, Some(_)) => return Err(from_document("--cmdline")),
    };
    Ok(Boot { firmware, kernel, initrd, cmdline, vcpus: v.cpus.num_cpus.or(facts.vcpus), cpu: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `launch` took the number of processors from the host's document where `verify` refused to.
    #[test]
    fn the_hosts_number_of_processors_is_not_taken() {
        let domain =
            Domain::parse("<domain><vcpu>9</vcpu><os><loader>/host.fd</loader></os></domain>").unwrap();
        let mut v = VerifyArgs::default();
        v.boot.firmware = Some("/own.fd".into());
        let e = boot(&v, domain.facts(), SevPolicy::ES, true).unwrap_err();
        assert_eq!(e.kind(), Kind::Insecure);
        assert!(e.to_string().contains("--num-cpus"), "{e}");
        boot(&v, domain.facts(), 0, true).unwrap();
        v.cpus.num_cpus = Some(2);
        assert_eq!(boot(&v, domain.facts(), SevPolicy::ES, true).unwrap().vcpus, Some(2));
        v.cpus.num_cpus = None;
        v.insecure = true;
        assert_eq!(boot(&v, domain.facts(), SevPolicy::ES, true).unwrap().vcpus, Some(9));
    }

    /// `--insecure` took a file of this machine for the remote hypervisor's of the same name.
    #[test]
    fn a_path_of_a_remote_document_is_no_file_of_this_machine() {
        let domain = Domain::parse("<domain><os><loader>/host.fd</loader></os></domain>").unwrap();
        let v = VerifyArgs { insecure: true, ..VerifyArgs::default() };
        assert_eq!(boot(&v, domain.facts(), 0, true).unwrap().firmware, Path::new("/host.fd"));
        let e = boot(&v, domain.facts(), 0, false).unwrap_err();
        assert_eq!((e.kind(), e.message().contains("lies on the hypervisor")), (Kind::Usage, true), "{e}");
    }
}
