//! Launch secrets: the GUIDed table and its packet.
