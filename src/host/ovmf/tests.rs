use super::*;
use proptest::prelude::*;

/// An image of 64 KiB with these entries in its table, the last one nearest to the footer.
fn image(entries: &[(Guid, &[u8])]) -> Vec<u8> {
    let mut table = Vec::new();
    for (guid, data) in entries {
        table.extend_from_slice(data);
        table.extend_from_slice(&u16::try_from(data.len() + 18).unwrap().to_le_bytes());
        table.extend_from_slice(guid.bytes());
    }
    table.extend_from_slice(&u16::try_from(table.len() + 18).unwrap().to_le_bytes());
    table.extend_from_slice(FOOTER.bytes());
    let mut image = vec![0u8; 0x10000 - 32 - table.len()];
    image.extend_from_slice(&table);
    image.extend_from_slice(&[0x90; 32]);
    image
}

fn pair(base: u32, size: u32) -> Vec<u8> {
    [base.to_le_bytes(), size.to_le_bytes()].concat()
}

fn full() -> Vec<u8> {
    let (secret, hashes) = (pair(0x81_0000, 0xc00), pair(0x81_0c00, 0x400));
    let entries: [(Guid, &[u8]); 3] =
        [(HASHES, &hashes), (SECRET, &secret), (ES_RESET, &0x80_b004u32.to_le_bytes())];
    image(&entries)
}

#[test]
fn every_entry_is_found() {
    let c = inspect(&full()).unwrap();
    assert_eq!(c.es_reset_addr, Some(0x80_b004));
    assert_eq!(c.secret, Some(Area { base: 0x81_0000, size: 0xc00 }));
    assert_eq!(c.hashes, Some(Area { base: 0x81_0c00, size: 0x400 }));
    assert!(!c.has_snp_metadata());
}

#[test]
fn an_image_without_a_table_holds_nothing() {
    for image in [vec![], vec![0; 10], vec![0; 31], vec![0; 49], vec![0; 50], vec![0xff; 0x2_0000]] {
        assert_eq!(inspect(&image).unwrap(), ImageContents::default());
    }
    let only_footer = image(&[]);
    assert_eq!(inspect(&only_footer).unwrap(), ImageContents::default());
}

#[test]
fn an_area_of_size_0_counts_as_absent() {
    let c =
        inspect(&image(&[(SECRET, &pair(0, 0)), (HASHES, &pair(0x1000, 0)), (ES_RESET, &[0; 4])])).unwrap();
    assert_eq!(c, ImageContents::default());
}

#[test]
fn broken_tables_are_refused_with_their_reason() {
    let end = 0x10000 - 32;
    let with = |at: usize, value: u16| {
        let mut i = full();
        i[at..at + 2].copy_from_slice(&value.to_le_bytes());
        i
    };
    let last_entry = end - 18 - 18; // the length of the entry before the footer
    for (image, says) in [
        (with(end - 18, 0), "the GUID table's own length cannot be"),
        (with(end - 18, 17), "the GUID table's own length cannot be"),
        (full()[0xff00..].to_vec(), ""),
        (full()[0x10000 - 100..].to_vec(), "the GUID table's own length cannot be"),
        (with(end - 18, 0xffff), "the GUID table's own length cannot be"),
        (with(end - 18, 20), "begins in the middle of an entry"),
        (with(last_entry, 0), "of the entry 00f771de-1a7e-4fcb-890e-68c77e2fb44e"),
        (with(last_entry, 17), "found 17 bytes, wanted 18 to"),
        (with(last_entry, 0xffff), "found 65535 bytes"),
        (image(&[(SECRET, &pair(1, 2)), (SECRET, &pair(1, 2))]), "stands twice"),
        (image(&[(FOOTER, &[])]), "stands twice"),
        (image(&[(SECRET, &[0; 7])]), "too short: found 7 bytes, wanted at least 8"),
        (image(&[(ES_RESET, &[])]), "too short"),
        (image(&[(HASHES, &pair(u32::MAX, 2))]), "ends above 4 GiB"),
        (image(&[(HASHES, &pair(0x1000, 0x400)), (SECRET, &pair(0x13ff, 1))]), "overlap"),
    ] {
        match inspect(&image) {
            Ok(contents) => assert!(says.is_empty(), "{contents:?} instead of {says:?}"),
            Err(e) => {
                assert_eq!(e.kind(), Kind::Firmware);
                assert!(!says.is_empty() && e.to_string().contains(says), "{e} instead of {says:?}");
            }
        }
    }
}

