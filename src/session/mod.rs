//! The guest owner's secure channel to one platform: verify its certificates, then make fresh keys for one launch.
//! Never: a network, a hypervisor, or a key outside [`crate::redact::Secret`].
//!
//! `PDH ‖ PEK ‖ OCA ‖ CEK [‖ ASK ‖ ARK] → Chain::verify(roots) → create(pdh, policy) → write(folder)`, and the registry
//! that refuses a session's second use.

pub mod answered;
pub mod blob;
pub mod ca;
pub mod cache;
pub mod cert;
pub mod chain;
pub mod chip;
pub mod create;
pub mod gather;
pub mod keys;
pub mod make;
pub mod registry;
pub mod roots;

mod place;
mod store;

use crate::measure::from_base64;
use std::borrow::Cow;

/// AMD's binary formats begin with version 1 in 32 bits; a text in base64 cannot. Anything else is left alone.
fn decode_if_base64(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.first().is_some_and(|b| b.is_ascii_graphic() || b.is_ascii_whitespace())
        && let Ok(text) = std::str::from_utf8(bytes)
        && let Some(decoded) = from_base64(text)
    {
        return Cow::Owned(decoded);
    }
    Cow::Borrowed(bytes)
}
