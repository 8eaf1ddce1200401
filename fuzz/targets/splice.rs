//! Any text as a domain document, with keys: what `apply` writes reads again, needs no further edit, and differs from
//! the text only where a splice says so.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use virt_sev::config::{self, SevConfig};
use virt_sev::domain::Domain;
use virt_sev::host::HostFacts;
use virt_sev::plan::{self, Options};

static KEYS: LazyLock<Vec<SevConfig>> = LazyLock::new(|| {
    [
        "security.sev: 'true'",
        "security.sev: 'true'\nsecurity.sev.policy.es: 'true'\nsecurity.sev.memory.backing: hugepages:1GiB",
        "security.sev.snp: 'true'\nsecurity.sev.snp.vcek: 'true'",
        "security.sev: 'true'\nsecurity.sev.firmware: /a/b.fd\nsecurity.sev.memory.lock: hard_limit\nsecurity.sev.memory.backing: memfd",
        "security.sev.snp: 'true'\nsecurity.sev.firmware: '/a <&> b.fd'\nsecurity.sev.kernel_hashes: 'false'",
    ]
    .iter()
    .filter_map(|text| config::resolve(&config::from_document(text, "keys").ok()?).ok()?)
    .collect()
});
/// These only refuse: without them the others are seen at work on more documents.
const REFUSING: &[&str] = &["arch", "kvm", "machine-q35", "vhost-user", "block-boot", "cpu"];

fuzz_target!(|input: (u8, &str)| {
    let (choice, text) = input;
    assert_eq!(KEYS.len(), 5);
    let keys = &KEYS[usize::from(choice) % KEYS.len()];
    let Ok(domain) = Domain::parse(text) else { return };
    let skip =
        if choice & 0x80 == 0 { REFUSING.iter().map(|s| (*s).to_owned()).collect() } else { Vec::new() };
    let options = Options { skip, ..Options::default() };
    let host = HostFacts::not_asked();
    let plan = plan::plan(keys, &domain, &host, &options).expect("there is a plan for every document");
    let Ok(out) = plan.apply(&domain) else {
        assert!(plan.error().is_some(), "refused without a reason");
        return;
    };
    let (mut from_in, mut from_out) = (0, 0);
    for splice in plan.splices(&domain).expect("as apply") {
        let kept = &text[from_in..splice.span.start];
        assert!(out[from_out..].starts_with(kept), "changed outside the edits");
        from_out += kept.len() + splice.text.len();
        from_in = splice.span.end;
    }
    assert_eq!(text[from_in..], out[from_out..], "changed behind the last edit");
    let again = Domain::parse(&out).expect("what is written reads again");
    let second = plan::plan(keys, &again, &host, &options).expect("there is a plan for every document");
    let left: Vec<_> = second.edits().iter().map(|e| (e.rule(), e.places(&again))).collect();
    assert!(left.is_empty(), "a second run edits {left:?}");
});
