//! `virt-sev secret inject`. In: a packet in two files. Out: the secret in a paused guest.

use super::connect;
use crate::args::secret::SecretInjectArgs;
use crate::cmd::files;
use crate::output::{Answer, Output};
use std::path::Path;
use std::time::Duration;
use virt_sev::inject::packet::Packet;
use virt_sev::launch::{Cancel, Guest as _, GuestState, within};
use virt_sev::{Error, Kind, Result};

pub(crate) fn run(args: &SecretInjectArgs, uri: Option<&str>, out: Output) -> Result<Answer> {
    let packet = read_packet(&args.secret_header, &args.secret_payload)?;
    let limit = Duration::from_secs(args.wait.timeout.into());
    let cancel = Cancel::default();
    let libvirt = connect::open(uri, limit, &cancel)?;
    let guest = connect::active(&libvirt, &args.domain)?;
    if guest.state()? != GuestState::Paused {
        return Err(Error::new(Kind::State, "the guest is not paused")
            .at(args.domain.clone())
            .hint("A secret goes in before the first instruction. Launch the guest again, paused."));
    }
    let address = args.set_address;
    within(limit, &cancel, "injecting the secret", move || guest.inject(&packet, address))?;
    out.say(&format!("{}: secret injected", args.domain));
    Ok(Answer::Yes)
}

/// A packet as two files of base64.
fn read_packet(header: &Path, payload: &Path) -> Result<Packet> {
    let blob = |what: &str, path: &Path| -> Result<Vec<u8>> {
        let text = files::read_text(what, path)?;
        virt_sev::measure::from_base64(&text).ok_or_else(|| {
            Error::new(Kind::File, format!("the {what} is not base64")).at(path.display().to_string())
        })
    };
    let bytes = blob("secret header", header)?;
    let found = bytes.len();
    let header_bytes = bytes.try_into().map_err(|_| {
        Error::new(Kind::File, "the secret header has the wrong size")
            .at(header.display().to_string())
            .found(format!("{found} bytes"))
            .wanted("52 bytes")
    })?;
    Ok(Packet { header: header_bytes, payload: blob("secret payload", payload)? })
}
