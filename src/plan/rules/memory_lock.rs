//! `memory-lock`: the guest's memory may stay where it is. In: keys, sizes. Out: edits, findings.
//! Never: the source of the memory (`memory-backing`).

use super::{Ctx, Out, Rule};
use crate::config::{HardLimit, MemoryLock, Mode};
use crate::domain::{DeviceKind, Word};
use crate::error::Error;
use crate::finding::Severity;
use crate::plan::render::Value;
use crate::plan::template;
use std::fmt;

pub(super) static RULE: Rule = Rule {
    id: "memory-lock",
    title: "QEMU may lock the memory of an SEV or SEV-ES guest",
    text: "Encrypted pages cannot be moved or swapped, so KVM pins all of the guest's memory. libvirt does not \
           raise QEMU's RLIMIT_MEMLOCK for SEV, and without it QEMU stops with 'failed to register region' and \
           'Cannot allocate memory'. <locked/> lifts the limit; <hard_limit> sets it, and is also the most memory \
           that QEMU may use at all, so too low a value gets the guest killed. SEV-SNP uses guest_memfd and needs \
           neither. A site may raise the daemon's own limit instead.",
    without: "QEMU stops with 'Cannot allocate memory', unless the site has raised the daemon's own limit.",
    source: "libvirt src/qemu/qemu_domain.c, qemuDomainGetMemLockLimitBytes; \
             docs/kbase/launch_security_sev.rst, section 'Memory'",
    severity: Some(Severity::Warning),
    run,
};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
/// What QEMU itself needs beside the guest's memory, by libvirt's own advice.
const EMULATOR: u64 = 256 * MIB;
/// The largest firmware that QEMU maps.
const FLASH: u64 = 16 * MIB;
/// Video memory where the document does not say more: QEMU's default is 16 MiB, and shared surfaces take more.
const VIDEO: u64 = 64 * MIB;
/// What libvirt writes for qxl: ram and vram of 64 MiB and vgamem of 16 MiB.
const VIDEO_QXL: u64 = 144 * MIB;
/// Rings and buffers of a disk, a network interface or another device that moves data.
const DEVICE: u64 = 4 * MIB;

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    let lock = match (ctx.config.memory.lock, ctx.mode()) {
        (MemoryLock::Auto, Mode::Sev | Mode::SevEs) => MemoryLock::Locked,
        (MemoryLock::Auto, Mode::SevSnp) => MemoryLock::None,
        (said, _) => said,
    };
    match lock {
        MemoryLock::Locked | MemoryLock::Auto => locked(ctx, out),
        MemoryLock::HardLimit => hard_limit(ctx, out),
        MemoryLock::None => {
            if ctx.mode() == Mode::SevSnp {
                return Ok(());
            }
            if ctx.facts.memory_backing.locked {
                // Whoever wrote it may have had a reason that no key knows.
                out.warn("<locked/> stays, though security.sev.memory.lock is none", |f| {
                    f.path("/domain/memoryBacking/locked")
                        .detail("The key keeps virt-sev from adding it; it takes nothing away.")
                        .fix("Remove it where QEMU is not to lock the guest's memory.")
                });
            } else {
                out.info("nothing in the domain lets QEMU lock its memory", |f| {
                    f.path("/domain/memoryBacking").detail(
                        "security.sev.memory.lock is none: the daemon's own limit must be high enough.",
                    )
                });
            }
            Ok(())
        }
    }
}

fn locked(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    out.in_domain(
        template::MEMORY_LOCKED.node()?,
        "all of the guest's memory is pinned, and libvirt lifts QEMU's limit for <locked/>",
    );
    match (ctx.facts.hard_limit, need(ctx)) {
        (Some(limit), Some(need)) if limit < need.total => {
            out.warn(format!("the hard limit of {} KiB is likely too low", limit / KIB), |f| {
                f.path("/domain/memtune/hard_limit")
                    .detail(need.to_string())
                    .fix("Raise it, or let security.sev.memory.lock=hard_limit compute it.")
            });
        }
        (Some(_), _) => {}
        (None, need) => {
            let bounds = "What bounds it now is the host's memory, or MemoryMax of machine.slice.";
            let detail = match need {
                Some(need) => format!("{bounds} The guest is expected to need {need}"),
                None => bounds.to_owned(),
            };
            out.info("with <locked/> and no hard limit QEMU may lock any amount of memory", |f| {
                f.path("/domain/memoryBacking/locked").detail(detail)
            });
        }
    }
    Ok(())
}

