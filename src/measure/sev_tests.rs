use super::*;
use crate::measure::cpu::CpuSignature;
use crate::measure::vmsa::{InitialState, VcpuSetup, Vmsa};

fn sha(parts: &[&[u8]]) -> Digest32 {
    let mut h = Sha256::new();
    parts.iter().for_each(|p| h.update(p));
    h.finalize().into()
}

#[test]
fn the_digest_is_over_firmware_then_table_then_pages() {
    let fw = vec![7u8; 300_000];
    let k = KernelHashes::read(&mut &b"k"[..], None, None).unwrap();
    let cpu = CpuSignature::new(25, 1, 1).unwrap();
    let setup = VcpuSetup::sev_es(cpu, InitialState::Legacy);
    let boot = Vmsa::boot(&setup);
    let further = Vmsa::further(&setup, 0x80_b004);
    let three = VcpuState::new(boot.clone(), Some(further.clone()), 3).unwrap();
    assert_eq!(launch_digest(&mut &fw[..], None, None).unwrap(), sha(&[&fw]));
    assert_eq!(launch_digest(&mut &fw[..], Some(&k), None).unwrap(), sha(&[&fw, &k.table()]));
    assert_eq!(
        launch_digest(&mut &fw[..], Some(&k), Some(&three)).unwrap(),
        sha(&[&fw, &k.table(), boot.bytes(), further.bytes(), further.bytes()])
    );
    let one = VcpuState::new(boot.clone(), Some(further), 1).unwrap();
    assert_eq!(launch_digest(&mut &fw[..], None, Some(&one)).unwrap(), sha(&[&fw, boot.bytes()]));
}

#[test]
fn an_empty_firmware_is_refused() {
    assert_eq!(launch_digest(&mut &b""[..], None, None).unwrap_err().kind(), Kind::Firmware);
}

/// 64 KiB of zeroes but for OVMF's GUID table (reset address 0x80b004) and the reset vector's place.
fn image() -> Vec<u8> {
    let table = include_str!("testdata/ovmf_table.hex").trim();
    let table: Vec<u8> =
        (0..table.len()).step_by(2).map(|i| u8::from_str_radix(&table[i..i + 2], 16).unwrap()).collect();
    let mut image = vec![0; 0x10000 - 32 - table.len()];
    image.extend_from_slice(&table);
    image.extend_from_slice(&[0x90; 32]);
    image
}

// Oracle: sev-snp-measure 0.0.13 over this very image (`--mode seves --vcpu-family 25 --vcpu-model 1 --vcpu-stepping 1`),
// the kernel "kernel", the initrd "initrd" and a command line with blanks around it.
#[test]
fn the_newer_initial_state_gives_the_digests_of_sev_snp_measure() {
    let image = image();
    let cpu = CpuSignature::new(25, 1, 1).unwrap();
    let kernel =
        KernelHashes::read(&mut &b"kernel"[..], Some(&mut &b"initrd"[..]), Some(b" console=ttyS0 ")).unwrap();
    for (kernel, count, known) in [
        (None, 1, "23dc913b93b1756a0777d39db11a82786668fc4347dc658a634de0b796a17e28"),
        (Some(&kernel), 1, "71772dd6063bf9d53c8076bafdf0f3e8001864daa4b986c4ccfca81db81f8a21"),
        (None, 3, "5348ae06a1cf8f0c24de1f095339d3a7b2b80f0f0b5ae84d1f39f12fe8a1d07e"),
        (Some(&kernel), 3, "ef8ca14e11dcc0f80412317a083d8320c807b56494ed75f48824e700a2ed5b12"),
    ] {
        let vcpus =
            VcpuState::built(&VcpuSetup::sev_es(cpu, InitialState::Init2), Some(0x80_b004), count).unwrap();
        let digest = launch_digest(&mut &image[..], kernel, Some(&vcpus)).unwrap();
        assert_eq!(digest.iter().map(|b| format!("{b:02x}")).collect::<String>(), known);
    }
}

// Oracle: `sev-snp-measure --mode sev` with the kernel "kernel" and nothing else.
#[test]
fn an_empty_command_line_gives_the_digest_of_sev_snp_measure() {
    let image = image();
    let kernel = KernelHashes::read(&mut &b"kernel"[..], None, None).unwrap();
    let digest = launch_digest(&mut &image[..], Some(&kernel), None).unwrap();
    assert_eq!(
        digest.iter().map(|b| format!("{b:02x}")).collect::<String>(),
        "4e986a5dd9835cc1ce2f14a73295138c4a89f7932a689036bf70bd67f487f9b9"
    );
}
