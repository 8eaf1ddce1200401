//! KubeVirt: a `VirtualMachine` or a `VirtualMachineInstance`. In: nodes. Out: [`RawConfig`]. Never: a part of the
//! machine that has nothing to do with SEV.
//!
//! `spec.domain.launchSecurity` says the mode: `sev` with `policy.encryptedState`, `session`, `dhCert`, `attestation`;
//! `snp`, which has no fields; `tdx` (KubeVirt `staging/src/kubevirt.io/api/core/v1/schema.go`, `LaunchSecurity`).
//! Its policies are fixed but for SEV-ES: no debugging for SEV, 0x30000 for SEV-SNP
//! (`pkg/virt-launcher/virtwrap/launchsecurity/sev.go`), and those are our defaults. What it has no field for comes
//! as annotations `virt-sev.config/KEY`.

use super::Reader;
use crate::config::keys::{self, KeyType};
use crate::config::raw::{Entry, RawConfig};
use crate::config::value::{self, shown};
use crate::config::yaml::Node;
use crate::finding::Severity;
use crate::{Error, Kind, Result};
use std::rc::Rc;

/// What the name of an annotation begins with whose rest is a key.
pub const ANNOTATION: &str = "virt-sev.config/";
const SEV: &str = "security.sev";
const SNP: &str = "security.sev.snp";
const ES: &str = "security.sev.policy.es";
const POLICY: &str = "security.sev.policy";
const KINDS: &[&str] = &["VirtualMachine", "VirtualMachineInstance"];

fn kind(node: &Node) -> &str {
    node.get("kind").and_then(|k| k.text()).unwrap_or_default()
}

/// True for a document that can be nothing else, and for a list of such.
pub(super) fn is_machine(node: &Node) -> bool {
    let is_one = |n: &Node| {
        let version = n.get("apiVersion").and_then(|v| v.text()).unwrap_or_default();
        version.starts_with("kubevirt.io/") || KINDS.contains(&kind(n))
    };
    // A list in a list is no answer of kubectl's, and to follow aliases down would have no end.
    is_one(node) || (kind(node) == "List" && items(node).iter().any(|i| is_one(i)))
}

fn items(list: &Node) -> &[Rc<Node>] {
    match list.get("items").map(|i| &**i) {
        Some(Node::List { items, .. }) => items,
        _ => &[],
    }
}

/// Reads the one machine among the documents.
pub(super) fn read(nodes: &[Rc<Node>], name: &str) -> Result<RawConfig> {
    let mut reader = Reader::new(name);
    let all =
        nodes.iter().flat_map(|n| if kind(n).ends_with("List") { items(n) } else { std::slice::from_ref(n) });
    // What `virt-launcher` hands to a hook has no kind.
    let machines: Vec<_> = all
        .filter(|n| match kind(n) {
            "" => n.get("spec").is_some(),
            kind => KINDS.contains(&kind),
        })
        .collect();
    let raw = match machines.as_slice() {
        [one] => reader.machine(one),
        others => {
            let line = others.get(1).map_or(1, |n| n.line());
            let problem = reader
                .wrong(line, "not one KubeVirt machine")
                .found(format!("{} of kind VirtualMachine or VirtualMachineInstance", others.len()))
                .wanted("one, as kubectl get vmi NAME -o yaml prints it");
            reader.refuse(problem);
            RawConfig::new()
        }
    };
    reader.finish(raw)
}

