use super::*;
use sha2::{Digest, Sha256};

#[test]
fn all_five_of_amd_verify_and_are_the_published_files() {
    let roots = Roots::built_in().unwrap();
    assert_eq!(
        roots.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(),
        ["Naples", "Rome", "Milan", "Genoa", "Turin"]
    );
    let sums = include_str!("testdata/roots.sha256");
    for root in roots.iter() {
        root.ark.verify_signed_by(&root.ark).unwrap();
        root.ask.verify_signed_by(&root.ark).unwrap();
        assert!(root.built_in);
        for (cert, which) in [(&root.ask, "ask"), (&root.ark, "ark")] {
            let sum: String = Sha256::digest(cert.bytes()).iter().map(|b| format!("{b:02x}")).collect();
            let line = format!("{sum}  {}-{which}.cert", root.name.to_lowercase());
            assert!(sums.lines().any(|l| l == line), "{line}");
        }
    }
}

#[test]
fn no_root_signs_for_another() {
    let roots = Roots::built_in().unwrap();
    for a in roots.iter() {
        for b in roots.iter().filter(|b| *b != a) {
            assert!(a.ask.verify_signed_by(&b.ark).is_err(), "{} by {}", a.name, b.name);
        }
    }
}

#[test]
fn a_named_root_is_verified_before_it_is_trusted() {
    let built_in = Roots::built_in().unwrap();
    let rome = built_in.iter().find(|r| r.name == "Rome").unwrap();
    let milan = built_in.iter().find(|r| r.name == "Milan").unwrap();
    let pair = |ask: &CaCert, ark: &CaCert| [ask.bytes(), ark.bytes()].concat();
    let good = pair(&rome.ask, &rome.ark);

    let mut none = Roots(Vec::new());
    none.add("mine.cert", &good).unwrap();
    assert!(!none.0[0].built_in && none.0[0].name == "mine.cert");

    // A built-in root that is named again stays AMD's.
    let mut all = Roots::built_in().unwrap();
    all.add("mine.cert", &good).unwrap();
    assert_eq!(all, built_in);

    let mut flipped = good.clone();
    flipped[700] ^= 1;
    for (bytes, says) in [
        (pair(&rome.ask, &milan.ark), "the ASK certificate names another key as its signer"),
        (pair(&rome.ark, &rome.ask), "the ASK certificate is another certificate: found ARK"),
        (flipped, "the ASK certificate is not to be trusted: its signature of the ARK does not verify"),
        (good[..3199].to_vec(), "the ARK certificate is cut off"),
        ([&good[..], &[0]].concat(), "something behind the ARK"),
        (Vec::new(), "the ASK certificate is cut off"),
    ] {
        let e = none.add("bad.cert", &bytes).unwrap_err();
        assert!(e.to_string().starts_with("bad.cert: ") && e.to_string().contains(says), "{e}");
        assert_eq!(e.kind(), Kind::Certificate);
    }
    assert_eq!(none.0.len(), 1);
}
