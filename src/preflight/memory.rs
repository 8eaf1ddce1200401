//! Is there the memory that the guest will pin? In: the domain's facts, the host's memory. Out: findings.
//! Never: whether QEMU may lock it; the rule `memory-lock` sees to that.

use crate::domain::DomainFacts;
use crate::finding::{Finding, Severity};
use crate::host::{Fact, Memory};

const ID: &str = "memory-lock";
const SOURCE: &str =
    "Linux arch/x86/kvm/svm/sev.c, sev_pin_memory; Documentation/filesystems/proc.rst, MemAvailable";

/// All of an encrypted guest's memory is pinned, at the start or page by page: none of it is swapped.
#[must_use]
pub fn memory(facts: &DomainFacts, host: &Fact<Memory>) -> Vec<Finding> {
    let (Some(guest), Fact::Known(host)) = (facts.memory, host) else { return Vec::new() };
    // Huge pages are set aside already, and are not in what is available.
    if facts.memory_backing.hugepages.is_some() {
        return Vec::new();
    }
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    let numbers = format!("{} MiB are to be pinned, {} MiB are available", mib(guest), mib(host.available));
    let (severity, title, fix) = if guest > host.total {
        (Severity::Error, "the guest has more memory than the host", "Take a smaller guest, or another host.")
    } else if guest > host.available {
        (
            Severity::Warning,
            "the host has not that much memory available now",
            "End something on the host, or take a smaller guest.",
        )
    } else {
        (Severity::Ok, "the host has the memory", "")
    };
    let title = format!("{title}: {numbers}");
    vec![Finding::new(ID, severity, title).path("/domain/memory").fix(fix).source(SOURCE).of_host()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Domain;

    #[test]
    fn what_is_there_decides() {
        let domain = |more: &str| {
            let xml = format!("<domain><memory unit='MiB'>1000</memory>{more}</domain>");
            Domain::parse(xml).unwrap()
        };
        let severity = |total: u64, available: u64| {
            let host = Fact::Known(Memory { total: total << 20, available: available << 20 });
            memory(domain("").facts(), &host)[0].severity
        };
        assert_eq!(severity(4000, 1000), Severity::Ok);
        assert_eq!(severity(4000, 999), Severity::Warning);
        assert_eq!(severity(999, 500), Severity::Error);
        assert!(memory(domain("").facts(), &Fact::NotAsked).is_empty());
        let huge = domain("<memoryBacking><hugepages/></memoryBacking>");
        let little = Fact::Known(Memory { total: 1, available: 1 });
        assert!(memory(huge.facts(), &little).is_empty());
    }
}
