//! Any bytes as a platform's certificates: refused, or the same chain again from what is written of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_sev::session::chain::Chain;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(chain) = Chain::parse(bytes) {
        let written = chain.to_bytes();
        let again = Chain::parse(&written).expect("what is written reads again");
        assert_eq!(again.to_bytes(), written);
    }
});
