//! The launch as a type-state: Defined, Paused, Measured, Verified, Running.
