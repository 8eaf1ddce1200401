//! `virt-sev verify`, off line. In: evidence and expectations from options and files. Out: the verdict.

use super::{packet, snp};
use crate::args::snp::{SnpExpectedArgs, SnpLaunchedArgs};
use crate::args::{SnpReportArgs, VerifyCommand, given};
use crate::output::{Answer, Output};
use std::path::Path;
use virt_sev::measure::verify::{Evidence, Verdict};
use virt_sev::owner::{Judge, Judgement, evidence, judge, keys, secrets};
use virt_sev::session::registry::Registry;
use virt_sev::{Error, Kind, Result, hex};

pub(crate) fn run(args: &VerifyCommand, out: Output) -> Result<Answer> {
    let v = &args.verify;
    if let Some(report) = &args.report {
        return snp::report::run(&as_report(args, report)?, out);
    }
    check_usage(args)?;
    check_complete(args)?;
    let expected = v.expectation();
    let keys = v.keys.files().read()?;
    let table = secrets::table(&v.inject_secret)?;
    let host_says = args.evidence.as_deref().map(evidence::read).transpose()?;
    let (judgement, judge, evidence) = match &host_says {
        Some(report) => {
            let (judgement, judge) =
                judge::of_report(&expected, &keys, report, &Registry::default_folder()?)?;
            (judgement, judge, report.evidence)
        }
        // Claims that were typed are no evidence of a launch.
        None => {
            let evidence = expected.claims.evidence()?;
            let boot = || expected.boot.boot(expected.cpus.num_cpus);
            let judge = Judge::new(&expected, evidence.policy, boot)?;
            (judge.judge(&evidence, &keys)?, judge, evidence)
        }
    };
    let packed = judgement.accepted() && !table.is_empty();
    if packed {
        // The host may know an address: `secret inject --set-address`.
        let area = judge.place_for_secrets();
        if let Err(e) = &area {
            out.say(&format!("virt-sev: warning: {e}\n  Without it the host needs --set-address."));
        }
        let made = keys::packet(&keys, &evidence.measurement, &table, area.ok().flatten())?;
        packet::write(&args.to, &made, evidence.measurement)?;
    }
    let answer = tell(&judgement, &evidence, out)?;
    if packed {
        out.say(&written(args, host_says.as_ref().map(|said| said.domain.as_str())));
    }
    Ok(answer)
}

/// What `snp report` makes of the same options.
fn as_report(args: &VerifyCommand, report: &Path) -> Result<SnpReportArgs> {
    let v = &args.verify;
    let useless = given([
        ("--api-major", v.api_major.is_some()),
        ("--api-minor", v.api_minor.is_some()),
        ("--build-id", v.build_id.is_some()),
        ("--tik", v.keys.tik.is_some()),
        ("--tek", v.keys.tek.is_some()),
        ("--tk", v.keys.tk.is_some()),
        ("--inject-secret", !v.inject_secret.is_empty()),
        ("--secret-header", args.to.secret_header.is_some()),
        ("--packet", args.to.packet.is_some()),
        ("--evidence", args.evidence.is_some()),
    ]);
    let wrong = |option| {
        Error::new(Kind::Usage, format!("{option} makes no sense with --report"))
            .hint("A SEV-SNP guest has neither a session nor a secret that its host injects.")
    };
    let mut problems: Vec<Error> = useless.map(wrong).collect();
    if v.boot.firmware.is_none()
        && v.measurement.is_none()
        && judge::read_policy(v.policy_file.as_deref())?.digests::<48>().is_none_or(|all| all.is_empty())
    {
        problems.push(no_firmware().hint(
            "Or --measurement, or a --policy-file with allowed_digests of 48 bytes. `virt-sev snp report` says what a report holds, whatever was launched.",
        ));
    }
    if let Some(e) = Error::many(problems) {
        return Err(e);
    }
    Ok(SnpReportArgs {
        report: report.to_owned(),
        certs: args.certs.clone(),
        ca: args.ca.clone(),
        at: None,
        kds_address: false,
        expected: SnpExpectedArgs {
            measurement: v.measurement.clone(),
            report_data: args.report_data.clone(),
            guest_policy: v.policy.map(u64::from),
            ..SnpExpectedArgs::default()
        },
        launched: SnpLaunchedArgs {
            boot: v.boot.clone(),
            cpus: v.cpus.clone(),
            policy_file: v.policy_file.clone(),
        },
    })
}

/// Options that make no sense together.
pub(crate) fn check_usage(args: &VerifyCommand) -> Result<()> {
    if packet::wanted(&args.to) && args.verify.inject_secret.is_empty() {
        let options = if args.to.packet.is_some() {
            "--packet needs"
        } else {
            "--secret-header and --secret-payload need"
        };
        return Err(Error::new(Kind::Usage, format!("{options} --inject-secret"))
            .hint("Without a secret there is nothing to write."));
    }
    packet::check(&args.to)?;
    args.verify.expectation().check()
}

/// What is missing off line: all of it is told.
fn check_complete(args: &VerifyCommand) -> Result<()> {
    let v = &args.verify;
    let mut problems: Vec<Error> = v.keys.files().missing().into_iter().collect();
    if args.evidence.is_none() {
        problems.extend(v.expectation().claims.missing().map(|option| {
            Error::new(Kind::Usage, format!("{option} is needed"))
                .hint("--evidence FILE holds all of these; with --domain NAME the hypervisor is asked.")
        }));
    }
    if v.boot.firmware.is_none() && v.policy_file.is_none() {
        problems.push(no_firmware());
    }
    if !v.inject_secret.is_empty() && !packet::wanted(&args.to) {
        problems.push(
            Error::new(Kind::Usage, "--packet is needed")
                .hint("The host's administrator injects it. With --domain it is injected from here."),
        );
    }
    Error::many(problems).map_or(Ok(()), Err)
}

fn no_firmware() -> Error {
    Error::new(Kind::Usage, "--firmware is needed")
}

/// Says where the packet is and what to do with it.
pub(crate) fn written(args: &VerifyCommand, domain: Option<&str>) -> String {
    format!("secret written, not injected; {}", packet::next(&args.to, domain))
}

/// Says the verdict.
pub(crate) fn tell(judgement: &Judgement, evidence: &Evidence, out: Output) -> Result<Answer> {
    let verdict = &judgement.verdict;
    log::debug!(
        "reported: SEV firmware API {}.{} build {}, policy {:#x}, nonce {}",
        evidence.api_major,
        evidence.api_minor,
        evidence.build_id,
        evidence.policy,
        hex::encode(&evidence.measurement[32..])
    );
    if let Verdict::Differs { reported, computed } = verdict {
        log::info!("reported measurement {}", hex::encode(reported));
        for one in computed {
            log::info!("expected measurement {}", hex::encode(one));
        }
    }
    let accepted = judgement.accepted();
    if out.is_json() {
        out.answer_json("verify", judgement.json(evidence))?;
    } else if !out.quiet {
        match verdict {
            Verdict::Matched { digest, state } if accepted => {
                let state = state.map(|s| format!(", initial state {s}")).unwrap_or_default();
                out.answer(&format!("verified: launch digest {}{state}\n", hex::encode(digest)))?;
            }
            Verdict::Matched { .. } | Verdict::Differs { .. } => out.answer("not verified\n")?,
        }
    }
    match judgement.refusal() {
        None => Ok(Answer::Yes),
        Some(why) => {
            out.say_error(&why);
            Ok(Answer::No)
        }
    }
}
