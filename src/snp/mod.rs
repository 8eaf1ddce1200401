//! SEV-SNP for the guest owner, off line: the ID block of a launch made and signed, a guest's attestation report verified.
//! Never: a network, a root that came along with the report, or a private key in an answer.
//!
//! ```text
//! launch digest, policy ─▶ id_block::IdBlock ─▶ key::PrivateKey::sign ─▶ id_block::SignedIdBlock ─▶ keys, XML
//!
//! report bytes ─▶ report::Report ───────────────┐
//! certificates ─▶ certs::Certs ─▶ chain::verify ┴▶ verify::check ─▶ Verdict: a finding for each check
//!                 roots::Roots ──────┘                 └─ verify::Expected: what the owner wants to see
//! ```
//!
//! Formats: AMD SEV-SNP ABI (56860) for reports and ID blocks; AMD KDS and VCEK/VLEK certificates (57230) for what
//! signs them; AMD GHCB (56421), 4.1.8, for the table in which a guest gets them.

pub mod cert;
pub mod certs;
pub mod chain;
pub mod clock;
pub mod facts;
pub mod id_block;
pub mod kds;
pub mod key;
pub mod policy;
pub mod report;
pub mod roots;
pub mod table;
pub mod tcb;
pub mod verify;

mod checks;

#[cfg(test)]
mod testing;

use p384::elliptic_curve::subtle::ConstantTimeEq as _;

/// A SHA-384 digest: launch digests and key digests.
pub type Digest48 = [u8; 48];

/// Coordinates, scalars and signatures take 72 bytes, little-endian (56860, "ECDSA P-384 public key", "signature").
const NUMBER: usize = 72;
/// A number of P-384.
const FIELD: usize = 48;

/// Whether two values are the same, in a time that does not tell where they differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// A number of P-384 as AMD writes it, or back: the other byte order.
fn reversed(bytes: &[u8]) -> [u8; FIELD] {
    let mut out = [0; FIELD];
    for (to, from) in out.iter_mut().zip(bytes.iter().rev()) {
        *to = *from;
    }
    out
}
