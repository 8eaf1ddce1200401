//! `hooks/qemu.d/`: libvirt's hook. In: arguments, a domain on standard input. Out: an exit code, a reason on standard error,
//! a line in the system's log. Never: a call to libvirt, which waits for this program; a word on standard output.
#![forbid(unsafe_code)]

mod common;

use std::io::{Read as _, stdin};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::ExitCode;
use virt_sev::hook::libvirt::{Call, Gate, Judged, World, gate, judge};
use virt_sev::hook::site::{PLACE, Site};
use virt_sev::hook::{caught, speaks_of_sev};
use virt_sev::session::registry::Registry;
use virt_sev::{Result, files};

/// The most that is kept of standard input: libvirt's own limit of a document is far below (RPC, 32 MiB).
const MOST: u64 = 32 << 20;

fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|a| a.to_string_lossy().into_owned()).collect();
    let argument = |n: usize| arguments.get(n).map_or("", String::as_str);
    let call = Call { name: argument(0), operation: argument(1), sub: argument(2) };
    // libvirt writes whatever the operation is; a document that nobody reads must not end it with a broken pipe.
    let xml = input();
    // A guest that runs is not killed for a fault of ours, nor one without SEV kept from its start.
    let judged = caught(|| look(&call, &xml)).unwrap_or_else(|e| match gate(&call) {
        Some(Gate::Judge | Gate::Refuse) if speaks_of_sev(&xml) => Judged::refused(&call, &e),
        _ => Judged::default(),
    });
    if let Some(line) = &judged.audit {
        audit(line);
    }
    common::say(&judged.said)
}

fn look(call: &Call<'_>, xml: &[u8]) -> Judged {
    let world = World { site: site(), state: Registry::default_folder() };
    judge(call, xml, world, &virt_sev_psp::machine(false))
}

/// Standard input to its end, so that whoever writes it is not left with a broken pipe; what is beyond any document's size
/// is not kept.
fn input() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut from = stdin().lock();
    // What cannot be read is no document, and is judged as such.
    let _ = (&mut from).take(MOST).read_to_end(&mut bytes);
    let _ = std::io::copy(&mut from, &mut std::io::sink());
    bytes
}

/// What the site wants; without a file nothing.
fn site() -> Result<Site> {
    let path = std::env::var_os("VIRT_SEV_SITE_POLICY").unwrap_or_else(|| PLACE.into());
    let path = Path::new(&path);
    if !path.try_exists().unwrap_or(true) {
        return Ok(Site::default());
    }
    Site::parse(&files::read_text("site policy", path)?, &path.display().to_string())
}

/// A line for the system's log (RFC 3164 as the local socket takes it): facility authpriv, level notice. Without a log
/// daemon there is none.
fn audit(line: &str) {
    const AUTHPRIV_NOTICE: u8 = 10 * 8 + 5;
    let place = std::env::var_os("VIRT_SEV_LOG_SOCKET").unwrap_or_else(|| "/dev/log".into());
    let text = format!("<{AUTHPRIV_NOTICE}>virt-sev-libvirt-hook[{}]: {line}", std::process::id());
    let Ok(socket) = UnixDatagram::unbound() else { return };
    // A log that is full must not keep a guest waiting.
    let _ = socket.set_nonblocking(true);
    let _ = socket.send_to(text.as_bytes(), place);
}
