//! KubeVirt's `onDefineDomain`, as its sidecar-shim runs it: `--vmi JSON --domain XML`. In: arguments. Out: the whole domain
//! on standard output, or nothing there and a reason on standard error. Never: a piece of either document on standard error,
//! which the shim logs.
#![forbid(unsafe_code)]

mod common;

use std::ffi::OsString;
use std::io::{Write as _, stdout};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::process::ExitCode;
use virt_sev::hook::kubevirt::{Defined, LONGEST_ARGUMENT, define};
use virt_sev::hook::{Said, caught};
use virt_sev::{Error, Kind, Result};

/// From here on an argument is told of: a disk more, and the shim cannot start this program.
const NEARLY: usize = LONGEST_ARGUMENT / 8 * 7;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if arguments.iter().any(|a| a == "--version") {
        let version = format!("virt-sev-kubevirt-hook {}\n", env!("CARGO_PKG_VERSION"));
        return common::say(&Said { stdout: version, ..Said::default() });
    }
    let (defined, near) = match caught(|| look(arguments)).flatten() {
        Ok(defined) => defined,
        Err(e) => return common::say(&Said::refused(&e, e.kind().code().exit)),
    };
    let stderr = defined.warnings.into_iter().chain(near).map(|line| format!("virt-sev: {line}\n")).collect();
    // Half a domain is none: the shim takes it only where this ends with 0.
    if let Err(e) = stdout().write_all(&defined.domain).and_then(|()| stdout().flush()) {
        let e = Error::new(Kind::File, "the domain cannot be written to standard output").because(e);
        return common::say(&Said::refused(&e, e.kind().code().exit));
    }
    common::say(&Said { stderr, ..Said::default() })
}

/// The answer, and what to say of an argument that is nearly too long.
fn look(arguments: Vec<OsString>) -> Result<(Defined, Option<String>)> {
    let usage = |message: &str| Error::new(Kind::Usage, message).wanted("--vmi JSON --domain XML");
    let (mut vmi, mut domain) = (None, None);
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        let (name, value) = match argument.as_bytes().iter().position(|b| *b == b'=') {
            Some(at) => (&argument.as_bytes()[..at], Some(argument.as_bytes()[at + 1..].to_vec())),
            None => (argument.as_bytes(), None),
        };
        let slot = match name {
            b"--vmi" => &mut vmi,
            b"--domain" => &mut domain,
            _ => return Err(usage("there is no such option")),
        };
        *slot = value.or_else(|| rest.next().map(OsString::into_vec));
    }
    let (Some(vmi), Some(domain)) = (vmi, domain) else { return Err(usage("--vmi or --domain is missing")) };
    let longest = vmi.len().max(domain.len());
    let near = (longest > NEARLY).then(|| {
        format!(
            "warning: a document of {longest} bytes is nearly too long for an argument ({LONGEST_ARGUMENT} bytes), which \
             is how the shim hands it over: use virt-sev-kubevirt-sidecar, which has no such limit"
        )
    });
    let machine = virt_sev_psp::machine(false);
    define(&vmi, &domain, &machine).map(|defined| (defined, near))
}
