//! The guest owner's keys and packets. In: files, evidence. Out: what `measure` and `inject` take. Never: anything that the
//! host says.

use crate::files;
use crate::inject::packet::{self, Packet};
use crate::inject::table::SecretTable;
use crate::session::keys::{TransportKeys, read_both, read_key};
use crate::{Error, Kind, Result};
use std::path::PathBuf;

/// Where TEK and TIK are: both in one file, or each in its own.
#[derive(Debug, Clone, Default)]
pub struct KeyFiles {
    /// TEK and TIK, 32 bytes.
    pub tk: Option<PathBuf>,
    /// TIK, 16 bytes.
    pub tik: Option<PathBuf>,
    /// TEK, 16 bytes.
    pub tek: Option<PathBuf>,
}

impl KeyFiles {
    /// True where a file is named, of whichever key.
    #[must_use]
    pub fn any(&self) -> bool {
        self.tk.is_some() || self.tik.is_some() || self.tek.is_some()
    }

    /// That the options do not name both keys.
    #[must_use]
    pub fn missing(&self) -> Option<Error> {
        (self.tk.is_none() && (self.tik.is_none() || self.tek.is_none())).then(missing)
    }

    /// Reads both keys.
    ///
    /// # Errors
    /// `Kind::Usage` where a file is missing or there are too many; `Kind::File` for one that cannot be read or has another
    /// size.
    pub fn read(&self) -> Result<TransportKeys> {
        match (&self.tk, &self.tik, &self.tek) {
            (Some(both), None, None) => read_both(&mut files::open("file of TEK and TIK", both)?)
                .map_err(|e| e.at(both.display().to_string())),
            (None, Some(tik), Some(tek)) => Ok(TransportKeys {
                tik: read_key("TIK", &mut files::open("TIK", tik)?)
                    .map_err(|e| e.at(tik.display().to_string()))?,
                tek: read_key("TEK", &mut files::open("TEK", tek)?)
                    .map_err(|e| e.at(tek.display().to_string()))?,
            }),
            (Some(_), _, _) => Err(Error::new(Kind::Usage, "--tk excludes --tik and --tek")),
            (None, _, _) => Err(missing()),
        }
    }
}

fn missing() -> Error {
    Error::new(Kind::Usage, "the guest owner's keys are missing")
        .wanted("--tk FILE, or --tik FILE and --tek FILE")
        .hint("`virt-sev session` wrote them as tik.bin and tek.bin.")
}

/// The packet for the launch with this measurement. `area`: the room that its firmware has.
///
/// # Errors
/// `Kind::Usage` for secrets that do not fit.
pub fn packet(
    keys: &TransportKeys,
    measurement: &[u8; 48],
    table: &SecretTable,
    area: Option<u32>,
) -> Result<Packet> {
    let mut mac = [0; 32];
    mac.copy_from_slice(&measurement[..32]);
    packet::build(&keys.tik, &keys.tek, &mac, &table.to_bytes(area)?)
}
