//! `virt-sev verify`, off line. In: evidence and expectations from options and files. Out: the verdict.

use super::boot::{self, Boot};
use super::judge::{self, Judge, Judgement};
use super::{evidence, owner, packet, snp};
use crate::args::snp::{SnpExpectedArgs, SnpLaunchedArgs};
use crate::args::{SnpReportArgs, VerifyArgs, VerifyCommand, given};
use crate::output::{Answer, Output};
use serde_json::json;
use std::path::Path;
use virt_sev::measure::verify::{Evidence, Verdict};
use virt_sev::{Error, Kind, Result, hex};

pub(crate) fn run(args: &VerifyCommand, out: Output) -> Result<Answer> {
    let v = &args.verify;
    if let Some(report) = &args.report {
        return snp::report::run(&as_report(args, report)?, out);
    }
    check_usage(args)?;
    check_complete(args)?;
    let keys = owner::keys(&v.keys)?;
    let host_says = args.evidence.as_deref().map(|path| evidence::read(path, v.policy)).transpose()?;
    let evidence = host_says.as_ref().map_or_else(|| evidence(v), |said| Ok(said.evidence))?;
    let boot = if judge::by_policy_alone(v)? {
        None
    } else {
        Some(Boot {
            firmware: v.boot.firmware.clone().ok_or_else(no_firmware)?,
            kernel: v.boot.kernel.clone(),
            initrd: v.boot.initrd.clone(),
            cmdline: v.boot.cmdline.clone(),
            vcpus: v.cpus.num_cpus,
            cpu: None,
        })
    };
    let table = owner::secrets(&v.inject_secret)?;
    let judgement = Judge::new(v, boot.as_ref(), evidence.policy)?.judge(&evidence, &keys)?;
    if host_says.is_some() && judgement.accepted() {
        evidence::answer_once(&keys, &evidence)?;
    }
    let packed = judgement.accepted() && !table.is_empty();
    if packed {
        let area = secret_area(boot.as_ref())?;
        packet::write(&args.to, &owner::packet(&keys, &evidence, &table, area)?, evidence.measurement)?;
    }
    let answer = tell(&judgement, &evidence, out)?;
    if packed {
        out.say(&written(args, host_says.as_ref().map(|said| said.domain.as_str())));
    }
    let doubtful = host_says.filter(|_| !judgement.verdict.matched());
    if let Some(why) = doubtful.and_then(|said| evidence::other_session(&said, &keys)) {
        out.say(why);
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

/// How much room the image has for secrets, where the image is known.
pub(crate) fn secret_area(boot: Option<&Boot>) -> Result<Option<u32>> {
    let contents = boot.map(|boot| boot::image_contents(&boot.firmware)).transpose()?;
    Ok(contents.and_then(|image| image.secret).map(|area| area.size))
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
    owner::check_usage(&args.verify)
}

/// What is missing off line: all of it is told.
fn check_complete(args: &VerifyCommand) -> Result<()> {
    let v = &args.verify;
    let mut problems: Vec<Error> = owner::no_keys(&v.keys).into_iter().collect();
    if args.evidence.is_none() {
        problems.extend(missing(v).map(|option| {
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

/// What of the evidence no option gives.
fn missing(v: &VerifyArgs) -> impl Iterator<Item = &'static str> {
    given([
        ("--measurement", v.measurement.is_none()),
        ("--api-major", v.api_major.is_none()),
        ("--api-minor", v.api_minor.is_none()),
        ("--build-id", v.build_id.is_none()),
        ("--policy", v.policy.is_none()),
    ])
}

/// The evidence that the options give; [`check_complete`] has seen that they do.
fn evidence(v: &VerifyArgs) -> Result<Evidence> {
    Ok(Evidence {
        measurement: Evidence::parse_measurement(v.measurement.as_deref().unwrap_or_default())?,
        api_major: v.api_major.unwrap_or_default(),
        api_minor: v.api_minor.unwrap_or_default(),
        build_id: v.build_id.unwrap_or_default(),
        policy: v.policy.unwrap_or_default(),
    })
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
        let mut answer = json!({
            "verified": accepted,
            "policy": format!("{:#x}", evidence.policy),
            "api-major": evidence.api_major,
            "api-minor": evidence.api_minor,
            "build-id": evidence.build_id,
        });
        match verdict {
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
        if let Some(cause) = &judgement.cause {
            answer["cause"] = json!(cause);
        }
        if !judgement.refused.is_empty() {
            answer["findings"] = json!(judgement.refused);
        }
        out.answer_json("verify", answer)?;
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
