use super::*;
use proptest::prelude::*;

const NAPLES: &[u8] = include_bytes!("testdata/naples-platform.bin");
const ROME: &[u8] = include_bytes!("testdata/rome-platform.bin");
/// Where the first signature slot of the CEK begins.
const CEK_SLOT: usize = 3 * CERT_SIZE + 0x414;

fn with_ca(platform: &[u8], name: &str) -> Vec<u8> {
    let roots = Roots::built_in().unwrap();
    let root = roots.iter().find(|r| r.name == name).unwrap();
    [platform, root.ask.bytes(), root.ark.bytes()].concat()
}

fn verify(bytes: &[u8]) -> Result<Verified> {
    Chain::parse(bytes)?.verify(&Roots::built_in().unwrap())
}

#[test]
fn real_platforms_verify_and_their_root_is_found() {
    for (platform, name) in [(NAPLES, "Naples"), (ROME, "Rome")] {
        for bytes in [platform.to_vec(), with_ca(platform, name)] {
            let v = verify(&bytes).unwrap();
            assert_eq!((v.root.as_str(), v.built_in), (name, true));
            assert_eq!(v.pdh.bytes()[..], platform[..CERT_SIZE]);
            assert_eq!(Chain::parse(&bytes).unwrap().to_bytes(), bytes);
            let text = crate::measure::to_base64(&bytes);
            assert_eq!(verify(text.as_bytes()).unwrap(), v);
        }
    }
}

#[test]
fn every_changed_byte_is_refused_and_its_certificate_named() {
    let good = with_ca(ROME, "Rome");
    let roots = Roots::built_in().unwrap();
    let owner = |at: usize| match at {
        _ if at < CERT_SIZE => "PDH",
        _ if at < 2 * CERT_SIZE => "PEK",
        _ if at < 3 * CERT_SIZE => "OCA",
        _ if at < 4 * CERT_SIZE => "CEK",
        _ if at < 4 * CERT_SIZE + 1600 => "ASK",
        _ => "ARK",
    };
    // All of each header and of each slot's header, and a sample of the rest.
    let structural = |at: usize| {
        at >= 4 * CERT_SIZE && (at - 4 * CERT_SIZE) % 1600 < 68
            || matches!(at % CERT_SIZE, 0..=24 | 0x414..=0x41c | 0x61c..=0x624) && at < 4 * CERT_SIZE
    };
    let mut seen = std::collections::BTreeSet::new();
    for at in (0..good.len()).filter(|at| structural(*at) || at % 37 == 0) {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        let e = match Chain::parse(&bytes).and_then(|c| c.verify(&roots)) {
            Ok(_) => panic!("byte {at} ({}) may change", owner(at)),
            Err(e) => e,
        };
        assert_eq!(e.kind(), Kind::Certificate);
        let named = format!("the {} certificate ", owner(at));
        assert!(e.problems().any(|p| p.message().starts_with(&named)), "byte {at} ({}): {e}", owner(at));
        seen.extend(e.problems().map(|p| p.message().to_owned()));
    }
    // The texts tell the ways apart in which a chain can break.
    for says in [
        "the PDH certificate is not to be trusted: its signature of the PEK does not verify",
        "the PEK certificate is not to be trusted: its signature of the OCA does not verify",
        "the PEK certificate is not to be trusted: its signature of the CEK does not verify",
        "the OCA certificate is not to be trusted: its signature of the OCA does not verify",
        "the CEK certificate is not to be trusted: its signature of the ASK does not verify",
        "the ASK certificate is not to be trusted: its signature of the ARK does not verify",
        "the ARK certificate is not to be trusted: its signature of itself does not verify",
        "the PDH certificate has the wrong version",
        "the OCA certificate is another certificate",
    ] {
        assert!(seen.contains(says), "never said: {says}");
    }
}

#[test]
fn an_unsigned_cek_says_what_to_fetch() {
    let mut bytes = ROME.to_vec();
    bytes[CEK_SLOT..CEK_SLOT + 520].fill(0);
    bytes[CEK_SLOT..CEK_SLOT + 4].copy_from_slice(&0x1000u32.to_le_bytes());
    let roots = Roots::built_in().unwrap();
    let chain = Chain::parse(&bytes).unwrap();
    let e = chain.verify(&roots).unwrap_err();
    assert!(e.to_string().starts_with("the CEK certificate is not signed"), "{e}");
    assert!(e.to_string().contains("cpu0-id of `virsh nodesevinfo`"), "{e}");
    assert_eq!(e.problems().count(), 1);
    let e = chain.of_chip(ChipId::from_bytes(&[0xab, 0x01])).verify(&roots).unwrap_err();
    assert!(e.to_string().contains("https://kdsintf.amd.com/cek/id/ab01"), "{e}");

    // The same where the slot names the ASK but holds nothing.
    bytes[CEK_SLOT..CEK_SLOT + 4].copy_from_slice(&0x13u32.to_le_bytes());
    let e = verify(&bytes).unwrap_err();
    assert!(e.to_string().starts_with("the CEK certificate is not signed"), "{e}");
}

