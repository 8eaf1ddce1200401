use super::*;
use crate::measure::to_base64;
use p384::ecdsa::signature::Verifier as _;

const ID_KEY: &str = include_str!("testdata/id-key.pem");
const AUTHOR_KEY: &str = include_str!("testdata/author-key.pem");

fn read(text: &str) -> Result<PrivateKey> {
    PrivateKey::read("ID key", &mut text.as_bytes())
}

/// Oracle: the `sev` crate's test of the same keys (`tests/id-block.rs`).
#[test]
fn digests_of_keys_are_the_published_ones() {
    let digest = |pem| to_base64(&read(pem).unwrap().public().digest());
    assert_eq!(digest(ID_KEY), "WfssaG36T+9J84M5qndckAUcKNVzg93DuvO160sUlt87DbvcuuX+J2d6ZEggdz/i");
    assert_eq!(digest(AUTHOR_KEY), "7tgRafsMteDsNHlPEo/U4MSkb2fGWhrfqB/LJLzAiMJyNpt//D6ytq9qQoShs2xf");
}

#[test]
fn a_signature_verifies_and_is_the_same_each_time() {
    let key = read(ID_KEY).unwrap();
    let signature = key.sign(b"message");
    assert_eq!(signature, key.sign(b"message"));
    let [r, s] = [0, NUMBER].map(|at| reversed(&signature[at..at + FIELD]));
    let plain = Signature::from_scalars(r, s).unwrap();
    key.0.verifying_key().verify(b"message", &plain).unwrap();
    assert!(key.0.verifying_key().verify(b"massage", &plain).is_err());
    assert!(signature[2 * NUMBER..].iter().all(|b| *b == 0));
}

#[test]
fn a_key_may_stand_behind_its_parameters() {
    let with = format!("-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n{ID_KEY}");
    assert_eq!(read(&with).unwrap().public(), read(ID_KEY).unwrap().public());
}

#[test]
fn what_is_no_key_of_p384_in_pem_is_refused_and_not_shown() {
    // P-256, made for this test.
    let p256 = "-----BEGIN EC PRIVATE KEY-----\n\
        MHcCAQEEIMLhDwF/k7hoErz4QddIJsxDjNXVgUGOau7N0cuWoR+SoAoGCCqGSM49\n\
        AwEHoUQDQgAEoBVfz1Ko9JBmvd+wQdfrWk3UxuYaYTpGo+S0xLeuufcywtkf0j5G\n\
        jiF9Yv/6LYBEQ4Zi5sCbVzbibSJ/IMwg5w==\n\
        -----END EC PRIVATE KEY-----\n";
    let body: String = ID_KEY.lines().filter(|l| !l.starts_with("--")).collect();
    let der = crate::measure::from_base64(&body).unwrap();
    for (bytes, says) in [
        (p256.as_bytes().to_vec(), "the ID key is not a private key of P-384"),
        (ID_KEY.replacen('M', "N", 1).into_bytes(), "is not a private key of P-384"),
        (der, "is not text"),
        (body.clone().into_bytes(), "holds no private key in PEM"),
        (ID_KEY.replace("PRIVATE", "ENCRYPTED PRIVATE").into_bytes(), "is encrypted"),
        (Vec::new(), "holds no private key in PEM"),
        (vec![b'-'; 1 << 20], "holds no private key in PEM"),
    ] {
        let e = PrivateKey::read("ID key", &mut &bytes[..]).unwrap_err();
        assert!(e.to_string().contains(says), "{e}");
        assert_eq!(e.kind(), Kind::File);
        assert!(!e.to_string().contains(&body[..16]), "{e}");
    }
    assert_eq!(format!("{:?}", read(ID_KEY).unwrap()), "<redacted>");
}
