//! `virt-sev session -c URI`. In: the platform's certificates from libvirt. Out: a fresh session's files.

use super::{chain, connect};
use crate::args::SessionArgs;
use crate::cmd;
use crate::output::{Answer, Output};
use std::time::Duration;
use virt_sev::launch::{Cancel, Hypervisor as _, within};
use virt_sev::{Error, Kind, Result};

pub(crate) fn run(args: &SessionArgs, uri: Option<&str>, out: Output) -> Result<Answer> {
    let limit = Duration::from_secs(args.wait.timeout.into());
    let cancel = Cancel::default();
    let libvirt = connect::open(uri, limit, &cancel)?;
    let hv = libvirt.clone();
    let is_local = within(limit, &cancel, "asking where the hypervisor is", move || hv.is_local())?;
    if is_local && !args.insecure {
        return Err(local("The guest owner's keys would be made on the hypervisor's own machine."));
    }
    let chain = chain::of_platform(libvirt, limit, &cancel)?;
    cmd::session::make(chain, args, out)
}

/// Refuses what proves nothing on the hypervisor's own machine.
pub(super) fn local(why: &str) -> Error {
    Error::new(Kind::Insecure, "the hypervisor is this machine")
        .hint(format!("{why} Run this where the guest owner trusts the machine, or add --insecure."))
}