fn hard_limit(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    let (kib, reason) = match ctx.config.memory.hard_limit {
        HardLimit::Bytes(bytes) => {
            // libvirt counts in KiB and rounds up.
            let kib = bytes.div_ceil(KIB);
            if ctx.facts.hard_limit.is_some_and(|now| now.div_ceil(KIB) == kib) {
                return Ok(());
            }
            if let Some(need) = need(ctx).filter(|n| bytes < n.total) {
                out.warn(format!("the hard limit of {kib} KiB is likely too low"), |f| {
                    f.path("/domain/memtune/hard_limit").detail(need.to_string())
                });
            }
            (kib, "security.sev.memory.hard_limit sets it".to_owned())
        }
        HardLimit::Auto => {
            let Some(need) = need(ctx) else {
                out.error("the hard limit cannot be computed: the domain does not say its memory", |f| {
                    f.path("/domain/memory")
                        .fix("Add <memory>, or set security.sev.memory.hard_limit to a size.")
                });
                return Ok(());
            };
            if ctx.facts.hard_limit.is_some_and(|now| now >= need.total) {
                return Ok(());
            }
            (need.total.div_ceil(KIB), need.to_string())
        }
    };
    out.in_domain(template::HARD_LIMIT.fill(&[("kib", Some(Value::Uint(kib)))])?, reason);
    Ok(())
}

/// The sum, and how it came about.
struct Need {
    memory: u64,
    video: u64,
    devices: u64,
    total: u64,
}

fn need(ctx: &Ctx<'_>) -> Option<Need> {
    let memory = ctx.facts.memory?.max(ctx.facts.current_memory.unwrap_or(0));
    let mut video = 0u64;
    let mut devices = 0u64;
    for device in &ctx.facts.devices {
        match (device.kind, device.model_element) {
            (DeviceKind::Video, Some(model)) => {
                let kib = |name| {
                    ctx.domain.attribute(model, name).and_then(|v| v.trim().parse::<u64>().ok()).unwrap_or(0)
                };
                let said = ["ram", "vram", "vgamem"].into_iter().map(kib).fold(0, u64::saturating_add);
                let least = if device.model == Some(Word::Qxl) { VIDEO_QXL } else { VIDEO };
                video = video.saturating_add(said.saturating_mul(KIB).max(least));
            }
            (DeviceKind::Video, None) => video = video.saturating_add(VIDEO),
            // Not controllers, inputs and the like: libvirt adds those by itself, and they lock nothing.
            (
                DeviceKind::Disk
                | DeviceKind::Interface
                | DeviceKind::Hostdev
                | DeviceKind::Filesystem
                | DeviceKind::Vsock
                | DeviceKind::Crypto,
                _,
            ) => devices = devices.saturating_add(DEVICE),
            (
                DeviceKind::Controller
                | DeviceKind::Rng
                | DeviceKind::Memballoon
                | DeviceKind::Input
                | DeviceKind::Sound
                | DeviceKind::Memory
                | DeviceKind::Channel
                | DeviceKind::Console
                | DeviceKind::Graphics
                | DeviceKind::Other,
                _,
            ) => {}
        }
    }
    // With graphics libvirt adds a video device to a domain that has none.
    if video == 0 && ctx.facts.devices.iter().any(|d| d.kind == DeviceKind::Graphics) {
        video = VIDEO;
    }
    let parts = [memory, EMULATOR, FLASH, video, devices];
    let total = parts.into_iter().try_fold(0u64, u64::checked_add)?;
    Some(Need { memory, video, devices, total })
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes.div_ceil(MIB);
        write!(
            f,
            "{} KiB: {} MiB of memory, {} MiB for QEMU, {} MiB for firmware, {} MiB for video and {} MiB for \
             other devices",
            self.total.div_ceil(KIB),
            mib(self.memory),
            mib(EMULATOR),
            mib(FLASH),
            mib(self.video),
            mib(self.devices)
        )
    }
}
