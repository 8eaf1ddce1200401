//! `virt-sev snp report`. In: a report, certificates, what it must say. Out: every check, and whether all hold.
//! Never: a network: the certificate's address is printed, not fetched.

use super::{bytes, padded};
use crate::args::SnpReportArgs;
use crate::args::snp::SnpExpectedArgs;
use crate::cmd::files;
use crate::output::{Answer, Output};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use virt_sev::appraisal::mismatch::Cause;
use virt_sev::appraisal::policy::Claims;
use virt_sev::owner::judge;
use virt_sev::owner::launched::Launched;
use virt_sev::report::{Note, render, summary};
use virt_sev::snp::cert::Role;
use virt_sev::snp::certs::Certs;
use virt_sev::snp::chain::Endorsement;
use virt_sev::snp::clock::Moment;
use virt_sev::snp::policy::GuestPolicy;
use virt_sev::snp::report::Report;
use virt_sev::snp::roots::Roots;
use virt_sev::snp::tcb::TcbFloor;
use virt_sev::snp::verify::{Expected, Verdict, check};
use virt_sev::snp::{facts, kds};
use virt_sev::{Error, Kind, Result, hex};

pub(crate) fn run(args: &SnpReportArgs, out: Output) -> Result<Answer> {
    let mut expected = expected(&args.expected)?;
    let policy = judge::read_policy(args.launched.policy_file.as_deref())?;
    let launched = Launched::new(&args.launched.boot.files(), &args.launched.cpus.cpus())?;
    if launched.is_some() && expected.measurement.is_some() {
        return Err(Error::new(Kind::Usage, "--measurement and --firmware both say what was launched"));
    }
    let at = match &args.at {
        Some(text) => Moment::parse(text).map_err(|e| e.at("--at"))?,
        None => Moment::now()?,
    };
    let report = Report::parse(&files::read_short("attestation report", &args.report)?)
        .map_err(|e| e.at(files::shown(&args.report)))?;
    if args.kds_address {
        return addresses(&report, out);
    }
    let mut certs = Certs::default();
    for path in &args.certs {
        for file in certificate_files(path)? {
            certs.add(&file.display().to_string(), &files::read_short("certificate", &file)?)?;
        }
    }
    let mut roots = Roots::built_in()?;
    if let Some(ca) = &args.ca {
        roots.add(&ca.display().to_string(), &files::read_short("root certificate", ca)?)?;
    }
    if let Some(launched) = &launched {
        expected.measurement = Some(launched.measurement()?);
    }
    let mut verdict = check(&report, &certs, &roots, at, &expected)?;
    if expected.measurement.is_none() && policy.digests::<48>().is_some() {
        // The policy file has its say of the digest.
        verdict.findings.retain(|f| f.id != "snp-measurement");
    }
    verdict.findings.extend(policy.judge(&claims(&report, &report.measurement())));
    let differs = expected.measurement.is_some_and(|wanted| wanted != report.measurement());
    let cause = launched.as_ref().filter(|_| differs).map(|l| l.cause(&report.measurement()));
    tell(&report, &verdict, cause.as_ref().and_then(Option::as_ref), at, out)?;
    if let Some(cause) = &cause {
        out.say(&judge::explanation(cause.as_ref()));
    }
    Ok(if verdict.verified() { Answer::Yes } else { Answer::No })
}

/// What a policy file judges. The committed firmware counts: the host can go back to it without the guest's notice.
fn claims<'a>(report: &Report, digest: &'a [u8]) -> Claims<'a> {
    let firmware = report.committed_firmware();
    Claims {
        digest,
        policy: report.policy().0,
        api: (firmware.major, firmware.minor),
        build_id: firmware.build,
    }
}

fn expected(args: &SnpExpectedArgs) -> Result<Expected> {
    fn read<T>(
        text: &Option<String>,
        of: impl Fn(&str) -> Result<T>,
        problems: &mut Vec<Error>,
    ) -> Option<T> {
        let value = text.as_deref().map(of)?;
        value.map_err(|e| problems.push(e)).ok()
    }
    let mut problems = Vec::new();
    let p = &mut problems;
    let expected = Expected {
        measurement: read(&args.measurement, |t| bytes("--measurement", t), p),
        report_data: read(&args.report_data, |t| padded("--report-data", t), p),
        host_data: read(&args.host_data, |t| bytes("--host-data", t), p),
        id_key_digest: read(&args.id_key_digest, |t| bytes("--id-key-digest", t), p),
        author_key_digest: read(&args.author_key_digest, |t| bytes("--author-key-digest", t), p),
        min_tcb: read(&args.min_tcb, |t| TcbFloor::parse(t).map_err(|e| e.at("--min-tcb")), p),
        policy: args.guest_policy.map(GuestPolicy),
        allow_debug: args.allow_debug,
        vmpl: args.vmpl,
        chip_id: read(&args.chip_id, |t| bytes("--chip-id", t), p),
    };
    Error::many(problems).map_or(Ok(expected), Err)
}

/// A file as it is; of a folder, the files that are named as snpguest and snphost name them.
fn certificate_files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let names = ["vcek", "vlek", "ask", "asvk", "ark", "cert_chain"];
    let every =
        names.into_iter().flat_map(|name| ["pem", "der"].map(|end| path.join(format!("{name}.{end}"))));
    let found: Vec<PathBuf> = every.filter(|file| file.is_file()).collect();
    if found.is_empty() {
        return Err(Error::new(Kind::File, "the folder has no certificate of a known name")
            .at(path.display().to_string())
            .wanted("vcek, vlek, ask, asvk, ark or cert_chain, with .pem or .der"));
    }
    Ok(found)
}

fn addresses(report: &Report, out: Output) -> Result<Answer> {
    let addresses = kds::addresses(report)?;
    if out.is_json() {
        out.answer_json("snp-kds-address", json!({ "addresses": addresses }))?;
    } else {
        out.answer(&(addresses.join("\n") + "\n"))?;
    }
    Ok(Answer::Yes)
}

fn tell(report: &Report, verdict: &Verdict, cause: Option<&Cause>, at: Moment, out: Output) -> Result<()> {
    let verified = verdict.verified();
    if out.is_json() {
        let product = verdict.endorsement.as_ref().map(|e| e.product).or_else(|| report.product());
        return out.answer_json(
            "snp-report",
            json!({
                "verified": verified,
                "at": at.to_string(),
                "endorsement": verdict.endorsement.as_ref().map(endorsement),
                "report": facts::to_json(report, product),
                "findings": verdict.findings,
                "cause": cause,
            }),
        );
    }
    if out.quiet {
        return Ok(());
    }
    let notes: Vec<Note<'_>> = verdict.findings.iter().map(Note::new).collect();
    let word = if verified { "verified" } else { "not verified" };
    out.answer(&format!("{}{word}: {}\n", render(&notes, out.answer_style()), summary(&verdict.findings)))
}

fn endorsement(of: &Endorsement) -> Value {
    json!({
        "key": if of.role == Role::Vlek { "vlek" } else { "vcek" },
        "product": of.product,
        "tcb": of.tcb,
        "hwid": of.hwid.as_deref().map(hex::encode),
        "provider": of.provider,
        "path": of.path,
        "root": of.root.as_ref().map(|(name, _)| name),
        "built-in": of.root.as_ref().map(|(_, built_in)| built_in),
        "not-before": of.validity.0.to_string(),
        "not-after": of.validity.1.to_string(),
    })
}
