//! The GUIDed table of secrets that the guest finds in its secret area. In: GUIDs and secrets. Out: the table's bytes.
//! Never: a secret in an error or in a buffer that is not wiped.
//!
//! Layout: GUID, length in 32 bits (of everything), then for each secret GUID, length, data (libvirt
//! `tools/virt-qemu-sev-validate`; Linux `drivers/virt/coco/efi_secret`).

use crate::guid::Guid;
use crate::redact::Secret;
use crate::{Error, Kind, Result};
use std::ffi::OsStr;
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

const TABLE: Guid = Guid::new(0x1e74_f542, 0x71dd, 0x4d66, [0x96, 0x3e, 0xef, 0x42, 0x87, 0xff, 0x17, 0x3b]);
/// GUID and length.
const HEADER: usize = 16 + 4;
/// Linux takes no longer packet (`SEV_FW_BLOB_MAX_SIZE` in `include/linux/psp-sev.h`).
pub const MAX_TABLE: usize = 16 * 1024;

/// Names for GUIDs: `luks-key` as virt-qemu-sev-validate has it; `kbs-bundle` is where simple-kbs' clients put a bundle
/// (simple-kbs `client/LaunchVM.py`), `sev-kbc` where attestation-agent's `offline_sev_kbc` looks for one.
pub const ALIASES: &[(&str, Guid)] = &[
    ("luks-key", Guid::new(0x7368_69e5, 0x84f0, 0x4973, [0x92, 0xec, 0x06, 0x87, 0x9c, 0xe3, 0xda, 0x0b])),
    ("kbs-bundle", Guid::new(0x0a46_e24d, 0x478c, 0x4eb1, [0x86, 0x96, 0x11, 0x3e, 0xee, 0xc3, 0xaa, 0x99])),
    ("sev-kbc", Guid::new(0xe6f5_a162, 0xd67f, 0x4750, [0xa6, 0x7c, 0x5d, 0x06, 0x5f, 0x2a, 0x99, 0x10])),
];

/// `GUID-OR-ALIAS:PATH` of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSpec {
    /// Under which GUID the guest finds it.
    pub guid: Guid,
    /// The file that holds it. It may contain colons.
    pub path: PathBuf,
}

impl SecretSpec {
    /// Reads `GUID-OR-ALIAS:PATH`.
    ///
    /// # Errors
    /// `Kind::Usage`. The text is not repeated: who swaps a secret and a path would find the secret in a log.
    pub fn parse(text: &OsStr) -> Result<Self> {
        let wanted = "GUID-OR-ALIAS:PATH";
        let bytes = text.as_bytes();
        let Some(colon) = bytes.iter().position(|b| *b == b':') else {
            return Err(Error::new(Kind::Usage, "a secret to inject has no colon").wanted(wanted));
        };
        let (name, path) = (&bytes[..colon], &bytes[colon + 1..]);
        if path.is_empty() {
            return Err(Error::new(Kind::Usage, "a secret to inject has no path").wanted(wanted));
        }
        let guid = std::str::from_utf8(name)
            .ok()
            .and_then(|n| {
                n.parse().ok().or_else(|| ALIASES.iter().find(|(alias, _)| *alias == n).map(|(_, g)| *g))
            })
            .ok_or_else(|| {
                let aliases = ALIASES.iter().map(|(a, _)| *a).collect::<Vec<_>>().join(", ");
                Error::new(Kind::Usage, "what stands before the colon is neither a GUID nor a known alias")
                    .wanted(format!("8-4-4-4-12 hexadecimal digits, or {aliases}"))
            })?;
        Ok(Self { guid, path: PathBuf::from(OsStr::from_bytes(path)) })
    }
}

/// Reads a secret as it is, with no line end taken off.
///
/// # Errors
/// `Kind::File` when it cannot be read or is too long for any table.
pub fn read_secret(from: &mut dyn Read) -> Result<Secret<Vec<u8>>> {
    // The buffer never grows, so no copy of the secret stays behind in freed memory.
    let mut secret = Secret::new(vec![0u8; MAX_TABLE + 1]);
    let mut size = 0;
    while size < secret.expose().len() {
        match from.read(&mut secret.expose_mut()[size..]) {
            Ok(0) => break,
            Ok(n) => size += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::new(Kind::File, "cannot read the secret").because(e)),
        }
    }
    if size > MAX_TABLE {
        return Err(Error::new(Kind::File, "the secret is too long to be injected")
            .wanted(format!("at most {} bytes", MAX_TABLE - 2 * HEADER)));
    }
    secret.expose_mut().truncate(size);
    Ok(secret)
}

/// Secrets in the order in which they stand in the table.
#[derive(Debug, Clone, Default)]
pub struct SecretTable {
    secrets: Vec<(Guid, Secret<Vec<u8>>)>,
}

impl SecretTable {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a secret behind the others.
    ///
    /// # Errors
    /// `Kind::Usage` when there is one with this GUID already.
    pub fn add(&mut self, guid: Guid, secret: Secret<Vec<u8>>) -> Result<()> {
        if self.secrets.iter().any(|(g, _)| *g == guid) {
            return Err(
                Error::new(Kind::Usage, "two secrets to inject have the same GUID").found(guid.to_string())
            );
        }
        self.secrets.push((guid, secret));
        Ok(())
    }

    /// How many secrets it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.secrets.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// Bytes of the table as it is injected: padded with zeroes to a multiple of 16.
    #[must_use]
    pub fn size(&self) -> usize {
        self.unpadded().next_multiple_of(16)
    }

    /// The table. `area` is the size of the firmware's secret area, where it is known
    /// ([`crate::image::ImageContents::secret`]).
    ///
    /// # Errors
    /// `Kind::Usage` when there is no secret, or more than fits.
    pub fn to_bytes(&self, area: Option<u32>) -> Result<Secret<Vec<u8>>> {
        if self.is_empty() {
            return Err(Error::new(Kind::Usage, "there is no secret to inject").hint("Give --inject-secret."));
        }
        let size = self.size();
        let too_big = |room: usize, whose: &str| {
            Error::new(Kind::Usage, format!("the secrets do not fit into {whose}"))
                .found(format!("a table of {size} bytes"))
                .wanted(format!("at most {room}"))
        };
        if size > MAX_TABLE {
            return Err(too_big(MAX_TABLE, "one packet"));
        }
        if let Some(area) = area.and_then(|a| usize::try_from(a).ok()).filter(|a| size > *a) {
            return Err(too_big(area, "the secret area of the firmware"));
        }
        let mut out = Secret::new(Vec::with_capacity(size));
        put_header(out.expose_mut(), TABLE, self.unpadded());
        for (guid, secret) in &self.secrets {
            put_header(out.expose_mut(), *guid, HEADER + secret.expose().len());
            out.expose_mut().extend_from_slice(secret.expose());
        }
        out.expose_mut().resize(size, 0);
        Ok(out)
    }

    fn unpadded(&self) -> usize {
        HEADER + self.secrets.iter().map(|(_, s)| HEADER + s.expose().len()).sum::<usize>()
    }
}

fn put_header(out: &mut Vec<u8>, guid: Guid, length: usize) {
    out.extend_from_slice(guid.bytes());
    // A table is at most 16 KiB, which was checked before.
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
