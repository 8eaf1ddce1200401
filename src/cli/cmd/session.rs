//! `virt-sev session`. In: a platform's chain. Out: a fresh session's files. Never: keys for an unverified platform
//! unless somebody insists.

use super::chain::verdict;
use super::{files, trust};
use crate::args::SessionArgs;
use crate::output::{Answer, Output};
use serde_json::json;
use std::path::Path;
use virt_sev::config::SevPolicy;
use virt_sev::measure::Digest32;
use virt_sev::measure::sev::launch_digest;
use virt_sev::session::chain::Chain;
use virt_sev::session::create::{MadeFor, create};
use virt_sev::{Error, Kind, Result, hex};

/// With the chain in a file.
pub(crate) fn run(args: &SessionArgs, out: Output) -> Result<Answer> {
    make(trust::read(&args.chain)?, args, out)
}

/// With the chain from wherever it came.
pub(crate) fn make(chain: Chain, args: &SessionArgs, out: Output) -> Result<Answer> {
    check_policy(args.policy)?;
    let roots = trust::roots(&args.trust)?;
    let chain = trust::complete(chain, &args.trust, &roots, args.wait.timeout, out)?;
    let report = chain.check(&roots);
    let mut root = verdict(&report);
    // The name of another root is a path of this machine, which is nobody else's business.
    let root_name = report.root().filter(|r| report.verified() && r.built_in).map(|r| r.name.clone());
    match report.into_error() {
        Some(e) if args.insecure => {
            out.say(&format!("virt-sev: warning: {e}"));
            root = "not verified (--insecure)".to_owned();
        }
        Some(e) => return Err(e),
        None => {}
    }
    out.say(&format!("platform: {root}"));
    let firmware = args.firmware.as_deref().map(digest).transpose()?;
    let session = create(chain.pdh(), args.policy)?;
    let made_for = MadeFor { pdh: chain.pdh(), root: root_name.as_deref(), firmware: firmware.as_ref() };
    let text = session.bundle(&made_for)?;
    let paths = session.write(&args.output, args.bundle.as_deref().map(|path| (path, text.as_str())))?;
    if out.is_json() {
        out.answer_json(
            "session",
            json!({
                "session": session.blob.id(),
                "platform": root,
                "pdh": hex::encode(&chain.pdh().fingerprint()),
                "policy": format!("{:#x}", args.policy),
                "files": paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>(),
            }),
        )?;
    } else {
        out.answer(&paths.iter().map(|p| format!("{}\n", p.display())).collect::<String>())?;
        let carried = args.bundle.as_ref().map_or("keys.yaml".to_owned(), |b| b.display().to_string());
        out.say(&format!(
            "Keep tek.bin and tik.bin to yourself. {carried} goes to the host: virt-sev launch --config {carried} ..."
        ));
    }
    Ok(Answer::Yes)
}

/// SHA-256 of a firmware image, as it is measured.
pub(crate) fn digest(path: &Path) -> Result<Digest32> {
    launch_digest(&mut files::open("firmware", path)?, None, None)
        .map_err(|e| e.at(path.display().to_string()))
}

fn check_policy(policy: u32) -> Result<()> {
    // Bits 16 to 31 are the lowest firmware API version.
    let reserved = policy & SevPolicy::RESERVED;
    if reserved != 0 {
        return Err(Error::new(Kind::Config, "the policy sets reserved bits")
            .at("--policy")
            .found(format!("{policy:#x}"))
            .wanted(format!("bits 6 to 15 clear; {reserved:#x} are set")));
    }
    Ok(())
}