#[test]
fn a_fetched_cek_takes_the_place_of_the_unsigned_one() {
    let mut bytes = ROME.to_vec();
    bytes[CEK_SLOT..CEK_SLOT + 520].fill(0);
    bytes[CEK_SLOT..CEK_SLOT + 4].copy_from_slice(&0x1000u32.to_le_bytes());
    let mut chain = Chain::parse(&bytes).unwrap();
    let e = chain.replace_cek(&NAPLES[3 * CERT_SIZE..]).unwrap_err();
    assert!(e.to_string().contains("is another chip's"), "{e}");
    chain.replace_cek(&ROME[3 * CERT_SIZE..]).unwrap();
    assert_eq!(chain.verify(&Roots::built_in().unwrap()).unwrap().root, "Rome");
}

#[test]
fn a_root_that_came_along_proves_nothing() {
    // Milan's CA does not sign this CEK, although both are AMD's.
    let e = verify(&with_ca(ROME, "Milan")).unwrap_err();
    assert!(e.to_string().contains("is signed under another root"), "{e}");
    // With no root trusted, the right CA in the chain does not help.
    let mut none = Roots::built_in().unwrap();
    none.retain(|r| r.name != "Rome");
    let e = Chain::parse(&with_ca(ROME, "Rome")).unwrap().verify(&none).unwrap_err();
    assert!(
        e.to_string().contains("the ARK certificate is not to be trusted: it came with the chain"),
        "{e}"
    );
    let e = Chain::parse(ROME).unwrap().verify(&none).unwrap_err();
    assert!(e.to_string().contains("does not verify under any known root"), "{e}");
    assert!(e.to_string().contains("wanted Naples, Milan, Genoa, Turin"), "{e}");
}

#[test]
fn certificates_of_two_platforms_do_not_mix() {
    let mixed = [&NAPLES[..CERT_SIZE], &ROME[CERT_SIZE..]].concat();
    let e = verify(&mixed).unwrap_err();
    assert_eq!(e.problems().count(), 1);
    assert!(
        e.to_string().starts_with("the PDH certificate is not to be trusted: its signature of the PEK"),
        "{e}"
    );
}

#[test]
fn a_wrong_size_is_told() {
    for (bytes, says) in [
        (Vec::new(), "there is no certificate in it"),
        (ROME[..CERT_SIZE].to_vec(), "the chain is not complete: found PDH, wanted PEK, OCA, CEK too"),
        (
            ROME[..8335].to_vec(),
            "the CEK certificate has the wrong size: found 2083 bytes, wanted 2084 bytes",
        ),
        ([ROME, &[1, 0, 0]].concat(), "the ASK certificate is cut off"),
        ([&with_ca(ROME, "Rome")[..], &[0]].concat(), "this is no certificate of SEV: found 1 bytes"),
        (vec![0xee; 8336], "the PDH certificate has the wrong version"),
    ] {
        let e = verify(&bytes).unwrap_err();
        assert!(e.to_string().contains(says), "{e}");
    }
    // All of them are reported, not just the first.
    assert_eq!(verify(&vec![0xee; 8336]).unwrap_err().problems().count(), 4);
}

#[test]
fn each_problem_stands_at_the_certificate_that_has_it() {
    let good = with_ca(ROME, "Rome");
    let roots = Roots::built_in().unwrap();
    let chain = Chain::parse(&good).unwrap();
    assert!(chain.check(&roots).verified() && chain.check(&roots).into_error().is_none());
    let all = [Usage::Pdh, Usage::Pek, Usage::Oca, Usage::Cek, Usage::Ask, Usage::Ark];
    // A byte of each one's own signature: nothing else is wrong then.
    let ca = 4 * CERT_SIZE;
    for (n, at) in [0x420, CERT_SIZE + 0x420, 2 * CERT_SIZE + 0x420, CEK_SLOT + 12, ca + 1500, ca + 3100]
        .into_iter()
        .enumerate()
    {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        let chain = Chain::parse(&bytes).unwrap();
        let report = chain.check(&roots);
        assert!(!report.verified());
        for usage in all {
            assert_eq!(report.problems(usage).count(), usize::from(usage == all[n]), "{usage} of {}", all[n]);
        }
        // An ASK or ARK that came along is not what the CEK is held to.
        assert_eq!(report.root().is_some(), all[n] != Usage::Cek);
    }
}

#[test]
fn a_verified_chain_is_completed_as_sevctl_does() {
    let roots = Roots::built_in().unwrap();
    let mut chain = Chain::parse(ROME).unwrap();
    let root = chain.check(&roots).root().unwrap();
    chain.complete(root);
    assert_eq!(chain.to_bytes(), with_ca(ROME, "Rome"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    // Whatever stands in a chain: an error, never a panic, and never a yes.
    #[test]
    fn a_mangled_chain_is_an_error(
        changes in proptest::collection::vec((0usize..11_536, 1u8..), 1..6),
        cut in prop_oneof![Just(11_536usize), 0usize..11_536],
    ) {
        let mut bytes = with_ca(ROME, "Rome");
        for (at, by) in &changes {
            bytes[*at] ^= by;
        }
        bytes.truncate(cut);
        // Two changes of one byte may cancel out, and cutting all of the CA off leaves a good chain.
        prop_assume!(bytes != with_ca(ROME, "Rome") && bytes != ROME);
        prop_assert_eq!(verify(&bytes).unwrap_err().kind(), Kind::Certificate);
    }
}
