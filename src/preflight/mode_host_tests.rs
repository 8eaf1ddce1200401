//! One host at a time, every mode.

use super::*;
use crate::host::{KvmAmd, Platform, Pool};

fn milan() -> HostFacts {
    HostFacts {
        cpu_vendor: Fact::Known("AuthenticAMD".into()),
        cpuid: Fact::Known(SevCpuid {
            sev: true,
            sev_es: true,
            sev_snp: true,
            cbitpos: 51,
            reduced_phys_bits: 5,
            max_asid: 509,
            min_sev_asid: 100,
        }),
        kvm_amd: KvmAmd { sev: Fact::Known(true), sev_es: Fact::Known(true), sev_snp: Fact::Known(true) },
        dev_sev: Fact::Known(()),
        domcaps: Fact::Known(DomCaps {
            sev: true,
            sev_es: true,
            sev_snp: true,
            max_guests: Some(410),
            max_es_guests: Some(99),
            ..DomCaps::default()
        }),
        ..HostFacts::not_asked()
    }
}

const MODES: [Mode; 3] = [Mode::Sev, Mode::SevEs, Mode::SevSnp];

fn decisions(host: &HostFacts) -> [Decision; 3] {
    MODES.map(|mode| verdict(mode, host).decision)
}

fn errors(mode: Mode, host: &HostFacts) -> Vec<String> {
    let verdict = verdict(mode, host);
    verdict.findings.into_iter().filter(|f| f.severity == Severity::Error).map(|f| f.path).collect()
}

use Decision::{Available, Unavailable, Unknown};

#[test]
fn a_full_host_has_all_and_warns_of_es_beside_snp() {
    let host = milan();
    assert_eq!(decisions(&host), [Available; 3]);
    let es = verdict(Mode::SevEs, &host);
    assert!(es.findings.iter().any(|f| f.severity == Severity::Warning && f.source.starts_with("CVE-")));
    assert!(verdict(Mode::Sev, &host).findings.iter().all(|f| f.severity == Severity::Ok));
}

#[test]
fn libvirt_alone_is_not_believed() {
    let mut host = milan();
    host.kvm_amd.sev_snp = Fact::Known(false);
    host.kvm_amd.sev_es = Fact::Known(false);
    assert_eq!(decisions(&host), [Available, Unavailable, Unavailable]);
    let remote = HostFacts { domcaps: milan().domcaps, ..HostFacts::not_asked() };
    assert_eq!(decisions(&remote), [Unknown; 3]);
    let snp = verdict(Mode::SevSnp, &remote);
    assert!(snp.findings.iter().any(|f| f.severity == Severity::Warning && f.title.contains("only libvirt")));
}

#[test]
fn each_failing_layer_is_told_by_itself() {
    let mut host = milan();
    host.cpuid = Fact::Absent;
    host.kvm_amd = KvmAmd { sev: Fact::Absent, sev_es: Fact::Known(false), sev_snp: Fact::Absent };
    host.dev_sev = Fact::Absent;
    host.domcaps = Fact::Known(DomCaps::default());
    let paths = errors(Mode::SevSnp, &host);
    assert_eq!(paths.len(), 6, "{paths:?}");
    let verdict = verdict(Mode::SevSnp, &host);
    assert!(verdict.findings.iter().all(|f| !f.fix.is_empty() && !f.source.is_empty()));
    assert!(verdict.findings.iter().all(|f| f.cause == crate::finding::Cause::Host));
}

#[test]
fn asids_decide() {
    let mut host = milan();
    let Fact::Known(cpu) = &mut host.cpuid else { panic!() };
    cpu.min_sev_asid = 1;
    assert_eq!(decisions(&host), [Available, Unavailable, Unavailable]);
    let Fact::Known(cpu) = &mut host.cpuid else { panic!() };
    cpu.min_sev_asid = 510;
    assert_eq!(decisions(&host), [Unavailable, Available, Available]);
    let mut host = milan();
    let Fact::Known(caps) = &mut host.domcaps else { panic!() };
    caps.max_es_guests = Some(0);
    assert_eq!(errors(Mode::SevEs, &host), [LIBVIRT_PATH]);
    assert!(errors(Mode::Sev, &host).is_empty());
}

