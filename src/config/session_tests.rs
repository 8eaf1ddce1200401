//! Shapes of certificates and session blobs.

use super::*;

fn certificate() -> Vec<u8> {
    let mut cert = vec![0; DH_CERT_SIZE];
    for (at, value) in [(0, 1_u32), (8, USAGE_PDH), (12, 3), (16, CURVE_P384)] {
        cert[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    cert[20..68].fill(7);
    cert[92..140].fill(9);
    cert
}

#[test]
fn a_certificate_of_the_right_shape_passes() {
    check_dh_cert(&certificate()).unwrap();
    let mut sha384 = certificate();
    sha384[13] = 1;
    check_dh_cert(&sha384).unwrap();
}

#[test]
fn each_wrong_field_is_named() {
    for (at, name) in [(0, "version"), (8, "usage"), (12, "algorithm"), (16, "curve")] {
        let mut cert = certificate();
        cert[at] = 0x55;
        let e = check_dh_cert(&cert).unwrap_err();
        assert!(e.message().contains(name), "{e}");
        assert_eq!(e.kind(), Kind::Session);
    }
    for (at, name) in [(68, "x coordinate"), (140, "y coordinate")] {
        let mut cert = certificate();
        cert[at] = 1;
        assert!(check_dh_cert(&cert).unwrap_err().message().contains(name));
    }
    let mut none = certificate();
    none[92..140].fill(0);
    assert!(check_dh_cert(&none).is_err());
}

#[test]
fn wrong_sizes_and_swapped_blobs_are_told() {
    assert!(check_dh_cert(&[]).is_err());
    assert!(check_dh_cert(&certificate()[..2083]).unwrap_err().to_string().contains("2083 bytes"));
    assert!(check_dh_cert(&[1; SESSION_SIZE]).unwrap_err().message().contains("swapped"));
    assert!(check_session(&certificate()).unwrap_err().message().contains("swapped"));
    assert!(check_session(&[1; 127]).is_err());
    check_session(&[1; SESSION_SIZE]).unwrap();
}
