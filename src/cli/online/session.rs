//! `virt-sev session -c URI`. In: the platform's certificates from libvirt. Out: a fresh session's files.

use super::connect;
use crate::args::SessionArgs;
use crate::cmd;
use crate::output::{Answer, Output};
use std::time::Duration;
use virt_sev::Result;
use virt_sev::launch::LOCAL_KEYS;

pub(crate) fn run(args: &SessionArgs, uri: Option<&str>, out: Output) -> Result<Answer> {
    let limit = Duration::from_secs(args.wait.timeout.into());
    let cancel = connect::patience();
    let libvirt = connect::open(uri, limit, &cancel)?;
    let asking = connect::asking(&libvirt, limit, &cancel);
    asking.refuse_local(LOCAL_KEYS, args.insecure)?;
    let chain = asking.chain()?;
    cmd::session::make(chain, args, out)
}
