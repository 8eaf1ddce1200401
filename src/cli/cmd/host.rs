//! `virt-sev host`. In: this machine, a folder that stands for one, libvirt's capabilities. Out: what each mode needs
//! and what of it is there. Never: a change of anything.

use super::files;
use crate::args::HostArgs;
use crate::output::{Answer, Output};
use std::path::Path;
use virt_sev::host::{Fact, HostFacts, RealProbe, RootProbe, domcaps};
use virt_sev::preflight::HostReport;
use virt_sev::report::Style;
use virt_sev::{Error, Kind, Result};

pub(crate) fn run(args: &HostArgs, out: Output) -> Result<Answer> {
    let facts = local_facts(args)?;
    let name = match (&args.host_root, &args.domcaps) {
        (Some(_), _) => "the host below --host-root",
        (None, Some(_)) => "the host of --domcaps",
        (None, None) => "this machine",
    };
    show(&HostReport::new(name, &facts), out)
}

/// Below a folder that is not there nothing is found, and the answer would blame the host.
pub(crate) fn root(path: &Path) -> Result<RootProbe> {
    if path.is_dir() {
        return Ok(RootProbe::new(path));
    }
    Err(Error::new(Kind::File, "the folder of the host's files is not there")
        .at(path.display().to_string())
        .wanted("--host-root DIR with the host's own folders below DIR"))
}

/// Domain capabilities alone are of a host that need not be this one: then nothing is read here.
fn local_facts(args: &HostArgs) -> Result<HostFacts> {
    let mut facts = match (&args.host_root, &args.domcaps) {
        (Some(path), _) => HostFacts::gather(&root(path)?, &[]),
        (None, Some(_)) => HostFacts::not_asked(),
        (None, None) => HostFacts::gather(&RealProbe::system(), &[]),
    };
    if let Some(path) = &args.domcaps {
        let text = files::read_text("domain capabilities", path)?;
        facts.domcaps = Fact::Known(domcaps::parse(&text).map_err(|e| e.at(path.display().to_string()))?);
    }
    Ok(facts)
}

/// One host's report is the answer itself.
pub(crate) fn show(report: &HostReport, out: Output) -> Result<Answer> {
    if out.is_json() {
        out.answer_json("host", report.json())?;
    } else {
        out.answer(&report.text(Style { details: out.is_verbose(), ..out.answer_style() }))?;
    }
    Ok(if report.any() { Answer::Yes } else { Answer::No })
}
