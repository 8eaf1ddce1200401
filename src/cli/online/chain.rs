//! `virt-sev chain fetch`. In: the platform's certificates from libvirt. Out: a file as `sevctl export --full` writes it.
//! Never: belief in them: that they are the platform's own, their signatures say.

use super::connect;
use crate::args::chain::ChainFetchArgs;
use crate::cmd::{chain, files, trust};
use crate::output::{Answer, Output};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::IsTerminal as _;
use std::time::Duration;
use virt_sev::session::make;
use virt_sev::{Error, Kind, Result};

pub(crate) fn fetch(args: &ChainFetchArgs, uri: Option<&str>, out: Output) -> Result<Answer> {
    if args.output.is_none() && !out.is_json() && std::io::stdout().is_terminal() {
        return Err(Error::new(Kind::Usage, "certificates are no text for a terminal")
            .hint("Give -o FILE, or > FILE; `virt-sev chain verify` shows them."));
    }
    let roots = args.trust.trust().roots()?;
    let limit = Duration::from_secs(args.wait.timeout.into());
    let cancel = connect::patience();
    let libvirt = connect::open(uri, limit, &cancel)?;
    let read = connect::asking(&libvirt, limit, &cancel).chain()?;
    let mut found = trust::complete(read, &args.trust, &roots, args.wait.timeout, out)?;
    let report = found.check(&roots);
    if let Some(root) = report.root().filter(|_| report.verified()) {
        found.complete(root);
    }
    let bytes = found.to_bytes();
    if let Some(path) = &args.output {
        files::write("certificate chain", path, &bytes, 0o644)?;
    }
    if out.is_json() {
        let mut answer = chain::as_json(&found, &report);
        answer["chain"] = STANDARD.encode(&bytes).into();
        out.answer_json("chain", answer)?;
    } else if args.output.is_none() {
        out.answer_bytes(&bytes)?;
    }
    if let Some(id) = found.chip_id() {
        out.say(&format!("chip {id}"));
    }
    out.say(&make::verdict(&report));
    if let Some(e) = report.into_error() {
        out.say(&format!("virt-sev: warning: {e}"));
    }
    Ok(Answer::Yes)
}
