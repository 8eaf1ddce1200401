//! `virt-sev keys`. In: nothing, or foreign configurations. Out: the key table, or what they mean in our keys.

use crate::args::{Format, KeysArgs};
use crate::output::{Answer, Output};
use serde_json::{Map, Value, json};
use virt_sev::Result;
use virt_sev::config::{self, Sources, keys_json, keys_md, keys_text};

pub(crate) fn run(args: &KeysArgs, out: Output) -> Result<Answer> {
    if !args.convert.is_empty() {
        return convert(args, out.without_md()?);
    }
    let text = match out.format {
        Format::Text | Format::Sarif | Format::Prometheus => keys_text(out.table_width()),
        Format::Json => keys_json()?,
        Format::Md => keys_md(),
    };
    out.answer(&text)?;
    Ok(Answer::Yes)
}

/// Only what the table knows comes out, so no owner's key can: TEK and TIK are the values of no key.
fn convert(args: &KeysArgs, out: Output) -> Result<Answer> {
    let sources = Sources { files: &args.convert, format: args.config_format.into(), ..Sources::default() };
    let loaded = config::load_with_notes(sources)?;
    let mut keys: Map<String, Value> = Map::new();
    match &loaded.config {
        Some(config) => {
            let all = config::keys_of(config);
            keys.extend(all.entries().map(|e| (e.key.clone(), Value::from(e.value.as_str()))));
        }
        None => drop(keys.insert("security.sev".into(), "false".into())),
    }
    if out.is_json() {
        out.answer_json("convert", json!({ "keys": keys, "notes": loaded.notes }))?;
    } else {
        // A JSON string is a YAML string (YAML 1.2.2, section 1.2).
        let lines = keys.iter().map(|(key, value)| format!("{key}: {value}\n"));
        out.answer(&lines.collect::<String>())?;
    }
    out.notes(&loaded.notes);
    Ok(Answer::Yes)
}
