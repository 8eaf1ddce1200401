//! The way back, over configurations of every kind.

use super::*;
use crate::config::{LaunchSession, resolve};

fn same(config: &SevConfig) {
    let raw = keys_of(config);
    assert_eq!(resolve(&raw).unwrap().as_ref(), Some(config), "{raw:?}");
}

fn text(config: &SevConfig) -> String {
    keys_of(config).entries().map(|e| format!("{}={} ", e.key, e.value)).collect()
}

fn sev(policy: u32) -> SevConfig {
    SevConfig::new(Technology::Sev { policy: SevPolicy(policy), session: None })
}

fn snp(policy: u64) -> SevConfig {
    SevConfig::new(Technology::Snp(SnpLaunch {
        policy: SnpPolicy(policy),
        host_data: Some([3; 32]),
        id: Some((vec![1; 96], vec![2; 4096])),
        author_key: Some(false),
        vcek: Some(true),
        guest_visible_workarounds: Some([4; 16]),
    }))
}

#[test]
fn every_policy_comes_back() {
    for bit in 0..32 {
        same(&sev(1 << bit));
        same(&sev(u32::MAX ^ 1 << bit));
    }
    for bit in 0..64 {
        same(&snp(1 << bit));
        same(&snp(0x30000 ^ 1 << bit));
    }
}

#[test]
fn only_what_is_no_default_is_said() {
    assert_eq!(text(&sev(1)), "security.sev=true ");
    assert_eq!(text(&sev(5)), "security.sev=true security.sev.policy.es=true ");
    let all = text(&sev(0x0a01_0032));
    assert_eq!(
        all,
        "security.sev=true security.sev.policy.nodbg=false security.sev.policy.noks=true \
         security.sev.policy.domain=true security.sev.policy.sev=true security.sev.policy.min_fw=1.10 "
    );
    assert_eq!(text(&sev(0x41)), "security.sev=true security.sev.policy=0x41 ");
    assert_eq!(
        text(&SevConfig::new(Technology::Snp(SnpLaunch {
            policy: SnpPolicy(0x30000),
            host_data: None,
            id: None,
            author_key: None,
            vcek: None,
            guest_visible_workarounds: None,
        }))),
        "security.sev.snp=true "
    );
}

#[test]
fn memory_firmware_and_numbers_come_back() {
    for (lock, hard_limit) in [
        (MemoryLock::HardLimit, HardLimit::Bytes(5 << 30)),
        (MemoryLock::HardLimit, HardLimit::Bytes(1001)),
        (MemoryLock::Locked, HardLimit::Auto),
        (MemoryLock::None, HardLimit::Auto),
    ] {
        for backing in
            [MemoryBacking::Memfd, MemoryBacking::Hugepages(None), MemoryBacking::Hugepages(Some(4096))]
        {
            same(&SevConfig {
                kernel_hashes: KernelHashes::No,
                cbitpos: Some(51),
                reduced_phys_bits: Some(1),
                firmware: FirmwareChoice::Path("/opt/ä & <b>.fd".into()),
                memory: MemoryConfig { lock, hard_limit, backing },
                ..sev(1)
            });
        }
    }
}

#[test]
fn blobs_are_named_and_not_given() {
    let mut cert = vec![0; 2084];
    for (at, value) in [(0, 1_u32), (8, 0x1003), (12, 3), (16, 2)] {
        cert[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    cert[20..68].fill(7);
    cert[92..140].fill(9);
    let session = Some(LaunchSession { dh_cert: cert, session: vec![5; 128], bundle: None });
    let config = SevConfig::new(Technology::Sev { policy: SevPolicy(5), session });
    same(&config);
    let (raw, blobs) = keys_without_blobs(&config);
    assert_eq!(raw.entries().count(), 2);
    assert_eq!(blobs, ["security.sev.session.dh", "security.sev.session.data"]);
    let (_, blobs) = keys_without_blobs(&snp(0x30000));
    assert_eq!(blobs.len(), 4, "{blobs:?}");
}
