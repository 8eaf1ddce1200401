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
use virt_sev_psp::machine;

/// The most that is kept of standard input: more than any document has that can be judged.
const MOST: u64 = 32 << 20;
/// How much is read at once of what is longer.
const PIECE: u64 = 1 << 20;
/// No word that [`speaks_of_sev`] looks for is longer.
const WORD: usize = 64;

fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|a| a.to_string_lossy().into_owned()).collect();
    let argument = |n: usize| arguments.get(n).map_or("", String::as_str);
    let call = Call { name: argument(0), operation: argument(1), sub: argument(2) };
    // libvirt writes whatever the operation is; a document that nobody reads must not end it with a broken pipe.
    if gate(&call).is_none() {
        let _ = std::io::copy(&mut stdin().lock(), &mut std::io::sink());
        return ExitCode::SUCCESS;
    }
    let xml = input();
    // A guest that runs is not killed for a fault of ours, nor one without SEV kept from its start.
    let judged =
        caught(|| judge(&call, &xml, WORLD, &machine(false))).unwrap_or_else(|e| match gate(&call) {
            Some(Gate::Judge | Gate::Refuse) if speaks_of_sev(&xml) => Judged::refused(&call, &e),
            _ => Judged::default(),
        });
    if let Some(line) = &judged.audit {
        audit(line);
    }
    common::say(&judged.said)
}

/// Looked at for a guest that asks for SEV only: none of it keeps another waiting.
const WORLD: World = World { site, state: Registry::default_folder };

/// Standard input to its end. Of what is longer than any document that can be judged, the part that speaks of SEV is kept
/// too: libvirt indents, so that 3 MiB of a definition can be 45 MiB here with `<launchSecurity>` at their end.
fn input() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut from = stdin().lock();
    // What cannot be read is no document, and is judged as such.
    let _ = (&mut from).take(MOST).read_to_end(&mut bytes);
    let mut window = bytes.get(bytes.len().saturating_sub(WORD)..).unwrap_or_default().to_vec();
    let mut is_kept = false;
    while (&mut from).take(PIECE).read_to_end(&mut window).is_ok_and(|n| n > 0) {
        if !is_kept && speaks_of_sev(&window) {
            bytes.extend_from_slice(&window);
            is_kept = true;
        }
        window.drain(..window.len().saturating_sub(WORD));
    }
    bytes
}

/// What the site wants; without a file nothing. A link that leads nowhere is a file that cannot be read.
fn site() -> Result<Site> {
    let path = std::env::var_os("VIRT_SEV_SITE_POLICY").unwrap_or_else(|| PLACE.into());
    let path = Path::new(&path);
    let leads_nowhere = |path: &Path| path.is_symlink() && !path.exists();
    if !path.try_exists().unwrap_or(true) && !path.ancestors().any(leads_nowhere) {
        return Ok(Site::default());
    }
    files::open_regular("site policy", path)
        .and_then(|_| files::read_text("site policy", path))
        .and_then(|text| Site::parse(&text, &path.display().to_string()))
        .map_err(|e| {
            e.and_hint("No SEV guest starts before it can be read. Mend it; or remove it, where nothing is to be restricted.")
        })
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
