//! Measured boot: the kernel hashes table, the launch digest, the measurement.
//! In: what is in the guest's memory at the start. Out: 32 bytes of digest, 48 bytes of measurement.
//! Never: a shortcut that a verifier would not take.

use super::{hmac, sha256};
use crate::error::Result;
use crate::guest::firmware::guid;

/// The padded table: 168 bytes of table, 8 of padding (QEMU, `PaddedSevHashTable`).
pub const HASHES_LENGTH: usize = 176;

/// QEMU's table of kernel hashes: GUID, length, and one entry each for command line, initrd and kernel.
/// The command line counts with its closing zero byte; without an initrd the hash is that of nothing.
#[must_use]
pub fn hashes_table(kernel: &[u8], initrd: &[u8], append: &str) -> Vec<u8> {
    let mut entries = Vec::new();
    for (id, hash) in [
        ("97d02dd8-bd20-4c94-aa78-e7714d36ab2a", sha256(&[append.as_bytes(), &[0]])),
        ("44baf731-3a2f-4bd7-9af1-41e29169781d", sha256(&[initrd])),
        ("4de79437-abd2-427f-b835-d5b172d2045b", sha256(&[kernel])),
    ] {
        entries.extend(guid(id));
        entries.extend(50u16.to_le_bytes());
        entries.extend(hash);
    }
    let mut table = guid("9438d606-4f22-4cc9-b479-a793d411fd21").to_vec();
    table.extend(168u16.to_le_bytes());
    table.extend(entries);
    table.resize(HASHES_LENGTH, 0);
    table
}

/// What a measurement covers besides the digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims {
    /// The firmware's API version.
    pub api: (u8, u8),
    /// The firmware's build.
    pub build: u8,
    /// The guest's policy.
    pub policy: u32,
}

/// The measurement: a MAC and the nonce that it covers (SEV API, LAUNCH_MEASURE):
/// HMAC(TIK, 0x04 | API major | API minor | build | policy | digest | nonce).
///
/// # Errors
/// As [`hmac()`].
pub fn measurement(tik: &[u8; 16], claims: Claims, digest: &[u8; 32], nonce: &[u8; 16]) -> Result<[u8; 48]> {
    let head = [0x04, claims.api.0, claims.api.1, claims.build];
    let mac = hmac(tik, &[&head, &claims.policy.to_le_bytes(), digest, nonce])?;
    let mut measurement = [0; 48];
    measurement[..32].copy_from_slice(&mac);
    measurement[32..].copy_from_slice(nonce);
    Ok(measurement)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_qemus_layout() {
        let table = hashes_table(b"kernel", b"", "quiet");
        assert_eq!(table.len(), HASHES_LENGTH);
        assert_eq!(table[16..18], [168, 0]);
        assert_eq!(table[34..36], [50, 0]);
        assert_eq!(table[36..68], sha256(&[b"quiet\0"]));
        assert_eq!(table[86..118], sha256(&[]));
        assert_eq!(table[136..168], sha256(&[b"kernel"]));
        assert_eq!(table[168..], [0; 8]);
    }

    #[test]
    fn a_measurement_covers_every_claim() {
        let claims = Claims { api: (1, 55), build: 21, policy: 3 };
        let nonce = [5; 16];
        let good = measurement(&[1; 16], claims, &[2; 32], &nonce).unwrap();
        assert_eq!(good[32..], nonce);
        for other in [
            Claims { api: (0, 55), ..claims },
            Claims { api: (1, 54), ..claims },
            Claims { build: 22, ..claims },
            Claims { policy: 1, ..claims },
        ] {
            assert_ne!(measurement(&[1; 16], other, &[2; 32], &nonce).unwrap()[..32], good[..32]);
        }
        assert_ne!(measurement(&[1; 16], claims, &[3; 32], &nonce).unwrap()[..32], good[..32]);
        assert_ne!(measurement(&[9; 16], claims, &[2; 32], &nonce).unwrap()[..32], good[..32]);
    }
}
