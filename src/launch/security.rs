//! What a guest is launched with, and what its owner expects. In: a prepared document, the owner's files. Out: typed inputs, all
//! checked before anything starts. Never: a path of a remote document taken for a file of this machine.

use super::asking::Asking;
use super::check::wanted;
use super::hypervisor::Hypervisor;
use super::processor;
use crate::config::{SevPolicy, Technology};
use crate::domain::{Domain, DomainFacts};
use crate::inject::table::SecretTable;
use crate::owner::{Boot, Expectation, Judge};
use crate::prepare::{self, Prepared};
use crate::session::blob::SessionBlob;
use crate::session::keys::TransportKeys;
use crate::{Error, Kind, Result};
use std::path::{Path, PathBuf};

/// What the guest is launched with.
#[derive(Debug)]
pub struct Security {
    /// The domain's name.
    pub name: String,
    /// `sev` or `sev-es`; `None` for SEV-SNP, which has no measurement.
    pub mode: Option<&'static str>,
    /// The policy; 0 for SEV-SNP.
    pub policy: u32,
    /// The owner's session.
    pub session: Option<SessionBlob>,
    /// The domain boots a kernel directly.
    pub kernel: bool,
}

impl Security {
    /// From the keys; or, where no key asks for anything, from the document itself.
    ///
    /// # Errors
    /// `Kind::Config` where nothing asks for SEV; `Kind::Domain`, `Kind::Session`.
    pub fn of(done: &Prepared) -> Result<Self> {
        let name = prepare::name(&done.domain)?;
        let kernel = done.domain.facts().os.kernel.is_some();
        let wanted = wanted(done.config.clone(), &done.domain)?;
        let (policy, session) = match &wanted.technology {
            Technology::Sev { policy, session } => {
                (policy.0, session.as_ref().map(|s| SessionBlob::parse(&s.session)).transpose()?)
            }
            Technology::Snp(_) => return Ok(Self { name, mode: None, policy: 0, session: None, kernel }),
        };
        let mode = if SevPolicy(policy).es() { "sev-es" } else { "sev" };
        Ok(Self { name, mode: Some(mode), policy, session, kernel })
    }
}

/// The guest owner, where the owner's keys are here.
#[derive(Debug)]
pub struct Holder {
    /// The keys of the session.
    pub keys: TransportKeys,
    /// What goes into the guest once it is verified.
    pub table: SecretTable,
    /// What is expected.
    pub expectation: Expectation,
}

/// What the owner expects and holds, read and hashed.
#[derive(Debug)]
pub(super) struct Verification {
    pub(super) keys: TransportKeys,
    pub(super) judge: Judge,
    pub(super) table: SecretTable,
    pub(super) secret_area: Option<u32>,
    pub(super) claims: crate::owner::Claims,
}

impl Verification {
    /// Reads and hashes everything before the guest starts: a missing file must not cost a launch.
    ///
    /// # Errors
    /// `Kind::Usage`, `Kind::Config`, `Kind::Session`, `Kind::Insecure`, `Kind::Firmware`, `Kind::File`.
    pub(super) fn new<H: Hypervisor>(
        asking: &Asking<'_, H>,
        done: &Prepared,
        security: &Security,
        holder: Holder,
        local: bool,
    ) -> Result<Self> {
        let Holder { keys, table, expectation } = holder;
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
        let judge = judge_of(asking, &expectation, edited.facts(), security.policy, local)?;
        let secret_area = if table.is_empty() { None } else { judge.place_for_secrets()? };
        if !table.is_empty() {
            // Too large a table is found before the start, too.
            table.to_bytes(secret_area)?;
        }
        Ok(Self { keys, judge, table, secret_area, claims: expectation.claims })
    }
}

/// What is expected of a guest with these facts, read and hashed.
pub(super) fn judge_of<H: Hypervisor>(
    asking: &Asking<'_, H>,
    v: &Expectation,
    facts: &DomainFacts,
    policy: u32,
    local: bool,
) -> Result<Judge> {
    Judge::new(v, policy, || {
        let boot = boot_of(v, facts, policy, local)?;
        Ok(Boot { cpu: processor::of(asking, v, facts, policy)?, ..boot })
    })
}

/// What the guest is expected to start from: the owner's files; with `insecure` the document's own, where the hypervisor is
/// this machine.
///
/// # Errors
/// `Kind::Insecure` and `Kind::Usage` for what is not given and is not to be taken from the host.
fn boot_of(v: &Expectation, facts: &DomainFacts, policy: u32, local: bool) -> Result<Boot> {
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
        (None, Some(path)) if insecure_here => of_document(&path),
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
        (None, Some(path)) if insecure_here => Ok(Some(of_document(path))),
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
    Ok(Boot {
        firmware,
        kernel,
        initrd,
        cmdline,
        vcpus: v.cpus.num_cpus.or(facts.vcpus),
        cpu: None,
        watch: v.boot.watch,
    })
}

/// A path as libvirt's daemon takes it, whose folder is `/`. Never standard input.
fn of_document(path: &str) -> PathBuf {
    Path::new("/").join(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `launch` took the number of processors from the host's document where `verify` refused to.
    #[test]
    fn the_hosts_number_of_processors_is_not_taken() {
        let domain =
            Domain::parse("<domain><vcpu>9</vcpu><os><loader>/host.fd</loader></os></domain>").unwrap();
        let mut v = Expectation::default();
        v.boot.firmware = Some("/own.fd".into());
        let e = boot_of(&v, domain.facts(), SevPolicy::ES, true).unwrap_err();
        assert_eq!(e.kind(), Kind::Insecure);
        assert!(e.to_string().contains("--num-cpus"), "{e}");
        boot_of(&v, domain.facts(), 0, true).unwrap();
        v.cpus.num_cpus = Some(2);
        assert_eq!(boot_of(&v, domain.facts(), SevPolicy::ES, true).unwrap().vcpus, Some(2));
        v.cpus.num_cpus = None;
        v.insecure = true;
        assert_eq!(boot_of(&v, domain.facts(), SevPolicy::ES, true).unwrap().vcpus, Some(9));
    }

    /// `<loader>-</loader>` was read from standard input.
    #[test]
    fn no_path_of_a_document_is_standard_input() {
        let domain = Domain::parse("<domain><os><loader>-</loader></os></domain>").unwrap();
        let v = Expectation { insecure: true, ..Expectation::default() };
        assert_eq!(boot_of(&v, domain.facts(), 0, true).unwrap().firmware, Path::new("/-"));
    }

    /// `--insecure` took a file of this machine for the remote hypervisor's of the same name.
    #[test]
    fn a_path_of_a_remote_document_is_no_file_of_this_machine() {
        let domain = Domain::parse("<domain><os><loader>/host.fd</loader></os></domain>").unwrap();
        let v = Expectation { insecure: true, ..Expectation::default() };
        assert_eq!(boot_of(&v, domain.facts(), 0, true).unwrap().firmware, Path::new("/host.fd"));
        let e = boot_of(&v, domain.facts(), 0, false).unwrap_err();
        assert_eq!((e.kind(), e.message().contains("lies on the hypervisor")), (Kind::Usage, true), "{e}");
    }
}
