//! The key table for people and programs. In: [`KEYS`]. Out: text, JSON, Markdown. Never: prints.

use super::keys::{KEYS, Key};
use crate::report::wrap;
use serde::Serialize;
use std::fmt::Write as _;

#[derive(Serialize)]
struct Row {
    key: &'static str,
    #[serde(rename = "type")]
    kind: String,
    default: Option<&'static str>,
    meaning: &'static str,
}

#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    keys: Vec<Row>,
}

/// Columns, aligned; where they are wider than `width`, a paragraph for each key.
#[must_use]
pub fn keys_text(width: usize) -> String {
    let head = ["KEY".to_owned(), "TYPE".into(), "DEFAULT".into(), "MEANING".into()];
    let rows: Vec<[String; 4]> = std::iter::once(head).chain(KEYS.iter().map(|k| cells(k, "-"))).collect();
    let widest = |column: usize| rows.iter().map(|r| r[column].chars().count()).max().unwrap_or(0);
    if (0..4).map(widest).sum::<usize>() + 6 > width {
        return KEYS.iter().map(|k| paragraph(k, width)).collect();
    }
    let (a, b, c) = (widest(0), widest(1), widest(2));
    rows.iter().fold(String::new(), |mut out, [key, kind, default, meaning]| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{key:a$}  {kind:b$}  {default:c$}  {meaning}");
        out
    })
}

fn paragraph(k: &Key, width: usize) -> String {
    let default = k.default.map_or_else(String::new, |default| format!("; default {default}"));
    format!("{}\n{}", k.name, wrap("", &format!("{} [{}{default}]", k.meaning, k.kind), 4, width))
}

/// `{"schema": "virt-sev/keys/1", "keys": [{"key", "type", "default", "meaning"}]}`. A default of `null`:
/// nothing is written unless the key is set.
///
/// # Errors
/// `Kind::Bug` should serialisation fail.
pub fn keys_json() -> crate::Result<String> {
    let keys = KEYS
        .iter()
        .map(|k| Row { key: k.name, kind: k.kind.to_string(), default: k.default, meaning: k.meaning })
        .collect();
    let mut text = serde_json::to_string_pretty(&Answer { schema: "virt-sev/keys/1", keys })
        .map_err(|e| crate::Error::new(crate::Kind::Bug, "the key table cannot be written").because(e))?;
    text.push('\n');
    Ok(text)
}

/// A Markdown page: docs/keys.md.
#[must_use]
pub fn keys_md() -> String {
    let mut out = String::from(
        "# Keys\n\nMade from the program's own table by `make generate`; `virt-sev keys` prints the same. Where keys come from is in \
         [config-sources.md](config-sources.md).\n\n| key | type | default | meaning |\n|---|---|---|---|\n",
    );
    for k in KEYS {
        let [key, kind, default, meaning] = cells(k, "–");
        // Angle brackets would be taken for HTML, and a bar for the end of the cell.
        let meaning = meaning.replace('<', "\\<").replace('|', "\\|");
        let _ = writeln!(out, "| `{key}` | {kind} | {default} | {meaning} |");
    }
    out
}

fn cells(k: &Key, unset: &str) -> [String; 4] {
    [k.name.into(), k.kind.to_string(), k.default.unwrap_or(unset).into(), k.meaning.into()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_in_every_form() {
        let json: serde_json::Value = serde_json::from_str(&keys_json().unwrap()).unwrap();
        assert_eq!(json["schema"], "virt-sev/keys/1");
        let (text, md) = (keys_text(usize::MAX), keys_md());
        assert_eq!(text.lines().count(), KEYS.len() + 1);
        let narrow = keys_text(80);
        assert!(narrow.lines().all(|l| l.chars().count() <= 80), "{narrow}");
        assert!(
            narrow.contains("security.sev.policy.es\n    SEV-ES: policy bit 2 [bool; default false]\n"),
            "{narrow}"
        );
        assert_eq!(md.lines().count(), KEYS.len() + 6);
        for (n, k) in KEYS.iter().enumerate() {
            assert_eq!(json["keys"][n]["key"], k.name);
            assert_eq!(json["keys"][n]["type"], k.kind.to_string());
            assert!(text.contains(k.name) && md.contains(&format!("| `{}` |", k.name)));
        }
    }
}
