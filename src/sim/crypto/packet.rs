//! Secret packets (SEV API, LAUNCH_SECRET).
//! In: header and encrypted data as they come over QMP. Out: the plain text for the guest's memory.
//! Never: the plain text in an error.

use super::session::TransportKeys;
use super::{aes_ctr, hmac_matches};
use crate::error::{Error, FirmwareError, Result};
use zeroize::Zeroizing;

/// The header's length: flags 4, IV 16, MAC 32.
pub const HEADER: usize = 52;
/// The most that one packet can carry.
const LONGEST: usize = 16 * 1024;

/// Opens a packet. Its MAC is HMAC(TIK, 0x01 | flags | IV | guest length | packet length | data | measurement),
/// where the measurement is the 32 bytes of MAC without the nonce.
///
/// # Errors
/// As the chip: a header of another length, flags, a MAC that does not match.
pub fn open(
    keys: &TransportKeys,
    measurement: &[u8; 48],
    header: &[u8],
    data: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    let refuse =
        |code, why: &str| Err(Error::firmware("SEV: failed to inject secret", "LAUNCH_SECRET", code, why));
    let Ok(header) = <&[u8; HEADER]>::try_from(header) else {
        let why = format!("the packet header has {} bytes, not {HEADER}", header.len());
        return refuse(FirmwareError::InvalidParameter, &why);
    };
    let (flags, rest) = header.split_at(4);
    let (iv, mac) = rest.split_at(16);
    if flags != [0; 4] {
        return refuse(FirmwareError::InvalidParameter, "compressed packets are not supported");
    }
    if data.is_empty() || data.len() > LONGEST || !data.len().is_multiple_of(16) {
        let why = format!("the secret has {} bytes; wanted a multiple of 16, at most {LONGEST}", data.len());
        return refuse(FirmwareError::InvalidParameter, &why);
    }
    let length = u32::try_from(data.len()).map_err(|e| Error::new(e.to_string()))?.to_le_bytes();
    let covered: [&[u8]; 7] = [&[0x01], flags, iv, &length, &length, data, &measurement[..32]];
    if !hmac_matches(&keys.tik, &covered, mac)? {
        let why = "the packet was made with another TIK or for another measurement, or it is damaged";
        return refuse(FirmwareError::BadMeasurement, why);
    }
    let iv: [u8; 16] = iv.try_into().map_err(|_| Error::new("the IV has 16 bytes"))?;
    let mut plain = Zeroizing::new(data.to_vec());
    aes_ctr(&keys.tek, &iv, &mut plain);
    Ok(plain)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::hmac;
    use super::*;

    /// A guest owner's packet, written out from the specification.
    pub(crate) fn packet(keys: &TransportKeys, measurement: &[u8; 48], plain: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let iv = [3u8; 16];
        let mut data = plain.to_vec();
        aes_ctr(&keys.tek, &iv, &mut data);
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        let mac =
            hmac(&keys.tik, &[&[1], &[0; 4], &iv, &length, &length, &data, &measurement[..32]]).unwrap();
        ([&[0u8; 4][..], &iv, &mac].concat(), data)
    }

    #[test]
    fn a_packet_opens_and_a_damaged_one_does_not() {
        let keys = TransportKeys { tek: [1; 16], tik: [2; 16] };
        let measurement = [8; 48];
        let plain = b"sixteen bytes!!!sixteen bytes!!!";
        let (header, data) = packet(&keys, &measurement, plain);
        assert_eq!(open(&keys, &measurement, &header, &data).unwrap()[..], plain[..]);

        let refused = |header: &[u8], data: &[u8], measurement| {
            open(&keys, measurement, header, data).unwrap_err().to_string()
        };
        for at in [4, 19, 20, 51] {
            let mut bad = header.clone();
            bad[at] ^= 1;
            assert!(refused(&bad, &data, &measurement).contains("fw_error=11"));
        }
        let mut bad = data.clone();
        bad[0] ^= 1;
        assert!(refused(&header, &bad, &measurement).contains("fw_error=11"));
        assert!(refused(&header, &data, &[9; 48]).contains("another measurement"));
        assert!(refused(&header[1..], &data, &measurement).contains("51 bytes"));
        assert!(refused(&header, &data[..31], &measurement).contains("31 bytes"));
        let mut flagged = header.clone();
        flagged[0] = 1;
        assert!(refused(&flagged, &data, &measurement).contains("compressed"));
    }
}
