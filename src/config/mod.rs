//! Configuration: LXD's keys and our superset of them, from text to types that cannot be wrong.
//!
//! `sources → RawConfig → resolve → SevConfig`. After [`resolve()`] nothing is checked again.

mod from_metadata;
mod from_set;
mod import;
mod keys;
mod keys_render;
mod raw;
mod resolve;
mod session;
mod sources;
pub(crate) mod strict;
mod to_keys;
mod types;
pub(crate) mod value;
pub(crate) mod yaml;

pub use from_metadata::{NAMESPACE, from_metadata};
pub use from_set::from_set;
pub use import::kubevirt::ANNOTATION;
pub use import::{Document, Format, from_document, from_documents, from_text, from_text_as};
pub use keys::{KEYS, Key, KeyType, find as find_key, is_ours as is_our_key, nearest as nearest_key};
pub use keys_render::{keys_json, keys_md, keys_text};
pub use raw::{ABOUT_CONFIG, Entry, RawConfig};
pub use resolve::{check_key, resolve};
pub use session::{DH_CERT_SIZE, SESSION_SIZE, check_dh_cert, check_session};
pub use sources::{Loaded, Sources, load, load_and_resolve, load_with_notes, resolve_with_notes};
pub use to_keys::{keys_of, keys_without_blobs};
pub use types::{
    BUNDLE_SCHEMA, Bundle, FirmwareChoice, HardLimit, KernelHashes, LaunchSession, MemoryBacking,
    MemoryConfig, MemoryLock, Mode, SevConfig, SevPolicy, SnpLaunch, SnpPolicy, Technology,
};
pub use value::size as parse_size;
