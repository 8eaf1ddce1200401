//! Before the start: will it work here, and if not, why and what to do.
