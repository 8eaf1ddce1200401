use super::*;

const ROME: &[u8] = include_bytes!("testdata/rome-platform.bin");

fn pdh() -> Cert {
    Cert::parse(Usage::Pdh, &ROME[..CERT_SIZE]).unwrap()
}

#[test]
fn the_fields_of_a_real_certificate() {
    let c = pdh();
    assert_eq!((c.usage(), c.api()), (Usage::Pdh, (0, 0x16)));
    assert!(c.claims_signature_of(Usage::Pek) && !c.claims_signature_of(Usage::Oca));
    assert_eq!(format!("{c:?}"), "Cert(PDH, 2084 bytes)");
    assert!(c.public_key().is_ok());
}

#[test]
fn a_new_key_reads_back_as_itself() {
    let secret = p384::SecretKey::from_slice(&[0x11; 48]).unwrap();
    let cert = Cert::new_pdh(&secret.public_key());
    let again = Cert::parse(Usage::Pdh, cert.bytes()).unwrap();
    assert_eq!(again.public_key().unwrap(), secret.public_key());
    assert!(!again.claims_signature_of(Usage::Pek));
    let e = again
        .verify_signed_by(&Cert::parse(Usage::Pek, &ROME[CERT_SIZE..2 * CERT_SIZE]).unwrap())
        .unwrap_err();
    assert!(e.to_string().contains("has no signature of the PEK"), "{e}");
}

#[test]
fn each_malformed_field_has_its_text() {
    let change = |at: usize, value: u32| {
        let mut b = ROME[..CERT_SIZE].to_vec();
        b[at..at + 4].copy_from_slice(&value.to_le_bytes());
        Cert::parse(Usage::Pdh, &b).unwrap_err().to_string()
    };
    for (at, value, says) in [
        (0, 2, "has the wrong version: found 0x2, wanted 0x1"),
        (4, 0x0001_1600, "the reserved bytes of its header are not zero: found 0x01 at byte 6"),
        (8, 0x1002, "is another certificate: found PEK, wanted PDH (usage 0x1003)"),
        (8, 0x77, "is another certificate: found usage 0x77"),
        (12, 2, "has the wrong key algorithm: found 0x2, wanted 0x3"),
        (16, 1, "has the wrong curve: found 0x1, wanted 0x2"),
        (20, 0x1234_5678, "is no point of the curve P-384"),
        (72, 1, "the reserved bytes behind its public key are not zero: found 0x01 at byte 72"),
        (400, 1, "the reserved bytes behind its public key are not zero"),
        (SLOTS[0], 0x13, "has an unexpected signer in signature slot 1: found ASK, wanted PEK"),
        (SLOTS[0] + 4, 3, "has a key-exchange algorithm in signature slot 1"),
        (SLOTS[0] + 8 + 200, 1, "the reserved bytes of its signature slot 1 are not zero"),
        (SLOTS[1] + 100, 1, "the bytes of its unused signature slot 2 are not zero"),
        (SLOTS[1], 0x1002, "has two signatures of the PEK"),
    ] {
        let text = change(at, value);
        assert!(text.starts_with("the PDH certificate ") && text.contains(says), "{text}");
    }
    for size in [0, 2083, 2085, 4168] {
        let e = Cert::parse(Usage::Pdh, &vec![1; size]).unwrap_err();
        assert!(e.to_string().contains(&format!("found {size} bytes, wanted 2084 bytes")), "{e}");
    }
}

#[test]
fn base64_is_read_as_binary_is() {
    let text = crate::measure::to_base64(&ROME[..CERT_SIZE]);
    let lines: String = text.as_bytes().chunks(76).map(|l| String::from_utf8_lossy(l) + "\n").collect();
    assert_eq!(Cert::parse(Usage::Pdh, lines.as_bytes()).unwrap(), pdh());
}

#[test]
fn an_owners_certificate_may_fill_its_slots_as_it_likes() {
    let mut bytes = ROME[..CERT_SIZE].to_vec();
    bytes[SLOTS[0]..].fill(0);
    assert!(Cert::parse(Usage::Pdh, &bytes).is_err());
    assert_eq!(Cert::parse_godh(&bytes).unwrap().public_key().unwrap(), pdh().public_key().unwrap());
    // Its key is checked all the same.
    for at in [0, 8, 12, 16, 20, 100] {
        let mut changed = bytes.clone();
        changed[at] ^= 0x40;
        assert!(Cert::parse_godh(&changed).is_err(), "byte {at}");
    }
    assert!(Cert::parse_godh(&bytes[..2083]).is_err());
}
