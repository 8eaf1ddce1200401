use super::*;
use crate::config::{
    FirmwareChoice, LaunchSession, MemoryLock, Mode, SevPolicy, SnpLaunch, SnpPolicy, Technology,
};
use crate::host::{Fact, FirmwareDescriptor, FirmwareDevice};
use crate::image::{Area, ImageContents, SnpSection, SnpSectionKind};

fn sev(policy: u32) -> SevConfig {
    SevConfig::new(Technology::Sev { policy: SevPolicy(policy), session: None })
}
fn snp(policy: u64) -> SevConfig {
    SevConfig::new(Technology::Snp(SnpLaunch {
        policy: SnpPolicy(policy),
        host_data: None,
        id: None,
        author_key: None,
        vcek: None,
        guest_visible_workarounds: None,
    }))
}
fn measured() -> SevConfig {
    let mut cert = vec![1u8; 2084];
    for (at, value) in [(0, 1u32), (8, 0x1003), (12, 3), (16, 2)] {
        cert[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    cert[68..92].fill(0);
    cert[140..164].fill(0);
    let session = Some(LaunchSession { dh_cert: cert, session: vec![0; 128], bundle: None });
    SevConfig::new(Technology::Sev { policy: SevPolicy(1), session })
}
fn domain(os: &str) -> Domain<'static> {
    Domain::parse(format!("<domain type='kvm'><name>a</name><memory>1048576</memory>{os}<devices/></domain>"))
        .unwrap()
}
const EFI: &str = "<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type></os>";

fn run(config: &SevConfig, domain: &Domain<'_>, host: &HostFacts) -> Plan {
    plan(config, domain, host, &Options::default()).unwrap()
}
/// The `<os>` of the answer.
fn os(config: &SevConfig, domain: &Domain<'_>, host: &HostFacts) -> String {
    let out = run(config, domain, host).apply(domain).unwrap();
    let (start, end) = (out.find("<os").unwrap(), out.find("</os>").unwrap());
    let os = &out[start..end];
    os.replace("<type arch='x86_64' machine='q35'>hvm</type>", "…")
}
fn errors(plan: &Plan) -> Vec<String> {
    let errors = plan.findings().iter().filter(|f| f.severity == Severity::Error);
    errors.map(|f| format!("{}: {} {}", f.id, f.title, f.detail)).collect()
}

fn image(path: &str, device: FirmwareDevice, claims: &[Mode], contents: ImageContents) -> FirmwareDescriptor {
    FirmwareDescriptor {
        file: "/usr/share/qemu/firmware/a.json".into(),
        image: path.into(),
        device,
        claims: claims.to_vec(),
        needs_smm: path.contains(".ms."),
        contents: Fact::Known(contents),
    }
}
fn host(images: Vec<FirmwareDescriptor>) -> HostFacts {
    HostFacts { firmware: Fact::Known(images), ..HostFacts::not_asked() }
}
/// Debian 12's images: three claims of amd-sev, no stateless one, areas of size 0 (field notes 0.12).
fn debian() -> Vec<FirmwareDescriptor> {
    let nothing = Some(Area { base: 0, size: 0 });
    let contents = || ImageContents {
        es_reset_addr: Some(0x80b004),
        secret: nothing,
        hashes: nothing,
        snp_sections: Vec::new(),
    };
    let one = |path| image(path, FirmwareDevice::FlashSplit, &[Mode::Sev], contents());
    vec![one("/ovmf/CODE_4M.ms.fd"), one("/ovmf/CODE_4M.fd")]
}
fn amdsev() -> FirmwareDescriptor {
    let contents = ImageContents {
        es_reset_addr: Some(0x80b004),
        secret: Some(Area { base: 0x810000, size: 0xc00 }),
        hashes: Some(Area { base: 0x810c00, size: 0x400 }),
        snp_sections: vec![SnpSection { base: 0x800000, size: 0x9000, kind: SnpSectionKind::Memory }],
    };
    let all = [Mode::Sev, Mode::SevEs, Mode::SevSnp];
    image("/ovmf/AMDSEV.fd", FirmwareDevice::Memory, &all, contents)
}

const AUTO: &str = "<os firmware='efi'>…<firmware><feature enabled='no' name='secure-boot'/></firmware>";

#[test]
fn off_line_libvirt_chooses() {
    let off = HostFacts::not_asked();
    assert_eq!(os(&sev(1), &domain(EFI), &off), AUTO);
    assert_eq!(os(&sev(5), &domain(EFI), &off), AUTO);
    assert_eq!(os(&measured(), &domain(EFI), &off), format!("{AUTO}<loader stateless='yes'/>"));
    assert_eq!(os(&snp(0x30000), &domain(EFI), &off), format!("{AUTO}<loader type='rom'/>"));
}

#[test]
fn on_a_known_host_libvirt_chooses_only_where_it_chooses_well() {
    // The image without Secure Boot claims amd-sev: libvirt takes it by itself.
    assert_eq!(os(&sev(1), &domain(EFI), &host(debian())), AUTO);
    // It also holds the reset block of SEV-ES but does not claim it: libvirt would find nothing.
    assert_eq!(
        os(&sev(5), &domain(EFI), &host(debian())),
        "<os>…<loader readonly='yes' type='pflash'>/ovmf/CODE_4M.fd</loader>"
    );
    // Measured: the same, without its variables.
    assert_eq!(
        os(&measured(), &domain(EFI), &host(debian())),
        "<os>…<loader readonly='yes' type='pflash' stateless='yes'>/ovmf/CODE_4M.fd</loader>"
    );
    let mut all = debian();
    all.push(amdsev());
    assert_eq!(os(&snp(0x30000), &domain(EFI), &host(all.clone())), format!("{AUTO}<loader type='rom'/>"));
    assert_eq!(os(&measured(), &domain(EFI), &host(all)), format!("{AUTO}<loader stateless='yes'/>"));
}

#[test]
fn a_flash_image_that_holds_snp_metadata_becomes_a_rom() {
    let fedora = FirmwareDescriptor { device: FirmwareDevice::FlashStateless, ..amdsev() };
    assert_eq!(
        os(&snp(0x30000), &domain(EFI), &host(vec![fedora])),
        "<os>…<loader type='rom'>/ovmf/AMDSEV.fd</loader>"
    );
}

#[test]
fn a_host_without_a_fit_image_is_the_hosts_fault() {
    let plan = run(&snp(0x30000), &domain(EFI), &host(debian()));
    let said = errors(&plan);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("CODE_4M.ms.fd needs SMM; /ovmf/CODE_4M.fd is flash"), "{said:?}");
    assert_eq!(plan.error().unwrap().kind(), Kind::No);
    assert!(plan.apply(&domain(EFI)).is_err());
}

