//! Real reports for the unit tests. What each is and whence: `testdata/README.md`.

use super::certs::Certs;
use super::clock::Moment;
use super::report::Report;
use super::roots::Roots;
use super::verify::{Expected, Verdict, check};
use crate::Result;

/// Name, report, certificate of its key.
pub(super) const VECTORS: [(&str, &[u8], &[u8]); 5] = [
    ("milan-v2", include_bytes!("testdata/milan-v2.bin"), include_bytes!("testdata/milan-v2-vcek.der")),
    (
        "milan-debug-v2",
        include_bytes!("testdata/milan-debug-v2.bin"),
        include_bytes!("testdata/milan-debug-v2-vcek.der"),
    ),
    ("genoa-v3", include_bytes!("testdata/genoa-v3.bin"), include_bytes!("testdata/genoa-v3-vcek.der")),
    ("genoa-v5", include_bytes!("testdata/genoa-v5.bin"), include_bytes!("testdata/genoa-v5-vcek.der")),
    ("turin-v5", include_bytes!("testdata/turin-v5.bin"), include_bytes!("testdata/turin-v5-vcek.der")),
];

pub(super) fn vector(name: &str) -> (&'static [u8], &'static [u8]) {
    let (_, report, vcek) = VECTORS.into_iter().find(|v| v.0 == name).unwrap();
    (report, vcek)
}

pub(super) fn certs(der: &[u8]) -> Result<Certs> {
    let mut certs = Certs::default();
    certs.add("vcek.der", der)?;
    Ok(certs)
}

/// A day on which every certificate of the vectors is valid.
pub(super) fn day() -> Moment {
    Moment::parse("2029-01-01").unwrap()
}

/// The verdict on these bytes, by AMD's roots.
pub(super) fn judge(report: &[u8], vcek: &[u8], expected: &Expected) -> Result<Verdict> {
    check(&Report::parse(report)?, &certs(vcek)?, &Roots::built_in()?, day(), expected)
}

/// The findings that say no.
pub(super) fn noes(verdict: &Verdict) -> Vec<(&'static str, &str)> {
    let no = |f: &&crate::Finding| f.severity == crate::Severity::Error;
    verdict.findings.iter().filter(no).map(|f| (f.id, f.title.as_str())).collect()
}
