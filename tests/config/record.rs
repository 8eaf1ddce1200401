//! `--record`: what goes into the metadata comes out again, and nothing else changes.

use super::keys;
use virt_sev::config::{self, SevConfig, Sources, resolve};
use virt_sev::domain::Domain;
use virt_sev::host::HostFacts;
use virt_sev::plan::{Options, Plan, plan};
use virt_sev::{Error, Severity};

fn planned<'x>(xml: &'x str, config: &SevConfig) -> Result<(Domain<'x>, Plan), Error> {
    let domain = Domain::parse(xml)?;
    let options = Options { record: true, ..Options::default() };
    let plan = plan(config, &domain, &HostFacts::not_asked(), &options)?;
    Ok((domain, plan))
}

fn record(xml: &str, config: &SevConfig) -> String {
    let (domain, plan) = planned(xml, config).unwrap();
    plan.apply(&domain).unwrap()
}

/// What a later run makes of the document's own keys.
fn recorded(xml: &str) -> SevConfig {
    let metadata = Domain::parse(xml).unwrap().metadata_config().unwrap();
    config::load_and_resolve(Sources { metadata: Some(&metadata), ..Sources::default() }).unwrap().unwrap()
}

fn domain(metadata: &str) -> String {
    format!(
        "<domain type='kvm'>\n  <name>g</name>\n{metadata}  <memory>1048576</memory>\n  <os firmware='efi'>\n    \
         <type arch='x86_64' machine='q35'>hvm</type>\n  </os>\n  <devices/>\n</domain>\n"
    )
}

const KEYS: &[&str] = &[
    "security.sev=true",
    "security.sev=yes; security.sev.policy.es=on; security.sev.policy.min_fw=1.51",
    "security.sev=true; security.sev.policy=0x1b; security.sev.cbitpos=51; security.sev.reduced_phys_bits=1",
    "security.sev=1; security.sev.kernel_hashes=no; security.sev.memory.lock=hard_limit; \
     security.sev.memory.hard_limit=5GiB; security.sev.memory.backing=hugepages:2MiB",
    "security.sev=true; security.sev.firmware=/opt/ä & <b>/\"x' y.fd",
    "security.sev.snp=true; security.sev.snp.policy.smt=false; security.sev.snp.policy.min_abi=1.55; security.sev.snp.vcek=yes",
];

#[test]
fn the_keys_come_back_and_a_run_with_them_alone_changes_nothing() {
    for text in KEYS {
        let config = resolve(&keys(text)).unwrap().unwrap();
        let once = record(&domain(""), &config);
        assert_eq!(recorded(&once), config, "{once}");
        let (document, again) = planned(&once, &recorded(&once)).unwrap();
        assert!(again.edits().is_empty(), "{:?}", again.edits());
        assert_eq!(again.apply(&document).unwrap(), once);
    }
}

#[test]
fn it_looks_as_a_person_would_write_it() {
    let config = resolve(&keys("security.sev=true; security.sev.policy.es=true")).unwrap().unwrap();
    let out = record(&domain("  <metadata>\n    <o:a xmlns:o='urn:o'/>\n  </metadata>\n"), &config);
    let wanted = "  <metadata>\n    <o:a xmlns:o='urn:o'/>\n    \
                  <virtsev:config xmlns:virtsev='urn:virt-sev:config:1'>\n      \
                  <virtsev:key name='security.sev'>true</virtsev:key>\n      \
                  <virtsev:key name='security.sev.policy.es'>true</virtsev:key>\n    \
                  </virtsev:config>\n  </metadata>\n";
    assert!(out.contains(wanted), "{out}");
    // Where there is no metadata it comes where libvirt's formatter puts it.
    let out = record(&domain(""), &config);
    assert!(out.contains("<name>g</name>\n  <metadata>\n    <virtsev:config"), "{out}");
}

