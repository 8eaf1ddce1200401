//! Any text as a document of keys (YAML, JSON, LXD's): it is refused with a reason, or resolved.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_sev::config;

fuzz_target!(|text: &str| {
    for read in [config::from_document(text, "keys"), config::from_text(text, "keys")] {
        match read {
            Ok(raw) => {
                if let Err(error) = config::resolve(&raw) {
                    assert!(!error.to_string().is_empty());
                }
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
