//! The answer of `lint` as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"). In: judged documents.
//! Out: one log with one run. Never: a finding that the other formats do not have.

use super::lint::Report;
use serde_json::{Value, json};
use virt_sev::lint::{Judged, Located};
use virt_sev::{About, Severity, explain};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// What stands for the hypervisor in the names of domains that no file holds.
const HYPERVISOR: &str = "HYPERVISOR";

/// The log.
pub(crate) fn log(report: &Report, hypervisor: Option<&str>) -> Value {
    let rules: Vec<About> = explain::topics().collect();
    let judged = || report.judged.iter();
    let results: Vec<Value> = judged()
        .enumerate()
        .flat_map(|(n, j)| j.findings.iter().map(move |l| (n, j, l)))
        .map(|(n, j, l)| result(&rules, n, j, l))
        .collect();
    let mut run = json!({
        "tool": { "driver": {
            "name": "virt-sev",
            "version": env!("CARGO_PKG_VERSION"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": rules.iter().map(rule).collect::<Vec<_>>(),
        } },
        "columnKind": "unicodeCodePoints",
        "invocations": [{
            "executionSuccessful": report.failures.is_empty(),
            "toolExecutionNotifications": report.failures.iter().map(|e| json!({
                "level": "error",
                "message": { "text": e.alone().to_string() },
            })).collect::<Vec<_>>(),
        }],
        "artifacts": judged().map(|j| json!({
            "location": location(j),
            "roles": ["analysisTarget"],
            "sourceLanguage": "xml",
        })).collect::<Vec<_>>(),
        "results": results,
    });
    if let Some(uri) = hypervisor.and_then(|u| u.split(['?', '#']).next()) {
        run["originalUriBaseIds"] =
            json!({ HYPERVISOR: { "uri": format!("{}/", uri.trim_end_matches('/')) } });
    }
    json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [run] })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
        Severity::Ok => "none",
    }
}

fn rule(about: &About) -> Value {
    let mut rule = json!({
        "id": about.id,
        "shortDescription": { "text": about.title },
        "fullDescription": { "text": about.text },
        "help": { "text": format!(
            "{}\n\nWithout it: {}\n\nSource: {}", about.text, about.without, about.source
        ) },
    });
    // A rule that never edits has no weight of its own: each of its findings says what it weighs.
    if let Some(severity) = about.severity {
        rule["defaultConfiguration"] = json!({ "level": level(severity) });
    }
    rule
}

fn result(rules: &[About], artifact: usize, judged: &Judged, located: &Located) -> Value {
    let finding = &located.finding;
    let text = [finding.title.as_str(), &finding.detail, &finding.fix]
        .into_iter()
        .filter(|t| !t.is_empty())
        .map(|t| t.trim_end_matches('.'))
        .collect::<Vec<_>>()
        .join(". ");
    let mut place = location(judged);
    place["index"] = json!(artifact);
    let mut at = json!({ "physicalLocation": {
        "artifactLocation": place,
        "region": {
            "startLine": located.start.line,
            "startColumn": located.start.column,
            "endLine": located.end.line,
            "endColumn": located.end.column,
        },
    } });
    if !finding.path.is_empty() {
        at["logicalLocations"] = json!([{ "fullyQualifiedName": finding.path, "kind": "element" }]);
    }
    let mut result = json!({
        "ruleId": finding.id,
        "level": level(finding.severity),
        "message": { "text": format!("{text}.") },
        "locations": [at],
    });
    if let Some(n) = rules.iter().position(|r| r.id == finding.id) {
        result["ruleIndex"] = json!(n);
    }
    result
}

/// A file by its name; a domain by its own, below its hypervisor.
fn location(judged: &Judged) -> Value {
    if judged.is_file {
        json!({ "uri": encoded(&judged.name) })
    } else {
        json!({ "uri": encoded(&judged.name), "uriBaseId": HYPERVISOR })
    }
}

/// A path as a URI reference (RFC 3986): every other byte than those of paths as `%XX`. A colon would make the first
/// part a scheme.
fn encoded(path: &str) -> String {
    let mut out = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte))
            }
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_uri_reference() {
        assert_eq!(encoded("guests/web 1.xml"), "guests/web%201.xml");
        assert_eq!(encoded("/srv/ä.xml"), "file:///srv/%C3%A4.xml");
        assert_eq!(encoded("a:b"), "a%3Ab");
    }
}
