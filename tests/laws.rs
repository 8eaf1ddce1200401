//! The six laws that hold for every rule and every document, each over generated documents.
//! `PROPTEST_CASES` sets how many; `VIRT_SEV_LAWS_RANDOM=1` takes a new seed instead of the fixed one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this file is a test")]

mod support {
    pub(crate) mod devices;
    pub(crate) mod dice;
    pub(crate) mod document;
    pub(crate) mod keys;
    pub(crate) mod lexer;
    pub(crate) mod schema;
}

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::collections::HashSet;
use support::dice::Dice;
use support::document::{self, Writing};
use support::lexer::{self, Kind, Token};
use support::{keys, schema};
use virt_sev::config::SevConfig;
use virt_sev::domain::Domain;
use virt_sev::host::HostFacts;
use virt_sev::plan::{self, Options, Plan, RULES};
use virt_sev::{Kind as ErrorKind, Severity};

/// One generated case: a document, its writing, and keys.
struct Case {
    xml: String,
    writing: Writing,
    config: SevConfig,
    host: HostFacts,
    options: Options,
}

impl Case {
    fn new(bytes: &[u8]) -> Self {
        let mut dice = Dice::new(bytes);
        let config = keys::config(&mut dice);
        let host = keys::host(&mut dice);
        let options = keys::options(&mut dice);
        let (xml, writing) = document::document(&mut dice);
        Self { xml, writing, config, host, options }
    }

    fn plan<'x>(&self, xml: &'x str) -> (Domain<'x>, Plan) {
        let domain = Domain::parse(xml).unwrap_or_else(|e| panic!("{e}\n{xml}"));
        let plan = plan::plan(&self.config, &domain, &self.host, &self.options)
            .unwrap_or_else(|e| panic!("{e}\n{xml}"));
        (domain, plan)
    }

    /// The plan and what it makes, where it makes anything.
    fn run(&self) -> Option<(Plan, String)> {
        let (domain, plan) = self.plan(&self.xml);
        plan.apply(&domain).ok().map(|out| (plan, out))
    }
}

fn runner() -> TestRunner {
    let said = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    let config = Config { failure_persistence: None, cases: said.unwrap_or(10_000), ..Config::default() };
    if std::env::var_os("VIRT_SEV_LAWS_RANDOM").is_some() {
        return TestRunner::new(config);
    }
    let seed = [0x5e; 32];
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..700)
}

/// Holds a law for generated cases; shows the smallest that breaks it.
fn law(holds: impl Fn(&Case) -> Result<(), String>) {
    let result = runner().run(&bytes(), |bytes| holds(&Case::new(&bytes)).map_err(TestCaseError::fail));
    match result {
        Ok(()) => {}
        Err(TestError::Fail(why, bytes)) => {
            let case = Case::new(&bytes);
            let out = case.run().map(|(_, out)| out).unwrap_or_default();
            panic!("{why}\n--- {:?}\n--- in\n{}\n--- out\n{out}", case.config, case.xml);
        }
        Err(e) => panic!("{e}"),
    }
}

#[test]
fn law_1_applying_twice_equals_applying_once() {
    law(|case| {
        let Some((_, out)) = case.run() else { return Ok(()) };
        let (domain, again) = case.plan(&out);
        if let Some(edit) = again.edits().first() {
            return Err(format!(
                "a second run edits {:?} by {}: {}",
                edit.places(&domain),
                edit.rule(),
                edit.text()
            ));
        }
        match again.apply(&domain) {
            Ok(same) if same == out => Ok(()),
            Ok(_) => Err("a second run changes bytes".into()),
            Err(e) => Err(format!("a second run fails: {e}")),
        }
    });
}

/// True when an edit at these places may change this token.
fn may_change(token: &Token, places: &[String]) -> bool {
    places.iter().any(|place| {
        let removed = token.path == *place || token.path.starts_with(&format!("{place}/"));
        let tag = matches!(token.kind, Kind::Start | Kind::Empty);
        let attribute = tag && place.rsplit_once("/@").is_some_and(|(owner, _)| owner == token.path);
        let opened = token.kind == Kind::Empty && place.starts_with(&format!("{}/", token.path));
        let text = token.kind == Kind::Other && *place == format!("{}/text()", token.path);
        removed || attribute || opened || text
    })
}

