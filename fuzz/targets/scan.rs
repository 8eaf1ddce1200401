//! Any text as a domain document: it is refused, or every element of it lies where its path and its bytes say.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_sev::domain::{Domain, ElementId};

fn walk(domain: &Domain<'_>, id: ElementId, depth: usize) {
    let span = domain.span(id);
    let raw = domain.raw(id);
    assert_eq!(raw, &domain.text()[span.start..span.end]);
    assert!(raw.starts_with('<') && raw.ends_with('>') && raw.contains(domain.name(id)), "{raw:?}");
    assert!(domain.path(id).matches('/').count() >= depth, "{}", domain.path(id));
    let mut before = span.start;
    for child in domain.children(id) {
        let inner = domain.span(child);
        assert!(before < inner.start && inner.end < span.end, "{} is not inside", domain.path(child));
        assert_eq!(domain.parent(child), Some(id));
        before = inner.end - 1;
        walk(domain, child, depth + 1);
    }
}

fuzz_target!(|text: &str| {
    if let Ok(domain) = Domain::parse(text) {
        assert_eq!(domain.text(), text);
        walk(&domain, domain.root(), 1);
    }
});
