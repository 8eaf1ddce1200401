//! Any text as `<metadata>` of a domain, and as virt-sev's own element in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_sev::config;
use virt_sev::domain::Domain;

fuzz_target!(|text: &str| {
    if let Ok(raw) = config::from_metadata(text, "metadata") {
        let _ = config::resolve(&raw);
    }
    let xml = format!("<domain type='kvm'><name>a</name><metadata>{text}</metadata></domain>");
    let Ok(domain) = Domain::parse(&xml) else { return };
    if let Some(own) = domain.metadata_config() {
        // It was cut out of a document that reads: what may be wrong is the keys, not the XML.
        if let Ok(raw) = config::from_metadata(&own, "metadata") {
            let _ = config::resolve(&raw);
        }
    }
});