#[test]
fn what_cannot_be_read_is_not_taken_for_yes_or_no() {
    let mut host = milan();
    host.dev_sev = Fact::Unreadable("/dev/sev: no permission".into());
    assert_eq!(decisions(&host), [Unknown; 3]);
    assert_eq!(decisions(&HostFacts::not_asked()), [Unknown; 3]);
    assert!(verdict(Mode::Sev, &HostFacts::not_asked()).findings.is_empty());
}

#[test]
fn without_libvirt_the_local_layers_decide() {
    let mut host = milan();
    host.domcaps = Fact::NotAsked;
    assert_eq!(decisions(&host), [Available; 3]);
}

#[test]
fn another_vendor_is_named() {
    let mut host = milan();
    host.cpuid = Fact::Absent;
    host.cpu_vendor = Fact::Known("GenuineIntel".into());
    let verdict = verdict(Mode::Sev, &host);
    assert!(verdict.findings.iter().any(|f| f.title.contains("GenuineIntel")));
}

fn platform(api: (u32, u32, u32)) -> Fact<Platform> {
    Fact::Known(Platform { api: Some(api), failures: Vec::new() })
}

#[test]
fn firmware_that_refuses_sev_es_beside_snp_is_refused_here() {
    let mut host = milan();
    host.machine.platform = platform((1, 58, 0));
    assert_eq!(decisions(&host), [Available, Unavailable, Available]);
    let findings = verdict(Mode::SevEs, &host).findings;
    assert!(findings.iter().any(|f| f.severity == Severity::Error && f.title.contains("CVE-2025-48514")));
    host.kvm_amd.sev_snp = Fact::Known(false);
    assert_eq!(decisions(&host), [Available, Available, Unavailable]);
    let mut host = milan();
    host.machine.platform = platform((1, 57, 99));
    assert_eq!(decisions(&host), [Available; 3]);
    host.machine.platform = platform((1, 50, 1));
    assert_eq!(decisions(&host), [Available, Available, Unavailable]);
}

#[test]
fn a_failure_in_the_log_is_not_passed_over() {
    let mut host = milan();
    let failures = vec!["0000:42:00.1: SEV-SNP: failed to INIT rc -5, error 0x3".to_owned()];
    host.machine.platform = Fact::Known(Platform { api: Some((1, 55, 7)), failures });
    assert_eq!(decisions(&host), [Available, Available, Unknown]);
}

#[test]
fn used_asids_decide_too() {
    let mut host = milan();
    host.machine.asids.sev_es = Pool { capacity: Fact::Known(99), used: Fact::Known(99) };
    host.machine.asids.sev = Pool { capacity: Fact::Known(410), used: Fact::Known(409) };
    assert_eq!(decisions(&host), [Available, Unavailable, Unavailable]);
    host.machine.asids.sev_es.used = Fact::Absent;
    assert_eq!(decisions(&host), [Available; 3]);
}

#[test]
fn old_versions_set_up_and_command_line_stop_snp() {
    let mut old = milan();
    old.machine.versions.libvirt = Fact::Known((10, 4, 9));
    assert_eq!(errors(Mode::SevSnp, &old), ["libvirt versions"]);
    let mut pt = milan();
    pt.machine.kernel.words = Fact::Known(vec!["iommu=pt".into(), "mem_encrypt=off".into()]);
    assert_eq!(errors(Mode::SevSnp, &pt), ["kernel command line"]);
    assert!(errors(Mode::Sev, &pt).is_empty(), "SME is never required");
    let mut off = milan();
    off.machine.processor.syscfg = Fact::Known(0);
    assert_eq!(decisions(&off), [Unavailable; 3]);
}
