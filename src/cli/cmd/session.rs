//! `virt-sev session`. In: a platform's chain. Out: a fresh session's files.

use super::trust;
use crate::args::SessionArgs;
use crate::output::{Answer, Output};
use virt_sev::Result;
use virt_sev::session::chain::Chain;
use virt_sev::session::make;

/// With the chain in a file.
pub(crate) fn run(args: &SessionArgs, out: Output) -> Result<Answer> {
    make(make::read(&args.chain)?, args, out)
}

/// With the chain from wherever it came.
pub(crate) fn make(chain: Chain, args: &SessionArgs, out: Output) -> Result<Answer> {
    make::check_policy(args.policy)?;
    let roots = args.trust.trust().roots()?;
    let chain = trust::complete(chain, &args.trust, &roots, args.wait.timeout, out)?;
    let order = make::Order {
        policy: args.policy,
        folder: args.output.clone(),
        bundle: args.bundle.clone(),
        firmware: args.firmware.clone(),
        insecure: args.insecure,
    };
    let made = make::make(&chain, &roots, &order)?;
    if let Some(e) = &made.warning {
        out.say(&format!("virt-sev: warning: {e}"));
    }
    out.say(&format!("platform: {}", made.platform));
    if out.is_json() {
        out.answer_json("session", made.json())?;
    } else {
        out.answer(&made.files.iter().map(|p| format!("{}\n", p.display())).collect::<String>())?;
        let carried = args.bundle.as_ref().map_or("keys.yaml".to_owned(), |b| b.display().to_string());
        out.say(&format!(
            "Keep tek.bin and tik.bin to yourself. {carried} goes to the host: virt-sev launch --config {carried} ..."
        ));
    }
    Ok(Answer::Yes)
}
