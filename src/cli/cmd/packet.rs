//! An encrypted secret as files. In: a packet, and where the options want it. Out: one file, or header and payload apart, and
//! what to do with them. Never: a part of a packet.

use super::files;
use crate::args::PacketArgs;
use std::path::PathBuf;
use virt_sev::inject::file::PacketFile;
use virt_sev::inject::packet::Packet;
use virt_sev::{Error, Kind, Result};

/// True where a secret is written rather than injected.
pub(crate) fn wanted(to: &PacketArgs) -> bool {
    to.secret_header.is_some() || to.packet.is_some()
}

/// Refuses places that cannot hold it, before anything is answered.
pub(crate) fn check(to: &PacketArgs) -> Result<()> {
    if to.secret_header.is_some() && to.secret_header == to.secret_payload {
        return Err(Error::new(Kind::Usage, "--secret-header and --secret-payload are the same file")
            .wanted("a file for each"));
    }
    paths(to).iter().try_for_each(|path| files::check_place("secret packet", path))
}

/// Writes it: one file, or two of base64 as virt-qemu-sev-validate does and `virsh domsetlaunchsecstate` takes them. `measurement` is that of the launch that it is for.
pub(crate) fn write(to: &PacketArgs, packet: &Packet, measurement: [u8; 48]) -> Result<()> {
    if let Some(path) = &to.packet {
        let text = PacketFile { measurement, packet: packet.clone() }.to_text();
        return files::write_private(&[("secret packet", path, text.as_bytes())]);
    }
    let (Some(header), Some(payload)) = (&to.secret_header, &to.secret_payload) else { return Ok(()) };
    let (head, body) = (packet.header_base64(), packet.payload_base64());
    files::write_private(&[
        ("secret header", header, head.as_bytes()),
        ("secret payload", payload, body.as_bytes()),
    ])
}

/// The files, in the order of their options.
pub(crate) fn paths(to: &PacketArgs) -> Vec<&PathBuf> {
    [&to.packet, &to.secret_header, &to.secret_payload].into_iter().flatten().collect()
}

/// What the host's administrator types.
pub(crate) fn next(to: &PacketArgs, domain: Option<&str>) -> String {
    let files = match paths(to).as_slice() {
        [header, payload] => {
            format!("--secret-header {} --secret-payload {}", header.display(), payload.display())
        }
        one => format!("--packet {}", one.first().map_or("FILE".to_owned(), |p| p.display().to_string())),
    };
    let domain = domain.unwrap_or("DOMAIN");
    format!("on the host: virt-sev secret inject -c URI {domain} {files} --resume")
}
