//! `virt-sev host -c`. In: hypervisors, perhaps a folder with the host's own files. Out: one report each.
//! Never: a remote host's own layers guessed from this machine's.

use super::connect;
use crate::args::{Format, HostArgs};
use crate::cmd::host;
use crate::output::{Answer, Output};
use serde_json::json;
use std::time::Duration;
use virt_sev::host::RootProbe;
use virt_sev::launch::{Cancel, CapsQuery, Hypervisor as _};
use virt_sev::preflight::{HostReport, fleet, prometheus};
use virt_sev::{Error, Kind, Result};

/// How many hosts are asked at once: over ssh each of them is a process.
const AT_ONCE: usize = 32;

pub(crate) fn run(args: &HostArgs, uris: &[String], out: Output) -> Result<Answer> {
    let [uri] = uris else {
        if args.host_root.is_some() {
            return Err(Error::new(Kind::Usage, "--host-root is of one host, and there are several -c"));
        }
        // One that does not answer neither hides the others nor keeps them waiting.
        let (mut reports, mut failures) = (Vec::new(), Vec::new());
        for some in uris.chunks(AT_ONCE) {
            for answer in ask(args, some) {
                match answer {
                    Ok(report) => reports.push(report),
                    Err(e) => failures.push(e),
                }
            }
        }
        let answer = show_all(&reports, out)?;
        return Error::many(failures).map_or(Ok(answer), Err);
    };
    host::show(&report(args, uri)?, out)
}

/// These hosts at once; the answers in their order.
fn ask(args: &HostArgs, uris: &[String]) -> Vec<Result<HostReport>> {
    std::thread::scope(|scope| {
        let asked: Vec<_> = uris.iter().map(|uri| scope.spawn(move || report(args, uri))).collect();
        let lost = || Err(Error::new(Kind::Bug, "a thread that asked a host ended without an answer"));
        asked.into_iter().map(|answer| answer.join().unwrap_or_else(|_| lost())).collect()
    })
}

fn report(args: &HostArgs, uri: &str) -> Result<HostReport> {
    let (cancel, limit) = (Cancel::default(), Duration::from_secs(args.wait.timeout.into()));
    let libvirt = connect::open(Some(uri), limit, &cancel)?;
    let root = args.host_root.as_deref().map(RootProbe::open).transpose()?;
    let facts = connect::asking(&libvirt, limit, &cancel).facts(root.as_ref(), CapsQuery::default(), &[])?;
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
