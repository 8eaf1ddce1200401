//! Random keys, hosts and options. In: dice. Out: a typed configuration, host facts, rules to leave out.
//! Never: a configuration that `config::resolve` would refuse.

use super::dice::Dice;
use std::path::PathBuf;
use virt_sev::config::{
    FirmwareChoice, HardLimit, KernelHashes, LaunchSession, MemoryBacking, MemoryConfig, MemoryLock, Mode,
    SevConfig, SevPolicy, SnpLaunch, SnpPolicy, Technology,
};
use virt_sev::host::{Fact, FirmwareDescriptor, FirmwareDevice, HostFacts};
use virt_sev::image::{Area, ImageContents, SnpSection, SnpSectionKind};
use virt_sev::plan::{Options, RULES};

pub(crate) fn config(d: &mut Dice<'_>) -> SevConfig {
    let technology = match d.below(3) {
        0 => Technology::Sev { policy: SevPolicy(d.pick(&[1, 3, 0xb, 0x0100_0001])), session: session(d) },
        1 => Technology::Sev { policy: SevPolicy(d.pick(&[5, 7, 0x37])), session: session(d) },
        _ => Technology::Snp(SnpLaunch {
            policy: SnpPolicy(d.pick(&[0x30000, 0x20000, 0xb0000])),
            host_data: d.pick(&[None, Some([7; 32])]),
            id: d.pick(&[None, Some((vec![1; 96], vec![2; 4096]))]),
            author_key: d.pick(&[None, Some(true), Some(false)]),
            vcek: d.pick(&[None, Some(true)]),
            guest_visible_workarounds: d.pick(&[None, Some([0; 16])]),
        }),
    };
    SevConfig {
        technology,
        kernel_hashes: d.pick(&[KernelHashes::Auto, KernelHashes::Auto, KernelHashes::No, KernelHashes::Yes]),
        cbitpos: d.pick(&[None, None, Some(51)]),
        reduced_phys_bits: d.pick(&[None, None, Some(1)]),
        firmware: d.pick(&[
            FirmwareChoice::Auto,
            FirmwareChoice::Auto,
            FirmwareChoice::Path(PathBuf::from("/usr/share/ovmf/OVMF.amdsev.fd")),
            FirmwareChoice::Path(PathBuf::from("/usr/share/OVMF/OVMF_CODE_4M.fd")),
            FirmwareChoice::Path(PathBuf::from("/opt/ä & <b>/\"x' y.fd")),
        ]),
        memory: MemoryConfig {
            lock: d.pick(&[MemoryLock::Auto, MemoryLock::Locked, MemoryLock::HardLimit, MemoryLock::None]),
            hard_limit: d.pick(&[HardLimit::Auto, HardLimit::Bytes(5 << 30), HardLimit::Bytes(1001)]),
            backing: d.pick(&[
                MemoryBacking::Default,
                MemoryBacking::Memfd,
                MemoryBacking::Hugepages(None),
                MemoryBacking::Hugepages(Some(2 << 20)),
                MemoryBacking::Hugepages(Some(1 << 30)),
            ]),
        },
    }
}

/// A certificate and a session of the right shape.
fn session(d: &mut Dice<'_>) -> Option<LaunchSession> {
    if !d.once_in(2) {
        return None;
    }
    let mut cert = vec![0u8; 2084];
    for (at, value) in [(0, 1u32), (8, 0x1003), (12, 3), (16, 2)] {
        cert[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    cert[20..68].fill(d.pick(&[1, 2]));
    cert[92..140].fill(3);
    Some(LaunchSession { dh_cert: cert, session: vec![d.pick(&[4, 5]); 128], bundle: None })
}

/// Mostly nobody looked at a host.
pub(crate) fn host(d: &mut Dice<'_>) -> HostFacts {
    if !d.once_in(3) {
        return HostFacts::not_asked();
    }
    let whole = ImageContents {
        es_reset_addr: Some(0x80b004),
        secret: Some(Area { base: 0x81_0000, size: 0xc00 }),
        hashes: Some(Area { base: 0x81_0c00, size: 0x400 }),
        snp_sections: vec![SnpSection { base: 0x80_0000, size: 0x9000, kind: SnpSectionKind::Memory }],
    };
    let split = ImageContents { es_reset_addr: Some(0x80b004), ..ImageContents::default() };
    let one =
        |image: &str, device, claims: &[Mode], needs_smm, contents: &ImageContents| FirmwareDescriptor {
            file: PathBuf::from("/usr/share/qemu/firmware/x.json"),
            image: PathBuf::from(image),
            device,
            claims: claims.to_vec(),
            needs_smm,
            contents: Fact::Known(contents.clone()),
        };
    let mut all = vec![
        one("/usr/share/OVMF/OVMF_CODE_4M.ms.fd", FirmwareDevice::FlashSplit, &[Mode::Sev], true, &split),
        one("/usr/share/OVMF/OVMF_CODE_4M.fd", FirmwareDevice::FlashSplit, &[Mode::Sev], false, &split),
    ];
    if d.once_in(2) {
        let modes = [Mode::Sev, Mode::SevEs, Mode::SevSnp];
        let device = d.pick(&[FirmwareDevice::Memory, FirmwareDevice::FlashStateless]);
        all.push(one("/usr/share/ovmf/OVMF.amdsev.fd", device, &modes, false, &whole));
    }
    HostFacts { firmware: Fact::Known(all), ..HostFacts::not_asked() }
}

/// Mostly no rule is left out; else those that only refuse, so that what the others do with such documents is seen,
/// or any one rule.
pub(crate) fn options(d: &mut Dice<'_>) -> Options {
    let skip: &[&str] = match d.below(6) {
        0 | 1 => &["vhost-user", "cpu", "block-boot"],
        2 => &[RULES[d.below(RULES.len())].id],
        _ => &[],
    };
    Options {
        skip: skip.iter().map(|s| (*s).to_owned()).collect(),
        record: d.once_in(3),
        ..Options::default()
    }
}
