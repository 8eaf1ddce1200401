//! A domain defined without being started. In: a prepared document. Out: its name and UUID. Never: a domain that is not
//! right for its host.

use super::asking::Asking;
use super::hypervisor::{Guest as _, Hypervisor};
use crate::Result;
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
        let guest = hv.define(&xml)?;
        Ok(Definition { name: guest.name()?, uuid: guest.uuid()? })
    })
}