#[test]
fn law_2_outside_the_edits_every_byte_stays() {
    law(|case| {
        let (domain, plan) = case.plan(&case.xml);
        let Ok(out) = plan.apply(&domain) else { return Ok(()) };
        // By the splices: between them the text is the same.
        let (mut from_in, mut from_out) = (0, 0);
        for splice in plan.splices(&domain).map_err(|e| e.to_string())? {
            let kept = &case.xml[from_in..splice.span.start];
            if !out[from_out..].starts_with(kept) {
                return Err(format!("changed outside the edits: {kept:?}"));
            }
            from_out += kept.len() + splice.text.len();
            from_in = splice.span.end;
        }
        if case.xml[from_in..] != out[from_out..] {
            return Err("changed behind the last edit".into());
        }
        // By another reading of both documents: what no edit's place covers is still there, in order.
        let places: Vec<_> =
            plan.edits().iter().flat_map(|e| e.places(&domain)).map(|p| lexer::full(&p)).collect();
        let after = lexer::tokens(&out);
        let mut rest = after.iter();
        for token in lexer::tokens(&case.xml).iter().filter(|t| !may_change(t, &places)) {
            if !rest.any(|t| t.raw == token.raw) {
                return Err(format!("lost {:?} of {}", token.raw, token.path));
            }
        }
        Ok(())
    });
}

/// libvirt's own order of children, written down from `virsh dumpxml`.
const ORDER: &[(&str, &str)] = &[
    (
        "domain",
        "name uuid title metadata maxMemory memory currentMemory memtune memoryBacking vcpu os features cpu clock \
         on_poweroff on_reboot on_crash pm devices seclabel launchSecurity qemu:commandline",
    ),
    ("os", "type firmware loader nvram kernel initrd cmdline boot bootmenu"),
    ("features", "acpi apic pae kvm pmu vmport smm ioapic vmcoreinfo"),
    ("memoryBacking", "hugepages nosharepages locked source access allocation discard"),
    ("pm", "suspend-to-mem suspend-to-disk"),
    ("memtune", "hard_limit soft_limit swap_hard_limit"),
    (
        "launchSecurity",
        "cbitpos reducedPhysBits policy dhCert session guestVisibleWorkarounds idBlock idAuth hostData",
    ),
    ("rng", "rate backend driver alias address"),
    ("interface", "mac source target model driver link mtu boot alias rom address"),
    ("video", "driver model alias"),
    ("vsock", "cid alias address driver"),
];

fn name(step: &str) -> &str {
    step.split('[').next().unwrap_or(step)
}

#[test]
fn law_3_new_text_fits_in() {
    law(|case| {
        let Some((_, out)) = case.run() else { return Ok(()) };
        let writing = &case.writing;
        if case.xml.contains("\r\n") && !case.xml.replace("\r\n", "").contains('\n') {
            let bare = out.replace("\r\n", "").contains('\n');
            if bare {
                return Err("a bare line feed in a document with CR LF".into());
            }
        }
        if !case.xml.contains('\n') && out.contains('\n') {
            return Err("a line end in a document on one line".into());
        }
        let tokens = lexer::tokens(&out);
        let own = |t: &&Token| !t.path.starts_with("/domain[1]/metadata[1]/");
        if writing.is_regular() && !writing.strangers {
            for token in tokens.iter().filter(own).filter(|t| matches!(t.kind, Kind::Start | Kind::Empty)) {
                let wanted = writing.unit.repeat(token.depth);
                if token.depth > 0 && token.indent.as_ref() != Some(&wanted) {
                    return Err(format!("{} is indented by {:?}, not {wanted:?}", token.path, token.indent));
                }
            }
        }
        if writing.shuffled {
            return Ok(());
        }
        for (parent, order) in ORDER {
            let order: Vec<_> = order.split_whitespace().collect();
            let mut last: std::collections::HashMap<String, usize> = Default::default();
            for token in tokens.iter().filter(own).filter(|t| matches!(t.kind, Kind::Start | Kind::Empty)) {
                let Some((above, step)) = token.path.rsplit_once('/') else { continue };
                if step.starts_with('*') || step.starts_with("x:") {
                    continue;
                }
                if above.rsplit_once('/').map(|(_, s)| name(s)) != Some(parent) {
                    continue;
                }
                let Some(rank) = order.iter().position(|n| *n == name(step)) else {
                    return Err(format!("{} is in no order", token.path));
                };
                let before = last.insert(above.to_owned(), rank).unwrap_or(0);
                if rank < before {
                    return Err(format!("{} stands behind <{}>", token.path, order[before]));
                }
            }
        }
        Ok(())
    });
}

#[test]
fn law_4_valid_in_valid_out() {
    let mut runner = runner();
    let count = runner.config().cases as usize;
    let mut inputs = Vec::new();
    let mut outputs = Vec::new();
    for _ in 0..count {
        let bytes = bytes().new_tree(&mut runner).unwrap().current();
        let case = Case::new(&bytes);
        if case.writing.strangers {
            continue;
        }
        if let Some((_, out)) = case.run() {
            outputs.push(out);
        }
        inputs.push(case.xml);
    }
    for (document, why) in inputs.iter().zip(schema::check(&inputs)) {
        assert!(why.is_none(), "the generator made an invalid document: {}\n{document}", why.unwrap());
    }
    assert!(outputs.len() * 5 > count, "only {} of {count} documents were edited", outputs.len());
    for (document, why) in outputs.iter().zip(schema::check(&outputs)) {
        assert!(why.is_none(), "{}\n{document}", why.unwrap());
    }
}

