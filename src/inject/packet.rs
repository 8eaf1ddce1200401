//! The packet that LAUNCH_SECRET takes. In: TIK, TEK, measurement, table. Out: [`Packet`]. Never: the same IV twice, or
//! the table in clear.
//!
//! AMD SEV API (55766) 6.6: header = FLAGS 4 ‖ IV 16 ‖ MAC 32, with
//! MAC = HMAC-SHA256(TIK; 0x01 ‖ FLAGS ‖ IV ‖ GUEST_LENGTH ‖ TRANS_LENGTH ‖ DATA ‖ MEASURE).

use crate::crypt::{aes_ctr, hmac, random};
use crate::measure::to_base64;
use crate::redact::Secret;
use crate::{Error, Kind, Result};
use hmac::Mac;

/// Bytes of a packet's header.
pub const HEADER_SIZE: usize = 52;
/// The context byte of a secret packet.
const CONTEXT: u8 = 0x01;
/// Not compressed.
const FLAGS: u32 = 0;

/// An encrypted secret table. Nothing in it is secret any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Flags, IV and MAC.
    pub header: [u8; HEADER_SIZE],
    /// The encrypted table.
    pub payload: Vec<u8>,
}

impl Packet {
    /// The header in base64: libvirt's `sev-secret-header`.
    #[must_use]
    pub fn header_base64(&self) -> String {
        to_base64(&self.header)
    }

    /// The payload in base64: libvirt's `sev-secret`.
    #[must_use]
    pub fn payload_base64(&self) -> String {
        to_base64(&self.payload)
    }
}

/// Encrypts a table for the guest that was measured, under a fresh IV. `measurement` is
/// [`crate::measure::verify::Evidence::mac`]: verify it first.
///
/// # Errors
/// `Kind::Usage` when the table is empty or no multiple of 16.
pub fn build(
    tik: &Secret<[u8; 16]>,
    tek: &Secret<[u8; 16]>,
    measurement: &[u8; 32],
    table: &Secret<Vec<u8>>,
) -> Result<Packet> {
    let mut iv = [0u8; 16];
    random(&mut iv)?;
    build_with_iv(tik, tek, measurement, table, iv)
}

fn build_with_iv(
    tik: &Secret<[u8; 16]>,
    tek: &Secret<[u8; 16]>,
    measurement: &[u8; 32],
    table: &Secret<Vec<u8>>,
    iv: [u8; 16],
) -> Result<Packet> {
    let size = match u32::try_from(table.expose().len()) {
        Ok(size) if size > 0 && size % 16 == 0 && size as usize <= super::table::MAX_TABLE => size,
        _ => {
            return Err(Error::new(Kind::Usage, "the secret table has a size that cannot be injected")
                .found(format!("{} bytes", table.expose().len()))
                .wanted(format!("a multiple of 16, at most {}", super::table::MAX_TABLE)));
        }
    };
    // Encrypted where it stands: the copy holds nothing in clear when it is given away.
    let mut payload = table.expose().clone();
    aes_ctr(tek, &iv, &mut payload);
    let mut mac = hmac(tik.expose())?;
    mac.update(&[CONTEXT]);
    mac.update(&FLAGS.to_le_bytes());
    mac.update(&iv);
    mac.update(&size.to_le_bytes());
    mac.update(&size.to_le_bytes());
    mac.update(&payload);
    mac.update(measurement);
    let mut header = [0u8; HEADER_SIZE];
    header[..4].copy_from_slice(&FLAGS.to_le_bytes());
    header[4..20].copy_from_slice(&iv);
    header[20..].copy_from_slice(&mac.finalize().into_bytes());
    Ok(Packet { header, payload })
}

#[cfg(test)]
#[path = "packet_tests.rs"]
mod tests;
