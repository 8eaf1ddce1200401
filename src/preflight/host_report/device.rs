//! The Secure Processor, and what stands between QEMU and its device. In: [`HostFacts`]. Out: [`Row`]s. Never: a judgement.

use super::layers::{Row, yes};
use crate::host::{Fact, HostFacts};

pub(super) fn rows(host: &HostFacts) -> Vec<Row> {
    let mut rows = vec![Row::new("/dev/sev", &host.dev_sev, |()| "there".into())];
    rows.push(Row::new("mode", &host.machine.access, |access| {
        let ours = match access.ours {
            Some(true) => ", open to us",
            Some(false) => ", not open to us",
            None => "",
        };
        let acl = if access.acl.known().is_some() { ", with an access control list" } else { "" };
        format!("{:03o}, user {}, group {}{acl}{ours}", access.mode, access.uid, access.gid)
    }));
    // Where neither tells it, the log says why: of the two it is the one that others than root may read.
    let log = || host.machine.platform.clone().and_then(|_| Fact::Absent);
    let api = host.machine.api().map_or_else(log, Fact::Known);
    rows.push(Row::new("firmware API", &api, |(a, b, build)| format!("{a}.{b} build {build}")));
    rows.push(Row::new("platform status", &host.machine.status, |status| {
        let es = if status.es { "with SEV-ES" } else { "without SEV-ES" };
        format!("{}, {es}, {} guests", state(status.state), status.guests)
    }));
    rows.push(Row::new("SNP status", &host.machine.snp_status, |snp| {
        let rmp = if snp.rmp { "RMP initialised" } else { "RMP not initialised" };
        format!("{}, {rmp}, {} guests", state(snp.state), snp.guests)
    }));
    if let Fact::Known(snp) = &host.machine.snp_status {
        let turin = host.machine.processor.signature.known().is_some_and(|(family, ..)| *family >= 0x1a);
        let reported = if snp.reported_tcb == snp.current_tcb {
            String::new()
        } else {
            format!("; reported as {}", tcb(snp.reported_tcb, turin))
        };
        let text = tcb(snp.current_tcb, turin) + &reported;
        rows.push(Row::new("TCB", &Fact::Known(text), Clone::clone));
    }
    rows
}

/// The platform's state; SEV-SNP has the first two.
fn state(number: u8) -> String {
    match number {
        0 => "not initialised".into(),
        1 => "initialised".into(),
        2 => "working".into(),
        other => format!("state {other}"),
    }
}

/// The parts of a TCB version (SEV-SNP firmware ABI, "TCB_VERSION"; family 0x1A has one more, and others places).
fn tcb(version: u64, turin: bool) -> String {
    let [b0, b1, b2, b3, .., b6, b7] = version.to_le_bytes();
    if turin {
        format!("FMC {b0}, boot loader {b1}, TEE {b2}, SNP {b3}, microcode {b7}")
    } else {
        format!("boot loader {b0}, TEE {b1}, SNP {b6}, microcode {b7}")
    }
}

pub(super) fn confinement(host: &HostFacts) -> Vec<Row> {
    let confinement = &host.machine.confinement;
    vec![
        Row::new("AppArmor", &confinement.apparmor, |allows| {
            if *allows { "on, allows /dev/sev".into() } else { "on, does not name /dev/sev".into() }
        }),
        Row::new("SELinux", &confinement.selinux, |on| if *on { "enforcing" } else { "permissive" }.into()),
        Row::new("SELinux policy", &confinement.svirt, |rule| {
            let lets = if rule.enough() { "lets" } else { "does not let" };
            format!("{lets} {} use {}", rule.guest, rule.device)
        }),
        Row::new("mount namespaces", &confinement.namespaces, |on| yes(*on)),
        Row::new("dynamic ownership", &confinement.dynamic_ownership, |on| yes(*on)),
        Row::new("QEMU's user", &confinement.qemu, |user| {
            let handed = [&confinement.namespaces, &confinement.dynamic_ownership];
            let alone = match host.machine.access.known().map(|access| access.open_to(user)) {
                Some(true) => ", may open /dev/sev",
                Some(false) if handed.iter().all(|fact| **fact == Fact::Known(true)) => {
                    ", gets /dev/sev from libvirt"
                }
                Some(false) => ", may not open /dev/sev by itself",
                None => "",
            };
            let usual = if user.configured { "" } else { ", the packages' own" };
            format!("{} ({}){usual}{alone}", user.name, user.uid)
        }),
        Row::new("locked memory", &host.machine.daemon, |daemon| {
            let limit = daemon.memlock.map_or("no limit".into(), |bytes| format!("{} KiB", bytes >> 10));
            format!("{limit} for {}", daemon.name)
        }),
    ]
}