#[test]
fn an_image_that_cannot_be_read_is_taken_at_its_descriptors_word() {
    let with = |contents| host(vec![FirmwareDescriptor { contents, ..amdsev() }]);
    let unreadable = with(Fact::Unreadable("permission denied".into()));
    assert_eq!(os(&snp(0x30000), &domain(EFI), &unreadable), format!("{AUTO}<loader type='rom'/>"));
    let said = errors(&run(&snp(0x30000), &domain(EFI), &with(Fact::Absent)));
    assert!(said[0].contains("/ovmf/AMDSEV.fd is not there"), "{said:?}");
}

#[test]
fn a_wrong_document_outweighs_a_wrong_host() {
    let d = domain("<os firmware='efi'><type arch='x86_64' machine='pc'>hvm</type></os>");
    let error = run(&snp(0x30000), &d, &host(debian())).error().unwrap();
    assert_eq!(error.kind(), Kind::Domain);
    assert!(error.problems().any(|p| p.kind() == Kind::No));
}

#[test]
fn an_image_is_judged_by_what_it_holds() {
    let kernel = "<os><type arch='x86_64' machine='q35'>hvm</type><loader type='pflash'>/ovmf/CODE_4M.fd</loader>\
                  <kernel>/vmlinuz</kernel></os>";
    let said = errors(&run(&sev(1), &domain(kernel), &host(debian())));
    assert!(said.iter().any(|e| e.contains("lacks a table for the kernel hashes")), "{said:?}");
    let options = Options { injects_secret: true, ..Options::default() };
    let mut config = sev(1);
    config.firmware = FirmwareChoice::Path("/ovmf/CODE_4M.fd".into());
    let plan = plan(&config, &domain(EFI), &host(debian()), &options).unwrap();
    assert!(errors(&plan)[0].contains("lacks an area for the launch secret"), "{:?}", errors(&plan));
    // An image that no descriptor names, but that was looked into.
    let looked = HostFacts {
        images: vec![("/mine.fd".into(), Fact::Known(ImageContents::default()))],
        ..HostFacts::not_asked()
    };
    let mut config = sev(5);
    config.firmware = FirmwareChoice::Path("/mine.fd".into());
    let said = errors(&run(&config, &domain(EFI), &looked));
    assert!(said[0].contains("the SEV-ES reset block"), "{said:?}");
}

