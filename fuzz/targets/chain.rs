//! Any bytes as a platform's certificates, in one file and in two: refused, or the same chain again from what is written of
//! them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_sev::session::chain::Chain;
use virt_sev::session::gather::{Input, gather};

fuzz_target!(|bytes: &[u8]| {
    let (one, other) = bytes.split_at(bytes.len() / 2084 / 2 * 2084);
    let in_two = gather(&[Input { name: "a", bytes: other }, Input { name: "b", bytes: one }]);
    for chain in [Chain::parse(bytes), in_two].into_iter().flatten() {
        let written = chain.to_bytes();
        let again = Chain::parse(&written).expect("what is written reads again");
        assert_eq!(again.to_bytes(), written);
    }
});
