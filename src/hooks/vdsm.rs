//! VDSM's hook of virtual machines, `before_vm_start` and `before_vm_cont`. In: custom properties and `_hook_domxml` in the
//! environment. Out: the file replaced, whole or not at all; an exit code; reasons on standard error, which VDSM logs. Never: a
//! file touched of a domain without SEV, or left beside it; an exit code but 0 and 2.
#![forbid(unsafe_code)]

mod common;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use virt_sev::finding::Finding;
use virt_sev::hook::vdsm::{Point, Started, concerns, cont, flags_file, is_ours, paused, start};
use virt_sev::hook::{Said, caught};
use virt_sev::{Error, Kind, Result, files};

/// VDSM goes on with no further hook, and does not start or resume the guest (VDSM `hooking.py`).
const STOP: u8 = 2;
/// The file with the domain (VDSM `hooks.py`).
const DOMXML: &str = "_hook_domxml";

fn main() -> ExitCode {
    let properties: Vec<(String, String)> = std::env::vars_os().filter_map(ours).collect();
    let path = std::env::var_os(DOMXML).filter(|path| !path.is_empty()).map(PathBuf::from);
    let xml = path.as_deref().map(|path| files::read("domain", path));
    // A guest without SEV is not kept from its start, whatever is wrong.
    if !concerns(&properties, xml.as_ref().and_then(|xml| xml.as_deref().ok()).unwrap_or_default()) {
        return ExitCode::SUCCESS;
    }
    let done = caught(|| {
        let (Some(path), Some(xml)) = (&path, xml) else {
            return Err(Error::new(Kind::Usage, format!("the environment variable {DOMXML} is not set"))
                .hint("VDSM sets it: this program is a hook of VDSM's, and does nothing by hand."));
        };
        run(&properties, path, &xml?)
    });
    common::say(&match done.and_then(|done| done) {
        Ok(warnings) => Said { stderr: warnings.iter().map(warning).collect(), ..Said::default() },
        Err(e) => Said::refused(&e, STOP),
    })
}

/// A custom property. What is no text is no value of any key either, and is told as one.
fn ours((name, value): (OsString, OsString)) -> Option<(String, String)> {
    let name = name.into_string().ok().filter(|name| is_ours(name))?;
    Some((name, value.to_string_lossy().into_owned()))
}

fn warning(finding: &Finding) -> String {
    format!("virt-sev: warning: {}\n", finding.as_error().alone())
}

fn run(properties: &[(String, String)], path: &Path, xml: &[u8]) -> Result<Vec<Finding>> {
    match point()? {
        Point::Cont => cont(xml).map(|()| Vec::new()),
        Point::Start => {
            let Some(Started { xml: new, is_held, warnings }) =
                start(properties, xml, &virt_sev_psp::machine(false))?
            else {
                return Ok(Vec::new());
            };
            // First of all: were this the last thing that is done, no guest would run that must not.
            if is_held {
                hold()?;
            }
            if new.as_bytes() != xml {
                files::replace("domain", path, new.as_bytes())?;
            }
            Ok(warnings)
        }
    }
}

/// By the folder that VDSM found this program in.
fn point() -> Result<Point> {
    let called = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    let folder = called.parent().and_then(Path::file_name).unwrap_or_default();
    Point::of(&folder.to_string_lossy())
}

/// The guest begins paused: the flags that VDSM starts it with stand in a file of its own (VDSM `hooks.py`,
/// `dump_vm_launch_flags_to_file`).
fn hold() -> Result<()> {
    let run = std::env::var_os("VIRT_SEV_VDSM_RUN").unwrap_or_else(|| "/run/vdsm".into());
    let id = std::env::var_os("vmId").unwrap_or_default();
    let path = flags_file(Path::new(&run), &id.to_string_lossy())?;
    let text = files::read_text("launch flags", &path).map_err(|e| {
        e.and_hint(
            "A guest with a session begins paused, and VDSM is told so there. It writes this file before every start, \
             but not before it wakes a guest from hibernation, which no SEV guest can do.",
        )
    })?;
    files::replace("launch flags", &path, paused(&text)?.as_bytes())
}
