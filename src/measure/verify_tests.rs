use super::*;

// Oracle: the `sev` crate's unit test of the same formula (`session/mod.rs`, `verify`): the digest of nothing.
fn published() -> (Evidence, Digest32, Secret<[u8; 16]>) {
    let hex = |s: &str| -> Vec<u8> {
        (0..s.len()).step_by(2).map(|i| u8::from_str_radix(&s[i..i + 2], 16).unwrap()).collect()
    };
    let measurement = hex("6faab2daae389bcd3405a05d6cafe33c0414f7bedd0bae19ba5f38b7fd1664ea4fbe0bed\
         bad6c86ae8f68971d103e554");
    let digest = hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let tik = hex("66320db73158a35a255d051758e95ed4");
    let evidence = Evidence {
        measurement: measurement.try_into().unwrap(),
        api_major: 0,
        api_minor: 0x12,
        build_id: 0x0f,
        policy: 0,
    };
    (evidence, digest.try_into().unwrap(), Secret::new(tik.try_into().unwrap()))
}

#[test]
fn the_published_measurement_is_confirmed() {
    let (evidence, digest, tik) = published();
    let verdict = check(&evidence, &Expected::one(digest), &tik).unwrap();
    assert_eq!(verdict, Verdict::Matched { digest, state: None });
    assert_eq!(expected_mac(&evidence, &digest, &tik).unwrap(), evidence.mac());
}

#[test]
fn every_changed_input_is_refused() {
    let (good, digest, tik) = published();
    let refused =
        |e: &Evidence, d: Digest32, t: &Secret<[u8; 16]>| !check(e, &Expected::one(d), t).unwrap().matched();
    for i in 0..48 {
        let mut e = good;
        e.measurement[i] ^= 1;
        assert!(refused(&e, digest, &tik), "byte {i} of the measurement");
    }
    for i in 0..32 {
        let mut d = digest;
        d[i] ^= 0x80;
        assert!(refused(&good, d, &tik), "byte {i} of the digest");
    }
    for i in 0..16 {
        let mut t = *tik.expose();
        t[i] ^= 0x10;
        assert!(refused(&good, digest, &Secret::new(t)), "byte {i} of the TIK");
    }
    for bit in 0..32 {
        assert!(refused(&Evidence { policy: 1 << bit, ..good }, digest, &tik), "policy bit {bit}");
    }
    assert!(refused(&Evidence { api_major: 1, ..good }, digest, &tik));
    assert!(refused(&Evidence { api_minor: 0x13, ..good }, digest, &tik));
    assert!(refused(&Evidence { build_id: 0x0e, ..good }, digest, &tik));
}

#[test]
fn the_verdict_says_which_initial_state_it_was() {
    let (evidence, digest, tik) = published();
    let other = Candidate { digest: [9; 32], state: Some(InitialState::Legacy) };
    let own = Candidate { digest, state: Some(InitialState::Init2) };
    let expected = Expected { digests: vec![other, own] };
    let verdict = check(&evidence, &expected, &tik).unwrap();
    assert_eq!(verdict, Verdict::Matched { digest, state: Some(InitialState::Init2) });
    let Verdict::Differs { reported, computed } =
        check(&evidence, &Expected { digests: vec![other, other] }, &tik).unwrap()
    else {
        panic!("a wrong digest was accepted");
    };
    assert_eq!((reported, computed.len()), (evidence.mac(), 2));
}

#[test]
fn nothing_accepted_is_no_verdict() {
    let (evidence, _, tik) = published();
    assert_eq!(check(&evidence, &Expected::default(), &tik).unwrap_err().kind(), Kind::Usage);
}

#[test]
fn a_measurement_is_base64_of_48_bytes() {
    let text = crate::measure::to_base64(&[7; 48]);
    assert_eq!(Evidence::parse_measurement(&text).unwrap(), [7; 48]);
    let broken = format!(" {}\n{}\n", &text[..20], &text[20..]);
    assert_eq!(Evidence::parse_measurement(&broken).unwrap(), [7; 48]);
    for (text, says) in [
        ("", "found 0 bytes, wanted 48 bytes"),
        ("AAAA", "found 3 bytes, wanted 48 bytes"),
        ("not base64!", "is not base64"),
        ("ab-_", "is not base64"),
    ] {
        let e = Evidence::parse_measurement(text).unwrap_err();
        assert!(e.to_string().contains(says), "{text}: {e}");
        assert_eq!(e.kind().code().exit, 4);
    }
}
