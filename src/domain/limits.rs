//! How large a document may be. In: counts of the scan. Out: an error that names the limit. Never: a fact.

use crate::codes::Kind;
use crate::error::Error;

/// Bytes of one document. libvirt itself takes at most 4 MiB over its protocol
/// (`REMOTE_STRING_MAX` in libvirt's `src/remote/remote_protocol.x`).
pub const MAX_BYTES: usize = 16 << 20;
/// Elements inside one another. libxml2 stops at 256 (`xmlParserMaxDepth`), and libvirt parses with libxml2.
pub const MAX_DEPTH: usize = 256;
/// Elements of one document.
pub const MAX_ELEMENTS: usize = 200_000;
/// Attributes of one element.
pub const MAX_ATTRIBUTES: usize = 256;
/// Namespace declarations that hold at one place.
pub const MAX_NAMESPACES: usize = 256;
/// Bytes of one name: libxml2's own limit (`XML_MAX_NAME_LENGTH`).
pub const MAX_NAME: usize = 50_000;
/// Different namespaces of one document. Each declaration is looked up among them.
pub const MAX_NAMESPACE_NAMES: usize = 256;

/// The error of a document that goes over a limit.
#[cold]
pub(super) fn over(name: &str, limit: usize, place: String) -> Error {
    Error::new(Kind::Domain, "the domain document is too large")
        .at(place)
        .found(format!("more than {limit} {name}"))
        .wanted(format!("at most {limit} {name}"))
        .hint("No guest needs as much. Look into its <metadata> first.")
}

/// Holds one count under its limit.
pub(super) fn check(name: &str, count: usize, limit: usize, place: impl Fn() -> String) -> Result<(), Error> {
    if count > limit { Err(over(name, limit, place())) } else { Ok(()) }
}
