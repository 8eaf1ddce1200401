//! Whole new domains: what every built-in template makes for every mode. In: requests, keys. Out: answers held to
//! `tests/generate/`, to libvirt's schema, to the rules and to a second run.
//! `UPDATE_GOLDEN=1` writes the answers anew; they are then still held to all of the rest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this file is a test")]

#[path = "support/schema.rs"]
mod schema;

use std::path::Path;
use virt_sev::config::{self, SevConfig};
use virt_sev::domain::Domain;
use virt_sev::generate::{Cpu, Disk, Hugepages, Kernel, Network, Request, Seed, Template};
use virt_sev::host::HostFacts;
use virt_sev::plan::{self, Options, Plan};
use virt_sev::{Finding, Severity};

/// Each mode with its keys. The plain one has none.
const MODES: &[(&str, &[&str])] = &[
    ("plain", &[]),
    ("sev", &["security.sev=true"]),
    ("sev-es", &["security.sev=true", "security.sev.policy.es=true"]),
    ("sev-snp", &["security.sev.snp=true"]),
];

fn keys(sets: &[&str]) -> Option<SevConfig> {
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    config::load_and_resolve(config::Sources { sets: &sets, ..Default::default() }).unwrap()
}

fn templates() -> Vec<Template> {
    let all = Template::built_in().unwrap();
    assert_eq!(all[0].name(), "default");
    all
}

/// As little as the template permits.
fn least(template: &Template) -> Request {
    let mut request = Request::new("web1", 4 << 30, 2);
    for option in template.needs() {
        match option {
            "--disk" => request.disks = vec![Disk::parse("/srv/web1.qcow2").unwrap()],
            "--cloud-init" => request.seed = Some(Seed::parse("/srv/web1-seed.iso").unwrap()),
            "--kernel" => {
                request.kernel = Some(Kernel { kernel: "/srv/vmlinuz".into(), initrd: None, cmdline: None });
            }
            other => panic!("{} needs {other}, which this test does not know", template.name()),
        }
    }
    request
}

/// Everything that the template has a place for.
fn most(template: &Template) -> Request {
    let mut request = Request { vcpus: 3, ..least(template) };
    for option in template.takes() {
        match option {
            "--uuid" => request.uuid = Some("6e2b4bfa-3f4f-4b6f-8f5e-0f2f5a1d9c01".into()),
            "--disk" => {
                let disks = ["/srv/a <b>.qcow2,10GiB", "/dev/vg0/data", "/srv/c.raw"];
                request.disks = disks.map(|d| Disk::parse(d).unwrap()).to_vec();
            }
            "--cloud-init" => request.seed = Some(Seed::parse("/srv/seed.iso,user-data=u.yaml").unwrap()),
            "--network" => {
                let networks = ["default", "bridge=br0,mac=52:54:00:12:34:56", "user"];
                request.networks = networks.map(|n| Network::parse(n).unwrap()).to_vec();
            }
            "--kernel" => {
                request.kernel = Some(Kernel {
                    kernel: "/srv/vmlinuz".into(),
                    initrd: Some("/srv/initrd.img".into()),
                    cmdline: Some(" console=ttyS0 a=\"b&c\"".into()),
                });
            }
            "--initrd" | "--cmdline" | "--hugepages" | "--cpu" => {}
            "--hugepages=SIZE" => request.hugepages = Some(Hugepages(Some(2 << 20))),
            "--numa" => request.numa = Some(2),
            "--tpm" => request.tpm = true,
            "--vsock" => request.vsock = true,
            other => panic!("{} takes {other}, which this test does not know", template.name()),
        }
    }
    request
}

fn applied(domain: &Domain<'_>, config: Option<&SevConfig>) -> (String, Vec<Finding>) {
    let Some(config) = config else { return (domain.text().to_owned(), Vec::new()) };
    let plan: Plan = plan::plan(config, domain, &HostFacts::not_asked(), &Options::default()).unwrap();
    (plan.apply(domain).unwrap(), plan.findings().to_vec())
}

