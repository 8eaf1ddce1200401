use super::*;
use crate::measure::vmsa::{CpuSignature, InitialState, Vmsa};

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
    let boot = Vmsa::boot(cpu, InitialState::Legacy);
    let further = Vmsa::further(cpu, InitialState::Legacy, 0x80_b004);
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
