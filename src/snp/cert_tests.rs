use super::super::testing::{VECTORS, vector};
use super::*;

#[test]
fn a_vcek_says_what_it_is() {
    let cert = Cert::parse("vcek", vector("milan-v2").1).unwrap();
    assert_eq!((cert.subject().as_str(), cert.issuer().as_str()), ("SEV-VCEK", "SEV-Milan"));
    assert_eq!(cert.role(), Role::Vcek);
    let (from, to) = cert.validity();
    assert_eq!(
        (from.to_string().as_str(), to.to_string().as_str()),
        ("2023-04-03T19:23:43Z", "2030-04-03T19:23:43Z")
    );
    assert!(cert.p384().is_some());
}

/// Wherever a byte is changed, the certificate is no longer the one that was signed.
#[test]
fn no_changed_byte_of_a_vcek_goes_unseen() {
    let roots = super::super::roots::Roots::built_in().unwrap();
    let ask = roots.iter().find(|r| r.name == "Turin").map(|r| &r.signers[0]).unwrap();
    let good = vector("turin-v5").1;
    assert!(Cert::parse("vcek", good).unwrap().is_signed_by(ask));
    for at in 0..good.len() {
        let mut bytes = good.to_vec();
        bytes[at] ^= 0x40;
        if let Ok(cert) = Cert::parse("vcek", &bytes) {
            assert!(!cert.is_signed_by(ask), "byte {at}");
        }
    }
}

#[test]
fn what_is_no_certificate_of_amd_is_refused() {
    let (_, _, good) = VECTORS[0];
    let find = |what: &[u8]| good.windows(what.len()).position(|w| w == what).unwrap();
    let changed = |at: usize, to: &[u8]| {
        let mut bytes = good.to_vec();
        bytes[at..at + to.len()].copy_from_slice(to);
        bytes
    };
    let pss = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
    let (first, last) = (find(&pss), good.len() - good.windows(9).rev().position(|w| w == pss).unwrap() - 9);
    let mut two = changed(first + 8, &[0x0b]);
    two[last + 8] = 0x0b;
    for (bytes, says) in [
        (good[..good.len() - 1].to_vec(), "no X.509"),
        ([good, &[0]].concat(), "no X.509"),
        (changed(first + 8, &[0x0b]), "names two signature algorithms"),
        (two, "is signed with another algorithm than AMD's"),
        (changed(find(b"SEV-VCEK"), b"SEV-NONE"), "is none of ARK, ASK, ASVK, VCEK and VLEK"),
    ] {
        let e = Cert::parse("x.der", &bytes).unwrap_err();
        assert!(e.to_string().starts_with("x.der: the certificate") && e.to_string().contains(says), "{e}");
        assert_eq!(e.kind(), Kind::Certificate);
    }
}

/// Ten thousand certificates, or one with a million extensions, took minutes before they were refused.
#[test]
fn what_is_far_too_large_for_amds_is_refused_at_once() {
    use super::super::certs::Certs;
    let says = |bytes: &[u8]| Certs::default().add("f", bytes).unwrap_err().to_string();
    assert!(says(&[0x30; LARGEST + 1]).contains("the certificate is too large: found 16385 bytes"));
    assert!(!says(&[0x30; LARGEST]).contains("too large"));
    let pem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
    assert!(
        says(pem.repeat(33).as_bytes())
            .contains("too many certificates in one file: found 33, wanted at most 32")
    );
    assert!(says(pem.repeat(32).as_bytes()).contains("f, certificate 1: the certificate is no X.509"));
    let entry = [&0x63da758d_e664_4564_adc5_f4b93be8accd_u128.to_be_bytes()[..], &[0; 8]].concat();
    assert!(says(&entry.repeat(99)).contains("entry 33 of the certificate table is one too many"));
}
