//! Documents against libvirt's own schema, many in one run of xmllint. In: documents. Out: for each nothing, or
//! why it is not valid. Never: a skip; without xmllint or the schema the test fails.

use std::process::Command;

/// Where Debian's and Fedora's libvirt packages put it.
const SCHEMA: &str = "/usr/share/libvirt/schemas/domain.rng";

pub(crate) fn check<T: AsRef<str>>(documents: &[T]) -> Vec<Option<String>> {
    if documents.is_empty() {
        return Vec::new();
    }
    let schema = std::env::var("VIRT_SEV_DOMAIN_RNG").unwrap_or_else(|_| SCHEMA.to_owned());
    assert!(
        std::path::Path::new(&schema).is_file(),
        "{schema} is missing: install libvirt, or set VIRT_SEV_DOMAIN_RNG"
    );
    let folder = tempfile::tempdir().unwrap();
    let name = |n: usize| format!("{n:05}.xml");
    for (n, document) in documents.iter().enumerate() {
        std::fs::write(folder.path().join(name(n)), document.as_ref()).unwrap();
    }
    let run = Command::new("xmllint")
        .args(["--noout", "--relaxng", &schema])
        .args((0..documents.len()).map(name))
        .current_dir(folder.path())
        .output()
        .expect("xmllint is missing: install libxml2-utils");
    let said = String::from_utf8_lossy(&run.stderr);
    let lines: Vec<&str> = said.lines().collect();
    let valid: std::collections::HashSet<&str> =
        lines.iter().filter_map(|l| l.strip_suffix(" validates")).collect();
    (0..documents.len())
        .map(name)
        .map(|file| {
            if valid.contains(file.as_str()) {
                return None;
            }
            let why: Vec<_> = lines.iter().filter(|l| l.starts_with(&file)).copied().collect();
            Some(if why.is_empty() { said.to_string() } else { why.join("\n") })
        })
        .collect()
}
