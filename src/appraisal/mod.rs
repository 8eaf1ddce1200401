//! The guest owner's judgement of a launch (RFC 9334, "appraisal"). In: evidence, expectations, a policy file. Out: what
//! the owner does not accept, and what is likely behind a measurement that differs. Never: a verdict that is made milder.

pub mod mismatch;
pub mod policy;
pub mod processor;

mod variants;

pub use variants::Description;