#[test]
fn a_named_image_is_given_as_its_descriptor_says() {
    let named =
        |config: SevConfig, path: &str| SevConfig { firmware: FirmwareChoice::Path(path.into()), ..config };
    let mut all = debian();
    all.push(amdsev());
    let known = host(all);
    let off = HostFacts::not_asked();
    let rom = "<os>…<loader type='rom'>/ovmf/AMDSEV.fd</loader>";
    assert_eq!(os(&named(sev(1), "/ovmf/AMDSEV.fd"), &domain(EFI), &known), rom);
    assert_eq!(os(&named(measured(), "/ovmf/AMDSEV.fd"), &domain(EFI), &off), rom);
    assert_eq!(os(&named(snp(0x30000), "/ovmf/AMDSEV.fd"), &domain(EFI), &off), rom);
    // libvirt knows a template for the variables of a split image that has a descriptor.
    assert_eq!(
        os(&named(sev(1), "/ovmf/CODE_4M.fd"), &domain(EFI), &known),
        "<os>…<loader readonly='yes' type='pflash'>/ovmf/CODE_4M.fd</loader>"
    );
    // Of one that nobody described it knows none.
    assert_eq!(
        os(&named(sev(1), "/ovmf/CODE_4M.fd"), &domain(EFI), &off),
        "<os>…<loader readonly='yes' type='pflash' stateless='yes'>/ovmf/CODE_4M.fd</loader>"
    );
    // What the document already says of this very image stays.
    let said = domain(
        "<os><type arch='x86_64' machine='q35'>hvm</type>\
         <loader type='pflash' readonly='yes' stateless='yes'>/ovmf/AMDSEV.fd</loader></os>",
    );
    let os = os(&named(measured(), "/ovmf/AMDSEV.fd"), &said, &off);
    assert_eq!(os, "<os>…<loader type='pflash' readonly='yes' stateless='yes'>/ovmf/AMDSEV.fd</loader>");
}

#[test]
fn a_combined_image_is_refused() {
    let one = FirmwareDescriptor { device: FirmwareDevice::FlashCombined, ..amdsev() };
    let mut config = sev(1);
    config.firmware = FirmwareChoice::Path("/ovmf/AMDSEV.fd".into());
    let said = errors(&run(&config, &domain(EFI), &host(vec![one])));
    assert!(said[0].contains("one flash for code and variables"), "{said:?}");
}

#[test]
fn policies_are_judged() {
    let titles = |config: &SevConfig| {
        let plan = run(config, &domain(EFI), &HostFacts::not_asked());
        let of = plan.findings().iter().filter(|f| f.id == "policy").map(|f| (f.severity, f.title.clone()));
        of.collect::<Vec<_>>()
    };
    assert!(titles(&sev(0x41)).iter().any(|(s, t)| *s == Severity::Error && t.contains("0x40")));
    assert!(titles(&sev(0x2)).iter().any(|(s, t)| *s == Severity::Warning && t.contains("debug")));
    assert!(titles(&sev(0x3)).is_empty());
    assert!(titles(&snp(0x10000)).iter().any(|(s, t)| *s == Severity::Error && t.contains("bit 17")));
    assert!(titles(&snp(0x8003_0000)).iter().any(|(s, _)| *s == Severity::Error));
    assert!(titles(&snp(0xb0000)).iter().any(|(s, t)| *s == Severity::Warning && t.contains("debug")));
    assert!(titles(&snp(0x30000)).is_empty());
}

