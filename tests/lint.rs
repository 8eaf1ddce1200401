//! `lint` over generated documents: it finds what `apply` would do, and nothing in what `apply` did; and the diff of
//! `apply --diff` is one that `patch` makes the same document of. `PROPTEST_CASES` sets how many.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this file is a test")]

#[allow(dead_code, reason = "a part of the program, which uses all of it")]
#[path = "../src/cli/diff.rs"]
mod diff;
#[allow(dead_code, reason = "shared with the laws, which use all of it")]
mod support {
    pub(crate) mod devices;
    pub(crate) mod dice;
    pub(crate) mod document;
    pub(crate) mod keys;
}

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::collections::BTreeSet;
use std::process::Command;
use support::dice::Dice;
use support::{document, keys};
use virt_sev::config::{self, SevConfig};
use virt_sev::domain::{Domain, Places};
use virt_sev::host::HostFacts;
use virt_sev::plan::{self, FIX, Options, Plan, RULES};
use virt_sev::{Finding, Severity};

struct Case {
    xml: String,
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
        Self { xml: document::document(&mut dice).0, config, host, options }
    }

    fn plan<'x>(&self, config: &SevConfig, xml: &'x str, options: &Options) -> (Domain<'x>, Plan) {
        let domain = Domain::parse(xml).unwrap_or_else(|e| panic!("{e}\n{xml}"));
        let plan = plan::plan(config, &domain, &self.host, options).unwrap();
        (domain, plan)
    }

    fn lint(&self, config: &SevConfig, xml: &str, options: &Options) -> Vec<Finding> {
        let (domain, plan) = self.plan(config, xml, options);
        plan.lint(&domain)
    }

    /// What `apply` makes of it, where it makes anything.
    fn applied(&self, options: &Options) -> Option<String> {
        let (domain, plan) = self.plan(&self.config, &self.xml, options);
        plan.apply(&domain).ok()
    }
}

fn law(holds: impl Fn(&Case) -> Result<(), String>) {
    let said = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    let config = Config { failure_persistence: None, cases: said.unwrap_or(800), ..Config::default() };
    let mut runner = if std::env::var_os("VIRT_SEV_LAWS_RANDOM").is_some() {
        TestRunner::new(config)
    } else {
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[0x11; 32]))
    };
    let bytes = proptest::collection::vec(any::<u8>(), 0..700);
    match runner.run(&bytes, |bytes| holds(&Case::new(&bytes)).map_err(TestCaseError::fail)) {
        Ok(()) => {}
        Err(TestError::Fail(why, bytes)) => {
            let case = Case::new(&bytes);
            panic!("{why}\n--- {:?}\n--- in\n{}", case.config, case.xml);
        }
        Err(e) => panic!("{e}"),
    }
}

fn errors(findings: &[Finding]) -> Vec<String> {
    let errors = findings.iter().filter(|f| f.severity == Severity::Error);
    errors.map(|f| format!("{}: {} ({})", f.id, f.title, f.path)).collect()
}

#[test]
fn in_what_apply_made_there_is_no_error_and_nothing_that_apply_would_do() {
    law(|case| {
        let Some(out) = case.applied(&case.options) else { return Ok(()) };
        let findings = case.lint(&case.config, &out, &case.options);
        let found = errors(&findings);
        if !found.is_empty() || findings.iter().any(|f| f.fix == FIX) {
            return Err(format!("{found:?}\n{findings:#?}\n--- out\n{out}"));
        }
        Ok(())
    });
}

#[test]
fn what_apply_made_is_right_by_its_own_launch_security_too() {
    let judged = std::cell::Cell::new(0);
    law(|case| {
        let Some(out) = case.applied(&Options::default()) else { return Ok(()) };
        let domain = Domain::parse(&out).unwrap();
        let raw = plan::implied_keys(&domain).ok_or("no keys are implied")?;
        let implied = config::resolve(&raw).map_err(|e| format!("{e}"))?.ok_or("SEV is not implied")?;
        if implied.technology != case.config.technology {
            return Err(format!("{:?} is implied", implied.technology));
        }
        let found = errors(&case.lint(&implied, &out, &Options::default()));
        judged.set(judged.get() + 1);
        if found.is_empty() { Ok(()) } else { Err(format!("{found:?}\n--- out\n{out}")) }
    });
    assert!(judged.get() > 20, "only {} documents were judged", judged.get());
}

