use super::*;

const MILAN: CpuSignature = CpuSignature { family: 25, model: 1, stepping: 1 };
const LEGACY: VcpuSetup = VcpuSetup { cpu: MILAN, state: InitialState::Legacy, features: 0 };
const INIT2: VcpuSetup = VcpuSetup { cpu: MILAN, state: InitialState::Init2, features: 0 };

fn differing(a: &Vmsa, b: &Vmsa) -> Vec<usize> {
    (0..VMSA_SIZE).filter(|i| a.bytes()[*i] != b.bytes()[*i]).collect()
}

#[test]
fn the_two_initial_states_differ_in_mxcsr_and_fcw_only() {
    let (a, b) = (Vmsa::boot(&LEGACY), Vmsa::boot(&INIT2));
    assert_eq!(differing(&a, &b), [0x408, 0x409, 0x410, 0x411]);
    assert_eq!(b.bytes()[0x408..0x40c], [0x80, 0x1f, 0, 0]);
    assert_eq!(b.bytes()[0x410..0x412], [0x7f, 0x03]);
}

#[test]
fn a_further_processor_differs_in_its_start_address_only() {
    let (a, b) = (Vmsa::boot(&LEGACY), Vmsa::further(&LEGACY, 0x1280_b004));
    assert_eq!(b.bytes()[0x18..0x20], 0x1280_0000u64.to_le_bytes());
    assert_eq!(b.bytes()[0x178..0x180], 0xb004u64.to_le_bytes());
    assert!(differing(&a, &b).iter().all(|i| (0x18..0x20).contains(i) || (0x178..0x180).contains(i)));
}

#[test]
fn the_features_stand_in_their_eight_bytes() {
    let all = VcpuSetup { features: 0x8877_6655_4433_2221, ..INIT2 };
    assert_eq!(differing(&Vmsa::boot(&INIT2), &Vmsa::boot(&all)), (0x3b0..0x3b8).collect::<Vec<_>>());
    assert_eq!(Vmsa::further(&all, 0x80_b004).bytes()[0x3b0..0x3b8], 0x8877_6655_4433_2221u64.to_le_bytes());
    assert_eq!(Vmsa::boot(&VcpuSetup::snp(MILAN)).bytes()[0x3b0], 1);
    assert_eq!(Vmsa::boot(&VcpuSetup::sev_es(MILAN, InitialState::Legacy)), Vmsa::boot(&LEGACY));
}

#[test]
fn qemus_choice_of_a_state_depends_on_the_features() {
    assert_eq!(InitialState::auto(0), InitialState::Legacy);
    assert_eq!(InitialState::auto(DEBUG_SWAP), InitialState::Init2);
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
    let boot = Vmsa::boot(&LEGACY);
    assert_eq!(VcpuState::new(boot.clone(), None, 1).unwrap().pages().count(), 1);
    assert_eq!(VcpuState::new(boot.clone(), None, 2).unwrap_err().kind(), Kind::Usage);
    assert_eq!(VcpuState::new(boot.clone(), Some(boot.clone()), 0).unwrap_err().kind(), Kind::Usage);
    assert_eq!(VcpuState::new(boot.clone(), Some(boot), 4).unwrap().pages().count(), 4);
    let built = |addr, n| VcpuState::built(&INIT2, addr, n);
    assert_eq!(built(None, 2).unwrap_err().kind(), Kind::Firmware);
    assert_eq!(built(None, 1).unwrap().pages().count(), 1);
    assert_eq!(built(Some(0x80_b004), 8).unwrap().pages().count(), 8);
}
