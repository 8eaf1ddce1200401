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
//! [`launch()`] takes all the steps; [`check()`] says before whether it could begin, [`appraise()`] verifies a guest that waits
//! for its owner, from another machine.
//!
//! Any failure after [`Launch::define`] destroys the guest and puts its definition back. A SEV-SNP guest has no
//! measurement that the host can read and no secret to inject: its way has neither step.

mod appraise;
mod asking;
mod check;
mod define;
mod deliver;
mod flow;
mod hypervisor;
mod identity;
pub mod journal;
mod measurement;
mod processor;
mod security;
mod states;
#[cfg(test)]
mod tests;
mod undo;
pub mod verified;
mod wait;

pub use appraise::{Appraised, Deliver, Terms, appraise};
pub use asking::{Asking, LOCAL_KEYS, LOCAL_VERDICT, active, find, is_active};
pub use check::{CheckReport, check, wanted};
pub use define::{Definition, define};
pub use deliver::deliver;
pub use flow::{Launched, Outcome, Ready, Step, Unverified, launch};
pub use hypervisor::{CapsQuery, Guest, GuestState, Hypervisor, LaunchInfo};
pub use measurement::{ATTESTS_ITSELF, Reported};
pub use security::{Holder, Security};
pub use states::{Defined, Launch, Measured, Paused, Request, Running, Unmeasured, Verified, evidence};
pub use undo::{Recovered, recover};
pub use wait::{Cancel, Waiting, within};
