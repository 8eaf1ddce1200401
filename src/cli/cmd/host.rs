//! `virt-sev host`. In: this machine, a folder that stands for one, libvirt's capabilities. Out: what each mode needs
//! and what of it is there. Never: a change of anything.

use super::files;
use crate::args::{Format, HostArgs};
use crate::output::{Answer, Output};
use std::path::Path;
use virt_sev::host::{DomCaps, Fact, HostFacts, Probe as _, Recorder, RootProbe, domcaps};
use virt_sev::preflight::{HostReport, prometheus};
use virt_sev::report::Style;
use virt_sev::{Error, Kind, Result};
use virt_sev_psp::machine;

/// libvirt's answer in a folder that stands for a host.
const DOMCAPS: &str = "domcaps.xml";
/// It has some ten kilobytes.
const LONGEST_DOMCAPS: u64 = 4 << 20;

pub(crate) fn run(args: &HostArgs, out: Output) -> Result<Answer> {
    let facts = match &args.collect {
        Some(folder) => collect(args, folder)?,
        None => local_facts(args)?,
    };
    let name = match (&args.host_root, &args.domcaps) {
        (Some(_), _) => "the host below --host-root",
        (None, Some(_)) => "the host of --domcaps",
        (None, None) => "this machine",
    };
    let answer = show(&HostReport::new(name, &facts), out)?;
    if let Some(folder) = &args.collect {
        out.say(&format!(
            "note: {} holds the report: `virt-sev host --host-root` reads it anywhere",
            folder.display()
        ));
    }
    Ok(answer)
}

/// Domain capabilities alone are of a host that need not be this one: then nothing is read here.
fn local_facts(args: &HostArgs) -> Result<HostFacts> {
    let mut facts = match (&args.host_root, &args.domcaps) {
        (Some(path), _) => {
            let probe = RootProbe::open(path)?;
            HostFacts { domcaps: beside(&probe), ..HostFacts::gather(&probe, &[]) }
        }
        (None, Some(_)) => HostFacts::not_asked(),
        (None, None) => HostFacts::gather(&machine(false), &[]),
    };
    if let Some(path) = &args.domcaps {
        let text = files::read_text("domain capabilities", path)?;
        facts.domcaps = Fact::Known(domcaps::parse(&text).map_err(|e| e.at(path.display().to_string()))?);
    }
    Ok(facts)
}

/// libvirt's answer, which a folder may bring with it; where it does not, nobody asked.
fn beside(probe: &RootProbe) -> Fact<DomCaps> {
    let path = Path::new("/").join(DOMCAPS);
    match probe.read(&path, LONGEST_DOMCAPS) {
        Fact::Known(bytes) => match domcaps::parse(&String::from_utf8_lossy(&bytes)) {
            Ok(caps) => Fact::Known(caps),
            Err(e) => Fact::Unreadable(format!("{}: {e}", path.display()).replace('\n', " ")),
        },
        Fact::Absent | Fact::NotAsked => Fact::NotAsked,
        Fact::Unreadable(why) => Fact::Unreadable(why),
    }
}

/// Reads this machine and keeps what was read: all of the folder, or nothing.
fn collect(args: &HostArgs, folder: &Path) -> Result<HostFacts> {
    let trouble = |e: std::io::Error| {
        Error::new(Kind::File, "the report cannot be written")
            .at(folder.display().to_string())
            .because(files::plain(e))
    };
    if folder.symlink_metadata().is_ok() {
        return Err(Error::new(Kind::File, "there is something of this name already")
            .at(folder.display().to_string())
            .wanted("--collect with a folder that is not there yet"));
    }
    let recorder = Recorder::new(machine(false));
    let mut facts = HostFacts::gather(&recorder, &[]);
    let mut kept = recorder.into_files();
    if let Some(path) = &args.domcaps {
        let text = files::read_text("domain capabilities", path)?;
        facts.domcaps = Fact::Known(domcaps::parse(&text).map_err(|e| e.at(path.display().to_string()))?);
        kept.insert(DOMCAPS.into(), text.into_bytes());
    }
    let parent = folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let made = tempfile::Builder::new().prefix(".virt-sev").tempdir_in(parent).map_err(trouble)?;
    for (path, bytes) in kept {
        let path = made.path().join(path);
        if let Some(above) = path.parent() {
            std::fs::create_dir_all(above).map_err(trouble)?;
        }
        std::fs::write(path, bytes).map_err(trouble)?;
    }
    std::fs::rename(made.path(), folder).map_err(trouble)?;
    // It has its own name now.
    let _ = made.keep();
    Ok(facts)
}

/// One host's report is the answer itself.
pub(crate) fn show(report: &HostReport, out: Output) -> Result<Answer> {
    match out.format {
        Format::Json => out.answer_json("host", report.json())?,
        Format::Prometheus => out.answer(&prometheus(std::slice::from_ref(report)))?,
        Format::Text | Format::Md | Format::Sarif => {
            out.answer(&report.text(Style { details: out.is_verbose(), ..out.answer_style() }))?;
        }
    }
    Ok(if report.any() { Answer::Yes } else { Answer::No })
}
