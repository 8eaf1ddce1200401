//! The guest owner's session: the platform's chain, fresh keys, and the registry of used sessions.