#[test]
fn every_template_makes_a_right_domain_for_every_mode() {
    let update = std::env::var("UPDATE_GOLDEN").is_ok_and(|v| v == "1");
    let (mut names, mut documents, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for template in templates() {
        for (mode, sets) in MODES {
            let config = keys(sets);
            for (much, request) in [("least", least(&template)), ("most", most(&template))] {
                let name = format!("{}-{mode}-{much}", template.name());
                let domain = template.generate(&request, config.as_ref()).unwrap();
                assert_eq!(domain.text(), template.generate(&request, config.as_ref()).unwrap().text());
                let (xml, findings) = applied(&domain, config.as_ref());
                // What the rules found is at most a note, and a second run neither changes nor finds more.
                assert!(findings.iter().all(|f| f.severity == Severity::Info), "{name}: {findings:?}");
                let (again, _) = applied(&Domain::parse(&xml).unwrap(), config.as_ref());
                assert_eq!(again, xml, "{name}");
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/generate/{name}.xml"));
                // The default template for every mode; of the others what differs.
                if template.name() == "default" && much == "most" || *mode == "sev-snp" && much == "least" {
                    if update {
                        std::fs::write(&path, &xml).unwrap();
                    }
                    if std::fs::read_to_string(&path).ok().as_ref() != Some(&xml) {
                        wrong.push(format!("{name} is not as in {}:\n{xml}", path.display()));
                    }
                }
                names.push(name);
                documents.push(xml);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (name, why) in names.iter().zip(schema::check(&documents)) {
        assert!(why.is_none(), "{name}: {}", why.unwrap());
    }
}

#[test]
fn nothing_stands_in_a_new_domain_that_nobody_asked_for() {
    for template in templates() {
        let (xml, _) = applied(&template.generate(&least(&template), None).unwrap(), None);
        for absent in
            ["uuid", "<mac", "graphics", "video", "channel", "hugepages", "numa", "tpm", "vsock", "{"]
        {
            assert!(!xml.contains(absent), "{}: {absent}\n{xml}", template.name());
        }
    }
}

#[test]
fn the_processor_is_named_where_its_signature_is_measured() {
    let of = |sets: &[&str]| Cpu::suited(keys(sets).as_ref());
    assert_eq!(of(MODES[0].1), Cpu::Mode("host-passthrough"));
    assert_eq!(of(MODES[2].1), Cpu::Mode("host-passthrough"));
    assert_eq!(of(MODES[3].1), Cpu::Model("EPYC-v4".into()));
    let template = &templates()[0];
    let asked = Request { cpu: Some(Cpu::parse("EPYC-Genoa").unwrap()), ..least(template) };
    let domain = template.generate(&asked, keys(MODES[3].1).as_ref()).unwrap();
    assert_eq!(domain.facts().cpu_model.as_deref(), Some("EPYC-Genoa"));
    let asked = Request { cpu: Some(Cpu::parse("maximum").unwrap()), ..asked };
    let domain = template.generate(&asked, keys(MODES[3].1).as_ref()).unwrap();
    assert_eq!(
        (domain.facts().cpu_mode.as_deref(), domain.facts().cpu_model.clone()),
        (Some("maximum"), None)
    );
}

/// `xml-templates/README.md` names every template, slot and group.
#[test]
fn the_readme_describes_every_template() {
    let readme = include_str!("../xml-templates/README.md");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/xml-templates/domains");
    let files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files.len(), templates().len(), "a file is not compiled in");
    for template in templates() {
        let file = format!("{}.xml", template.name());
        assert!(files.contains(&file) && readme.contains(&format!("`{file}`")), "{file}");
        assert!(!template.title().is_empty());
        let text = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
        let slots = text.split('{').skip(1).filter_map(|s| s.split(['?', ':']).next());
        let groups = text.split("each='").skip(1).filter_map(|s| s.split(['+', '\'']).next());
        for name in slots.chain(groups) {
            assert!(readme.contains(&format!("`{name}`")), "{name} is not in the README");
        }
    }
}
