//! Secrets for a launched and verified guest. In: secrets, the session's keys, the measurement. Out: a packet that only
//! this guest's chip can open. Never: a hypervisor, or a secret outside [`crate::redact::Secret`].
//!
//! `GUID-OR-ALIAS:PATH → table → packet (header, payload)`

pub mod bundle;
pub mod file;
pub mod packet;
pub mod table;
