//! The launch as a type-state: `Defined → Paused → Measured → Verified → Running`.
//!
//! ```text
//! Launch::define ──▶ start_paused ──▶ measure ──▶ verify ──▶ inject* ──▶ resume
//!                                         ├──▶ hand_over (the owner verifies elsewhere)
//!                                         └──▶ resume_unverified (nobody holds keys)
//!                 └▶ start_paused_unmeasured ──▶ resume (SEV-SNP)
//! ```
//!
//! The order of steps is a type: what is not measured cannot be verified, what is not verified gets no secret.
//! Any failure after [`Launch::define`] destroys the guest and puts its definition back. A SEV-SNP guest has no
//! measurement that the host can read and no secret to inject: its way has neither step.

mod hypervisor;
mod identity;
pub mod journal;
mod states;
#[cfg(test)]
mod tests;
mod undo;
mod wait;

pub use hypervisor::{CapsQuery, Guest, GuestState, Hypervisor, LaunchInfo};
pub use states::{
    Defined, Launch, Measured, Paused, Request, Running, Unmeasured, Verified, could_begin, differs, evidence,
};
pub use undo::{Recovered, recover};
pub use wait::{Cancel, within};
