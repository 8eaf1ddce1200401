//! Golden cases: keys and a document in, what `apply` makes of them out. See `tests/README.md`.
//! `UPDATE_GOLDEN=1` writes the answers anew; every case is then still held to the schema and the fixpoint.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this file is a test")]

#[path = "support/schema.rs"]
mod schema;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use virt_sev::config::{self, SevConfig};
use virt_sev::domain::Domain;
use virt_sev::host::{HostFacts, RootProbe};
use virt_sev::plan::{self, Options, Plan};
use virt_sev::{Error, Severity};

fn cases() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    let mut all: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    all.retain(|p| p.is_dir());
    all.sort();
    assert!(all.len() >= 20, "only {} cases in {folder}", all.len());
    all
}

/// The keys of a case, by the program's own readers.
fn keys(case: &Path) -> Result<SevConfig, Error> {
    let text = std::fs::read_to_string(case.join("config.yaml")).unwrap();
    let config = config::resolve(&config::from_document(&text, "config.yaml")?)?;
    Ok(config.unwrap_or_else(|| panic!("{} does not ask for SEV", case.display())))
}

fn options(case: &Path) -> Options {
    let skip = std::fs::read_to_string(case.join("skip.txt")).unwrap_or_default();
    Options { skip: skip.split_whitespace().map(str::to_owned).collect(), ..Options::default() }
}

/// Nobody's host, or the folder below `tests/roots/` that the case names.
fn host(case: &Path) -> HostFacts {
    let Ok(name) = std::fs::read_to_string(case.join("host.txt")) else { return HostFacts::not_asked() };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/roots").join(name.trim());
    assert!(root.is_dir(), "{} is not there", root.display());
    HostFacts::gather(&RootProbe::new(root), &[])
}

fn run(config: &SevConfig, xml: &str, case: &Path) -> Result<(Domain, Plan, String), Error> {
    let domain = Domain::parse(xml)?;
    let plan = plan::plan(config, &domain, &host(case), &options(case))?;
    let out = plan.apply(&domain)?;
    Ok((domain, plan, out))
}

fn explained(domain: &Domain, plan: &Plan) -> String {
    let mut out = String::new();
    for e in plan.edits() {
        writeln!(out, "edit {}: {}", e.rule(), e.reason()).unwrap();
        e.places(domain).iter().for_each(|p| writeln!(out, "  {p}").unwrap());
    }
    for f in plan.findings() {
        let severity = match f.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
            Severity::Ok => "ok",
        };
        writeln!(out, "{severity} {}: {}\n  {}", f.id, f.title, f.path).unwrap();
    }
    out
}

/// Compares, or writes anew.
fn hold(case: &Path, file: &str, found: Option<&str>, wrong: &mut Vec<String>) {
    let path = case.join(file);
    if std::env::var("UPDATE_GOLDEN").is_ok_and(|v| v == "1") {
        match found {
            Some(text) => std::fs::write(&path, text).unwrap(),
            None => drop(std::fs::remove_file(&path)),
        }
    }
    let wanted = std::fs::read_to_string(&path).ok();
    if wanted.as_deref() != found {
        wrong.push(format!(
            "{}:\n--- wanted\n{}\n--- found\n{}",
            path.display(),
            show(&wanted),
            show(&found)
        ));
    }
}

fn show(text: &Option<impl AsRef<str>>) -> String {
    text.as_ref().map_or("(no such file)".to_owned(), |t| t.as_ref().to_owned())
}

#[test]
fn every_case_gives_its_answer() {
    let mut wrong = Vec::new();
    let mut written = Vec::new();
    for case in cases() {
        let xml = std::fs::read_to_string(case.join("in.xml")).unwrap();
        let answer = keys(&case).and_then(|config| Ok((run(&config, &xml, &case)?, config)));
        match answer {
            Err(e) => {
                let text = format!("exit {}\n{e}\n", e.kind().code().exit);
                hold(&case, "error.txt", Some(&text), &mut wrong);
                hold(&case, "out.xml", None, &mut wrong);
                hold(&case, "plan.txt", None, &mut wrong);
            }
            Ok(((domain, plan, out), config)) => {
                hold(&case, "out.xml", Some(&out), &mut wrong);
                hold(&case, "plan.txt", Some(&explained(&domain, &plan)), &mut wrong);
                hold(&case, "error.txt", None, &mut wrong);
                let again = run(&config, &out, &case);
                match again {
                    Ok((_, plan, same)) if same == out && plan.edits().is_empty() => {}
                    Ok((domain, plan, _)) => wrong.push(format!(
                        "{}: a second run changes something:\n{}",
                        case.display(),
                        explained(&domain, &plan)
                    )),
                    Err(e) => wrong.push(format!("{}: a second run fails: {e}", case.display())),
                }
                written.push((case.display().to_string(), xml, out));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let inputs: Vec<_> = written.iter().map(|(_, i, _)| i.as_str()).collect();
    let outputs: Vec<_> = written.iter().map(|(_, _, o)| o.as_str()).collect();
    for ((name, ..), why) in written.iter().zip(schema::check(&inputs)) {
        assert!(why.is_none(), "{name}/in.xml is not valid: {}", why.unwrap());
    }
    for ((name, ..), why) in written.iter().zip(schema::check(&outputs)) {
        assert!(why.is_none(), "{name}/out.xml is not valid: {}", why.unwrap());
    }
}
