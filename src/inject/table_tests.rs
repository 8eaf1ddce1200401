use super::*;

const LUKS: &str = "736869e5-84f0-4973-92ec-06879ce3da0b";

fn table(secrets: &[(&str, &[u8])]) -> SecretTable {
    let mut t = SecretTable::new();
    for (guid, secret) in secrets {
        t.add(guid.parse().unwrap(), Secret::new(secret.to_vec())).unwrap();
    }
    t
}

// Oracle: Python's uuid and struct.
#[test]
fn the_table_is_byte_for_byte_the_known_one() {
    let t = table(&[(LUKS, b"hello"), ("00000000-0000-0000-0000-000000000001", b"")]);
    let hex: String = t.to_bytes(None).unwrap().expose().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(
        hex,
        concat!(
            "42f5741edd71664d963eef4287ff173b",
            "41000000",
            "e5696873f084734992ec06879ce3da0b",
            "19000000",
            "68656c6c6f",
            "00000000000000000000000000000001",
            "14000000",
            "000000000000000000000000000000"
        )
    );
}

#[test]
fn the_size_is_a_multiple_of_16_and_no_more_than_needed() {
    for n in 0..40 {
        let t = table(&[(LUKS, &vec![1; n])]);
        let bytes = t.to_bytes(None).unwrap();
        assert_eq!(bytes.expose().len(), t.size());
        assert_eq!(t.size() % 16, 0);
        assert!(t.size() - (40 + n) < 16);
        // The table's own length is without the padding.
        assert_eq!(bytes.expose()[16..20], u32::try_from(40 + n).unwrap().to_le_bytes());
    }
}

#[test]
fn the_area_and_the_packet_bound_it() {
    let t = table(&[(LUKS, &[1; 24])]);
    assert_eq!(t.size(), 64);
    assert!(t.to_bytes(Some(64)).is_ok());
    let e = t.to_bytes(Some(63)).unwrap_err();
    assert!(
        e.to_string()
            .contains("the secret area of the firmware: found a table of 64 bytes, wanted at most 63"),
        "{e}"
    );
    assert!(table(&[(LUKS, &vec![0; MAX_TABLE - 40])]).to_bytes(None).is_ok());
    let e = table(&[(LUKS, &vec![0; MAX_TABLE - 39])]).to_bytes(None).unwrap_err();
    assert!(e.to_string().contains("do not fit into one packet"), "{e}");
    assert_eq!(SecretTable::new().to_bytes(None).unwrap_err().kind(), Kind::Usage);
}

#[test]
fn one_guid_stands_once() {
    let mut t = table(&[(LUKS, b"a")]);
    let e = t.add(LUKS.parse().unwrap(), Secret::new(b"b".to_vec())).unwrap_err();
    assert!(e.to_string().contains(LUKS), "{e}");
    assert_eq!(t.len(), 1);
}

#[test]
fn the_path_may_have_colons_and_need_not_be_utf_8() {
    let spec = SecretSpec::parse(OsStr::new("luks-key:/a:b/c:")).unwrap();
    assert_eq!((spec.guid.to_string().as_str(), spec.path.to_str().unwrap()), (LUKS, "/a:b/c:"));
    let upper = format!("{}:key", LUKS.to_uppercase());
    assert_eq!(SecretSpec::parse(OsStr::new(&upper)).unwrap().guid, spec.guid);
    let odd = SecretSpec::parse(OsStr::from_bytes(b"luks-key:/\xff")).unwrap();
    assert_eq!(odd.path.as_os_str().as_bytes(), b"/\xff");
}

#[test]
fn a_bad_secret_to_inject_is_told_without_its_text() {
    for text in ["", "hunter2", "luks-key:", ":hunter2", "hunter2:/x", "beef:/x", "736869e5:hunter2"] {
        let e = SecretSpec::parse(OsStr::new(text)).unwrap_err();
        assert_eq!(e.kind().code().exit, 2);
        assert!(!e.to_string().contains("hunter2"), "{e}");
    }
}

#[test]
fn a_secret_is_read_as_it_is() {
    assert_eq!(read_secret(&mut &b"line\n"[..]).unwrap().expose(), b"line\n");
    assert!(read_secret(&mut &b""[..]).unwrap().expose().is_empty());
    let e = read_secret(&mut std::io::repeat(b'x')).unwrap_err();
    assert!(e.to_string().contains("too long"), "{e}");
}