#[test]
fn law_5_nothing_partial() {
    law(|case| {
        let (domain, plan) = case.plan(&case.xml);
        let errors = plan.findings().iter().filter(|f| f.severity == Severity::Error).count();
        match (plan.apply(&domain), errors) {
            (Ok(_), 0) => Ok(()),
            (Ok(_), n) => Err(format!("an output in spite of {n} errors")),
            (Err(e), 0) => Err(format!("an error without an error finding: {e}")),
            (Err(e), n) if e.problems().count() != n => {
                Err(format!("not every one of {n} errors is told: {e}"))
            }
            (Err(e), _) if matches!(e.kind(), ErrorKind::Domain | ErrorKind::No) => Ok(()),
            (Err(e), _) => Err(format!("of the wrong kind: {e:?}")),
        }
    });
}

#[test]
fn law_6_every_edit_is_explained_and_alone_in_its_place() {
    law(|case| {
        let (domain, plan) = case.plan(&case.xml);
        let mut taken = HashSet::new();
        for edit in plan.edits() {
            if !RULES.iter().any(|r| r.id == edit.rule()) || edit.reason().len() < 10 {
                return Err(format!("not explained: {:?}", edit.places(&domain)));
            }
            if edit.places(&domain).is_empty() {
                return Err(format!("an edit of {} has no place", edit.rule()));
            }
            for place in edit.places(&domain) {
                if !taken.insert(place.clone()) {
                    return Err(format!("two edits of {place}"));
                }
            }
        }
        // An edit that changes nothing would be explained for nothing.
        let Ok(out) = plan.apply(&domain) else { return Ok(()) };
        if plan.edits().is_empty() != (out == case.xml) {
            return Err("edits and changes disagree".into());
        }
        Ok(())
    });
}

#[test]
fn the_generated_documents_make_every_rule_speak() {
    let spoken = std::cell::RefCell::new(HashSet::new());
    law(|case| {
        let (_, plan) = case.plan(&case.xml);
        let edits = plan.edits().iter().map(|e| e.rule());
        spoken.borrow_mut().extend(edits.chain(plan.findings().iter().map(|f| f.id)));
        Ok(())
    });
    let silent: Vec<_> = RULES.iter().map(|r| r.id).filter(|id| !spoken.borrow().contains(id)).collect();
    assert!(silent.is_empty(), "never heard: {silent:?}");
}

/// A document with a piece taken out, doubled or replaced.
fn damage(xml: &str, dice: &mut Dice<'_>) -> String {
    let mut chars: Vec<char> = xml.chars().collect();
    for _ in 0..=dice.below(3) {
        let at = (dice.below(256) * 256 + dice.below(256)) % chars.len().max(1);
        let end = (at + dice.below(12)).min(chars.len());
        match dice.below(3) {
            0 => drop(chars.drain(at..end)),
            1 => {
                let piece = chars[at..end].to_vec();
                chars.splice(at..at, piece);
            }
            _ => chars.insert(at, dice.pick(&['<', '>', '&', '\'', '"', '/', ']', '\u{0}', 'é', '\n'])),
        }
    }
    chars.into_iter().collect()
}

#[test]
fn a_damaged_document_is_refused_or_edited_into_a_readable_one() {
    let result = runner().run(&(bytes(), bytes()), |(bytes, more)| {
        let case = Case::new(&bytes);
        let xml = damage(&case.xml, &mut Dice::new(&more));
        let Ok(domain) = Domain::parse(&xml) else { return Ok(()) };
        let Ok(plan) = plan::plan(&case.config, &domain, &case.host, &case.options) else {
            return Err(TestCaseError::fail(format!("no plan for\n{xml}")));
        };
        if let Ok(out) = plan.apply(&domain) {
            let again = Domain::parse(&out).map_err(|e| e.to_string());
            let again = again.and_then(|d| {
                let plan = plan::plan(&case.config, &d, &case.host, &case.options);
                plan.map(|p| p.edits().len()).map_err(|e| e.to_string())
            });
            if again != Ok(0) {
                return Err(TestCaseError::fail(format!("{again:?}\n--- in\n{xml}\n--- out\n{out}")));
            }
        }
        Ok(())
    });
    result.unwrap_or_else(|e| panic!("{e}"));
}
