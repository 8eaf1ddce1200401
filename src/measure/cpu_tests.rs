use super::*;
use proptest::prelude::*;

// APM volume 3, E.3.2; the numbers are those that QEMU's models EPYC, EPYC-Rome, EPYC-Milan, EPYC-Genoa have.
#[test]
fn the_signature_is_that_of_cpuid() {
    for (cpu, eax) in [
        ((23, 1, 2), 0x0080_0f12),
        ((23, 49, 0), 0x0083_0f10),
        ((25, 1, 1), 0x00a0_0f11),
        ((25, 17, 0), 0x00a1_0f10),
        ((26, 0, 0), 0x00b0_0f00),
        ((6, 15, 1), 0x0000_06f1),
        ((15, 0, 0), 0x0000_0f00),
    ] {
        let (family, model, stepping) = cpu;
        let cpu = CpuSignature::new(family, model, stepping).unwrap();
        assert_eq!(cpu.eax(), eax, "{cpu:?}");
        assert_eq!(CpuSignature::from_eax(eax).unwrap(), cpu);
    }
}

#[test]
fn impossible_signatures_are_refused_all_at_once() {
    let e = CpuSignature::new(271, 256, 16).unwrap_err();
    assert_eq!(e.problems().count(), 3);
    assert_eq!(e.kind(), Kind::Usage);
    assert!(CpuSignature::new(270, 255, 15).is_ok());
    // A processor type, a reserved bit, an extended family of 1 with the base family 6.
    for eax in [0x0080_1f12, 0x8080_0f12, 0x0010_06f1] {
        assert_eq!(CpuSignature::from_eax(eax).unwrap_err().kind(), Kind::Usage, "{eax:#x}");
    }
}

#[test]
fn models_have_their_versions_and_no_others() {
    let of = CpuSignature::of_model;
    assert_eq!(of("EPYC-IBPB"), of("EPYC-v2"));
    assert_eq!(of("EPYC-Milan-v2").map(|c| c.eax()), Some(0x00a0_0f11));
    let unknown = [
        "epyc",
        "EPYC-v0",
        "EPYC-v01",
        "EPYC-v6",
        "EPYC-v+1",
        "EPYC-IBPB-v1",
        "EPYC-Turin-v3",
        "Haswell",
        "",
    ];
    for name in unknown {
        assert_eq!(of(name), None, "{name}");
    }
    let names: Vec<String> = CpuSignature::model_names().collect();
    assert!(names.iter().all(|n| of(n).is_some()), "{names:?}");
    assert!(names.len() > 30, "{names:?}");
}

proptest! {
    // Each signature can be read back from EAX, so no two processors share a page.
    #[test]
    fn every_signature_survives(family in 0u32..=270, model in 0u32..=255, stepping in 0u32..=15) {
        let cpu = CpuSignature::new(family, model, stepping).unwrap();
        prop_assert_eq!(CpuSignature::from_eax(cpu.eax()).unwrap(), cpu);
    }
}
