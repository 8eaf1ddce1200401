//! A guest owner's bundle, `virt-sev session --bundle`. In: nodes. Out: its keys, and what it was made for. Never: trust:
//! whoever changed it on the way has made a launch that its owner does not verify.
//!
//! An LXD document with more fields: `schema`, `session`, `platform`, `expected`. Those that are not known here ask nothing
//! of a host.

use super::{Part, Reader, lxd};
use crate::config::types::{BUNDLE_SCHEMA, Bundle};
use crate::config::yaml::Node;
use crate::{Error, Kind, Result, hex};
use std::rc::Rc;

/// What `schema` says, where it is one of ours.
fn schema(node: &Node) -> Option<&str> {
    node.get("schema").and_then(|n| n.text()).filter(|s| s.starts_with("virt-sev/"))
}

/// True for any document with a schema of ours: none of them is read as something else.
pub(super) fn is_ours(nodes: &[Rc<Node>]) -> bool {
    nodes.iter().any(|n| schema(n).is_some())
}

pub(super) fn read(nodes: &[Rc<Node>], name: &str) -> Result<Vec<Part>> {
    let [node] = nodes else {
        return Err(Error::new(Kind::Config, "a bundle stands alone in its file").at(name));
    };
    let found = schema(node).unwrap_or_default();
    if found != BUNDLE_SCHEMA {
        let shown: String = found.chars().filter(|c| !c.is_control()).take(40).collect();
        let e = if found.starts_with("virt-sev/bundle/") {
            Error::new(Kind::Config, "this bundle is of another version of virt-sev").wanted(BUNDLE_SCHEMA)
        } else {
            Error::new(Kind::Config, "this document of virt-sev holds no keys")
                .wanted(format!("keys, or {BUNDLE_SCHEMA}"))
                .hint("`virt-sev session --bundle FILE` makes a bundle; evidence is for `virt-sev verify`.")
        };
        return Err(e.at(name).found(shown));
    }
    let mut reader = Reader::new(name);
    let session = reader.digest(node, &["session"], true);
    let platform = reader.digest(node, &["platform", "pdh"], true);
    let firmware = reader.digest(node, &["expected", "firmware"], false);
    if !matches!(node.get("config").map(|n| &**n), Some(Node::Map { .. })) {
        let problem = reader.wrong(node.line(), "the bundle has no keys").wanted("config, a map of keys");
        reader.refuse(problem);
    }
    let mut parts = match lxd::read(nodes, name) {
        Ok(parts) => reader.finish(parts)?,
        Err(e) => {
            reader.refuse(e);
            return reader.finish(Vec::new());
        }
    };
    for part in &mut parts {
        if let (Part::Keys(keys), Some(session), Some(platform)) = (part, session, platform) {
            keys.set_bundle(Bundle { session, platform, firmware });
        }
    }
    Ok(parts)
}

impl Reader<'_> {
    /// SHA-256 in hexadecimal.
    fn digest(&mut self, node: &Node, path: &[&str], needed: bool) -> Option<[u8; 32]> {
        let told = self.problems.len();
        let Some(value) = self.at(node, path) else {
            if needed && self.problems.len() == told {
                let problem = self.wrong(node.line(), format!("the bundle has no {}", path.join(".")));
                self.refuse(problem);
            }
            return None;
        };
        let text = self.scalar(value, &path.join("."))?;
        let digest = hex::decode(text).and_then(|d| d.try_into().ok());
        if digest.is_none() {
            let problem = self
                .wrong(value.line(), format!("{} is not a SHA-256", path.join(".")))
                .wanted("64 hexadecimal digits");
            self.refuse(problem);
        }
        digest
    }
}

#[cfg(test)]
#[path = "bundle_tests.rs"]
mod tests;
