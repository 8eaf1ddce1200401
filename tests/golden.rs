//! Golden cases: keys and a document in, what `apply` makes of them out. See `tests/README.md`.
//! `UPDATE_GOLDEN=1` writes the answers anew; every case is then still held to the schema and the fixpoint.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this file is a test")]

#[path = "support/cases.rs"]
mod cases;
#[path = "golden/coverage.rs"]
mod coverage;
#[path = "support/schema.rs"]
mod schema;

use cases::{cases, host, keys, options};
use std::fmt::Write as _;
use std::path::Path;
use virt_sev::config::SevConfig;
use virt_sev::domain::Domain;
use virt_sev::plan::{self, Plan};
use virt_sev::{Error, Severity};

fn run<'x>(config: &SevConfig, xml: &'x str, case: &Path) -> Result<(Domain<'x>, Plan, String), Error> {
    let domain = Domain::parse(xml)?;
    let plan = plan::plan(config, &domain, &host(case), &options(case))?;
    let out = plan.apply(&domain)?;
    Ok((domain, plan, out))
}

fn explained(domain: &Domain<'_>, plan: &Plan) -> String {
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
        let xml = cases::read(&case, "in.xml").unwrap();
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