#[test]
fn in_a_bare_document_it_finds_the_rules_that_apply_would_have_applied() {
    law(|case| {
        let (domain, plan) = case.plan(&case.config, &case.xml, &case.options);
        let findings = plan.lint(&domain);
        let edits: BTreeSet<_> = plan.edits().iter().map(|e| e.rule()).collect();
        let found: BTreeSet<_> = findings.iter().filter(|f| f.fix == FIX).map(|f| f.id).collect();
        if found != edits {
            return Err(format!("{found:?} are found, and {edits:?} would be applied"));
        }
        // `apply` refuses what is an error and no edit, and nothing else.
        let refused = findings.iter().any(|f| f.severity == Severity::Error && f.fix != FIX);
        if refused != plan.apply(&domain).is_err() {
            return Err(format!("refused: {refused}, by {:?}", errors(&findings)));
        }
        // Each of them counts by itself: left out, it is what is found in the result. But for the choice of a firmware,
        // of which two rules write a part each: half of it may be a whole other one.
        for rule in edits.into_iter().filter(|rule| *rule != "firmware-uefi") {
            let mut without = case.options.clone();
            without.skip.push(rule.to_owned());
            let Some(out) = case.applied(&without) else { continue };
            if !case.lint(&case.config, &out, &case.options).iter().any(|f| f.id == rule && f.fix == FIX) {
                return Err(format!("{rule} was left out, and is not missed\n--- out\n{out}"));
            }
        }
        Ok(())
    });
}

#[test]
fn every_finding_has_a_rule_a_source_and_a_place_in_the_text() {
    law(|case| {
        let (domain, plan) = case.plan(&case.config, &case.xml, &case.options);
        let places = Places::new(&domain);
        let lines: Vec<&str> = case.xml.split('\n').collect();
        for finding in plan.lint(&domain) {
            let rule = RULES.iter().find(|r| r.id == finding.id).ok_or("a finding of no rule")?;
            if finding.fix == FIX && rule.severity.is_none() {
                return Err(format!("{} edits and does not say how much that weighs", rule.id));
            }
            if finding.source.is_empty() || finding.title.is_empty() || finding.title.len() > 400 {
                return Err(format!("{finding:?}"));
            }
            let (start, end) = places.find(&finding.path);
            let line = lines.get(start.line - 1).ok_or("behind the end")?;
            let at = line.chars().nth(start.column - 1).ok_or("behind the end of its line")?;
            if end <= start || !(at == '<' || at.is_alphabetic()) {
                return Err(format!("{finding:?} is at {start:?} to {end:?}: {at:?}"));
            }
        }
        Ok(())
    });
}

#[test]
fn the_diff_makes_the_same_document_and_names_every_rule() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    law(|case| {
        let (domain, plan) = case.plan(&case.config, &case.xml, &case.options);
        let Ok(out) = plan.apply(&domain) else { return Ok(()) };
        let splices = plan.splices_by_rule(&domain).map_err(|e| e.to_string())?;
        let text = diff::unified(&case.xml, &splices, "in.xml", false);
        let mut named = BTreeSet::new();
        for head in text.lines().filter(|l| l.starts_with("@@ ")) {
            let rules = head.rsplit_once("@@ ").map_or("", |(_, rules)| rules);
            if rules.is_empty() {
                return Err(format!("a hunk without a rule: {head}\n{text}"));
            }
            named.extend(rules.split(", "));
        }
        let edits: BTreeSet<_> = plan.edits().iter().map(|e| e.rule()).collect();
        if named != edits {
            return Err(format!("{named:?} are named, and {edits:?} edit\n{text}"));
        }
        if text.is_empty() {
            return Ok(());
        }
        std::fs::write(path("in.xml"), &case.xml).unwrap();
        std::fs::write(path("d.patch"), &text).unwrap();
        let done = Command::new("patch")
            .args(["--binary", "--silent", "--fuzz=0", "-p0", "-i", "d.patch"])
            .current_dir(dir.path())
            .output()
            .expect("patch is installed");
        let made = std::fs::read_to_string(path("in.xml")).unwrap();
        if !done.status.success() || made != out {
            return Err(format!("{}\n{text}", String::from_utf8_lossy(&done.stdout)));
        }
        Ok(())
    });
}