#[test]
fn snp_metadata_counts_only_when_it_is_well_formed() {
    let metadata = |signature: &[u8; 4], len: u32, version: u32, count: u32| {
        let mut i = image(&[(SNP_METADATA, &0x8000u32.to_le_bytes())]);
        let header = [*signature, len.to_le_bytes(), version.to_le_bytes(), count.to_le_bytes()].concat();
        i[0x8000..0x8010].copy_from_slice(&header);
        inspect(&i).unwrap().has_snp_metadata()
    };
    assert!(metadata(b"ASEV", 16 + 5 * 12, 1, 5));
    assert!(!metadata(b"ASEW", 16 + 5 * 12, 1, 5));
    assert!(!metadata(b"ASEV", 16 + 4 * 12, 1, 5));
    assert!(!metadata(b"ASEV", 16 + 5 * 12, 2, 5));
    assert!(!metadata(b"ASEV", 16, 1, 0));
    assert!(!metadata(b"ASEV", u32::MAX, 1, 5));
    assert!(!metadata(b"ASEV", 100, 1, u32::MAX));
    for offset in [0u32, 3, 0x10001, u32::MAX] {
        assert!(!inspect(&image(&[(SNP_METADATA, &offset.to_le_bytes())])).unwrap().has_snp_metadata());
    }
}

#[test]
fn the_sections_of_the_metadata_keep_their_order() {
    let mut i = image(&[(SNP_METADATA, &0x8000u32.to_le_bytes())]);
    let sections =
        [(0x81_0000u32, 0x1000u32, 0x10u32), (0x80_0000, 0x9000, 1), (0x80_d000, 0x1000, 2), (5, 6, 7)];
    let mut metadata =
        [*b"ASEV", (16u32 + 4 * 12).to_le_bytes(), 1u32.to_le_bytes(), 4u32.to_le_bytes()].concat();
    for (base, size, kind) in sections {
        metadata.extend([base.to_le_bytes(), size.to_le_bytes(), kind.to_le_bytes()].concat());
    }
    i[0x8000..0x8000 + metadata.len()].copy_from_slice(&metadata);
    let seen: Vec<_> = inspect(&i).unwrap().snp_sections.iter().map(|s| (s.base, s.size, s.kind)).collect();
    assert_eq!(
        seen,
        [
            (0x81_0000, 0x1000, SnpSectionKind::KernelHashes),
            (0x80_0000, 0x9000, SnpSectionKind::Memory),
            (0x80_d000, 0x1000, SnpSectionKind::Secrets),
            (5, 6, SnpSectionKind::Unknown(7)),
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    // Whatever the bytes: an answer, never a panic and never an endless walk.
    #[test]
    fn any_image_gets_an_answer(mut tail in proptest::collection::vec(any::<u8>(), 0..400), length in any::<u16>()) {
        let n = tail.len();
        if n >= 50 {
            tail[n - 48..n - 32].copy_from_slice(FOOTER.bytes());
            tail[n - 50..n - 48].copy_from_slice(&(length % 512).to_le_bytes());
        }
        let _ = inspect(&tail);
    }

    // A single changed byte in a good image gives an answer too, and cuts of it as well.
    #[test]
    fn a_changed_byte_or_a_cut_gets_an_answer(at in 0x10000usize - 200..0x10000, to in any::<u8>(), cut in 0usize..300) {
        let mut i = full();
        i[at] = to;
        let _ = inspect(&i);
        let _ = inspect(&i[cut..]);
        let _ = inspect(&i[..i.len() - cut]);
    }
}
