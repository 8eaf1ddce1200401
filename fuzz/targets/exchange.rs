//! Any text as evidence, and as a secret packet: refused, or the same again from what is written of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_sev::inject::file::PacketFile;
use virt_sev::measure::evidence::LaunchReport;

fuzz_target!(|text: &str| {
    if let Ok(report) = LaunchReport::parse(text) {
        assert_eq!(LaunchReport::parse(&report.to_text()).expect("what is written reads again"), report);
    }
    if let Ok(packet) = PacketFile::parse(text) {
        assert_eq!(PacketFile::parse(&packet.to_text()).expect("what is written reads again"), packet);
    }
});
