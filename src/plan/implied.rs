//! The keys that a document implies by its own `<launchSecurity>`. In: a document. Out: [`RawConfig`], for
//! `config::resolve` like any other source. Never: a judgement of what stands there: `resolve` and the rules do that.

use crate::config::RawConfig;
use crate::domain::{Domain, ElementId};

/// The keys that ask for what `<launchSecurity>` says. `None` where the document has none of AMD's. Each key's place is
/// the path of what it was read from. What the element leaves open keeps its default.
#[must_use]
pub fn implied_keys(domain: &Domain<'_>) -> Option<RawConfig> {
    let facts = domain.facts();
    let said = facts.launch_security.as_ref()?;
    let snp = match said.kind.as_deref() {
        Some("sev") => false,
        Some("sev-snp") => true,
        Some(_) | None => return None,
    };
    let mut keys = Keys { domain, element: said.element, raw: RawConfig::new() };
    keys.attribute(if snp { "security.sev.snp" } else { "security.sev" }, "type", "true");
    // libvirt reads it in base 16, with or without 0x; what it cannot read goes on as it is, to be refused by name.
    let policy = if snp { "security.sev.snp.policy" } else { "security.sev.policy" };
    match said.policy {
        Some(bits) => keys.set(policy, "policy", &format!("{bits:#x}")),
        None => keys.child(policy, "policy"),
    }
    // No attribute is libvirt's no, not the keys' auto.
    let hashes = if said.kernel_hashes.as_deref() == Some("yes") { "true" } else { "false" };
    keys.attribute("security.sev.kernel_hashes", "kernelHashes", hashes);
    keys.child("security.sev.cbitpos", "cbitpos");
    keys.child("security.sev.reduced_phys_bits", "reducedPhysBits");
    if snp {
        for (key, element) in [
            ("security.sev.snp.host_data", "hostData"),
            ("security.sev.snp.id_block", "idBlock"),
            ("security.sev.snp.id_auth", "idAuth"),
            ("security.sev.snp.guest_visible_workarounds", "guestVisibleWorkarounds"),
        ] {
            keys.child(key, element);
        }
        for (key, name, value) in [
            ("security.sev.snp.author_key", "authorKey", &said.author_key),
            ("security.sev.snp.vcek", "vcek", &said.vcek),
        ] {
            keys.attribute(key, name, value.as_deref().unwrap_or_default());
        }
    } else {
        keys.child("security.sev.session.dh", "dhCert");
        keys.child("security.sev.session.data", "session");
        if facts.hard_limit.is_some() && !facts.memory_backing.locked {
            keys.raw.set("security.sev.memory.lock", "hard_limit", "/domain/memtune/hard_limit");
        }
    }
    Some(keys.raw)
}

struct Keys<'a> {
    domain: &'a Domain<'a>,
    element: ElementId,
    raw: RawConfig,
}

impl Keys<'_> {
    fn set(&mut self, key: &str, part: &str, value: &str) {
        self.raw.set(key, value, format!("{}/{part}", self.domain.path(self.element)));
    }

    fn attribute(&mut self, key: &str, name: &str, value: &str) {
        self.set(key, &format!("@{name}"), value);
    }

    /// A child element that is there; an empty one unsets nothing, so it is as if it were not.
    fn child(&mut self, key: &str, name: &str) {
        if let Some(child) = self.domain.child(self.element, name) {
            let text = self.domain.element_text(child);
            self.set(key, name, &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, KernelHashes, MemoryLock, Mode, SevConfig, Technology};
    use crate::error::Error;

    fn config(inside: &str) -> Result<Option<SevConfig>, Error> {
        let domain = Domain::parse(format!("<domain type='kvm'>{inside}</domain>")).unwrap();
        implied_keys(&domain).map_or(Ok(None), |raw| config::resolve(&raw))
    }

    #[test]
    fn a_domain_is_asked_for_what_it_says_itself() {
        let sev =
            config("<launchSecurity type='sev'><policy>7</policy><cbitpos>51</cbitpos></launchSecurity>");
        let sev = sev.unwrap().unwrap();
        assert_eq!((sev.mode(), sev.cbitpos, sev.kernel_hashes), (Mode::SevEs, Some(51), KernelHashes::No));
        assert_eq!(sev.memory.lock, MemoryLock::Auto);
        let snp = "<launchSecurity type='sev-snp' kernelHashes='yes' vcek='no'><policy>0x30000</policy>\
                   <hostData>AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=</hostData></launchSecurity>";
        let snp = config(snp).unwrap().unwrap();
        assert_eq!((snp.mode(), snp.kernel_hashes), (Mode::SevSnp, KernelHashes::Yes));
        let Technology::Snp(launch) = snp.technology else { panic!("not SNP") };
        assert_eq!((launch.policy.0, launch.vcek, launch.host_data), (0x30000, Some(false), Some([0; 32])));
    }

    #[test]
    fn a_hard_limit_in_place_of_locked_is_its_way_of_locking() {
        let with = |backing: &str| {
            let inside = format!(
                "<memtune><hard_limit>1000</hard_limit></memtune>{backing}<launchSecurity type='sev'>\
                 <policy>1</policy></launchSecurity>"
            );
            config(&inside).unwrap().unwrap().memory.lock
        };
        assert_eq!(with(""), MemoryLock::HardLimit);
        assert_eq!(with("<memoryBacking><locked/></memoryBacking>"), MemoryLock::Auto);
    }

    #[test]
    fn others_are_not_sev_and_what_cannot_be_read_is_told_with_its_place() {
        assert_eq!(config("").unwrap(), None);
        assert_eq!(config("<launchSecurity type='s390-pv'/>").unwrap(), None);
        assert_eq!(config("<launchSecurity type='tdx'><policy>1</policy></launchSecurity>").unwrap(), None);
        let e =
            config("<launchSecurity type='sev'><policy>none</policy><session>x</session></launchSecurity>");
        let said = e.unwrap_err().to_string();
        assert!(said.contains("/domain/launchSecurity/policy"), "{said}");
        assert!(said.contains("/domain/launchSecurity/session"), "{said}");
    }
}
