//! Any bytes as an attestation report with certificates behind it: refused, or judged; and verified only where the report
//! is one that a chip has signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use virt_sev::snp::certs::Certs;
use virt_sev::snp::clock::Moment;
use virt_sev::snp::facts;
use virt_sev::snp::report::{REPORT_SIZE, Report};
use virt_sev::snp::roots::Roots;
use virt_sev::snp::verify::{Expected, check};

static ROOTS: LazyLock<Roots> = LazyLock::new(|| Roots::built_in().expect("the built-in roots are whole"));
const REAL: [&[u8]; 5] = [
    include_bytes!("../../src/snp/testdata/milan-v2.bin"),
    include_bytes!("../../src/snp/testdata/milan-debug-v2.bin"),
    include_bytes!("../../src/snp/testdata/genoa-v3.bin"),
    include_bytes!("../../src/snp/testdata/genoa-v5.bin"),
    include_bytes!("../../src/snp/testdata/turin-v5.bin"),
];

fuzz_target!(|bytes: &[u8]| {
    let (report, rest) = bytes.split_at(bytes.len().min(REPORT_SIZE));
    let mut certs = Certs::default();
    let added = certs.add("certificates", rest);
    let Ok(report) = Report::parse(report) else { return };
    let _ = facts::to_json(&report, report.product());
    if added.is_err() {
        return;
    }
    let at = Moment::parse("2029-01-01").expect("a day");
    let expected = Expected { allow_debug: true, ..Expected::default() };
    if check(&report, &certs, &ROOTS, at, &expected).is_ok_and(|verdict| verdict.verified()) {
        assert!(REAL.iter().any(|real| real[..report.signed().len()] == *report.signed()));
    }
});