impl Reader<'_> {
    fn machine(&mut self, machine: &Node) -> RawConfig {
        let template = self.at(machine, &["spec", "template"]);
        if template.is_some() {
            let outer = self.annotations(machine);
            for entry in outer.entries() {
                let problem = Error::new(Kind::Config, "stands where KubeVirt does not hand it to the guest")
                    .at(format!("{} ({})", entry.key, entry.place))
                    .hint("Move the annotation to spec.template.metadata.annotations.");
                self.refuse(problem);
            }
        }
        let guest = template.map_or(machine, |t| &**t);
        let own = match self.at(guest, &["spec", "domain", "launchSecurity"]) {
            Some(security) => self.launch_security(security),
            None => RawConfig::new(),
        };
        let annotations = self.annotations(guest);
        self.unite(own, annotations)
    }

    /// `metadata.annotations` that are ours, without their prefix.
    fn annotations(&mut self, of: &Node) -> RawConfig {
        let mut raw = RawConfig::new();
        let Some(all) = self.at(of, &["metadata", "annotations"]) else { return raw };
        if !self.is_map(all, "annotations") {
            return raw;
        }
        for (key, value) in all.entries() {
            let Some(name) = key.text().and_then(|k| k.strip_prefix(ANNOTATION)) else { continue };
            let problem = if raw.is_full() {
                Some(self.wrong(key.line(), "too many annotations of virt-sev"))
            } else if raw.entries().any(|e| e.key == name) {
                Some(self.wrong(key.line(), format!("the annotation of {name} stands twice")))
            } else {
                None
            };
            if let Some(problem) = problem {
                return {
                    self.refuse(problem);
                    raw
                };
            }
            if let Some(text) = self.scalar(value, name) {
                let text = if value.is_null() { "" } else { text };
                raw.set(name, text, self.place(key));
            }
        }
        raw
    }

    fn launch_security(&mut self, security: &Node) -> RawConfig {
        let mut raw = RawConfig::new();
        if !self.known(security, "launchSecurity", &["sev", "snp", "tdx"]) {
            return raw;
        }
        if let Some(tdx) = self.field(security, "tdx") {
            let problem = self
                .wrong(tdx.line(), "launchSecurity asks for TDX, which is Intel's")
                .wanted("sev or snp")
                .hint("A TDX guest takes no key of virt-sev.");
            self.refuse(problem);
        }
        let sev = self.field(security, "sev");
        let snp = self.field(security, "snp");
        if let (Some(sev), Some(snp)) = (sev, snp) {
            let problem = self
                .wrong(snp.line(), "launchSecurity asks for SEV-SNP and for SEV")
                .found(format!("snp, and sev at {}", self.place(sev)))
                .wanted("one of them");
            self.refuse(problem);
        }
        if let Some(snp) = snp.filter(|s| self.known(s, "launchSecurity.snp", &[])) {
            raw.set(SNP, "true", self.place(snp));
        }
        if let Some(sev) = sev.filter(|s| self.known(s, "launchSecurity.sev", SEV_FIELDS)) {
            raw.set(SEV, "true", self.place(sev));
            self.sev(sev, &mut raw);
        }
        raw
    }

    fn sev(&mut self, sev: &Node, raw: &mut RawConfig) {
        let policy = self.field(sev, "policy");
        if let Some(policy) =
            policy.filter(|p| self.known(p, "launchSecurity.sev.policy", &["encryptedState"]))
            && let Some(state) = self.field(policy, "encryptedState")
            && let Some(text) = self.scalar(state, "encryptedState")
        {
            if matches!(text, "true" | "false") {
                raw.set(ES, text, self.place(state));
            } else {
                let problem = self
                    .wrong(state.line(), "encryptedState is not a boolean")
                    .found(shown(text))
                    .wanted("true or false");
                self.refuse(problem);
            }
        }
        for (field, key) in [("dhCert", "security.sev.session.dh"), ("session", "security.sev.session.data")]
        {
            if let Some(value) = self.field(sev, field)
                && let Some(text) = self.scalar(value, field)
            {
                raw.set(key, text, self.place(value));
            }
        }
        if let Some(attestation) = self.field(sev, "attestation") {
            raw.note(
                Severity::Info,
                self.place(attestation),
                "launchSecurity.sev.attestation has no key: a launch with a session is attested, one without is not",
                "Give the owner's session with security.sev.session.dh and security.sev.session.data.",
            );
        }
    }

    /// True for a map with no other fields than these; what is not known is told.
    fn known(&mut self, map: &Node, path: &str, fields: &[&str]) -> bool {
        if !self.is_map(map, path) {
            return false;
        }
        for (key, value) in map.entries() {
            let name = key.text().unwrap_or_default();
            if !value.is_null() && !fields.contains(&name) {
                let wanted = if fields.is_empty() { "no field".to_owned() } else { fields.join(", ") };
                let problem = self
                    .wrong(key.line(), format!("{path} has a field that virt-sev does not know"))
                    .found(shown(name))
                    .wanted(wanted)
                    .hint("What KubeVirt has no field for comes as an annotation virt-sev.config/KEY.");
                self.refuse(problem);
            }
        }
        true
    }

    /// Annotations add to what `launchSecurity` says, and may say the same; never something else.
    fn unite(&mut self, own: RawConfig, annotations: RawConfig) -> RawConfig {
        let mut out = own.clone();
        for entry in annotations.entries() {
            let other = match entry.key.as_str() {
                SNP if own.get(SEV).is_some() && truth(entry) == Some(true) => own.get(SEV),
                // The whole policy is the annotation's, when its bit 2 is what launchSecurity says.
                POLICY => own.get(ES).filter(|es| {
                    value::unsigned_32(&entry.value).is_ok_and(|p| Some(p & 4 != 0) != truth(es))
                }),
                key => own.get(key).filter(|o| !same(o, entry)),
            };
            if let Some(other) = other {
                let problem = Error::new(Kind::Config, "the annotation contradicts launchSecurity")
                    .at(format!("{} ({})", entry.key, entry.place))
                    .found(format!(
                        "{}, and launchSecurity means {}={} at {}",
                        shown(&entry.value),
                        other.key,
                        shown(&other.value),
                        other.place
                    ))
                    .hint("Take one of the two away.");
                self.refuse(problem);
            }
            if entry.key == POLICY && own.get(ES).is_some() {
                out.set(ES, "", &entry.place);
            }
        }
        out.overlay(annotations);
        out
    }
}

const SEV_FIELDS: &[&str] = &["policy", "attestation", "session", "dhCert"];

fn truth(entry: &Entry) -> Option<bool> {
    value::boolean(&entry.value).ok()
}

fn same(a: &Entry, b: &Entry) -> bool {
    match keys::find(&a.key).map(|k| k.kind) {
        Some(KeyType::Bool) => truth(a) == truth(b),
        _ => solid(a) == solid(b),
    }
}

/// Line breaks inside base64 mean nothing.
fn solid(entry: &Entry) -> String {
    entry.value.split_whitespace().collect()
}

#[cfg(test)]
#[path = "kubevirt_tests.rs"]
mod tests;
