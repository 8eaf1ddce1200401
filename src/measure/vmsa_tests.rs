use super::*;
use proptest::prelude::*;

const MILAN: (u32, u32, u32) = (25, 1, 1);

fn sig((family, model, stepping): (u32, u32, u32)) -> CpuSignature {
    CpuSignature::new(family, model, stepping).unwrap()
}

// APM volume 3, E.3.2; the numbers are those that QEMU's models EPYC, EPYC-Rome, EPYC-Milan, EPYC-Genoa have.
#[test]
fn the_signature_is_that_of_cpuid() {
    for (cpu, eax) in [
        ((23, 1, 2), 0x0080_0f12),
        ((23, 49, 0), 0x0083_0f10),
        ((25, 1, 1), 0x00a0_0f11),
        ((25, 17, 0), 0x00a1_0f10),
        ((6, 15, 1), 0x0000_06f1),
        ((15, 0, 0), 0x0000_0f00),
    ] {
        assert_eq!(sig(cpu).eax(), eax, "{cpu:?}");
    }
}

#[test]
fn impossible_signatures_are_refused_all_at_once() {
    let e = CpuSignature::new(271, 256, 16).unwrap_err();
    assert_eq!(e.problems().count(), 3);
    assert_eq!(e.kind(), Kind::Usage);
    assert!(CpuSignature::new(270, 255, 15).is_ok());
}

#[test]
fn the_two_initial_states_differ_in_mxcsr_and_fcw_only() {
    let (a, b) = (Vmsa::boot(sig(MILAN), InitialState::Legacy), Vmsa::boot(sig(MILAN), InitialState::Init2));
    let differing: Vec<usize> = (0..VMSA_SIZE).filter(|i| a.bytes()[*i] != b.bytes()[*i]).collect();
    assert_eq!(differing, [0x408, 0x409, 0x410, 0x411]);
    assert_eq!(b.bytes()[0x408..0x40c], [0x80, 0x1f, 0, 0]);
    assert_eq!(b.bytes()[0x410..0x412], [0x7f, 0x03]);
}

#[test]
fn a_further_processor_differs_in_its_start_address_only() {
    let (a, b) = (
        Vmsa::boot(sig(MILAN), InitialState::Legacy),
        Vmsa::further(sig(MILAN), InitialState::Legacy, 0x1280_b004),
    );
    assert_eq!(b.bytes()[0x18..0x20], 0x1280_0000u64.to_le_bytes());
    assert_eq!(b.bytes()[0x178..0x180], 0xb004u64.to_le_bytes());
    let differing = (0..VMSA_SIZE).filter(|i| a.bytes()[*i] != b.bytes()[*i]);
    assert!(differing.into_iter().all(|i| (0x18..0x20).contains(&i) || (0x178..0x180).contains(&i)));
}

#[test]
fn a_file_is_one_page_exactly() {
    let page = [3u8; VMSA_SIZE];
    assert_eq!(Vmsa::read(&mut &page[..]).unwrap().bytes(), &page);
    for size in [0, VMSA_SIZE - 1, VMSA_SIZE + 1, 3 * VMSA_SIZE] {
        let e = Vmsa::read(&mut &vec![0; size][..]).unwrap_err();
        assert!(e.to_string().contains("wanted 4096 bytes"), "{e}");
    }
}

#[test]
fn more_than_one_processor_needs_the_second_page() {
    let boot = Vmsa::boot(sig(MILAN), InitialState::Legacy);
    assert_eq!(VcpuState::new(boot.clone(), None, 1).unwrap().pages().count(), 1);
    assert_eq!(VcpuState::new(boot.clone(), None, 2).unwrap_err().kind(), Kind::Usage);
    assert_eq!(VcpuState::new(boot.clone(), Some(boot.clone()), 0).unwrap_err().kind(), Kind::Usage);
    assert_eq!(VcpuState::new(boot.clone(), Some(boot), 4).unwrap().pages().count(), 4);
    let built = |addr, n| VcpuState::built(sig(MILAN), InitialState::Init2, addr, n);
    assert_eq!(built(None, 2).unwrap_err().kind(), Kind::Firmware);
    assert_eq!(built(None, 1).unwrap().pages().count(), 1);
    assert_eq!(built(Some(0x80_b004), 8).unwrap().pages().count(), 8);
}

proptest! {
    // Each signature can be read back from EAX, so no two processors share a page.
    #[test]
    fn every_signature_survives(family in 0u32..=270, model in 0u32..=255, stepping in 0u32..=15) {
        let eax = sig((family, model, stepping)).eax();
        let base = eax >> 8 & 0xf;
        prop_assert_eq!(base + (eax >> 20 & 0xff), family);
        prop_assert_eq!((eax >> 4 & 0xf) | (eax >> 12 & 0xf0), model);
        prop_assert_eq!(eax & 0xf, stepping);
    }
}
