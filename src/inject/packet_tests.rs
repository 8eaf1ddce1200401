use super::*;

fn keys() -> (Secret<[u8; 16]>, Secret<[u8; 16]>) {
    (Secret::new([0x22; 16]), Secret::new([0x11; 16]))
}

fn packet(table: &Secret<Vec<u8>>) -> Result<Packet> {
    let (tik, tek) = keys();
    build(&tik, &tek, &[0; 32], table)
}

// Oracle: Python's hmac, and AES-CTR of python3-cryptography (OpenSSL).
#[test]
fn the_packet_is_byte_for_byte_the_known_one() {
    let table = Secret::new((0..64u8).collect::<Vec<_>>());
    let (tik, tek) = keys();
    let p = build_with_iv(&tik, &tek, &[0x33; 32], &table, [0x44; 16]).unwrap();
    let hex = |b: &[u8]| b.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let known: Vec<&str> = include_str!("testdata/packet.hex").lines().collect();
    assert_eq!([hex(&p.header), hex(&p.payload)], known[..]);
}

#[test]
fn each_packet_has_its_own_iv() {
    let table = Secret::new(vec![0; 16]);
    let (a, b) = (packet(&table).unwrap(), packet(&table).unwrap());
    assert_ne!(a.header[4..20], b.header[4..20]);
    assert_ne!(a.payload, b.payload);
    assert_eq!(a.header[..4], [0; 4]);
}

#[test]
fn sizes_that_the_chip_refuses_are_refused() {
    for size in [0, 1, 15, 17, super::super::table::MAX_TABLE + 16] {
        let e = packet(&Secret::new(vec![0; size])).unwrap_err();
        assert_eq!(e.kind(), Kind::Usage, "{size}");
    }
}

#[test]
fn base64_is_what_libvirt_takes() {
    let p = packet(&Secret::new(vec![0; 16])).unwrap();
    assert_eq!(crate::measure::from_base64(&p.header_base64()).unwrap(), p.header);
    assert_eq!(crate::measure::from_base64(&p.payload_base64()).unwrap(), p.payload);
}
