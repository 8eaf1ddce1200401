//! `virt-sev host -c`. In: hypervisors, perhaps a folder with the host's own files. Out: one report each.
//! Never: a remote host's own layers guessed from this machine's.

use super::connect;
use crate::args::{Format, HostArgs};
use crate::cmd::host;
use crate::output::{Answer, Output};
use serde_json::json;
use std::time::Duration;
use virt_sev::launch::{Cancel, CapsQuery, Hypervisor as _};
use virt_sev::preflight::{HostReport, fleet, prometheus};
use virt_sev::{Error, Kind, Result};

const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn run(args: &HostArgs, uris: &[String], out: Output) -> Result<Answer> {
    let [uri] = uris else {
        if args.host_root.is_some() {
            return Err(Error::new(Kind::Usage, "--host-root is of one host, and there are several -c"));
        }
        // One that does not answer does not hide the others.
        let (mut reports, mut failures) = (Vec::new(), Vec::new());
        for uri in uris {
            match report(args, uri) {
                Ok(report) => reports.push(report),
                Err(e) => failures.push(e),
            }
        }
        let answer = show_all(&reports, out)?;
        return Error::many(failures).map_or(Ok(answer), Err);
    };
    host::show(&report(args, uri)?, out)
}

fn report(args: &HostArgs, uri: &str) -> Result<HostReport> {
    let cancel = Cancel::default();
    let libvirt = connect::open(Some(uri), LIMIT, &cancel)?;
    let root = args.host_root.as_deref();
    let facts = connect::everything(&libvirt, root, CapsQuery::default(), &[], LIMIT, &cancel)?;
    Ok(HostReport::new(libvirt.uri(), &facts))
}

/// Several hosts: a line each, or a list.
fn show_all(reports: &[HostReport], out: Output) -> Result<Answer> {
    match out.format {
        Format::Json => {
            let hosts: Vec<_> = reports.iter().map(HostReport::json).collect();
            out.answer_json("host", json!({ "hosts": hosts }))?;
        }
        Format::Prometheus => out.answer(&prometheus(reports))?,
        Format::Text | Format::Md | Format::Sarif => out.answer(&fleet(reports, out.answer_style()))?,
    }
    Ok(if reports.iter().all(HostReport::any) { Answer::Yes } else { Answer::No })
}