#[test]
fn a_bad_session_is_refused() {
    let with = |dh: usize, blob: usize| {
        let session = Some(LaunchSession { dh_cert: vec![0; dh], session: vec![0; blob], bundle: None });
        let config = SevConfig::new(Technology::Sev { policy: SevPolicy(1), session });
        errors(&run(&config, &domain(EFI), &HostFacts::not_asked()))
    };
    assert_eq!(with(2084, 128).len(), 1, "a certificate of zeros");
    assert_eq!(with(10, 10).len(), 2);
    assert!(errors(&run(&measured(), &domain(EFI), &HostFacts::not_asked())).is_empty());
}

#[test]
fn the_hard_limit_is_a_sum_that_is_explained() {
    let mut config = sev(1);
    config.memory.lock = MemoryLock::HardLimit;
    let d = domain(EFI);
    let plan = run(&config, &d, &HostFacts::not_asked());
    let edit = plan.edits().iter().find(|e| e.rule() == "memory-lock").unwrap();
    // 1 GiB, 256 MiB, 16 MiB.
    assert!(
        edit.reason().starts_with("1327104 KiB: 1024 MiB of memory, 256 MiB for QEMU"),
        "{}",
        edit.reason()
    );
    let nothing = Domain::parse(format!("<domain type='kvm'><name>a</name>{EFI}</domain>")).unwrap();
    assert!(errors(&run(&config, &nothing, &HostFacts::not_asked()))[0].contains("does not say its memory"));
}

#[test]
fn a_rule_that_is_left_out_says_and_does_nothing() {
    let d = domain("<os><type machine='pc'>hvm</type></os>");
    let all: Vec<String> = RULES.iter().map(|r| r.id.to_owned()).collect();
    let options = Options { skip: all, ..Options::default() };
    let plan = plan(&sev(5), &d, &HostFacts::not_asked(), &options).unwrap();
    assert!(plan.edits().is_empty() && plan.findings().is_empty());
    assert_eq!(plan.apply(&d).unwrap(), d.text());
    let options = Options { skip: vec!["mode-host".into()], ..Options::default() };
    assert!(super::plan(&sev(1), &d, &HostFacts::not_asked(), &options).is_ok());
}

#[test]
fn an_unknown_rule_names_the_nearest() {
    let options = Options { skip: vec!["option-rim".into(), "kvn".into()], ..Options::default() };
    let e = plan(&sev(1), &domain(EFI), &HostFacts::not_asked(), &options).unwrap_err();
    assert_eq!(e.kind(), Kind::Usage);
    assert!(e.to_string().contains("'option-rom'") && e.to_string().contains("'kvm'"), "{e}");
}

#[test]
fn a_plan_is_for_its_own_document() {
    let d = domain(EFI);
    let plan = run(&sev(1), &d, &HostFacts::not_asked());
    assert_eq!(plan.apply(&d.clone()).unwrap(), plan.apply(&d).unwrap());
    for other in ["<os/>", EFI] {
        assert_eq!(plan.apply(&domain(other)).unwrap_err().kind(), Kind::Bug);
    }
}

#[test]
fn every_rule_is_told_once_and_in_full() {
    for (i, rule) in RULES.iter().enumerate() {
        assert!(rule.text.len() > 100 && rule.title.len() > 10 && rule.source.len() > 10, "{}", rule.id);
        assert!(!rule.text.contains("  "), "{}", rule.id);
        assert!(RULES[i + 1..].iter().all(|r| r.id != rule.id), "{}", rule.id);
    }
    assert_eq!(RULES.len(), 27);
}
