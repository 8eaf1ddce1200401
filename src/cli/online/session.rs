//! `virt-sev session -c URI`. In: the platform's certificates from libvirt. Out: a fresh session's files.

use super::{chain, connect};
use crate::args::SessionArgs;
use crate::cmd;
use crate::output::{Answer, Output};
use std::time::Duration;
use virt_sev::Result;
use virt_sev::launch::Cancel;

pub(crate) fn run(args: &SessionArgs, uri: Option<&str>, out: Output) -> Result<Answer> {
    let limit = Duration::from_secs(args.wait.timeout.into());
    let cancel = Cancel::default();
    let libvirt = connect::open(uri, limit, &cancel)?;
    let why = "The guest owner's keys would be made on the hypervisor's own machine.";
    connect::asking(&libvirt, limit, &cancel).refuse_local(why, args.insecure)?;
    let chain = chain::of_platform(libvirt, limit, &cancel)?;
    cmd::session::make(chain, args, out)
}
