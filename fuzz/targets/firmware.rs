//! Any bytes as a firmware image: its GUID table is read, or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_sev::host::ovmf;

fuzz_target!(|bytes: &[u8]| {
    let _ = ovmf::inspect(bytes);
});
