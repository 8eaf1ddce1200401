use super::*;
use crate::image::Area;
use crate::measure::cpu::CpuSignature;
use crate::measure::vmsa::VcpuSetup;

/// 64 KiB of zeroes but for metadata, GUID table and the reset vector's place at the end.
fn image() -> Vec<u8> {
    let tail = include_str!("testdata/snp_image_tail.hex").trim();
    let tail = (0..tail.len()).step_by(2).map(|i| u8::from_str_radix(&tail[i..i + 2], 16).unwrap());
    let tail: Vec<u8> = tail.chain([0x90; 32]).collect();
    let mut image = vec![0; 0x10000 - tail.len()];
    image.extend_from_slice(&tail);
    image
}

/// What stands in those.
fn contents() -> ImageContents {
    let section = |base, size, kind| SnpSection { base, size, kind };
    ImageContents {
        es_reset_addr: Some(0x80_b004),
        secret: None,
        hashes: Some(Area { base: 0x81_0c00, size: 0x400 }),
        snp_sections: vec![
            section(0x80_0000, 0x9000, SnpSectionKind::Memory),
            section(0x80_d000, 0x1000, SnpSectionKind::Secrets),
            section(0x80_e000, 0x1000, SnpSectionKind::Cpuid),
            section(0x80_f000, 0x1000, SnpSectionKind::SvsmCallingArea),
            section(0x81_0000, 0x1000, SnpSectionKind::KernelHashes),
            section(0x81_1000, 0x2000, SnpSectionKind::Memory),
        ],
    }
}

fn hex(digest: &Digest48) -> String {
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

fn vcpus(model: &str, features: u64, count: u32) -> VcpuState {
    let setup = VcpuSetup { features, ..VcpuSetup::snp(CpuSignature::of_model(model).unwrap()) };
    VcpuState::built(&setup, contents().es_reset_addr, count).unwrap()
}

// Oracle: sev-snp-measure 0.0.13 over this very image, `--mode snp:ovmf-hash` and `--mode snp`.
#[test]
fn the_digests_are_those_of_sev_snp_measure() {
    let firmware = Measured::new(&image()).unwrap();
    assert_eq!(
        hex(&firmware.hash()),
        "c44ad595c3038231b3cd2e21a207a8dd36f5beb78092f19856d085f8ee3c4069747fce5b2bcb3b3ef429e17f9e147db7"
    );
    let full =
        KernelHashes::read(&mut &b"kernel"[..], Some(&mut &b"initrd"[..]), Some(b" console=ttyS0 ")).unwrap();
    let bare = KernelHashes::read(&mut &b"kernel"[..], None, None).unwrap();
    for (kernel, vcpus, known) in [
        (
            None,
            vcpus("EPYC-Milan", 1, 1),
            "855ddf72ddcf907cc578efb3777bcc2aab4431bee3c6e4909d60a62292b8335ef39058503fa9c5c69bee911a2ecdd660",
        ),
        (
            Some(&full),
            vcpus("EPYC-Milan-v2", 1, 3),
            "6d9051231b9058b4daf74537bf2a4305a43ac16c91c72cb732f2b2b92c1a01312d903957b202e01a7428109d75b2b36d",
        ),
        (
            Some(&bare),
            vcpus("EPYC-Turin", 0x21, 2),
            "31443b1ee3e1267ac8aab6a60cb6ad1cb464f43165025fa9141d13c44418b6cf61fac98237c9fad306f2ceabcf1d4811",
        ),
    ] {
        assert_eq!(hex(&firmware.snp(&contents(), kernel, &vcpus).unwrap()), known);
        // The image's part, carried over as a number, gives the same.
        let carried = Measured::from_hash(firmware.hash());
        assert_eq!(hex(&carried.snp(&contents(), kernel, &vcpus).unwrap()), known);
    }
}

#[test]
fn an_image_that_is_no_image_is_refused() {
    assert_eq!(Measured::new(b"").unwrap_err().message(), "the firmware image is empty");
    let e = Measured::new(&[0; 4097]).unwrap_err();
    assert!(e.to_string().contains("found 4097 bytes, wanted a multiple of 4096 bytes"), "{e}");
    let e =
        Measured::from_hash([0; 48]).snp(&ImageContents::default(), None, &vcpus("EPYC", 1, 1)).unwrap_err();
    assert!(e.message().contains("no SEV-SNP metadata"), "{e}");
}

#[test]
fn sections_that_qemu_could_not_fill_are_refused_all_at_once() {
    let mut wrong = contents();
    wrong.snp_sections[0].size = 0x9001;
    wrong.snp_sections[1].base += 1;
    wrong.snp_sections[2].size = 0;
    wrong.snp_sections[3].kind = SnpSectionKind::Unknown(7);
    wrong.snp_sections[4].size = 0x2000;
    let firmware = Measured::from_hash([0; 48]);
    let of = |kernel| firmware.snp(&wrong, kernel, &vcpus("EPYC", 1, 1)).unwrap_err();
    let kernel = KernelHashes::read(&mut &b"kernel"[..], None, None).unwrap();
    assert_eq!((of(None).problems().count(), of(Some(&kernel)).problems().count()), (4, 5));
    assert!(of(None).problems().all(|e| e.kind() == Kind::Firmware));
}

#[test]
fn a_kernel_needs_a_place_for_its_hashes() {
    let firmware = Measured::from_hash([0; 48]);
    let kernel = KernelHashes::read(&mut &b"kernel"[..], None, None).unwrap();
    let of = |c: &ImageContents| firmware.snp(c, Some(&kernel), &vcpus("EPYC", 1, 1));
    assert!(of(&contents()).is_ok());
    let no_section =
        ImageContents { snp_sections: contents().snp_sections.into_iter().take(4).collect(), ..contents() };
    let no_area = ImageContents { hashes: None, ..contents() };
    let small = ImageContents { hashes: Some(Area { base: 0x81_0c00, size: 175 }), ..contents() };
    let over_the_end = ImageContents { hashes: Some(Area { base: 0x81_0f80, size: 0x400 }), ..contents() };
    for wrong in [no_section, no_area, small, over_the_end] {
        assert_eq!(of(&wrong).unwrap_err().kind(), Kind::Firmware, "{wrong:?}");
    }
}
