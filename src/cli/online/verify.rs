//! `virt-sev verify --domain`. In: a paused guest and the owner's files. Out: the verdict; with secrets, a running guest.

use super::launch::boot;
use super::{connect, processor, session};
use crate::args::{Format, VerifyArgs, VerifyCommand};
use crate::cmd;
use crate::cmd::boot::Boot;
use crate::cmd::judge::{self, Judge};
use crate::cmd::{owner, packet};
use crate::output::{Answer, Output};
use std::time::Duration;
use virt_sev::domain::{Domain, DomainFacts};
use virt_sev::launch::{Cancel, Guest as _, GuestState, Hypervisor as _, evidence, within};
use virt_sev::measure::verify::Evidence;
use virt_sev::{Error, Kind, Result};

pub(crate) fn run(args: &VerifyCommand, uri: Option<&str>, mut out: Output) -> Result<Answer> {
    if args.json {
        out.format = Format::Json;
    }
    let v = &args.verify;
    cmd::verify::check_usage(args)?;
    let keys = owner::keys(&v.keys)?;
    let table = owner::secrets(&v.inject_secret)?;
    let name = args.domain.clone().unwrap_or_default();
    let limit = Duration::from_secs(args.wait.timeout.into());
    let cancel = Cancel::default();
    let libvirt = connect::open(uri, limit, &cancel)?;
    let hv = libvirt.clone();
    let local = within(limit, &cancel, "asking where the hypervisor is", move || hv.is_local())?;
    if local && !v.insecure {
        return Err(session::local(
            "A verdict found on the hypervisor's own machine proves nothing to the guest owner.",
        ));
    }
    let hv = libvirt.clone();
    let (guest, state, live) = within(limit, &cancel, "looking at the guest", move || {
        let guest = connect::active(&hv, &name)?;
        let state = guest.state()?;
        let live = guest.live_xml()?;
        Ok((guest, state, live))
    })?;
    if state != GuestState::Paused && !table.is_empty() && !packet::wanted(&args.to) {
        return Err(Error::new(Kind::State, "the guest is not paused")
            .at(args.domain.clone().unwrap_or_default())
            .hint("A secret goes in before the first instruction. Launch the guest again, paused."));
    }
    if state != GuestState::Paused && !v.insecure {
        return Err(Error::new(Kind::State, "the guest is not paused")
            .at(args.domain.clone().unwrap_or_default())
            .hint("A guest that has run may have changed since it was measured. --insecure verifies its launch all the same."));
    }
    let live = Domain::parse(&live)?;
    if !args.ignore_config {
        check_config(live.facts(), v.insecure)?;
    }
    let asked = guest.clone();
    let info = within(limit, &cancel, "reading the launch measurement", move || asked.launch_info())?;
    let evidence = overridden(evidence(&info)?, v)?;
    let boot = match judge::by_policy_alone(v)? {
        true => None,
        false => {
            let boot = boot(v, live.facts(), evidence.policy, local)?;
            let cpu = processor::of(v, live.facts(), evidence.policy, &libvirt, limit, &cancel)?;
            Some(Boot { cpu, ..boot })
        }
    };
    let judgement = Judge::new(v, boot.as_ref(), evidence.policy)?.judge(&evidence, &keys)?;
    let accepted = judgement.accepted();
    let mut next = None;
    if accepted && table.is_empty() {
        if state == GuestState::Paused {
            next = Some(format!(
                "the guest stays paused; it runs with: virsh -c '{}' resume {}",
                libvirt.uri(),
                guest.name()?
            ));
        }
    } else if accepted {
        let area = cmd::verify::secret_area(boot.as_ref())?;
        let made = owner::packet(&keys, &evidence, &table, area)?;
        if packet::wanted(&args.to) {
            packet::write(&args.to, &made, evidence.measurement)?;
            next = Some(cmd::verify::written(args, args.domain.as_deref()));
        } else {
            let asked = guest.clone();
            within(limit, &cancel, "injecting the secret", move || asked.inject(&made, None))?;
            within(limit, &cancel, "resuming the guest", move || guest.resume())?;
            next = Some("secret injected, guest resumed".to_owned());
        }
    }
    let answer = cmd::verify::tell(&judgement, &evidence, out)?;
    if let Some(next) = next {
        out.say(&next);
    }
    Ok(answer)
}

/// What the options say instead of the hypervisor.
fn overridden(mut evidence: Evidence, v: &VerifyArgs) -> Result<Evidence> {
    if let Some(text) = &v.measurement {
        evidence.measurement = Evidence::parse_measurement(text)?;
    }
    evidence.api_major = v.api_major.unwrap_or(evidence.api_major);
    evidence.api_minor = v.api_minor.unwrap_or(evidence.api_minor);
    evidence.build_id = v.build_id.unwrap_or(evidence.build_id);
    evidence.policy = v.policy.unwrap_or(evidence.policy);
    Ok(evidence)
}

/// A guest whose measurement would not mean what its owner thinks.
fn check_config(facts: &DomainFacts, insecure: bool) -> Result<()> {
    let mut problems = Vec::new();
    let mut wrong = |kind: Kind, at: &str, text: &str| problems.push(Error::new(kind, text).at(at));
    match facts.launch_security.as_ref().filter(|l| l.kind.as_deref() == Some("sev")) {
        None if facts.launch_security.as_ref().is_some_and(|l| l.kind.as_deref() == Some("sev-snp")) => {
            return Err(Error::new(
                Kind::Domain,
                "a SEV-SNP guest has no measurement that its host can read",
            )
            .at("/domain/launchSecurity")
            .hint("Let it ask for a report from inside, and give that to `virt-sev verify --report FILE`."));
        }
        None => wrong(Kind::Domain, "/domain/launchSecurity", "the guest has no SEV launch security"),
        Some(security) => {
            if security.dh_cert.is_none() || security.session.is_none() {
                wrong(
                    Kind::Domain,
                    "/domain/launchSecurity",
                    "without dhCert and session nobody holds this launch's keys",
                );
            }
            let hashed = security.kernel_hashes.as_deref() == Some("yes");
            if hashed && facts.os.kernel.is_none() {
                wrong(
                    Kind::Domain,
                    "/domain/launchSecurity/@kernelHashes",
                    "kernel hashes are on and there is no kernel",
                );
            }
        }
    }
    if facts.os.loader.is_none() {
        wrong(Kind::Domain, "/domain/os/loader", "the guest names no firmware image");
    }
    if facts.os.nvram.is_some() && !insecure {
        wrong(Kind::Insecure, "/domain/os/nvram", "firmware variables are not measured");
    }
    Error::many(problems).map_or(Ok(()), |e| Err(e.and_hint("--ignore-config verifies it all the same.")))
}
