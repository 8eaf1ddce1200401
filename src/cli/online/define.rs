//! `virt-sev define`. In: a document and keys. Out: a defined domain that is right for this host, or nothing.

use super::{connect, implied};
use crate::args::DefineArgs;
use crate::cmd::prepare;
use crate::output::{Answer, Output};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use virt_sev::launch::{Cancel, Guest as _, Hypervisor as _, within};
use virt_sev::{Error, Result, plan};
use virt_sev_sys::Libvirt;

pub(crate) fn run(args: &DefineArgs, uri: Option<&str>, out: Output) -> Result<Answer> {
    let limit = Duration::from_secs(args.wait.timeout.into());
    let cancel = Cancel::default();
    let domain = prepare::read_domain(&args.domain)?;
    let config = prepare::config(&args.config, &domain, args.domain == Path::new("-"), out)?;
    let libvirt = connect::open(uri, limit, &cancel)?;
    let asked = implied::Asked { libvirt: &libvirt, limit, cancel: &cancel };
    let file = Some(args.domain.as_path());
    let host = implied::host(asked, &args.config, (&domain, file), config.as_ref(), "defined", out)?;
    let done = prepare::prepare(&args.config, (domain, file), config, &host, false)?;
    if done.config.is_none() && plan::implied_keys(&done.domain).is_none() {
        let becomes = "the domain is defined as it is, and the host is not checked";
        out.say(&prepare::no_keys(&done.domain, becomes));
    }
    out.findings(&done.findings);
    let xml = done.xml;
    let (name, uuid) = within(limit, &cancel, "defining the domain", move || define(&libvirt, &xml))?;
    if out.is_json() {
        out.answer_json("define", json!({ "domain": name, "uuid": uuid }))?;
    } else {
        out.answer(&format!("{name}: defined\n"))?;
    }
    Ok(Answer::Yes)
}

fn define(libvirt: &Libvirt, xml: &str) -> Result<(String, String)> {
    let guest = libvirt.define(xml).map_err(same_name)?;
    Ok((guest.name()?, guest.uuid()?))
}

/// libvirt refuses a document without `<uuid>` when a domain of its name is defined: what to do is not in its words.
fn same_name(e: Error) -> Error {
    if e.to_string().contains("already exists with uuid") {
        e.hint("Put that <uuid> into the document, name the defined domain in place of the file, or undefine it first.")
    } else {
        e
    }
}
