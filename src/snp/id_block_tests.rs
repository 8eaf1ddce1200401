use super::*;

fn key(pem: &str) -> PrivateKey {
    PrivateKey::read("key", &mut pem.as_bytes()).unwrap()
}

fn digest() -> Digest48 {
    let hex =
        "a14d638341e5674628fe1e02fbedebe5e5ab4faf1dd72d8966068e615bb99efd13d214b35c231715b38e263dc6059745";
    hex::decode(hex).unwrap().try_into().unwrap()
}

/// Oracle: the `sev` crate's test of the same digest (`tests/id-block.rs`).
#[test]
fn the_block_is_the_published_one() {
    let block = IdBlock::new(digest(), GuestPolicy(0x30000)).unwrap();
    assert_eq!(
        to_base64(&block.to_bytes()),
        "oU1jg0HlZ0Yo/h4C++3r5eWrT68d1y2JZgaOYVu5nv0T0hSzXCMXFbOOJj3GBZdFAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\
         AAAAAAAAAAAAAwAAAAAA"
    );
    let bytes = IdBlock {
        family_id: [1; 16],
        image_id: [2; 16],
        version: 3,
        guest_svn: 4,
        policy: GuestPolicy(0x2_0005),
        ..block
    }
    .to_bytes();
    assert_eq!(bytes[48..80], [[1u8; 16], [2; 16]].concat());
    assert_eq!(bytes[80..], [3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 2, 0, 0, 0, 0, 0]);
}

/// Oracle: the `sev` crate's ID auth of the same keys, but for its signatures, which are random.
#[test]
fn the_auth_has_its_fields_where_the_published_one_has_them() {
    let published = include_bytes!("testdata/id-auth.bin");
    let (id, author) =
        (key(include_str!("testdata/id-key.pem")), key(include_str!("testdata/author-key.pem")));
    let signed = IdBlock::new(digest(), GuestPolicy(0x30000)).unwrap().sign(&id, Some(&author));
    let fields = |auth: &[u8]| {
        let mut auth = auth.to_vec();
        for at in [SIGNATURE, ID_KEY_SIGNATURE] {
            assert!(auth[at..at + 48].iter().any(|b| *b != 0));
            auth[at..at + 48].fill(0);
            auth[at + 72..at + 72 + 48].fill(0);
        }
        auth
    };
    assert_eq!(fields(signed.auth()), fields(published));
    // Without an author nothing of one is there.
    let alone = signed.block.clone().sign(&id, None);
    assert_eq!(alone.auth()[..4], [1, 0, 0, 0]);
    assert!(alone.auth()[4..SIGNATURE].iter().chain(&alone.auth()[0x644..]).all(|b| *b == 0));
}

#[test]
fn a_policy_that_the_firmware_refuses_is_refused() {
    for (policy, says) in [(0x1_0000, "does not set bit 17"), (0x2_0000 | 1 << 26, "sets reserved bits")] {
        let e = IdBlock::new(digest(), GuestPolicy(policy)).unwrap_err();
        assert!(e.to_string().contains(says), "{e}");
        assert_eq!(e.kind(), Kind::Config);
    }
}

#[test]
fn the_keys_are_those_of_the_table() {
    let (id, author) =
        (key(include_str!("testdata/id-key.pem")), key(include_str!("testdata/author-key.pem")));
    let block = IdBlock::new(digest(), GuestPolicy(0x30000)).unwrap();
    let both = block.clone().sign(&id, Some(&author));
    let yaml = both.config_yaml(Some(&[9; 32]));
    let names = yaml.lines().filter(|l| !l.starts_with('#')).map(|l| l.split(':').next().unwrap());
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["", ".policy", ".host_data", ".id_block", ".id_auth", ".author_key"]
            .map(|k| format!("security.sev.snp{k}"))
    );
    assert!(
        yaml.contains(&hex::encode(&author.public().digest()))
            && yaml.contains(&hex::encode(&id.public().digest()))
    );
    let one = block.sign(&id, None).config_yaml(None);
    assert!(!one.contains("author") && !one.contains("host_data"), "{one}");
}
