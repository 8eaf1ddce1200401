//! `virt-sev chain verify`, and how a chain is shown. In: certificates. Out: a tree with what holds and what does not.
//! Never: a yes while anything in it fails.

use super::trust;
use crate::args::ChainVerifyArgs;
use crate::output::{Answer, Output};
use serde_json::{Value, json};
use std::fmt::Write as _;
use virt_sev::session::ca::CaCert;
use virt_sev::session::cert::Usage;
use virt_sev::session::chain::{Chain, Report};
use virt_sev::session::make::{self, verdict};
use virt_sev::{Result, hex};

pub(crate) fn verify(args: &ChainVerifyArgs, out: Output) -> Result<Answer> {
    let roots = args.trust.trust().roots()?;
    let chain = trust::complete(make::read(&args.files)?, &args.trust, &roots, args.wait.timeout, out)?;
    let report = chain.check(&roots);
    if out.is_json() {
        out.answer_json("chain", as_json(&chain, &report))?;
    } else {
        out.answer(&text(&chain, &report, out.stdout_color()))?;
    }
    report.into_error().map_or(Ok(Answer::Yes), Err)
}

/// One certificate of the tree.
struct Node {
    usage: Usage,
    /// The branch that it hangs on.
    branch: &'static str,
    fingerprint: String,
    note: String,
}

/// The certificates, each below the one that it signs. Where nothing tells which ASK and ARK are meant, they are left out.
fn nodes(chain: &Chain, report: &Report<'_>) -> Vec<Node> {
    const BRANCHES: [&str; 4] = ["", "└─ ", "   ├─ ", "   └─ "];
    let mut nodes: Vec<Node> = chain
        .certs()
        .into_iter()
        .zip(BRANCHES)
        .map(|(cert, branch)| {
            let (major, minor) = cert.api();
            Node {
                usage: cert.usage(),
                branch,
                fingerprint: hex::encode(&cert.fingerprint()),
                note: format!("API {major}.{minor}"),
            }
        })
        .collect();
    let name = report.root().map(|root| {
        (root.name.clone(), if root.built_in { "AMD's, built in" } else { "of --ca, not one of AMD's roots" })
    });
    let (name, whose) = name.unwrap_or_else(|| ("came with the chain".to_owned(), "no known root"));
    let ca: Option<(&CaCert, &CaCert)> = chain.ca().or_else(|| report.root().map(|root| root.ca()));
    if let Some((ask, ark)) = ca {
        for (cert, branch, note) in
            [(ask, "      └─ ", name.clone()), (ark, "         └─ ", format!("{name}: {whose}"))]
        {
            nodes.push(Node {
                usage: cert.usage(),
                branch,
                fingerprint: hex::encode(&cert.fingerprint()),
                note,
            });
        }
    }
    nodes
}

fn text(chain: &Chain, report: &Report<'_>, colour: bool) -> String {
    let paint = |code: &str, text: &str| {
        if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    };
    let mut out = String::new();
    for node in nodes(chain, report) {
        let problems: Vec<&str> = report.problems(node.usage).map(virt_sev::Error::message).collect();
        let (code, word) = if problems.is_empty() { ("1;32", "ok") } else { ("1;31", "FAILED") };
        let head = format!("{}{}", node.branch, node.usage);
        // Writing to a String cannot fail.
        let word = paint(code, &format!("{word:<6}"));
        let _ = writeln!(out, "{head:<15} {word} {}  {}", node.fingerprint, node.note);
        for problem in problems {
            let about = format!("the {} certificate ", node.usage);
            let indent = " ".repeat(node.branch.chars().count());
            let _ = writeln!(out, "{indent}{}", paint("31", problem.strip_prefix(&about).unwrap_or(problem)));
        }
    }
    if let Some(id) = chain.chip_id() {
        let _ = writeln!(out, "chip {id}");
    }
    let _ = writeln!(out, "{}", verdict(report));
    out
}

/// The fields of the JSON answer.
pub(crate) fn as_json(chain: &Chain, report: &Report<'_>) -> Value {
    let certificates: Vec<Value> = nodes(chain, report)
        .into_iter()
        .map(|node| {
            let problems: Vec<String> = report.problems(node.usage).map(|e| e.alone().to_string()).collect();
            let api = chain.certs().into_iter().find(|c| c.usage() == node.usage).map(|c| c.api());
            json!({
                "certificate": node.usage.to_string(),
                "fingerprint": node.fingerprint,
                "api": api.map(|(major, minor)| format!("{major}.{minor}")),
                "problems": problems,
            })
        })
        .collect();
    json!({
        "verified": report.verified(),
        "root": report.root().map(|r| r.name.clone()),
        "built-in": report.root().map(|r| r.built_in),
        "chip-id": chain.chip_id().map(ToString::to_string),
        "certificates": certificates,
    })
}
