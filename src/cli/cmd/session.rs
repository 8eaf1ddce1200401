//! `virt-sev session`. In: a platform's chain. Out: a fresh session's files. Never: keys for an unverified platform
//! unless somebody insists.

use super::files;
use crate::args::SessionArgs;
use crate::output::{Answer, Output};
use serde_json::json;
use virt_sev::config::SevPolicy;
use virt_sev::session::chain::Chain;
use virt_sev::session::create::create;
use virt_sev::session::roots::Roots;
use virt_sev::{Error, Kind, Result};

/// With the chain in a file.
pub(crate) fn run(args: &SessionArgs, out: Output) -> Result<Answer> {
    let Some(path) = &args.chain else {
        return Err(Error::new(Kind::Usage, "--chain FILE or -c URI is needed"));
    };
    let chain = Chain::parse(&files::read("certificate chain", path)?)
        .map_err(|e| e.at(path.display().to_string()))?;
    make(&chain, args, out)
}

/// With the chain from wherever it came.
pub(crate) fn make(chain: &Chain, args: &SessionArgs, out: Output) -> Result<Answer> {
    check_policy(args.policy)?;
    let mut roots = Roots::built_in()?;
    if let Some(ca) = &args.ca {
        roots.add(&ca.display().to_string(), &files::read("root certificates", ca)?)?;
    }
    let root = match chain.verify(&roots) {
        Ok(verified) if verified.built_in => format!("verified to AMD's root {}", verified.root),
        Ok(verified) => format!("verified to {}, which is not one of AMD's roots", verified.root),
        Err(e) if args.insecure => {
            out.say(&format!("virt-sev: warning: {e}"));
            "NOT verified (--insecure)".to_owned()
        }
        Err(e) => return Err(e),
    };
    out.say(&format!("platform: {root}"));
    let session = create(chain.pdh(), args.policy)?;
    let paths = session.write(&args.output)?;
    if out.is_json() {
        out.answer_json(
            "session",
            json!({
                "platform": root,
                "policy": format!("{:#x}", args.policy),
                "files": paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>(),
            }),
        )?;
    } else {
        out.answer(&paths.iter().map(|p| format!("{}\n", p.display())).collect::<String>())?;
        out.say("Keep tek.bin and tik.bin to yourself. keys.yaml goes to the host: virt-sev launch --config keys.yaml ...");
    }
    Ok(Answer::Yes)
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