/// An older element, however it is written, goes wholly; its neighbours stay.
#[test]
fn an_older_element_is_replaced_and_its_neighbours_stay() {
    let config = resolve(&keys("security.sev=true; security.sev.policy.es=true")).unwrap().unwrap();
    let key = |prefix: &str| format!("<{prefix}key name='security.sev.snp'>true</{prefix}key><!-- old -->");
    for old in [
        format!("<virtsev:config xmlns:virtsev='urn:virt-sev:config:1'>{}</virtsev:config>", key("virtsev:")),
        format!("<v:config xmlns:v=\"urn:virt-sev:config:1\">{}</v:config>", key("v:")),
        format!("<config xmlns='urn:virt-sev:config:1'>{}</config>", key("")),
        "<config xmlns='urn:virt-sev:config:1'/>".to_owned(),
        format!("<a:config xmlns:a='urn:virt-sev:config:1'>{}</a:config>\n    ", key("a:")).repeat(2),
        "<x:config xmlns:x='urn:virt-sev:config:1'>not <x:even/> keys</x:config>".to_owned(),
    ] {
        let (one, two) =
            ("<virtsev:config xmlns:virtsev='urn:other'>k</virtsev:config>", "<config xmlns='urn:o'/>");
        let before = domain(&format!("  <metadata>\n    {one}\n    {old}\n    {two}\n  </metadata>\n"));
        let out = record(&before, &config);
        let (document, plan) = planned(&before, &config).unwrap();
        let places: Vec<_> = plan.edits().iter().flat_map(|e| e.places(&document)).collect();
        let alone: std::collections::BTreeSet<_> = places.iter().collect();
        assert_eq!(alone.len(), places.len(), "two edits of one place: {places:?}");
        assert!(out.contains(one) && out.contains(two), "{out}");
        assert!(!out.contains("old") && !out.contains("security.sev.snp") && !out.contains("even"), "{out}");
        assert_eq!(out.matches("urn:virt-sev:config:1").count(), 1, "{out}");
        assert_eq!(recorded(&out), config, "{out}");
        assert_eq!(record(&out, &config), out);
    }
}

#[test]
fn an_element_that_means_the_same_stays_as_its_author_wrote_it() {
    let config = resolve(&keys("security.sev=true; security.sev.policy.es=true")).unwrap().unwrap();
    let own = "<v:config xmlns:v='urn:virt-sev:config:1'><!-- mine -->\n<v:key name='security.sev.policy'>5</v:key>\
               <v:key name='security.sev'>YES</v:key></v:config>";
    let before = domain(&format!("  <metadata>{own}</metadata>\n"));
    assert!(record(&before, &config).contains(own));
}

#[test]
fn blobs_are_left_out_and_said() {
    let config = resolve(&keys(
        "security.sev=true; security.sev.session.dh=$dh; security.sev.session.data=$data; security.sev.policy.noks=1",
    ))
    .unwrap()
    .unwrap();
    // Not even one that somebody put there by hand stays.
    let by_hand = format!(
        "  <metadata><v:config xmlns:v='urn:virt-sev:config:1'><v:key name='security.sev'>true</v:key>\
         <v:key name='security.sev.session.data'>{}</v:key></v:config></metadata>\n",
        super::data()
    );
    for metadata in ["", &by_hand] {
        let before = domain(metadata);
        let (document, plan) = planned(&before, &config).unwrap();
        let out = plan.apply(&document).unwrap();
        let metadata = Domain::parse(&out).unwrap().metadata_config().unwrap();
        assert!(!metadata.contains("session") && metadata.contains("noks"), "{metadata}");
        let told = plan.findings().iter().find(|f| f.id == "record").unwrap();
        assert_eq!(told.severity, Severity::Warning);
        for key in ["security.sev.session.dh", "security.sev.session.data"] {
            assert!(told.title.contains(key), "{}", told.title);
        }
    }
}

#[test]
fn nothing_is_recorded_unless_it_was_asked_for() {
    let config = resolve(&keys("security.sev=true")).unwrap().unwrap();
    let document = Domain::parse(domain("")).unwrap();
    for options in
        [Options::default(), Options { record: true, skip: vec!["record".into()], ..Options::default() }]
    {
        let plan = plan(&config, &document, &HostFacts::not_asked(), &options).unwrap();
        assert!(!plan.apply(&document).unwrap().contains("metadata"));
    }
}
