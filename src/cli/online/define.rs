//! `virt-sev define`. In: a document and keys. Out: a defined domain that is right for this host, or nothing.

use super::{connect, implied};
use crate::args::DefineArgs;
use crate::cmd::prepare;
use crate::output::{Answer, Output};
use std::path::Path;
use std::time::Duration;
use virt_sev::launch::define;
use virt_sev::{Result, plan};

pub(crate) fn run(args: &DefineArgs, uri: Option<&str>, out: Output) -> Result<Answer> {
    let limit = Duration::from_secs(args.wait.timeout.into());
    let cancel = connect::patience();
    let domain = prepare::read_domain(&args.domain)?;
    let config = prepare::config(&args.config, &domain, args.domain == Path::new("-"), out)?;
    let libvirt = connect::open(uri, limit, &cancel)?;
    let asking = connect::asking(&libvirt, limit, &cancel);
    let file = Some(args.domain.as_path());
    let host = implied::host(asking, &args.config, (&domain, file), config.as_ref(), "defined", out)?;
    let done = prepare::prepare(&prepare::options(&args.config, false), (domain, file), config, &host)?;
    if done.config.is_none() && plan::implied_keys(&done.domain).is_none() {
        let becomes = "the domain is defined as it is, and the host is not checked";
        out.say(&prepare::no_keys(&done.domain, becomes));
    }
    out.findings(&done.findings);
    let defined = define(&asking, done.xml)?;
    if out.is_json() {
        out.answer_json("define", defined.json())?;
    } else {
        out.answer(&format!("{}: defined\n", defined.name))?;
    }
    Ok(Answer::Yes)
}
