//! Configuration: LXD's keys and our superset of them, from text to types that cannot be wrong.
//!
//! `sources → RawConfig → resolve → SevConfig`. After [`resolve`] nothing is checked again.

mod types;

pub use types::{
    FirmwareChoice, HardLimit, KernelHashes, LaunchSession, MemoryBacking, MemoryConfig, MemoryLock, Mode,
    SevConfig, SevPolicy, SnpLaunch, SnpPolicy, Technology,
};
