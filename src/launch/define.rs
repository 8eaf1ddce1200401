//! A domain defined without being started. In: a prepared document. Out: its name and UUID. Never: a domain that is not
//! right for its host.

use super::asking::Asking;
use super::hypervisor::{Guest as _, Hypervisor};
use crate::{Error, Result};
use serde_json::{Value, json};

/// A domain that is defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Its UUID.
    pub uuid: String,
}

impl Definition {
    /// The JSON answer of `define`, without its schema.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({ "domain": self.name, "uuid": self.uuid })
    }
}

/// Defines the domain of this document.
///
/// # Errors
/// `Kind::Hypervisor` with libvirt's reason, `Kind::Timeout`, `Kind::Cancelled`.
pub fn define<H: Hypervisor>(asking: &Asking<'_, H>, xml: String) -> Result<Definition> {
    asking.ask("defining the domain", move |hv| {
        let guest = hv.define(&xml).map_err(same_name)?;
        Ok(Definition { name: guest.name()?, uuid: guest.uuid()? })
    })
}

/// libvirt refuses a document without `<uuid>` when a domain of its name is defined: what to do is not in its words.
fn same_name(e: Error) -> Error {
    if e.to_string().contains("already exists with uuid") {
        e.hint("Put that <uuid> into the document, name the defined domain in place of the file, or undefine it first.")
    } else {
        e
    }
}
