//! `virt-sev verify`, off line. In: evidence and expectations from options and files. Out: the verdict.

use super::boot::{self, Boot};
use super::judge::{self, Judge, Judgement};
use super::{evidence, files, owner, snp};
use crate::args::snp::{SnpExpectedArgs, SnpLaunchedArgs};
use crate::args::{SnpReportArgs, VerifyArgs, VerifyCommand};
use crate::output::{Answer, Output};
use serde_json::json;
use std::path::{Path, PathBuf};
use virt_sev::appraisal::mismatch::Cause;
use virt_sev::inject::packet::Packet;
use virt_sev::measure::verify::{Evidence, Verdict};
use virt_sev::{Error, Kind, Result, hex};

pub(crate) fn run(args: &VerifyCommand, out: Output) -> Result<Answer> {
    let v = &args.verify;
    if let Some(report) = &args.report {
        return snp::report::run(&as_report(args, report)?, out);
    }
    check_usage(args)?;
    let keys = owner::keys(&v.keys)?;
    let host_says = args.evidence.as_deref().map(|path| evidence::read(path, v.policy)).transpose()?;
    let evidence = host_says.as_ref().map_or_else(|| evidence(v), |said| Ok(said.evidence))?;
    let boot = if judge::by_policy_alone(v)? {
        None
    } else {
        Some(Boot {
            firmware: v.boot.firmware.clone().ok_or_else(|| missing("--firmware"))?,
            kernel: v.boot.kernel.clone(),
            initrd: v.boot.initrd.clone(),
            cmdline: v.boot.cmdline.clone(),
            vcpus: v.cpus.num_cpus,
            cpu: None,
        })
    };
    if !v.inject_secret.is_empty() && !writes_packet(args) {
        return Err(missing("--packet"));
    }
    if let Some(path) = &args.packet {
        files::check_place("secret packet", path)?;
    }
    let table = owner::secrets(&v.inject_secret)?;
    let judgement = Judge::new(v, boot.as_ref(), evidence.policy)?.judge(&evidence, &keys)?;
    if host_says.is_some() && judgement.accepted() {
        evidence::answer_once(&keys, &evidence)?;
    }
    let packed = judgement.accepted() && !table.is_empty();
    if packed {
        let area = secret_area(boot.as_ref())?;
        write_packet(args, &owner::packet(&keys, &evidence, &table, area)?, &evidence)?;
    }
    let answer = tell(&judgement, &evidence, out)?;
    if packed {
        out.say(&written(args));
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
    let useless = [
        ("--api-major", v.api_major.is_some()),
        ("--api-minor", v.api_minor.is_some()),
        ("--build-id", v.build_id.is_some()),
        ("--tik", v.keys.tik.is_some()),
        ("--tek", v.keys.tek.is_some()),
        ("--tk", v.keys.tk.is_some()),
        ("--inject-secret", !v.inject_secret.is_empty()),
        ("--secret-header", args.secret_header.is_some()),
        ("--packet", args.packet.is_some()),
        ("--evidence", args.evidence.is_some()),
    ];
    let wrong = |(option, _): &(&str, bool)| {
        Error::new(Kind::Usage, format!("{option} makes no sense with --report"))
            .hint("A SEV-SNP guest has neither a session nor a secret that its host injects.")
    };
    if let Some(e) = Error::many(useless.iter().filter(|(_, given)| *given).map(wrong).collect()) {
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
    if writes_packet(args) && args.verify.inject_secret.is_empty() {
        let options = if args.packet.is_some() {
            "--packet needs"
        } else {
            "--secret-header and --secret-payload need"
        };
        return Err(Error::new(Kind::Usage, format!("{options} --inject-secret"))
            .hint("Without a secret there is nothing to write."));
    }
    if args.secret_header.is_some() && args.secret_header == args.secret_payload {
        return Err(Error::new(Kind::Usage, "--secret-header and --secret-payload are the same file"));
    }
    owner::check_usage(&args.verify)
}

fn missing(option: &str) -> Error {
    Error::new(Kind::Usage, format!("{option} or --domain is needed"))
}

/// The evidence that the options give; every missing one is told.
fn evidence(v: &VerifyArgs) -> Result<Evidence> {
    let gaps: Vec<Error> = [
        ("--measurement", v.measurement.is_none()),
        ("--api-major", v.api_major.is_none()),
        ("--api-minor", v.api_minor.is_none()),
        ("--build-id", v.build_id.is_none()),
        ("--policy", v.policy.is_none()),
    ]
    .into_iter()
    .filter(|(_, gap)| *gap)
    .map(|(name, _)| missing(name))
    .collect();
    if let Some(e) = Error::many(gaps) {
        return Err(e);
    }
    Ok(Evidence {
        measurement: Evidence::parse_measurement(v.measurement.as_deref().unwrap_or_default())?,
        api_major: v.api_major.unwrap_or_default(),
        api_minor: v.api_minor.unwrap_or_default(),
        build_id: v.build_id.unwrap_or_default(),
        policy: v.policy.unwrap_or_default(),
    })
}

/// True where a secret is written rather than injected.
pub(crate) fn writes_packet(args: &VerifyCommand) -> bool {
    args.secret_header.is_some() || args.packet.is_some()
}

/// Writes a packet where the options say.
pub(crate) fn write_packet(args: &VerifyCommand, packet: &Packet, evidence: &Evidence) -> Result<()> {
    if let Some(path) = &args.packet {
        return evidence::write_packet(path, packet, evidence.measurement);
    }
    let (Some(header), Some(payload)) = (&args.secret_header, &args.secret_payload) else { return Ok(()) };
    files::write_packet(header, payload, packet)
}

/// Says where the packet is and what to do with it.
pub(crate) fn written(args: &VerifyCommand) -> String {
    let domain = args.domain.as_deref().unwrap_or("DOMAIN");
    if let Some(path) = &args.packet {
        return format!(
            "secret written, not injected. On the host: virt-sev secret inject -c URI {domain} --packet {} --resume",
            path.display()
        );
    }
    let path = |p: &Option<PathBuf>| p.as_deref().unwrap_or(Path::new("")).display().to_string();
    let (header, payload) = (path(&args.secret_header), path(&args.secret_payload));
    format!(
        "secret written, not injected. Inject: virt-sev secret inject -c URI {domain} --secret-header {header} --secret-payload {payload}",
    )
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
        if let Some(Cause { id, text, .. }) = &judgement.cause {
            answer["cause"] = json!({ "id": id, "text": text });
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
