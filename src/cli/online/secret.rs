//! `virt-sev secret inject`. In: a packet in one file, or in two. Out: the secret in a paused guest.

use super::connect;
use crate::args::secret::SecretInjectArgs;
use crate::cmd::files;
use crate::output::{Answer, Output};
use std::path::Path;
use std::time::Duration;
use virt_sev::inject::file::PacketFile;
use virt_sev::inject::packet::Packet;
use virt_sev::launch::{Guest, active, deliver};
use virt_sev::{Error, Kind, Result};

pub(crate) fn run(args: &SecretInjectArgs, uri: Option<&str>, out: Output) -> Result<Answer> {
    let (packet, bound_to) = read(args)?;
    let limit = Duration::from_secs(args.wait.timeout.into());
    let cancel = connect::patience();
    let libvirt = connect::open(uri, limit, &cancel)?;
    let asking = connect::asking(&libvirt, limit, &cancel);
    let name = args.domain.clone();
    let guest = asking.ask("looking for the guest", move |hv| active(&hv, &name))?;
    deliver(&asking, &guest, &args.domain, packet, bound_to, args.set_address)?;
    out.say(&format!("{}: secret injected", args.domain));
    if args.resume {
        asking.of(&guest, "resuming the guest", Guest::resume)?;
        out.say(&format!("{}: resumed", args.domain));
    }
    Ok(Answer::Yes)
}

/// The packet, and the measurement that it is bound to, where its file tells.
fn read(args: &SecretInjectArgs) -> Result<(Packet, Option<[u8; 48]>)> {
    match (&args.packet, &args.secret_header, &args.secret_payload) {
        (Some(path), _, _) => PacketFile::parse(&files::read_text("secret packet", path)?)
            .map(|file| (file.packet, Some(file.measurement)))
            .map_err(|e| e.at(files::shown(path))),
        (None, Some(header), Some(payload)) => Ok((read_packet(header, payload)?, None)),
        _ => Err(Error::new(Kind::Usage, "--packet is needed, or --secret-header and --secret-payload")),
    }
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
